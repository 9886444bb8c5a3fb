/* SPDX-License-Identifier: MIT
 *
 * wasm-spec 0|1 DIR: runs, on that tier, what wast2json made of the WebAssembly specification tests (a .json file with commands, and the
 * modules it names) and ends with `N passed, N failed`. Commands that need what the engine does not offer
 * (imported memories, tables and mutable globals; modules in text form) are counted apart, and named. */
#include "base/json.h"
#include "engine/wasm/artefact.h"
#include "engine/wasm/instance.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum wasm_tier tier;

struct unit {
	struct arena arena;
	struct wasm_module module;
	struct wasm_code code;
	struct wasm_instance *instance;
	struct bytes name, registered;
	struct {
		struct unit *unit;
		uint32_t function;
	} * links;
	struct unit *next;
};

struct run {
	struct arena a;
	const char *directory, *file;
	struct unit *units, *last;
	unsigned long passed, failed, skipped;
	bool apart; /* a module of this file was left out: what follows may miss what it would have done */
};

static struct bytes file_read(struct arena *a, const char *path)
{
	struct bytes none = {NULL, 0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0) {
		fprintf(stderr, "wasm-spec: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	uint8_t *p = arena_alloc(a, (size_t)st.st_size + 1);
	ssize_t n = read(fd, p, (size_t)st.st_size);
	close(fd);
	return n == st.st_size ? bytes_of(p, (size_t)n) : none;
}

/* ---- linking ---- */

static struct unit *unit_called(struct run *r, struct bytes name, bool registered)
{
	for (struct unit *u = r->units; u; u = u->next)
		if (bytes_eq(registered ? u->registered : u->name, name) && name.len)
			return u;
	return NULL;
}

static void host(struct wasm_instance *i, uint32_t import, struct vm_slot *args)
{
	struct unit *u = wasm_ctx(i);
	if (!u->links[import].unit)
		return; /* spectest.print and its like */
	enum vm_trap t = wasm_call(u->links[import].unit->instance, u->links[import].function, args);
	if (t)
		wasm_trap(i, t, NULL);
}

static struct vm_slot spectest_global(struct bytes name)
{
	struct vm_slot s = {{0}};
	float f = 666.6f;
	double d = 666.6;
	if (bytes_eq_str(name, "global_f32"))
		memcpy(s.b, &f, 4);
	else if (bytes_eq_str(name, "global_f64"))
		memcpy(s.b, &d, 8);
	else
		set_u64le(s.b, 666);
	return s;
}

/* link: E_NOT_FOUND when an import has no counterpart, E_UNSUPPORTED when it cannot be had here. */
static enum err link_unit(struct run *r, struct unit *u, struct vm_slot *globals)
{
	struct wasm_module *m = &u->module;
	u->links = arena_alloc(&u->arena, (m->imported_functions + 1) * sizeof *u->links);
	for (uint32_t k = 0; k < m->import_count; k++) {
		struct wasm_import *im = &m->imports[k];
		bool spectest = bytes_eq_str(im->module, "spectest");
		if (im->kind == WASM_EXTERN_MEMORY || im->kind == WASM_EXTERN_TABLE)
			return E_UNSUPPORTED;
		if (im->kind == WASM_EXTERN_GLOBAL) {
			if (m->globals[im->index].is_mutable)
				return E_UNSUPPORTED;
			struct unit *from = unit_called(r, im->module, true);
			if (spectest)
				globals[im->index] = spectest_global(im->name);
			else if (from) {
				const struct wasm_export *x = wasm_export_find(
					&from->module, arena_cstr(&r->a, im->name), WASM_EXTERN_GLOBAL);
				if (!x)
					return E_NOT_FOUND;
				globals[im->index] = wasm_vm(from->instance)->globals[x->index];
			} else
				return E_NOT_FOUND;
			continue;
		}
		if (spectest) {
			if (!bytes_starts(im->name, "print"))
				return E_NOT_FOUND;
			continue;
		}
		struct unit *from = unit_called(r, im->module, true);
		const struct wasm_export *x = from ? wasm_export_find(&from->module, arena_cstr(&r->a, im->name),
								      WASM_EXTERN_FUNCTION)
						   : NULL;
		if (!x)
			return E_NOT_FOUND;
		u->links[im->index].unit = from;
		u->links[im->index].function = x->index;
	}
	return OK;
}

static enum err instantiate(struct run *r, struct bytes wasm, struct unit **out, enum vm_trap *trap, struct note *note)
{
	struct unit *u = calloc(1, sizeof *u);
	*out = u;
	*trap = TRAP_NONE;
	struct buf artefact = BUF_EMPTY;
	enum err e = wasm_decode(&u->module, &u->arena, wasm, note);
	if (!e)
		e = wasm_validate(&u->module, note);
	if (!e)
		e = wasm_compile(&artefact, wasm, WASM_GAS_OWN, tier, note);
	if (!e)
		e = wasm_code_load(&u->code, buf_bytes(&artefact), &u->module, note);
	struct vm_slot *globals = arena_new_array(&u->arena, u->module.imported_globals + 1, struct vm_slot);
	if (!e)
		e = link_unit(r, u, globals);
	if (!e)
		e = wasm_open(&u->instance,
			      &(struct wasm_options){.module = &u->module,
						     .code = &u->code,
						     .host = host,
						     .ctx = u,
						     .memory_max = (uint64_t)4 << 30,
						     .image = -1,
						     .imported_globals = globals},
			      trap, note);
	buf_release(&artefact);
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
	snprintf(copy, sizeof copy, "%.*s", BYTES_FMT(text));
	return strtoull(copy, NULL, 10);
}

static size_t lane_bits(struct bytes type)
{
	return bytes_eq_str(type, "i8") ? 8 : bytes_eq_str(type, "i16") ? 16 : type.len && type.ptr[1] == '6' ? 64 : 32;
}

static struct vm_slot argument(struct run *r, const struct json *v)
{
	struct vm_slot s = {{0}};
	struct bytes type = json_get_text(&r->a, v, "type");
	const struct json *value = json_get(v, "value");
	if (bytes_eq_str(type, "v128")) {
		size_t bits = lane_bits(json_get_text(&r->a, v, "lane_type"));
		size_t at = 0;
		for (const struct json *l = value->first; l; l = l->next, at += bits / 8) {
			uint64_t x = number(json_text(&r->a, l));
			memcpy(s.b + at, &x, bits / 8);
		}
		return s;
	}
	struct bytes text = json_text(&r->a, value);
	bool reference = bytes_eq_str(type, "externref") || bytes_eq_str(type, "funcref");
	uint64_t x = bytes_eq_str(text, "null") ? 0 : number(text) + (reference ? 1 : 0);
	set_u64le(s.b, x);
	return s;
}

static bool same_number(struct bytes text, size_t bits, bool is_float, uint64_t got)
{
	if (is_float && bytes_starts(text, "nan:")) {
		bool canonical = bytes_eq_str(text, "nan:canonical");
		return bits == 32 ? nan32((uint32_t)got, canonical) : nan64(got, canonical);
	}
	uint64_t mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
	return (number(text) & mask) == (got & mask);
}

static bool expected(struct run *r, const struct json *v, struct vm_slot got)
{
	struct bytes type = json_get_text(&r->a, v, "type");
	const struct json *value = json_get(v, "value");
	if (bytes_eq_str(type, "v128")) {
		struct bytes lane = json_get_text(&r->a, v, "lane_type");
		size_t bits = lane_bits(lane), at = 0;
		for (const struct json *l = value->first; l; l = l->next, at += bits / 8) {
			uint64_t x = 0;
			memcpy(&x, got.b + at, bits / 8);
			if (!same_number(json_text(&r->a, l), bits, lane.ptr[0] == 'f', x))
				return false;
		}
		return true;
	}
	struct bytes text = json_text(&r->a, value);
	uint64_t x = get_u64le(got.b);
	if (bytes_eq_str(type, "externref") || bytes_eq_str(type, "funcref"))
		return bytes_eq_str(text, "null")       ? x == 0
		       : value == NULL || text.len == 0 ? x != 0
							: x == number(text) + 1;
	return same_number(text, type.ptr[1] == '6' ? 64 : 32, type.ptr[0] == 'f', x);
}

/* ---- commands ---- */

static void report(struct run *r, const struct json *command, bool good, const char *why)
{
	if (good) {
		r->passed++;
		return;
	}
	if (r->apart) {
		r->skipped++;
		return;
	}
	r->failed++;
	uint64_t line = 0;
	(void)json_u64(json_get(command, "line"), &line);
	printf("%s:%llu: %s: %s\n", r->file, (unsigned long long)line,
	       arena_cstr(&r->a, json_get_text(&r->a, command, "type")), why);
}

static bool perform(struct run *r, const struct json *action, struct vm_slot *slots, uint32_t *results,
		    enum vm_trap *trap)
{
	struct bytes name = json_get_text(&r->a, action, "module");
	struct unit *u = name.len ? unit_called(r, name, false) : r->last;
	if (!u || !u->instance)
		return false;
	struct bytes field = json_get_text(&r->a, action, "field");
	bool get = bytes_eq_str(json_get_text(&r->a, action, "type"), "get");
	enum wasm_extern kind = get ? WASM_EXTERN_GLOBAL : WASM_EXTERN_FUNCTION;
	const struct wasm_export *x = NULL;
	for (uint32_t k = 0; k < u->module.export_count && !x; k++)
		if (u->module.exports[k].kind == kind && bytes_eq(u->module.exports[k].name, field))
			x = &u->module.exports[k];
	if (!x)
		return false;
	*trap = TRAP_NONE;
	if (get) {
		slots[0] = wasm_vm(u->instance)->globals[x->index];
		*results = 1;
		return true;
	}
	uint32_t n = 0;
	const struct json *args = json_get(action, "args");
	for (const struct json *v = args ? args->first : NULL; v; v = v->next)
		slots[n++] = argument(r, v);
	*results = wasm_type_of(&u->module, x->index)->result_count;
	wasm_vm(u->instance)->gas = (int64_t)1 << 40;
	*trap = wasm_call(u->instance, x->index, slots);
	return true;
}

static void action_command(struct run *r, const struct json *c, struct bytes type)
{
	struct vm_slot slots[256];
	uint32_t results = 0;
	enum vm_trap trap;
	if (!perform(r, json_get(c, "action"), slots, &results, &trap)) {
		r->skipped++;
		return;
	}
	if (bytes_eq_str(type, "assert_trap")) {
		report(r, c, trap != TRAP_NONE && trap != TRAP_STACK, "did not trap");
		return;
	}
	if (bytes_eq_str(type, "assert_exhaustion")) {
		report(r, c, trap == TRAP_STACK, wasm_trap_text(trap));
		return;
	}
	if (trap) {
		report(r, c, false, wasm_trap_text(trap));
		return;
	}
	const struct json *want = json_get(c, "expected");
	bool good = bytes_eq_str(type, "action") || (want && want->count == results);
	if (good && bytes_eq_str(type, "assert_return")) {
		uint32_t k = 0;
		for (const struct json *v = want->first; v; v = v->next)
			good = expected(r, v, slots[k++]) && good;
	}
	char why[120];
	snprintf(why, sizeof why, "%s gave 0x%llx%016llx",
		 arena_cstr(&r->a, json_get_text(&r->a, json_get(c, "action"), "field")),
		 (unsigned long long)get_u64le(slots[0].b + 8), (unsigned long long)get_u64le(slots[0].b));
	report(r, c, good, why);
}

static void module_command(struct run *r, const struct json *c, struct bytes type)
{
	if (bytes_eq_str(json_get_text(&r->a, c, "module_type"), "text")) {
		r->skipped++;
		return;
	}
	char path[4096];
	snprintf(path, sizeof path, "%s/%.*s", r->directory, BYTES_FMT(json_get_text(&r->a, c, "filename")));
	struct bytes wasm = file_read(&r->a, path);
	struct note note = {0};
	struct unit *u = NULL;
	enum vm_trap trap = TRAP_NONE;
	if (bytes_eq_str(type, "assert_malformed") || bytes_eq_str(type, "assert_invalid")) {
		struct wasm_module m;
		enum err e = wasm_decode(&m, &r->a, wasm, &note);
		if (!e)
			e = wasm_validate(&m, &note);
		report(r, c, e == E_FORMAT || e == E_LIMIT,
		       arena_cstr(&r->a, arena_printf(&r->a, "%.*s was accepted (%.*s)",
						      BYTES_FMT(json_get_text(&r->a, c, "filename")),
						      BYTES_FMT(json_get_text(&r->a, c, "text")))));
		return;
	}
	enum err e = instantiate(r, wasm, &u, &trap, &note);
	u->next = r->units;
	r->units = u;
	if (bytes_eq_str(type, "module")) {
		r->last = u;
		u->name = json_get_text(&r->a, c, "name");
		if (e == E_UNSUPPORTED || e == E_NOT_FOUND)
			r->skipped++, r->apart = true;
		else
			report(r, c, !e && !trap, e ? note_text(&note, e) : wasm_trap_text(trap));
	} else if (e == E_UNSUPPORTED)
		r->skipped++, r->apart = true;
	else if (bytes_eq_str(type, "assert_unlinkable"))
		r->skipped += e != E_NOT_FOUND, r->passed += e == E_NOT_FOUND;
	else
		report(r, c, !e && trap, "was instantiated");
}

static void run_file(struct run *r, const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", r->directory, name);
	r->file = name;
	r->apart = false;
	const struct json *top;
	struct note note = {0};
	if (json_parse(&top, &r->a, file_read(&r->a, path), &note)) {
		printf("%s: %s\n", path, note.text);
		r->failed++;
		return;
	}
	const struct json *commands = json_get(top, "commands");
	for (const struct json *c = commands ? commands->first : NULL; c; c = c->next) {
		struct bytes type = json_get_text(&r->a, c, "type");
		if (bytes_eq_str(type, "register")) {
			struct bytes which = json_get_text(&r->a, c, "name");
			struct unit *u = which.len ? unit_called(r, which, false) : r->last;
			if (u && u->instance)
				u->registered = json_get_text(&r->a, c, "as");
		} else if (bytes_eq_str(type, "assert_return") || bytes_eq_str(type, "assert_trap") ||
			   bytes_eq_str(type, "assert_exhaustion") || bytes_eq_str(type, "action"))
			action_command(r, c, type);
		else
			module_command(r, c, type);
	}
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
}

int main(int argc, char **argv)
{
	if (argc != 3 || (strcmp(argv[1], "0") != 0 && strcmp(argv[1], "1") != 0)) {
		fprintf(stderr, "usage: wasm-spec TIER DIR   (0 or 1; DIR holds the output of wast2json)\n");
		return 2;
	}
	struct run r = {.directory = argv[2]};
	tier = argv[1][0] == '1' ? WASM_TIER_1 : WASM_TIER_0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	wasm_run_deep(run_all, &r);
	arena_release(&r.a);
	if (r.skipped)
		printf("%lu skipped: text modules, or imports of memories, tables and mutable globals\n", r.skipped);
	printf("%lu passed, %lu failed\n", r.passed, r.failed);
	return r.failed != 0;
}
