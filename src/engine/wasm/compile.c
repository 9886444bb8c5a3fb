/* SPDX-License-Identifier: MIT */
#include "base/hash.h"
#include "engine/wasm/artefact.h"
#include "engine/wasm/blob.h"
#include <stdlib.h>

/* Bytes of bodies in one batch: enough that LLVM's fixed costs vanish, few enough that its memory stays small. */
enum { BATCH_BYTES = 64 << 10 };

struct writer {
	struct buf *out;
	size_t start;
	enum wasm_tier tier;
};

static enum err object(void *ctx, struct bytes elf, struct note *note)
{
	struct writer *w = ctx;
	struct buf blob = BUF_EMPTY;
	enum err e = blob_make(&blob, w->tier, elf, note);

	if (e == OK)
		artefact_put(w->out, bytes_of(w->out->ptr + w->start, ARTEFACT_HEADER), buf_bytes(&blob));
	buf_release(&blob);
	return e;
}

static enum err translate_all(struct writer *w, const struct wasm_module *m, struct wasm_translator *t,
			      struct note *note)
{
	uint32_t *batch = malloc((m->function_count + 1) * sizeof(*batch));
	uint32_t at = m->imported_functions;
	enum wasm_tier tier = w->tier;
	enum err e;

	must(batch != NULL);
	w->tier = WASM_TIER_1;
	e = wasm_translate_thunks(t, object, w, note);
	w->tier = tier;
	while (e == OK && at < m->function_count) {
		size_t count = 0;
		for (size_t bytes = 0; at < m->function_count && bytes < BATCH_BYTES; at++) {
			bytes += m->functions[at].body.len;
			batch[count++] = at;
		}
		e = wasm_translate(t, tier, batch, count, object, w, note);
	}
	free(batch);
	return e;
}

enum err wasm_compile(struct buf *out, struct bytes wasm, enum wasm_gas gas, enum wasm_tier tier, struct note *note)
{
	struct writer w = {.out = out, .start = out->len, .tier = tier};
	struct wasm_translator *t = NULL;
	struct arena a = ARENA_EMPTY;
	struct wasm_module m;
	uint8_t hash[32];
	enum err e = wasm_decode(&m, &a, wasm, note);

	if (e == OK)
		e = wasm_validate(&m, note);
	if (e == OK)
		e = wasm_translator_open(&t, &m, gas, note);
	if (e == OK) {
		sha256(hash, wasm);
		artefact_begin(out, hash, gas, m.function_count, m.type_count);
		e = translate_all(&w, &m, t, note);
	}
	wasm_translator_close(t);
	arena_release(&a);
	return e;
}
