/* SPDX-License-Identifier: MIT */
#include "reader/wasm/host.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CLOCK_START = 10000, ERRNO_NOENT = 44, ERRNO_NOSYS = 52, ERRNO_BADF = 8, ERRNO_SPIPE = 70, ERRNO_NOTTY = 59 };

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

static uint32_t u32(struct call *c, int k)
{
	return get_u32le(c->args[k].b);
}

static uint64_t pointer(struct call *c, int k)
{
	return c->h->wide ? get_u64le(c->args[k].b) : get_u32le(c->args[k].b);
}

static uint8_t *range(struct call *c, uint64_t at, uint64_t len)
{
	return wasm_range(c->i, at, len);
}

static uint64_t minus(int number)
{
	return (uint64_t) - (int64_t)number;
}

enum vm_trap host_export(struct wasm_instance *i, uint32_t function, uint64_t argument, uint64_t *result)
{
	struct vm_slot slots[4] = {{{0}}};
	set_u64le(slots[0].b, argument);
	enum vm_trap t = wasm_call(i, function, slots);
	if (result)
		*result = ((struct host *)wasm_ctx(i))->wide ? get_u64le(slots[0].b) : get_u32le(slots[0].b);
	return t;
}

/* ---- ending and unwinding ---- */

static uint64_t exit_now(struct call *c)
{
	char text[120];
	int32_t code = (int32_t)u32(c, 0);
	snprintf(text, sizeof text,
		 "{\"name\":\"ExitStatus\",\"message\":\"Program terminated with exit(%d)\",\"status\":%d}", code,
		 code);
	wasm_trap(c->i, TRAP_HOST, text);
}

static uint64_t abort_now(struct call *c)
{
	wasm_trap(c->i, TRAP_HOST, "RuntimeError: Aborted(). Build with -sASSERTIONS for more info.");
}

static uint64_t assert_fail(struct call *c)
{
	wasm_trap(c->i, TRAP_HOST, "RuntimeError: Aborted(Assertion failed)");
}

static uint64_t cxa_throw(struct call *c)
{
	wasm_trap(c->i, TRAP_HOST, "RuntimeError: a C++ exception was thrown and nothing catches it");
}

static uint64_t throw_longjmp(struct call *c)
{
	wasm_throw(c->i);
}

/* invoke_xyz(index, ...): element `index` of the table, which must have the import's type without the index. */
static void invoke(struct wasm_instance *i, struct host *h, uint32_t import, struct vm_slot *args)
{
	const struct wasm_module *m = wasm_module(i);
	const struct wasm_func_type *own = wasm_type_of(m, import);
	uint64_t index = h->wide ? get_u64le(args[0].b) : get_u32le(args[0].b);
	struct vm_table *t = wasm_vm(i)->tables;
	if (m->table_count == 0 || index >= t->size)
		wasm_trap(i, TRAP_TABLE, NULL);
	const struct vm_ref *ref = (const struct vm_ref *)(uintptr_t)t->items[index];
	if (!ref)
		wasm_trap(i, TRAP_NULL_FUNCTION, NULL);
	const struct wasm_func_type *its = &m->types[ref->type];
	if (own->param_count != its->param_count + 1 || own->result_count != its->result_count ||
	    (its->param_count && memcmp(own->params + 1, its->params, its->param_count) != 0) ||
	    (its->result_count && memcmp(own->results, its->results, its->result_count) != 0))
		wasm_trap(i, TRAP_SIGNATURE, NULL);
	if (h->stack_get == UINT32_MAX || h->stack_restore == UINT32_MAX || h->set_threw == UINT32_MAX)
		wasm_trap(i, TRAP_HOST, "RuntimeError: the module exports no stack functions for invoke");
	uint64_t stack;
	enum vm_trap trap = host_export(i, h->stack_get, 0, &stack);
	if (trap)
		wasm_trap(i, trap, NULL);
	struct vm_slot slots[16] = {{{0}}};
	if (its->param_count > 16 || its->result_count > 1)
		wasm_trap(i, TRAP_HOST, "RuntimeError: invoke with too many arguments");
	memcpy(slots, args + 1, its->param_count * sizeof *slots);
	if (wasm_invoke(i, index, slots)) {
		struct vm_slot threw[2] = {{{1}}, {{0}}};
		trap = host_export(i, h->stack_restore, stack, NULL);
		if (!trap)
			trap = wasm_call(i, h->set_threw, threw);
		if (trap)
			wasm_trap(i, trap, NULL);
		slots[0] = (struct vm_slot){{0}};
	}
	if (own->result_count)
		args[0] = slots[0];
}

