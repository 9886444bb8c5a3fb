/* SPDX-License-Identifier: MIT
 *
 * module: the module that a network of its own begins with: aos, as the build made it.
 *
 *   Data-Protocol: ao, Variant: ao.TN.1, Type: Module, Module-Format: wasm32-unknown-emscripten4, Name: aos, ...
 *
 * It is an item of the node's key (own_item.h), so that `weft spawn` and the console find it by owner and name. Its
 * Memory-Limit is what is usual on the public network; its Compute-Limit (compute-limit) is much less than there, where a loop
 * without end keeps its process and whoever waits for it busy for ten minutes. Neither is more than this node allows: it would
 * refuse to run its processes.
 */
#ifndef WEFT_NODE_MODULE_H
#define WEFT_NODE_MODULE_H

#include "flow/flow.h"
#include "msg/key.h"

/* The most memory that the node allows a process, and what a message may compute. */
struct module_limits {
	uint64_t memory_max, gas;
};

/* module_publish blocks; `wasm` is the module, *id its item (also when it was there), *published tells whether it was put. */
must_use enum err module_publish(const struct weave *weave, const struct key *key, struct bytes wasm,
				 const struct module_limits *limits, struct id *id, bool *published, struct note *note);

#endif
