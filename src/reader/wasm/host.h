/* SPDX-License-Identifier: MIT
 *
 * host: the imports that modules of the emscripten formats name, one row each (ao-units 5.16). A row
 * has the import's signature with `p` for pointers and sizes, so that one row serves 32 and 64 bits; an import
 * whose types differ from its row, or that has none, may be there but ends the guest when it is called.
 */
#ifndef WEFT_READER_WASM_HOST_H
#define WEFT_READER_WASM_HOST_H
#include "engine/wasm/instance.h"

/* What the host keeps for a guest between calls. */
struct host {
	bool wide; /* memory64 */
	uint64_t clock;
	uint64_t gas_limit;
	uint32_t temp_ret0;
	/* exports that the host calls; UINT32_MAX when there is none */
	uint32_t stack_get, stack_restore, stack_alloc, set_threw;
	const struct host_row **rows; /* by function import; NULL: unknown */
};

/* host_bind finds the rows of the module's imports. `a` keeps the list. */
void host_bind(struct host *h, const struct wasm_module *m, struct arena *a);
/* host_call is the instance's wasm_host; its ctx is a struct host. */
void host_call(struct wasm_instance *i, uint32_t import, struct vm_slot *args);

/* host_export calls an export of the guest with one argument and gives its result; traps pass through when called under the
 * guest, and are returned otherwise. */
enum vm_trap host_export(struct wasm_instance *i, uint32_t function, uint64_t argument, uint64_t *result);

#endif
