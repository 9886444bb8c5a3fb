/* SPDX-License-Identifier: MIT */
#include "reader/wasm/host.h"

#include <string.h>
#include <time.h>

enum { INVOKE_MAX = 16 };
enum { ERRNO_NOENT = 44, ERRNO_NOSYS = 52, ERRNO_BADF = 8, ERRNO_SPIPE = 70, ERRNO_NOTTY = 59 };

static uint64_t minus(int number)
{
	return (uint64_t) - (int64_t)number;
}

static bool letters(const struct call *c)
{
	return c->h->abi->names == ABI_NAMES_LETTERS;
}

/* Formats 1 and 2 come from an older emscripten. */
static bool older(const struct call *c)
{
	return c->h->abi->string == ABI_STRING_FOURFOLD;
}

/* ---- ending and unwinding ---- */

static uint64_t exit_now(struct call *c)
{
	call_exit(c, (int32_t)call_u32(c, 0));
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

/* The function behind element `index`, of the import's type without its first parameter, the index. */
static const struct wasm_func_type *invoked(struct wasm_instance *i, const struct wasm_func_type *own, uint64_t index)
{
	const struct wasm_module *m = wasm_module(i);
	struct vm_table *t = wasm_vm(i)->tables;
	const struct vm_ref *ref;
	const struct wasm_func_type *its;

	if (m->table_count == 0 || index >= t->size)
		wasm_trap(i, TRAP_TABLE, NULL);
	ref = (const struct vm_ref *)(uintptr_t)t->items[index];
	if (!ref)
		wasm_trap(i, TRAP_NULL_FUNCTION, NULL);
	its = &m->types[ref->type];
	if (own->param_count != its->param_count + 1 || own->result_count != its->result_count ||
	    (its->param_count && memcmp(own->params + 1, its->params, its->param_count) != 0) ||
	    (its->result_count && memcmp(own->results, its->results, its->result_count) != 0))
		wasm_trap(i, TRAP_SIGNATURE, NULL);
	if (its->param_count > INVOKE_MAX || its->result_count > 1)
		wasm_trap(i, TRAP_HOST, "RuntimeError: invoke with too many arguments");
	return its;
}

/* invoke_xyz(index, ...) calls an element of the table, and catches what longjmp throws. */
void emscripten_invoke_call(struct wasm_instance *i, struct host *h, uint32_t import, struct vm_slot *args)
{
	const struct wasm_func_type *own = wasm_type_of(wasm_module(i), import), *its;
	uint64_t index = h->wide ? get_u64le(args[0].b) : get_u32le(args[0].b);
	struct vm_slot slots[INVOKE_MAX] = {{{0}}}, threw[HOST_ARGS_MAX] = {{{1}}}, stack[HOST_ARGS_MAX] = {{{0}}};

	its = invoked(i, own, index);
	if (h->stack_get == UINT32_MAX || h->stack_restore == UINT32_MAX || h->set_threw == UINT32_MAX)
		wasm_trap(i, TRAP_HOST, "RuntimeError: the module exports no stack functions for invoke");
	wasm_enter(i, h->stack_get, stack);
	memcpy(slots, args + 1, its->param_count * sizeof(*slots));
	if (wasm_invoke(i, index, slots)) {
		wasm_enter(i, h->stack_restore, stack);
		wasm_enter(i, h->set_threw, threw);
		slots[0] = (struct vm_slot){{0}};
	}
	if (own->result_count)
		args[0] = slots[0];
}

/* ---- memory ---- */

static uint64_t copy(struct call *c)
{
	uint64_t n = call_pointer(c, 2);
	uint8_t *to = call_range(c, call_pointer(c, 0), n), *from = call_range(c, call_pointer(c, 1), n);

	call_charge(c, n / 64);
	memmove(to, from, n);
	return call_pointer(c, 0);
}

static uint64_t heap_max(struct call *c)
{
	return c->h->abi->heap_max;
}

/* The growth rule of the published glue: more than asked, up to a fifth or 96 MiB, less if that fails. */
static uint64_t resize_heap(struct call *c)
{
	uint64_t requested = call_pointer(c, 0), old = wasm_vm(c->i)->memory_size, most = heap_max(c);

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

static uint64_t bits_of(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static uint64_t date_now(struct call *c)
{
	return c->h->abi->clock == ABI_CLOCK_COUNTS ? bits_of((double)c->h->clock++) : 0;
}

/* performance.now(); the glue of format 2 makes it NaN, the canonical one of JavaScript. */
static uint64_t performance_now(struct call *c)
{
	return c->h->abi->clock == ABI_CLOCK_ZERO_NAN ? 0x7ff8000000000000 : date_now(c);
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

/* The zone is UTC everywhere, so local time is universal time. */
static uint64_t break_down(struct call *c, int64_t seconds, uint64_t at, bool local)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	uint8_t *p;

	if (!gmtime_r(&t, &tm))
		memset(&tm, 0, sizeof(tm));
	p = call_range(c, at, local ? 44 : 32);
	put_tm(p, &tm);
	if (local) {
		set_u32le(p + 32, 0);
		set_u32le(p + 36, 0);
	}
	return 0;
}

/* The seconds are one number, or come in two halves. */
static int64_t seconds_of(struct call *c)
{
	return (int64_t)(c->h->wide ? call_u64(c, 0) : call_u32(c, 0) | (uint64_t)call_u32(c, 1) << 32);
}

static uint64_t gmtime_js(struct call *c)
{
	return break_down(c, seconds_of(c), call_pointer(c, c->h->wide ? 1 : 2), false);
}

static uint64_t localtime_js(struct call *c)
{
	return break_down(c, seconds_of(c), call_pointer(c, c->h->wide ? 1 : 2), true);
}

/* In formats 1 and 2 they are in memory, and have 32 bits. */
static int64_t seconds_at(struct call *c)
{
	return (int32_t)get_u32le(call_range(c, call_pointer(c, 0), 4));
}

static uint64_t gmtime_older(struct call *c)
{
	return break_down(c, seconds_at(c), call_pointer(c, 1), false);
}

static uint64_t localtime_older(struct call *c)
{
	return break_down(c, seconds_at(c), call_pointer(c, 1), true);
}

static uint64_t mktime_js(struct call *c)
{
	uint8_t *p = call_range(c, call_pointer(c, 0), 44);
	struct tm tm;

	get_tm(p, &tm);
	time_t t = timegm(&tm);
	put_tm(p, &tm);
	set_u32le(p + 32, 0);
	c->h->temp_ret0 = (uint32_t)((uint64_t)t >> 32);
	return (uint64_t)t;
}

/* A zone name of format 3, cut to six characters, or of the later ones. */
static uint64_t tzset_js(struct call *c)
{
	const char *name = c->h->abi->start == ABI_START_COOKIES_MAIN ? "Coordi" : "UTC";

	memset(call_range(c, call_pointer(c, 0), c->h->wide ? 8 : 4), 0, c->h->wide ? 8 : 4);
	set_u32le(call_range(c, call_pointer(c, 1), 4), 0);
	for (int k = 2; k < 4; k++)
		memcpy(call_range(c, call_pointer(c, k), strlen(name) + 1), name, strlen(name) + 1);
	return 0;
}

/* Formats 1 and 2 keep the names on the guest's heap, made at the first call: which one that is, memory tells. */
static uint64_t tzset_older(struct call *c)
{
	static const char name[] = "Coordinated Universal Time";
	uint64_t names = call_pointer(c, 2);

	set_u32le(call_range(c, call_pointer(c, 0), 4), 0);
	set_u32le(call_range(c, call_pointer(c, 1), 4), 0);
	if (get_u32le(call_range(c, names, 8)) || c->h->malloc == UINT32_MAX)
		return 0;
	for (int k = 1; k >= 0; k--) {
		uint64_t at;
		enum vm_trap trap = host_export(c->i, c->h->malloc, sizeof(name), &at);

		if (trap)
			wasm_trap(c->i, trap, NULL);
		memcpy(call_range(c, at, sizeof(name)), name, sizeof(name));
		set_u32le(call_range(c, names + 4 * (uint64_t)k, 4), (uint32_t)at);
	}
	return 0;
}

static uint64_t format_time(struct call *c)
{
	uint64_t room = call_pointer(c, 1);
	char format[256], out[1024];
	uint64_t at = call_pointer(c, 2);
	size_t n = 0;

	for (; n < sizeof format - 1; n++) {
		format[n] = (char)*call_range(c, at + n, 1);
		if (!format[n])
			break;
	}
	format[n] = '\0';
	struct tm tm;
	get_tm(call_range(c, call_pointer(c, 3), 44), &tm);
	tm.tm_zone = "UTC";
	size_t len = n ? strftime(out, sizeof out, format, &tm) : 0;
	if (len + 1 > room)
		return 0;
	memcpy(call_range(c, call_pointer(c, 0), len + 1), out, len);
	*call_range(c, call_pointer(c, 0) + len, 1) = 0;
	return len;
}

/* ---- files: there are none but those of the drive; output disappears ---- */

static uint64_t fd_write(struct call *c)
{
	uint64_t vectors = call_pointer(c, 1), count = call_pointer(c, 2), total = 0, width = c->h->wide ? 8 : 4;

	for (uint64_t k = 0; k < count; k++) {
		const uint8_t *v = call_range(c, vectors + 2 * width * k, 2 * width);

		call_charge(c, 1);
		total += c->h->wide ? get_u64le(v + 8) : get_u32le(v + 4);
	}
	call_put(c, call_pointer(c, 3), total);
	return 0;
}

static uint64_t fd_close(struct call *c)
{
	return letters(c) ? ERRNO_NOSYS : drive_close(c);
}

static uint64_t fd_read(struct call *c)
{
	if (letters(c))
		return ERRNO_NOSYS;
	if (drive_has(&c->h->drive, call_u32(c, 0)))
		return drive_read_vectors(c);
	call_put(c, call_pointer(c, 3), 0);
	return 0;
}

static uint64_t zero(struct call *c)
{
	(void)c;
	return 0;
}

static uint64_t fd_seek(struct call *c)
{
	return drive_has(&c->h->drive, call_u32(c, 0)) ? drive_seek(c) : ERRNO_SPIPE;
}

/* The glue of format 1 knows no files at all, and says that everything went well. */
static uint64_t no_entry(struct call *c)
{
	return letters(c) ? 0 : minus(ERRNO_NOENT);
}

static uint64_t bad_fd(struct call *c)
{
	return letters(c) ? 0 : minus(ERRNO_BADF);
}

/* TIOCGWINSZ on the terminal that fds 0 to 2 are: 24 rows, 80 columns. */
static uint64_t ioctl_js(struct call *c)
{
	if (letters(c))
		return 0;
	if (call_u32(c, 0) > 2)
		return minus(ERRNO_NOTTY);
	if (call_u32(c, 1) == 21523) {
		uint64_t list = call_pointer(c, 2);
		uint8_t *cell = call_range(c, list, c->h->wide ? 8 : 4);
		uint64_t at = c->h->wide ? get_u64le(cell) : get_u32le(cell);
		uint8_t *p = call_range(c, at, 4);
		set_u16le(p, 24);
		set_u16le(p + 2, 80);
	}
	return 0;
}

/* Nothing is run. The older glue says so through errno. */
static uint64_t system_js(struct call *c)
{
	uint64_t at;

	if (!call_pointer(c, 0))
		return 0;
	if (!older(c))
		return minus(ERRNO_NOSYS);
	if (c->h->errno_location != UINT32_MAX && host_export(c->i, c->h->errno_location, 0, &at) == TRAP_NONE)
		set_u32le(call_range(c, at, 4), ERRNO_NOSYS);
	return minus(1);
}

static const char *const variables[] = {"USER=web_user",       "LOGNAME=web_user", "PATH=/",          "PWD=/",
					"HOME=/home/web_user", "LANG=C.UTF-8",     "_=./this.program"};
enum { VARIABLES = sizeof(variables) / sizeof(*variables) };

static uint64_t environ_sizes(struct call *c)
{
	uint64_t count = c->h->abi->environment ? VARIABLES : 0, size = 0;

	for (uint64_t k = 0; k < count; k++)
		size += strlen(variables[k]) + 1;
	call_put(c, call_pointer(c, 0), count);
	call_put(c, call_pointer(c, 1), size);
	return 0;
}

static uint64_t environ_get(struct call *c)
{
	uint64_t count = c->h->abi->environment ? VARIABLES : 0, at = call_pointer(c, 1);

	for (uint64_t k = 0; k < count; k++) {
		size_t len = strlen(variables[k]) + 1;

		call_put(c, call_pointer(c, 0) + k * (c->h->wide ? 8 : 4), at);
		memcpy(call_range(c, at, len), variables[k], len);
		at += len;
	}
	return 0;
}

/* What a module that was metered before it came here says it has used. */
static uint64_t use_gas(struct call *c)
{
	c->h->metered_gas += call_u32(c, 0);
	if (c->h->metered_gas > c->h->gas_limit)
		wasm_trap(c->i, TRAP_OUT_OF_GAS, NULL);
	return 0;
}

static uint64_t gas_used(struct call *c)
{
	return c->h->metered ? c->h->metered_gas : c->h->gas_limit - (uint64_t)wasm_vm(c->i)->gas;
}

static uint64_t get_temp(struct call *c)
{
	return c->h->temp_ret0;
}

static uint64_t set_temp(struct call *c)
{
	c->h->temp_ret0 = call_u32(c, 0);
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
	{"emscripten_date_now", "d:", NULL, date_now},
	{"_emscripten_date_now", "d:", NULL, date_now},
	{"emscripten_get_now", "d:", NULL, performance_now},
	{"_emscripten_get_now_is_monotonic", "i:", NULL, monotonic},
	{"_gmtime_js", ":iip", ":lp", gmtime_js},
	{"_gmtime_js", ":pp", NULL, gmtime_older},
	{"_localtime_js", ":iip", ":lp", localtime_js},
	{"_localtime_js", ":pp", NULL, localtime_older},
	{"_mktime_js", "i:p", "l:p", mktime_js},
	{"_tzset_js", ":pppp", NULL, tzset_js},
	{"_tzset_js", ":ppp", NULL, tzset_older},
	{"strftime", "p:pppp", NULL, format_time},
	{"strftime_l", "p:ppppp", NULL, format_time},
	{"fd_write", "i:ippp", NULL, fd_write},
	{"fd_read", "i:ippp", NULL, fd_read},
	{"fd_close", "i:i", NULL, fd_close},
	{"fd_sync", "i:i", NULL, zero},
	{"fd_fdstat_get", "i:ip", NULL, zero},
	{"fd_seek", "i:iiiip", "i:ilip", fd_seek},
	{"environ_sizes_get", "i:pp", NULL, environ_sizes},
	{"environ_get", "i:pp", NULL, environ_get},
	{"_emscripten_system", "i:p", NULL, system_js},
	{"system", "i:p", NULL, system_js},
	{"metering_gasUsed", "i:", NULL, gas_used},
	{"usegas", ":i", NULL, use_gas},
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
	{"__asyncjs__weavedrive_open", "i:pp", NULL, drive_open},
	{"__asyncjs__weavedrive_read", "i:ipp", NULL, drive_read},
	{"__asyncjs__weavedrive_close", "i:i", NULL, drive_close},
};

const struct host_table emscripten_table = {rows, sizeof(rows) / sizeof(*rows)};
const struct host_row emscripten_invoke = {"invoke_", NULL, NULL, NULL};

/* Imports and exports of format 1 (ao-units 5.16, "Format 1: letter map"). */
static const struct {
	char letter;
	const char *name;
} names[] = {
	{'a', "_emscripten_date_now"},
	{'b', "setTempRet0"},
	{'c', "fd_close"},
	{'d', "__syscall_fcntl64"},
	{'e', "__syscall_unlinkat"},
	{'f', "fd_write"},
	{'g', "__syscall_openat"},
	{'h', "getTempRet0"},
	{'i', "_mktime_js"},
	{'j', "_tzset_js"},
	{'k', "emscripten_memcpy_big"},
	{'l', "exit"},
	{'m', "system"},
	{'n', "strftime"},
	{'o', "fd_seek"},
	{'p', "_emscripten_throw_longjmp"},
	{'q', "emscripten_resize_heap"},
	{'r', "__syscall_lstat64"},
	{'s', "__syscall_renameat"},
	{'t', "__syscall_rmdir"},
	{'u', "environ_get"},
	{'v', "environ_sizes_get"},
	{'w', "__syscall_dup3"},
	{'x', "invoke_vii"},
	{'y', "fd_read"},
	{'z', "__syscall_ioctl"},
	{'A', "_emscripten_get_now_is_monotonic"},
	{'B', "_gmtime_js"},
	{'C', "_localtime_js"},
	{'D', "abort"},
};

const char *emscripten_name(struct bytes letter)
{
	for (size_t k = 0; letter.len == 1 && k < sizeof(names) / sizeof(*names); k++)
		if ((char)letter.ptr[0] == names[k].letter)
			return names[k].name;
	return NULL;
}