/* ---- memory ---- */

static uint64_t copy(struct call *c)
{
	uint64_t n = pointer(c, 2);
	uint8_t *to = range(c, pointer(c, 0), n), *from = range(c, pointer(c, 1), n);
	memmove(to, from, n);
	return pointer(c, 0);
}

static uint64_t heap_max(struct call *c)
{
	return c->h->wide ? 17179869184 : 4294901760;
}

/* The growth rule of the published glue: more than asked, up to a fifth or 96 MiB, less if that fails. */
static uint64_t resize_heap(struct call *c)
{
	uint64_t requested = pointer(c, 0), old = wasm_vm(c->i)->memory_size, most = heap_max(c);
	if (requested > most)
		return 0;
	for (int cut = 1; cut <= 4; cut *= 2) {
		double over = (double)old * (1 + 0.2 / cut);
		double bound = (double)requested + 100663296;
		if (over > bound)
			over = bound;
		if (over < (double)requested)
			over = (double)requested;
		uint64_t size = (uint64_t)over; /* pages are counted up, so the fraction does not matter... */
		if ((double)size < over)
			size++; /* ...unless it is all there is above a page */
		size = (size + 65535) / 65536 * 65536;
		if (size > most)
			size = most;
		if (size <= old || wasm_memory_grow(c->i, old + (size - old + 65535) / 65536 * 65536))
			return 1;
	}
	return 0;
}

/* ---- time ---- */

static uint64_t now(struct call *c)
{
	double v = (double)c->h->clock++;
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	return bits;
}

static uint64_t monotonic(struct call *c)
{
	(void)c;
	return 1;
}

static void put_tm(uint8_t *p, const struct tm *tm)
{
	const int fields[9] = {tm->tm_sec,  tm->tm_min, tm->tm_hour, tm->tm_mday, tm->tm_mon, tm->tm_year, tm->tm_wday,
			       tm->tm_yday, 0};
	for (int k = 0; k < 8; k++)
		set_u32le(p + 4 * k, (uint32_t)fields[k]);
}

static void get_tm(const uint8_t *p, struct tm *tm)
{
	int *fields[6] = {&tm->tm_sec, &tm->tm_min, &tm->tm_hour, &tm->tm_mday, &tm->tm_mon, &tm->tm_year};
	memset(tm, 0, sizeof *tm);
	for (int k = 0; k < 6; k++)
		*fields[k] = (int)get_u32le(p + 4 * k);
	tm->tm_wday = (int)get_u32le(p + 24);
	tm->tm_yday = (int)get_u32le(p + 28);
}

/* The zone is UTC everywhere, so local time is universal time. 32 bits: the seconds come in two halves. */
static uint64_t break_down(struct call *c, bool local)
{
	uint64_t seconds = c->h->wide ? get_u64le(c->args[0].b) : u32(c, 0) | (uint64_t)u32(c, 1) << 32;
	struct tm tm;
	time_t t = (time_t)seconds;
	if (!gmtime_r(&t, &tm))
		memset(&tm, 0, sizeof tm);
	uint8_t *p = range(c, pointer(c, c->h->wide ? 1 : 2), local ? 44 : 32);
	put_tm(p, &tm);
	if (local) {
		set_u32le(p + 32, 0);
		set_u32le(p + 36, 0);
	}
	return 0;
}

static uint64_t gmtime_js(struct call *c)
{
	return break_down(c, false);
}

