/* SPDX-License-Identifier: MIT
 *
 * service: what weft-compile says on its socket (SERVICE_SOCKET); the module is its SERVICE_MODULE. It reads, decodes and
 * validates the module, and answers once: how many functions and types there are, or what is wrong. Then,
 * until the socket ends, one ask, one answer: a blob (blob.h), or an error. It keeps nothing between asks.
 *
 * Both sides are the same build on the same machine, so structs travel as they are; `version` finds out when they are not.
 */
#ifndef WEFT_ENGINE_WASM_SERVICE_H
#define WEFT_ENGINE_WASM_SERVICE_H
#include <stdint.h>

enum { SERVICE_MODULE = 0, SERVICE_SOCKET = 3 };

struct service_ask {
	uint32_t tier;
	uint32_t count; /* of functions, whose indexes follow, 32 bits each; 0 asks for the thunks */
};

struct service_answer {
	int32_t err;      /* enum err; the text is its note */
	uint32_t version; /* VM_VERSION: what its code expects */
	uint32_t function_count, imported_functions, type_count;
	uint64_t len; /* of the blob or text that follows */
};

#endif
