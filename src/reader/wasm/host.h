/* SPDX-License-Identifier: MIT
 *
 * host: what a module imports, one row for each function: emscripten.c has those of ao's formats (ao-units 5.16),
 * wasi.c those of WASI. A row has the import's signature with `p` for pointers and sizes, so that one row
 * serves 32 and 64 bits; an import whose types differ from its row, or that has none, may be there but
 * ends the guest when it is called.
 *
 * Every answer is a function of the message, the environment and what was asked before in the same turn or start: no
 * clock, randomness or file of the machine is seen. Files of the weave are another matter (drive.h).
 */
#ifndef WEFT_READER_WASM_HOST_H
#define WEFT_READER_WASM_HOST_H
#include "base/hash.h"
#include "engine/wasm/instance.h"
#include "reader/wasm/abi.h"
#include "reader/wasm/drive.h"

/* Of what a guest writes to standard output and error, this much is kept. */
enum { HOST_OUTPUT_MAX = 1 << 20 };

/* What the host keeps for a guest between calls. */
struct host {
	const struct abi *abi;
	bool wide; /* memory64 */
	/* exports that the host calls; UINT32_MAX when there is none */
	uint32_t stack_get, stack_restore, stack_alloc, set_threw, malloc, free, errno_location;
	const struct host_row **rows; /* by function import; NULL: unknown */
	uint64_t gas_limit;
	bool metered; /* the module counts for itself, through metering.usegas */

	/* of the start or the turn at hand */
	uint64_t clock;       /* of formats whose clock counts */
	uint64_t metered_gas; /* what metering.usegas was told */
	uint32_t temp_ret0;
	uint64_t time_ns; /* of formats whose clock is the message's */
	uint64_t time_asked;
	uint8_t seed[SHA256_SIZE];
	uint64_t random_block;
	bool exited; /* by exit(): */
	int32_t exit_code;
	struct buf out, err; /* what was written; only WASI keeps it */
	struct drive_table drive;
};

/* host_bind finds the rows of the module's imports. `a` keeps the list. */
void host_bind(struct host *h, const struct abi *abi, const struct wasm_module *m, struct arena *a);
void host_release(struct host *h);
/* host_begin starts a turn: what the module may ask is derived from these two. Empty ones: the start. */
void host_begin(struct host *h, struct bytes message, struct bytes environment);
/* host_call is the instance's wasm_host; its ctx is a struct host. */
void host_call(struct wasm_instance *i, uint32_t import, struct vm_slot *args);

/* host_find is an export that the host may call: a function of at most HOST_ARGS_MAX parameters and one result, all
 * numbers. What else goes by that name has a type that the host does not expect, and is none: UINT32_MAX. */
enum { HOST_ARGS_MAX = 2 };
uint32_t host_find(const struct abi *abi, const struct wasm_module *m, const char *name);
/* host_export calls an export of the guest (host_find) with one argument and gives its result; traps pass through when called under the
 * guest, and are returned otherwise. */
enum vm_trap host_export(struct wasm_instance *i, uint32_t function, uint64_t argument, uint64_t *result);
/* host_name is an export's name in this format. */
const char *host_name(const struct abi *abi, const char *name);

/* ---- for the tables ---- */

/* One call of an import: its arguments and where its result goes. */
struct call {
	struct wasm_instance *i;
	struct host *h;
	struct vm_slot *args;
};

typedef uint64_t host_function(struct call *c);

struct host_row {
	const char *name;
	const char *narrow, *wide; /* "results:params" of memory32 and memory64; wide NULL: narrow with p as i64 */
	host_function *function;
};

struct host_table {
	const struct host_row *rows;
	size_t count;
};

extern const struct host_table emscripten_table, wasi_table;
/* Stands for invoke_*, which have any signature. */
extern const struct host_row emscripten_invoke;
void emscripten_invoke_call(struct wasm_instance *i, struct host *h, uint32_t import, struct vm_slot *args);
/* emscripten_name is the full name of what format 1 calls by one letter; NULL when it has none. */
const char *emscripten_name(struct bytes letter);

static inline uint32_t call_u32(struct call *c, int k)
{
	return get_u32le(c->args[k].b);
}

static inline uint64_t call_u64(struct call *c, int k)
{
	return get_u64le(c->args[k].b);
}

static inline uint64_t call_pointer(struct call *c, int k)
{
	return c->h->wide ? call_u64(c, k) : call_u32(c, k);
}

/* call_range is guest memory; it traps outside. */
static inline uint8_t *call_range(struct call *c, uint64_t at, uint64_t len)
{
	return wasm_range(c->i, at, len);
}

/* call_put writes a size or pointer. */
static inline void call_put(struct call *c, uint64_t at, uint64_t value)
{
	uint8_t *p = call_range(c, at, c->h->wide ? 8 : 4);

	if (c->h->wide)
		set_u64le(p, value);
	else
		set_u32le(p, (uint32_t)value);
}

/* call_charge pays for work of the host, where the format leaves the counting to us. */
void call_charge(struct call *c, uint64_t units);
/* call_exit ends the guest as exit(code) does. */
_Noreturn void call_exit(struct call *c, int32_t code);

#endif