static uint64_t localtime_js(struct call *c)
{
	return break_down(c, true);
}

static uint64_t mktime_js(struct call *c)
{
	uint8_t *p = range(c, pointer(c, 0), 44);
	struct tm tm;
	get_tm(p, &tm);
	time_t t = timegm(&tm);
	put_tm(p, &tm);
	set_u32le(p + 32, 0);
	c->h->temp_ret0 = (uint32_t)((uint64_t)t >> 32);
	return (uint64_t)t;
}

static uint64_t tzset_js(struct call *c)
{
	memset(range(c, pointer(c, 0), c->h->wide ? 8 : 4), 0, c->h->wide ? 8 : 4);
	set_u32le(range(c, pointer(c, 1), 4), 0);
	for (int k = 2; k < 4; k++)
		memcpy(range(c, pointer(c, k), 4), "UTC", 4);
	return 0;
}

static uint64_t format_time(struct call *c)
{
	uint64_t room = pointer(c, 1);
	char format[256], out[1024];
	uint64_t at = pointer(c, 2);
	size_t n = 0;
	for (; n < sizeof format - 1; n++) {
		format[n] = (char)*range(c, at + n, 1);
		if (!format[n])
			break;
	}
	format[n] = '\0';
	struct tm tm;
	get_tm(range(c, pointer(c, 3), 44), &tm);
	tm.tm_zone = "UTC";
	size_t len = n ? strftime(out, sizeof out, format, &tm) : 0;
	if (len + 1 > room)
		return 0;
	memcpy(range(c, pointer(c, 0), len + 1), out, len);
	*range(c, pointer(c, 0) + len, 1) = 0;
	return len;
}

/* ---- files: there are none; output disappears ---- */

static uint64_t fd_write(struct call *c)
{
	uint64_t vectors = pointer(c, 1), count = pointer(c, 2), total = 0, width = c->h->wide ? 8 : 4;
	for (uint64_t k = 0; k < count; k++) {
		const uint8_t *v = range(c, vectors + 2 * width * k, 2 * width);
		total += c->h->wide ? get_u64le(v + 8) : get_u32le(v + 4);
	}
	uint8_t *out = range(c, pointer(c, 3), width);
	if (c->h->wide)
		set_u64le(out, total);
	else
		set_u32le(out, (uint32_t)total);
	return 0;
}

static uint64_t fd_read(struct call *c)
{
	uint64_t width = c->h->wide ? 8 : 4;
	memset(range(c, pointer(c, 3), width), 0, width);
	return 0;
}

static uint64_t zero(struct call *c)
{
	(void)c;
	return 0;
}

static uint64_t no_seek(struct call *c)
{
	(void)c;
	return ERRNO_SPIPE;
}

static uint64_t no_entry(struct call *c)
{
	(void)c;
	return minus(ERRNO_NOENT);
}

static uint64_t bad_fd(struct call *c)
{
	(void)c;
	return minus(ERRNO_BADF);
}

/* TIOCGWINSZ on the terminal that fds 0 to 2 are: 24 rows, 80 columns. */
static uint64_t ioctl_js(struct call *c)
{
	if (u32(c, 0) > 2)
		return minus(ERRNO_NOTTY);
	if (u32(c, 1) == 21523) {
		uint64_t list = pointer(c, 2);
		uint8_t *cell = range(c, list, c->h->wide ? 8 : 4);
		uint64_t at = c->h->wide ? get_u64le(cell) : get_u32le(cell);
		uint8_t *p = range(c, at, 4);
		set_u16le(p, 24);
		set_u16le(p + 2, 80);
	}
	return 0;
}

static uint64_t system_js(struct call *c)
{
	return pointer(c, 0) ? minus(ERRNO_NOSYS) : 0;
}

static uint64_t environ_sizes(struct call *c)
{
	uint64_t width = c->h->wide ? 8 : 4;
	memset(range(c, pointer(c, 0), width), 0, width);
	memset(range(c, pointer(c, 1), width), 0, width);
	return 0;
}

