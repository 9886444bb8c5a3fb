/* SPDX-License-Identifier: MIT */
#include "base/hash.h"
#include "engine/wasm/artefact.h"
#include "engine/wasm/vm.h"

struct writer {
	struct buf *out;
	size_t start;
	uint64_t count;
};

static void put_u64(struct buf *out, uint64_t v)
{
	set_u64le(buf_grow(out, 8), v);
}

static void object(void *ctx, struct bytes elf)
{
	struct writer *w = ctx;
	put_u64(w->out, elf.len);
	buf_put_bytes(w->out, elf);
	while ((w->out->len - w->start) % 16 != 8)
		buf_put_u8(w->out, 0);
	w->count++;
}

enum err wasm_compile(struct buf *out, struct bytes wasm, enum wasm_gas gas, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct wasm_module m;
	enum err e = wasm_decode(&m, &a, wasm, note);
	if (!e)
		e = wasm_validate(&m, note);
	if (!e) {
		struct writer w = {.out = out, .start = out->len};
		buf_put_str(out, "WEFTCODE");
		uint8_t *head = buf_grow(out, 40);
		set_u32le(head, VM_VERSION);
		set_u32le(head + 4, (uint32_t)gas);
		sha256(head + 8, wasm);
		put_u64(out, 0);
		e = wasm_translate(&m, gas, object, &w, note);
		set_u64le(out->ptr + w.start + 48, w.count);
		uint8_t sum[32];
		sha256(sum, bytes_of(out->ptr + w.start, out->len - w.start));
		buf_put(out, sum, sizeof sum);
	}
	arena_release(&a);
	return e;
}
