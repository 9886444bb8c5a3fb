/* SPDX-License-Identifier: MIT
 *
 * compiler: one weft-compile process that has read one module, and what it is asked for. Private to the folder.
 *
 * It may be slow, or never end: a stranger's module is what it works on. So every ask has a limit of processor time (a busy
 * machine must not make a module fail), after which the process is killed and the ask fails; whoever wants to
 * go on starts another.
 */
#ifndef WEFT_READER_WASM_COMPILER_H
#define WEFT_READER_WASM_COMPILER_H

#include "engine/wasm/translate.h"
#include "reader/format.h"

struct compiler;

/* What it says about the module. */
struct compiler_counts {
	uint32_t functions, imported, types;
};

/* compiler_start begins one for the module in this memfd; `patient` ones run at low priority. E_FORMAT, E_LIMIT with the
 * cause when the module is refused, E_IO when the program cannot be started. */
must_use enum err compiler_start(struct compiler **out, const struct readers *r, int module, enum wasm_gas gas,
				 bool patient, struct compiler_counts *counts, struct note *note);
/* compiler_stop may be called with NULL. */
void compiler_stop(struct compiler *c);
/* compiler_kill makes an ask that waits in another thread fail. */
void compiler_kill(struct compiler *c);

/* compiler_ask translates these functions, or (count 0) the thunks, into a blob, which replaces what is in `blob`. E_UNSUPPORTED or
 * E_LIMIT from LLVM with its words; E_TIMEOUT after the limit, E_WORKER when the process died: it is good only for stopping then. */
must_use enum err compiler_ask(struct compiler *c, enum wasm_tier tier, const uint32_t *functions, uint32_t count,
			       uint64_t cpu_ms_max, struct buf *blob, struct note *note);

#endif
