/* SPDX-License-Identifier: MIT
 *
 * wasm-spec TIER DIR EXCEPTIONS: runs, on that tier, what wast2json made of the WebAssembly specification tests (a .json
 * file with commands, and the modules it names) and ends with `N passed, N failed`. Nothing is skipped but what is written in
 * the text format on purpose, which the engine does not read: assertions that a text is malformed are
 * counted, and named. EXCEPTIONS lists the assertions that may fail (file:line reason); one that
 * passes all the same is a failure. */
#include "base/json.h"
#include "engine/wasm/artefact.h"
#include "engine/wasm/instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum wasm_tier tier;

/* A module that was instantiated. It stays until its file ends: what failed half way may be referred to. */
struct unit {
	struct arena arena;
	struct wasm_module module;
	struct wasm_code code;
	struct wasm_instance *instance;
	struct bytes name, registered;
	struct unit *next;
};

struct run {
	struct arena a; /* of the file */
	const char *directory, *file;
	struct bytes exceptions;
	struct unit *units, *last;
	unsigned long passed, failed, excepted, text;
};

static struct bytes file_read(struct arena *a, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *p;

	if (fd < 0 || fstat(fd, &st) != 0) {
		fprintf(stderr, "wasm-spec: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	p = arena_alloc(a, (size_t)st.st_size + 1);
	must(read(fd, p, (size_t)st.st_size) == st.st_size);
	close(fd);
	return bytes_of(p, (size_t)st.st_size);
}

/* ---- linking ---- */

static struct unit *unit_called(struct run *r, struct bytes name, bool registered)
{
	for (struct unit *u = r->units; u; u = u->next)
		if (bytes_eq(registered ? u->registered : u->name, name) && name.len)
			return u;
	return NULL;
}

/* Two modules may be registered under one name: the newest is found first. */
static enum err link_unit(struct run *r, struct unit *u, struct wasm_link *links)
{
	for (uint32_t k = 0; k < u->module.import_count; k++) {
		const struct wasm_import *im = &u->module.imports[k];
		struct unit *from = unit_called(r, im->module, true);
		const struct wasm_export *x = from ? wasm_export_find(&from->module, arena_cstr(&r->a, im->name),
								      im->kind)
						   : NULL;

		if (!x)
			return E_NOT_FOUND;
		links[k] = (struct wasm_link){from->instance, x->index};
	}
	return OK;
}

static enum err instantiate(struct run *r, struct bytes wasm, struct unit **out, enum vm_trap *trap, struct note *note)
{
	struct unit *u = calloc(1, sizeof(*u));
	struct buf artefact = BUF_EMPTY;
	struct wasm_link *links = NULL;
	enum err e;

	must(u != NULL);
	*out = u;
	*trap = TRAP_NONE;
	e = wasm_decode(&u->module, &u->arena, wasm, note);
	if (!e)
		e = wasm_validate(&u->module, note);
	if (!e) {
		links = arena_new_array(&u->arena, u->module.import_count + 1, struct wasm_link);
		e = link_unit(r, u, links);
	}
	if (!e)
		e = wasm_compile(&artefact, wasm, WASM_GAS_OWN, tier, note);
	if (!e)
		e = wasm_code_load(&u->code, buf_bytes(&artefact), &u->module, note);
	if (!e)
		e = wasm_open(&u->instance,
			      &(struct wasm_options){.module = &u->module,
						     .code = &u->code,
						     .links = links,
						     .memory_max = (uint64_t)4 << 30,
						     .image = -1},
			      trap, note);
	buf_release(&artefact);
	u->next = r->units;
	r->units = u;
	return e;
}

/* ---- values ---- */

static bool nan32(uint32_t v, bool canonical)
{
	return (v & 0x7fc00000) == 0x7fc00000 && (!canonical || (v & 0x3fffff) == 0);
}

static bool nan64(uint64_t v, bool canonical)
{
	return (v & 0x7ff8000000000000) == 0x7ff8000000000000 && (!canonical || (v & 0x7ffffffffffff) == 0);
}

static uint64_t number(struct bytes text)
{
	char copy[32];

	snprintf(copy, sizeof(copy), "%.*s", BYTES_FMT(text));
	return strtoull(copy, NULL, 10);
}

static size_t lane_bits(struct bytes type)
{
	return bytes_eq_str(type, "i8") ? 8 : bytes_eq_str(type, "i16") ? 16 : type.len && type.ptr[1] == '6' ? 64 : 32;
}

static struct vm_slot argument(struct run *r, const struct json *v)
{
	struct vm_slot s = {{0}};
	struct bytes type = json_get_text(&r->a, v, "type"), text;
	const struct json *value = json_get(v, "value");
	bool reference = bytes_eq_str(type, "externref") || bytes_eq_str(type, "funcref");

	if (bytes_eq_str(type, "v128")) {
		size_t bits = lane_bits(json_get_text(&r->a, v, "lane_type"));
		size_t at = 0;

		for (const struct json *l = value->first; l; l = l->next, at += bits / 8) {
			uint64_t x = number(json_text(&r->a, l));

			memcpy(s.b + at, &x, bits / 8);
		}
		return s;
	}
	text = json_text(&r->a, value);
	set_u64le(s.b, bytes_eq_str(text, "null") ? 0 : number(text) + (reference ? 1 : 0));
	return s;
}

static bool same_number(struct bytes text, size_t bits, bool is_float, uint64_t got)
{
	uint64_t mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;

	if (is_float && bytes_starts(text, "nan:")) {
		bool canonical = bytes_eq_str(text, "nan:canonical");

		return bits == 32 ? nan32((uint32_t)got, canonical) : nan64(got, canonical);
	}
	return (number(text) & mask) == (got & mask);
}

static bool expected(struct run *r, const struct json *v, struct vm_slot got)
{
	struct bytes type = json_get_text(&r->a, v, "type"), text;
	const struct json *value = json_get(v, "value");
	uint64_t x = get_u64le(got.b);

	if (bytes_eq_str(type, "v128")) {
		struct bytes lane = json_get_text(&r->a, v, "lane_type");
		size_t bits = lane_bits(lane), at = 0;

		for (const struct json *l = value->first; l; l = l->next, at += bits / 8) {
			uint64_t part = 0;

			memcpy(&part, got.b + at, bits / 8);
			if (!same_number(json_text(&r->a, l), bits, lane.ptr[0] == 'f', part))
				return false;
		}
		return true;
	}
	text = json_text(&r->a, value);
	if (bytes_eq_str(type, "externref") || bytes_eq_str(type, "funcref"))
		return bytes_eq_str(text, "null")       ? x == 0
		       : value == NULL || text.len == 0 ? x != 0
							: x == number(text) + 1;
	return same_number(text, type.ptr[1] == '6' ? 64 : 32, type.ptr[0] == 'f', x);
}

/* ---- commands ---- */

/* Whether an exception is listed for this command; *reason is the line. */
static bool excepted(struct run *r, uint64_t line, struct bytes *reason)
{
	struct bytes rest = r->exceptions, row;
	struct bytes key = arena_printf(&r->a, "%s:%llu ", r->file, (unsigned long long)line);

	while (rest.len) {
		row = bytes_cut(rest, '\n', &rest);
		if (bytes_starts(row, arena_cstr(&r->a, key))) {
			*reason = row;
			return true;
		}
	}
	return false;
}

static void report(struct run *r, const struct json *command, bool good, const char *why)
{
	uint64_t line = 0;
	struct bytes reason;

	(void)json_u64(json_get(command, "line"), &line);
	if (excepted(r, line, &reason)) {
		r->excepted++;
		if (!good) {
			printf("%s:%llu: fails, as listed: %.*s\n", r->file, (unsigned long long)line,
			       BYTES_FMT(reason));
			return;
		}
		good = false;
		why = "passes, but is listed as an exception";
	}
	if (good) {
		r->passed++;
		return;
	}
	r->failed++;
	printf("%s:%llu: %s: %s\n", r->file, (unsigned long long)line,
	       arena_cstr(&r->a, json_get_text(&r->a, command, "type")), why);
}

/* The specification's words for a trap, by how they begin, and ours. */
static bool trap_fits(struct bytes text, enum vm_trap trap)
{
	static const struct {
		const char *text;
		enum vm_trap trap, or ;
	} table[] = {
		{"integer divide by zero", TRAP_DIVIDE_BY_ZERO, TRAP_REMAINDER_BY_ZERO},
		{"integer overflow", TRAP_INTEGER_OVERFLOW, TRAP_INVALID_CONVERSION},
		{"invalid conversion to integer", TRAP_INVALID_CONVERSION, TRAP_INVALID_CONVERSION},
		{"out of bounds memory access", TRAP_MEMORY, TRAP_MEMORY},
		{"out of bounds table access", TRAP_TABLE, TRAP_TABLE},
		{"out of bounds", TRAP_MEMORY, TRAP_TABLE},
		{"undefined element", TRAP_TABLE, TRAP_TABLE},
		{"undefined", TRAP_TABLE, TRAP_TABLE},
		{"uninitialized", TRAP_NULL_FUNCTION, TRAP_NULL_FUNCTION},
		{"indirect call type mismatch", TRAP_SIGNATURE, TRAP_SIGNATURE},
		{"unreachable", TRAP_UNREACHABLE, TRAP_UNREACHABLE},
		{"null exception reference", TRAP_NULL_REFERENCE, TRAP_NULL_REFERENCE},
	};

	for (size_t k = 0; k < sizeof(table) / sizeof(*table); k++)
		if (bytes_starts(text, table[k].text))
			return trap == table[k].trap || trap == table[k].or ;
	return false;
}

/* Why an action could not be done, or NULL when it was. */
static const char *perform(struct run *r, const struct json *action, struct vm_slot *slots, uint32_t *results,
			   enum vm_trap *trap)
{
	struct bytes name = json_get_text(&r->a, action, "module");
	struct unit *u = name.len ? unit_called(r, name, false) : r->last;
	const char *field = arena_cstr(&r->a, json_get_text(&r->a, action, "field"));
	bool get = bytes_eq_str(json_get_text(&r->a, action, "type"), "get");
	const struct wasm_export *x = NULL;
	const struct json *args = json_get(action, "args");
	uint32_t n = 0;

	*trap = TRAP_NONE;
	if (!u || !u->instance)
		return "there is no such instance";
	for (uint32_t k = 0; k < u->module.export_count && !x; k++)
		if (u->module.exports[k].kind == (get ? WASM_EXTERN_GLOBAL : WASM_EXTERN_FUNCTION) &&
		    bytes_eq(u->module.exports[k].name, json_get_text(&r->a, action, "field")))
			x = &u->module.exports[k];
	if (!x)
		return field;
	if (get) {
		slots[0] = wasm_global(u->instance, x->index);
		*results = 1;
		return NULL;
	}
	for (const struct json *v = args ? args->first : NULL; v; v = v->next)
		slots[n++] = argument(r, v);
	*results = wasm_type_of(&u->module, x->index)->result_count;
	wasm_vm(u->instance)->gas = (int64_t)1 << 40;
	*trap = wasm_call(u->instance, x->index, slots);
	return NULL;
}

static void returns(struct run *r, const struct json *c, const struct vm_slot *slots, uint32_t results)
{
	const struct json *want = json_get(c, "expected");
	bool good = want && want->count == results;
	uint32_t k = 0;
	char why[160];

	for (const struct json *v = good ? want->first : NULL; v; v = v->next)
		good = expected(r, v, slots[k++]) && good;
	snprintf(why, sizeof(why), "%s gave 0x%llx%016llx",
		 arena_cstr(&r->a, json_get_text(&r->a, json_get(c, "action"), "field")),
		 (unsigned long long)get_u64le(slots[0].b + 8), (unsigned long long)get_u64le(slots[0].b));
	report(r, c, good, why);
}

static void action_command(struct run *r, const struct json *c, struct bytes type)
{
	struct vm_slot slots[256];
	uint32_t results = 0;
	enum vm_trap trap;
	const char *wrong = perform(r, json_get(c, "action"), slots, &results, &trap);

	if (wrong)
		report(r, c, false, wrong);
	else if (bytes_eq_str(type, "assert_trap"))
		report(r, c, trap_fits(json_get_text(&r->a, c, "text"), trap), wasm_trap_text(trap));
	else if (bytes_eq_str(type, "assert_exhaustion"))
		report(r, c, trap == TRAP_STACK, wasm_trap_text(trap));
	else if (bytes_eq_str(type, "assert_exception"))
		report(r, c, trap == TRAP_EXCEPTION, wasm_trap_text(trap));
	else if (trap)
		report(r, c, false, wasm_trap_text(trap));
	else if (bytes_eq_str(type, "action"))
		report(r, c, true, NULL);
	else
		returns(r, c, slots, results);
}

static struct bytes module_file(struct run *r, const struct json *c)
{
	return file_read(&r->a, arena_cstr(&r->a, arena_printf(&r->a, "%s/%.*s", r->directory,
							       BYTES_FMT(json_get_text(&r->a, c, "filename")))));
}

/* A refusal has to say what and where. */
static void refused_command(struct run *r, const struct json *c)
{
	struct note note = {0};
	struct wasm_module m;
	enum err e = wasm_decode(&m, &r->a, module_file(r, c), &note);
	const char *why;

	if (!e)
		e = wasm_validate(&m, &note);
	why = arena_cstr(&r->a, arena_printf(&r->a, "%.*s: %s (%.*s)", BYTES_FMT(json_get_text(&r->a, c, "filename")),
					     e ? note_text(&note, e) : "was accepted",
					     BYTES_FMT(json_get_text(&r->a, c, "text"))));
	if (getenv("WEFT_SPEC_NOTES"))
		printf("%s\n", why);
	report(r, c,
	       (e == E_FORMAT || e == E_LIMIT) && (strstr(note.text, "at offset ") || strstr(note.text, "\\0asm")),
	       why);
}

static void module_command(struct run *r, const struct json *c, struct bytes type)
{
	struct note note = {0};
	struct unit *u = NULL;
	enum vm_trap trap = TRAP_NONE;
	enum err e = instantiate(r, module_file(r, c), &u, &trap, &note);

	if (bytes_eq_str(type, "module")) {
		r->last = u;
		u->name = json_get_text(&r->a, c, "name");
		report(r, c, !e && !trap, e ? note_text(&note, e) : wasm_trap_text(trap));
	} else if (bytes_eq_str(type, "assert_unlinkable")) {
		report(r, c, e == E_NOT_FOUND || (e == E_FORMAT && strstr(note.text, "import")), "was linked");
	} else if (bytes_eq_str(type, "assert_uninstantiable")) {
		report(r, c, !e && trap_fits(json_get_text(&r->a, c, "text"), trap),
		       e ? note_text(&note, e) : wasm_trap_text(trap));
	} else {
		report(r, c, false, "a kind of command that this program does not know");
	}
}

static void command(struct run *r, const struct json *c)
{
	struct bytes type = json_get_text(&r->a, c, "type");

	if (bytes_eq_str(type, "register")) {
		struct bytes which = json_get_text(&r->a, c, "name");
		struct unit *u = which.len ? unit_called(r, which, false) : r->last;

		if (u)
			u->registered = json_get_text(&r->a, c, "as");
		else
			report(r, c, false, "registers nothing");
	} else if (json_get(c, "action")) {
		action_command(r, c, type);
	} else if (bytes_eq_str(json_get_text(&r->a, c, "module_type"), "text")) {
		r->text++;
	} else if (bytes_eq_str(type, "assert_malformed") || bytes_eq_str(type, "assert_invalid")) {
		refused_command(r, c);
	} else {
		module_command(r, c, type);
	}
}

static void begin_file(struct run *r, const char *name)
{
	struct note note = {0};
	enum vm_trap trap;
	struct unit *spectest;
	char path[4096];

	r->file = name;
	snprintf(path, sizeof(path), "%s/spectest.wasm", r->directory);
	must(instantiate(r, file_read(&r->a, path), &spectest, &trap, &note) == OK);
	spectest->registered = BYTES("spectest");
}

/* Importers came later, and go first. */
static void end_file(struct run *r)
{
	while (r->units) {
		struct unit *u = r->units;

		r->units = u->next;
		wasm_close(u->instance);
		wasm_code_release(&u->code);
		arena_release(&u->arena);
		free(u);
	}
	r->last = NULL;
	arena_reset(&r->a);
}

static void run_file(struct run *r, const char *name)
{
	const struct json *top, *commands;
	struct note note = {0};
	char path[4096];

	begin_file(r, name);
	snprintf(path, sizeof(path), "%s/%s", r->directory, name);
	if (json_parse(&top, &r->a, file_read(&r->a, path), &note)) {
		printf("%s: %s\n", path, note.text);
		r->failed++;
	} else {
		commands = json_get(top, "commands");
		for (const struct json *c = commands ? commands->first : NULL; c; c = c->next)
			command(r, c);
	}
	end_file(r);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_json(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

static void run_all(void *ctx)
{
	struct run *r = ctx;
	struct dirent **list;
	int count = scandir(r->directory, &list, is_json, by_name);

	if (count < 0) {
		fprintf(stderr, "wasm-spec: %s: %s\n", r->directory, strerror(errno));
		exit(2);
	}
	for (int k = 0; k < count; k++) {
		run_file(r, list[k]->d_name);
		free(list[k]);
	}
	free(list);
	printf("%d files\n", count);
}

static unsigned long listed(struct bytes exceptions)
{
	unsigned long n = 0;

	while (exceptions.len) {
		struct bytes row = bytes_cut(exceptions, '\n', &exceptions);

		n += row.len && row.ptr[0] != '#';
	}
	return n;
}

int main(int argc, char **argv)
{
	struct run r = {0};
	struct arena kept = ARENA_EMPTY;

	if (argc != 4 || (strcmp(argv[1], "0") != 0 && strcmp(argv[1], "1") != 0)) {
		fprintf(stderr, "usage: wasm-spec TIER DIR EXCEPTIONS   (0 or 1; DIR holds the output of wast2json)\n");
		return 2;
	}
	tier = argv[1][0] == '1' ? WASM_TIER_1 : WASM_TIER_0;
	r.directory = argv[2];
	r.exceptions = file_read(&kept, argv[3]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	wasm_run_deep(run_all, &r);
	arena_release(&r.a);
	if (r.excepted != listed(r.exceptions)) {
		printf("%s lists assertions that are not there\n", argv[3]);
		r.failed++;
	}
	arena_release(&kept);
	printf("%lu assertions are about the text format, which the engine does not read\n", r.text);
	printf("%lu passed, %lu failed\n", r.passed, r.failed);
	return r.failed != 0;
}