static uint64_t gas_used(struct call *c)
{
	return c->h->gas_limit - (uint64_t)wasm_vm(c->i)->gas;
}

static uint64_t get_temp(struct call *c)
{
	return c->h->temp_ret0;
}

static uint64_t set_temp(struct call *c)
{
	c->h->temp_ret0 = u32(c, 0);
	return 0;
}

static const struct host_row rows[] = {
	{"abort", ":", NULL, abort_now},
	{"_abort_js", ":", NULL, abort_now},
	{"exit", ":i", NULL, exit_now},
	{"__assert_fail", ":ppip", NULL, assert_fail},
	{"__cxa_throw", ":ppp", NULL, cxa_throw},
	{"_emscripten_throw_longjmp", ":", NULL, throw_longjmp},
	{"getTempRet0", "i:", NULL, get_temp},
	{"setTempRet0", ":i", NULL, set_temp},
	{"emscripten_memcpy_big", ":ppp", NULL, copy},
	{"_emscripten_memcpy_js", ":ppp", NULL, copy},
	{"emscripten_resize_heap", "i:p", NULL, resize_heap},
	{"emscripten_get_heap_max", "p:", NULL, heap_max},
	{"emscripten_date_now", "d:", NULL, now},
	{"_emscripten_date_now", "d:", NULL, now},
	{"emscripten_get_now", "d:", NULL, now},
	{"_emscripten_get_now_is_monotonic", "i:", NULL, monotonic},
	{"_gmtime_js", ":iip", ":lp", gmtime_js},
	{"_localtime_js", ":iip", ":lp", localtime_js},
	{"_mktime_js", "i:p", "l:p", mktime_js},
	{"_tzset_js", ":pppp", NULL, tzset_js},
	{"strftime", "p:pppp", NULL, format_time},
	{"strftime_l", "p:ppppp", NULL, format_time},
	{"fd_write", "i:ippp", NULL, fd_write},
	{"fd_read", "i:ippp", NULL, fd_read},
	{"fd_close", "i:i", NULL, zero},
	{"fd_sync", "i:i", NULL, zero},
	{"fd_fdstat_get", "i:ip", NULL, zero},
	{"fd_seek", "i:iiiip", "i:ilip", no_seek},
	{"environ_sizes_get", "i:pp", NULL, environ_sizes},
	{"environ_get", "i:pp", NULL, zero},
	{"_emscripten_system", "i:p", NULL, system_js},
	{"system", "i:p", NULL, system_js},
	{"metering_gasUsed", "i:", NULL, gas_used},
	{"__syscall_fcntl64", "i:iip", NULL, zero},
	{"__syscall_ioctl", "i:iip", NULL, ioctl_js},
	{"__syscall_dup3", "i:iii", NULL, bad_fd},
	{"__syscall_openat", "i:ipip", NULL, no_entry},
	{"__syscall_unlinkat", "i:ipi", NULL, no_entry},
	{"__syscall_rmdir", "i:p", NULL, no_entry},
	{"__syscall_renameat", "i:ipip", NULL, no_entry},
	{"__syscall_readlinkat", "i:ippp", NULL, no_entry},
	{"__syscall_lstat64", "i:pp", NULL, no_entry},
	{"__syscall_stat64", "i:pp", NULL, no_entry},
	{"__syscall_newfstatat", "i:ippi", NULL, no_entry},
	{"__syscall_fstat64", "i:ip", NULL, bad_fd},
	{"__syscall_faccessat", "i:ipii", NULL, no_entry},
	{"__syscall_chmod", "i:pi", NULL, no_entry},
	{"__syscall_fchmod", "i:ii", NULL, bad_fd},
	{"__syscall_fchown32", "i:iii", NULL, bad_fd},
	{"__syscall_getcwd", "i:pp", NULL, no_entry},
	{"__syscall_mkdirat", "i:ipi", NULL, no_entry},
	{"__syscall_utimensat", "i:ippi", NULL, no_entry},
	{"__asyncjs__weavedrive_open", "i:pp", NULL, zero},
	{"__asyncjs__weavedrive_read", "i:ipp", NULL, zero},
	{"__asyncjs__weavedrive_close", "i:i", NULL, zero},
};

