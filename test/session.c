/* SPDX-License-Identifier: MIT
 *
 * session MODULE.wasm: a process of its own. Each line of standard input is a step {"msg": {...}, "env": {...}}; each line
 * of output is what became of it: {"failed", "text", "gas", "memory", "us"}, `text` being what the module returned or the
 * error. Steps that end with an error are rolled back, as the CU does. Instead of "msg", "hex" has the bytes of a message that is not
 * JSON. The line `reset` begins a new process.
 */
#include "base/json.h"
#include "base/text.h"
#include "engine/wasm/artefact.h"
#include "reader/wasm/guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MEMORY_MAX = 512 << 20 };

struct session {
	struct arena a;
	struct wasm_module module;
	struct wasm_code code;
	struct guest *guest;
	uint64_t size;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "session: %s: %s\n", what, why);
	exit(1);
}

static struct bytes read_file(struct arena *a, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		die(path, "cannot be read");
	uint8_t *p = arena_alloc(a, (size_t)st.st_size + 1);
	size_t n = 0;
	for (ssize_t k; n < (size_t)st.st_size; n += (size_t)k)
		if ((k = read(fd, p + n, (size_t)st.st_size - n)) <= 0)
			die(path, "cannot be read");
	close(fd);
	return bytes_of(p, n);
}

static void reopen(struct session *s)
{
	struct bytes format = s->module.memory.is64 ? BYTES("wasm64-unknown-emscripten-draft_2024_02_15")
						    : BYTES("wasm32-unknown-emscripten4");
	struct note note = {0};

	guest_close(s->guest);
	if (guest_open(&s->guest,
		       &(struct guest_options){.abi = abi_find(format),
					       .module = &s->module,
					       .code = &s->code,
					       .memory_max = MEMORY_MAX,
					       .image = -1},
		       &note))
		die("the module", note.text);
	s->size = guest_commit(s->guest, NULL);
}

/* Whether the process keeps what the step did. */
static bool keeps(struct arena *a, const struct turn *t)
{
	const struct json *r = NULL;
	if (t->failed || json_parse(&r, a, buf_bytes(&t->text), NULL) || !json_truthy(json_get(r, "ok")))
		return false;
	return !json_truthy(json_get(json_get(r, "response"), "Error"));
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void step(struct session *s, struct bytes line)
{
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	const struct json *j;
	struct turn t;
	struct buf hex = BUF_EMPTY, out = BUF_EMPTY;
	if (json_parse(&j, &a, line, &note))
		die("input", note.text);
	struct bytes msg = json_whole(json_get(j, "msg"));
	const struct json *raw = json_get(j, "hex");
	if (raw) {
		struct bytes text = json_text(&a, raw);
		for (size_t i = 0; i + 1 < text.len; i += 2) {
			char two[3] = {(char)text.ptr[i], (char)text.ptr[i + 1], 0};
			uint8_t byte = (uint8_t)strtoul(two, NULL, 16);
			buf_put(&hex, &byte, 1);
		}
		msg = buf_bytes(&hex);
	}
	uint64_t start = now_us();
	guest_turn(s->guest, msg, json_whole(json_get(j, "env")), 9000000000000, &t);
	if (keeps(&a, &t))
		s->size = guest_commit(s->guest, NULL);
	else
		guest_rollback(s->guest, s->size);
	uint64_t took = now_us() - start;
	struct jw w = jw_on(&out);
	jw_object(&w);
	jw_key(&w, "failed");
	jw_bool(&w, t.failed);
	jw_member(&w, "text", buf_bytes(&t.text));
	jw_member_u64(&w, "gas", t.gas_used);
	jw_member_u64(&w, "memory", s->size);
	jw_member_u64(&w, "us", took);
	jw_object_end(&w);
	printf("%.*s\n", BYTES_FMT(buf_bytes(&out)));
	fflush(stdout);
	buf_release(&out);
	buf_release(&hex);
	buf_release(&t.text);
	arena_release(&a);
}

static void run(void *ctx)
{
	struct session *s = ctx;
	char *line = NULL;
	size_t room = 0;
	reopen(s);
	for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
		struct bytes text = bytes_of((uint8_t *)line, (size_t)n - (line[n - 1] == '\n'));
		if (bytes_eq_str(text, "reset"))
			reopen(s);
		else
			step(s, text);
	}
	free(line);
	guest_close(s->guest);
}

int main(int argc, char **argv)
{
	struct session s = {0};
	struct note note = {0};
	struct buf artefact = BUF_EMPTY;
	if (argc != 2) {
		fprintf(stderr, "usage: session MODULE.wasm\n");
		return 2;
	}
	struct bytes wasm = read_file(&s.a, argv[1]);
	if (wasm_compile(&artefact, wasm, WASM_GAS_OWN, WASM_TIER_1, &note) ||
	    wasm_decode(&s.module, &s.a, wasm, &note) || wasm_validate(&s.module, &note) ||
	    wasm_code_load(&s.code, buf_bytes(&artefact), &s.module, &note))
		die(argv[1], note.text);
	wasm_run_deep(run, &s);
	wasm_code_release(&s.code);
	buf_release(&artefact);
	arena_release(&s.a);
	return 0;
}