/* invoke_* have any signature, so they are told apart by this mark. */
static const struct host_row invoke_row = {"invoke_", NULL, NULL, NULL};

static char letter_of(uint8_t type)
{
	switch (type) {
	case WASM_I32:
		return 'i';
	case WASM_I64:
		return 'l';
	case WASM_F32:
		return 'f';
	case WASM_F64:
		return 'd';
	default:
		return '?';
	}
}

static bool fits(const struct host_row *row, const struct wasm_func_type *type, bool wide)
{
	const char *s = wide && row->wide ? row->wide : row->narrow;
	char pointer_letter = wide ? 'l' : 'i';
	uint32_t k = 0;
	for (; *s != ':'; s++, k++)
		if (k >= type->result_count || letter_of(type->results[k]) != (*s == 'p' ? pointer_letter : *s))
			return false;
	if (k != type->result_count)
		return false;
	for (k = 0, s++; *s; s++, k++)
		if (k >= type->param_count || letter_of(type->params[k]) != (*s == 'p' ? pointer_letter : *s))
			return false;
	return k == type->param_count;
}

static uint32_t export_of(const struct wasm_module *m, const char *name, const char *older)
{
	const struct wasm_export *x = wasm_export_find(m, name, WASM_EXTERN_FUNCTION);
	if (!x)
		x = wasm_export_find(m, older, WASM_EXTERN_FUNCTION);
	return x ? x->index : UINT32_MAX;
}

void host_bind(struct host *h, const struct wasm_module *m, struct arena *a)
{
	*h = (struct host){.wide = m->memory.is64, .clock = CLOCK_START};
	h->stack_get = export_of(m, "emscripten_stack_get_current", "stackSave");
	h->stack_restore = export_of(m, "_emscripten_stack_restore", "stackRestore");
	h->stack_alloc = export_of(m, "_emscripten_stack_alloc", "stackAlloc");
	h->set_threw = export_of(m, "setThrew", "setThrew");
	h->rows = arena_new_array(a, m->imported_functions + 1, const struct host_row *);
	for (uint32_t k = 0; k < m->import_count; k++) {
		const struct wasm_import *im = &m->imports[k];
		if (im->kind != WASM_EXTERN_FUNCTION)
			continue;
		if (bytes_starts(im->name, "invoke_")) {
			const struct wasm_func_type *type = wasm_type_of(m, im->index);
			if (type->param_count >= 1 && letter_of(type->params[0]) == (h->wide ? 'l' : 'i'))
				h->rows[im->index] = &invoke_row;
			continue;
		}
		for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
			if (bytes_eq_str(im->name, rows[r].name) && fits(&rows[r], wasm_type_of(m, im->index), h->wide))
				h->rows[im->index] = &rows[r];
	}
}

void host_call(struct wasm_instance *i, uint32_t import, struct vm_slot *args)
{
	struct host *h = wasm_ctx(i);
	const struct host_row *row = h->rows[import];
	if (row == &invoke_row) {
		invoke(i, h, import, args);
		return;
	}
	if (!row) {
		char text[200];
		const struct wasm_module *m = wasm_module(i);
		uint32_t k = 0;
		while (m->imports[k].kind != WASM_EXTERN_FUNCTION || m->imports[k].index != import)
			k++;
		struct bytes module = m->imports[k].module, name = m->imports[k].name;
		module.len = module.len < 60 ? module.len : 60;
		name.len = name.len < 60 ? name.len : 60;
		snprintf(text, sizeof text, "RuntimeError: the host has no function %.*s.%.*s of that type",
			 BYTES_FMT(module), BYTES_FMT(name));
		wasm_trap(i, TRAP_HOST, text);
	}
	struct call c = {i, h, args};
	set_u64le(args[0].b, row->function(&c));
}
