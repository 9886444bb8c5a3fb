/* SPDX-License-Identifier: MIT
 *
 * Hostile modules (hostile.wat, and bombs made here), hostile workers and hostile compilers: each costs its own evaluation, is
 * reported as what it is, and leaves the process at its last committed state. This program is also those workers
 * and compilers: under their names it says what FAKE_MODE_FILE tells it to.
 */
#include "base/clock.h"
#include "engine/wasm/service.h"
#include "engine/wasm/vm.h"
#include "reader/reader.h"
#include "reader/wasm/wire.h"
#include "test/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define FORMAT "wasm64-unknown-emscripten-draft_2024_02_15"
#define ENVIRONMENT "{}"
enum { MEMORY_MAX = 12 << 20, GAS = 3000000 };

static struct arena arena;
static struct readers *readers;
static struct program *program;
static struct image *image;
static struct instance *instance;
static char self[400];

static void open_with(const char *compile, const char *worker, bool first_tier_only, uint64_t ms_max)
{
	static int count;
	struct note note = {0};
	char cache[300];

	snprintf(cache, sizeof(cache), "%s/cache%d", t_dir(), count++);
	t_ok(readers_open(&readers,
			  &(struct readers_options){.compile = compile,
						    .worker = worker,
						    .cache = cache,
						    .first_tier_only = first_tier_only,
						    .compile_ms_max = ms_max,
						    .turn_ms_max = ms_max},
			  &note));
}

static void open_readers(bool first_tier_only)
{
	open_with(getenv("WEFT_COMPILE"), getenv("WEFT_WORKER"), first_tier_only, 0);
}

static void open_instance(void)
{
	struct note note = {0};

	if (instance_open(&instance, program, image, MEMORY_MAX, &note) < 0)
		t_fail("%s", note.text);
}

static void open_module(struct bytes wasm)
{
	struct note note = {0};

	if (program_open(&program, readers, BYTES(FORMAT), wasm, &note) < 0)
		t_fail("%s", note.text);
	t_ok(image_new(&image, &note));
}

static void open_hostile(void)
{
	struct buf wasm = t_file(getenv("WEFT_HOSTILE"));

	open_module(buf_bytes(&wasm));
	open_instance();
	buf_release(&wasm);
}

static void close_all(void)
{
	instance_close(instance);
	instance = NULL;
	image_release(image);
	program_close(program);
	readers_close(readers);
}

/* The image has it at once. */
static void keep(struct instance *i)
{
	struct note note = {0};

	if (instance_commit(i, &note) < 0 || instance_settle(i, &note) < 0)
		t_fail("%s", note.text);
}

static struct outcome turn(const char *message)
{
	struct outcome o;
	struct note note = {0};

	if (instance_turn(instance, &arena, bytes_str(message), BYTES(ENVIRONMENT), GAS, &o, &note) < 0)
		t_fail("%s: %s", message, note.text);
	return o;
}

/* The process is where it was: n messages seen, and answers the next. */
static void still_counts(int n)
{
	char want[40];
	struct note note = {0};

	snprintf(want, sizeof(want), "{\"Output\":\"%d\"}", n + 1);
	t_text(turn("m").response, want);
	t_ok(instance_rollback(instance, &note));
}

/* ---- the guest against the host ---- */

static const uint64_t edges[] = {0,
				 1,
				 0x1fff1,
				 0x1ffff,
				 0x20000,
				 0x7ffffff0,
				 0x7fffffff,
				 0x80000000,
				 0xfffffff0,
				 0xffffffff,
				 0x100000000,
				 0x17ffffff0,
				 0x3ffffffff,
				 0x400000000,
				 0x4fffffff0,
				 0x7fffffffffff,
				 0x7ffffffffffffff0,
				 0x8000000000000000,
				 0xffffffff00000000,
				 0xfffffffffffeffff,
				 0xffffffffffffff00,
				 0xfffffffffffffff0,
				 0xffffffffffffffff};
enum { EDGES = sizeof(edges) / sizeof(edges[0]) };

struct seen {
	char text[80];
	uint64_t gas;
};

static void see(const char *message, struct seen *seen)
{
	struct outcome o = turn(message);
	struct note note = {0};

	snprintf(seen->text, sizeof(seen->text), "%.*s|%.60s", BYTES_FMT(o.error), arena_cstr(&arena, o.response));
	seen->gas = o.gas_used;
	t_ok(instance_rollback(instance, &note));
	arena_reset(&arena);
}

/* All letters with all edges; in `seen`, what came of it. */
static size_t all_attacks(struct seen *seen)
{
	size_t count = 0;
	char message[20];

	for (char letter = 'a'; letter <= 'o'; letter++)
		for (int k = 0; k < EDGES; k++) {
			if (k && strchr("kln", letter))
				continue; /* they do not look at the number */
			snprintf(message, sizeof(message), "%c%016" PRIx64, letter, edges[k]);
			see(message, &seen[count++]);
		}
	for (char letter = 'p'; letter <= 'q'; letter++)
		for (int which = 0; which < 16; which++)
			for (int k = 0; k < EDGES; k++) {
				snprintf(message, sizeof(message), "%c%016" PRIx64, letter,
					 (edges[k] & ~(uint64_t)15) | (unsigned)which);
				see(message, &seen[count++]);
			}
	return count;
}

enum { ATTACKS_MAX = 2000 };

TEST_TIMEOUT(every_attack_is_an_outcome_the_same_on_both_tiers, 240)
{
	static struct seen seen[2][ATTACKS_MAX];
	size_t count[2];

	for (int tier = 0; tier < 2; tier++) {
		open_readers(tier == 0);
		open_hostile();
		turn("m");
		keep(instance);
		if (tier)
			program_settle(program);
		count[tier] = all_attacks(seen[tier]);
		still_counts(1);
		close_all();
	}
	t_u64(count[0], count[1]);
	t_check(count[0] < ATTACKS_MAX);
	for (size_t i = 0; i < count[0]; i++) {
		t_str(seen[0][i].text, seen[1][i].text);
		t_u64(seen[0][i].gas, seen[1][i].gas);
	}
}

static void expect(const char *message, const char *error)
{
	struct note note = {0};
	struct outcome o = turn(message);

	t_text(o.error, error);
	t_ok(instance_rollback(instance, &note));
	still_counts(0);
}

TEST(attacks_end_in_the_traps_they_should)
{
	open_readers(false);
	open_hostile();
	for (int round = 0; round < 2; round++) {
		expect("a0000000000020000", "\"RuntimeError: memory access out of bounds\"");
		expect("b0000000000020000", "\"RuntimeError: memory access out of bounds\"");
		expect("b0000000080000000", "\"RuntimeError: memory access out of bounds\"");
		expect("bffffffffffffffff", "\"RuntimeError: memory access out of bounds\"");
		expect("c000000000001fffc", "\"RuntimeError: memory access out of bounds\"");
		expect("d000000000001fff1", "\"RuntimeError: memory access out of bounds\"");
		expect("e000000007fffffff", "\"RuntimeError: memory access out of bounds\"");
		expect("gfffffffffffffff0", "\"RuntimeError: memory access out of bounds\"");
		expect("h8000000000000000", "\"RuntimeError: memory access out of bounds\"");
		expect("i0000000000000800", "\"RuntimeError: memory access out of bounds\"");
		expect("j0000000000000000", "\"RuntimeError: null function or function signature mismatch\"");
		expect("j0000000000000002", "\"RuntimeError: null function or function signature mismatch\"");
		expect("j0000000000000008", "\"RuntimeError: table index is out of bounds\"");
		expect("j00000000ffffffff", "\"RuntimeError: table index is out of bounds\"");
		expect("k0000000000000000", "\"Error: out of gas!\"");
		expect("p8000000000000000", "\"RuntimeError: memory access out of bounds\"");
		expect("q000000000000000d",
		       "\"RuntimeError: the host has no function env.no_such_function of that type\"");
		program_settle(program);
	}
	close_all();
}

TEST(recursion_ends_by_depth_or_by_gas)
{
	struct note note = {0};
	struct outcome o;

	open_readers(false);
	open_hostile();
	for (int round = 0; round < 2; round++) {
		o = turn("l0000000000000000");
		t_text(o.error, "\"RangeError: Maximum call stack size exceeded\"");
		t_ok(instance_rollback(instance, &note));
		o = turn("m0000000000000000");
		t_text(o.error, "\"RangeError: Maximum call stack size exceeded\"");
		t_ok(instance_rollback(instance, &note));
		t_ok(instance_turn(instance, &arena, BYTES("l0000000000000000"), BYTES(ENVIRONMENT), 1000, &o, &note));
		t_text(o.error, "\"Error: out of gas!\"");
		t_u64(o.gas_used, 1000);
		t_ok(instance_rollback(instance, &note));
		still_counts(0);
		program_settle(program);
	}
	close_all();
}

TEST(a_memory_bomb_stops_at_the_limit_and_is_forgotten)
{
	struct note note = {0};

	open_readers(false);
	open_hostile();
	t_text(turn("n0000000000000000").response, "{\"Output\":\"9\"}");
	t_ok(instance_rollback(instance, &note));
	t_u64(image_size(image), 2 << 16);
	still_counts(0);
	close_all();
}

/* ---- workers and compilers that are not what they should be ---- */

/* The fakes are links to this program, called worker-X and compile-X; X is what they do. */
static const char *fake(const char *name)
{
	static char paths[2][400];
	static int turn_of;
	char *path = paths[turn_of++ % 2];

	snprintf(path, sizeof(paths[0]), "%s/%s", t_dir(), name);
	unlink(path);
	t_check(symlink(self, path) == 0);
	return path;
}

static void fake_worker(const char *how)
{
	struct wire_answer fine = {0}, lie = {0};
	struct wire_ask ask;
	int fds[OPEN_FDS], socket;

	if (strcmp(how, "deaf") == 0)
		return;
	if (strcmp(how, "garbage") == 0)
		memset(&fine, 0xff, sizeof(fine));
	wire_write(WIRE_CONTROL, &fine, sizeof(fine));
	if (!wire_take_open(WIRE_CONTROL, &ask, fds) || strcmp(how, "rude") == 0)
		return;
	socket = fds[OPEN_SOCKET];
	wire_greet(socket);
	if (strcmp(how, "liar") == 0)
		lie.image_size = (uint64_t)1 << 60;
	if (strcmp(how, "long") == 0)
		lie.text_len = (uint64_t)1 << 60;
	if (strcmp(how, "needy") == 0)
		lie.need = 1, lie.function = 0xfffffff0;
	if (strcmp(how, "odd") == 0)
		lie.err = -12345;
	if (strcmp(how, "silent") != 0 && strcmp(how, "half") != 0)
		wire_write(socket, &lie, sizeof(lie));
	if (strcmp(how, "half") == 0)
		wire_write(socket, &lie, sizeof(lie) / 2);
	if (strcmp(how, "silent") == 0)
		wire_read(socket, &ask, sizeof(ask)); /* until we are killed */
	if (strcmp(how, "stops") != 0)
		return;
	/* A good start; then not a word about the turn. */
	wire_read(socket, &ask, sizeof(ask));
	for (;;)
		pause();
}

static void fake_compile(const char *how)
{
	struct service_answer a = {
		.version = VM_VERSION, .function_count = 20, .imported_functions = 14, .type_count = 5};
	struct service_ask ask;
	uint8_t junk[64];

	memset(junk, 0xee, sizeof(junk));
	if (strcmp(how, "deaf") == 0)
		return;
	if (strcmp(how, "older") == 0) {
		a.version--;
		wire_write(SERVICE_SOCKET, &a, sizeof(a));
		return;
	}
	if (strcmp(how, "many") == 0)
		a.function_count = UINT32_MAX;
	if (strcmp(how, "long") == 0)
		a.len = (uint64_t)1 << 60;
	if (strcmp(how, "odd") == 0)
		a.err = -12345;
	wire_write(SERVICE_SOCKET, &a, sizeof(a));
	wire_read(SERVICE_SOCKET, &ask, sizeof(ask));
	for (volatile int busy = 0; strcmp(how, "slow") == 0;)
		busy = busy + 1;
	if (strcmp(how, "junk") == 0) {
		a.len = sizeof(junk);
		wire_write(SERVICE_SOCKET, &a, sizeof(a));
		wire_write(SERVICE_SOCKET, junk, sizeof(junk));
	}
}

/* Opening a program, an instance, and taking a turn: where it fails, and how. */
static enum err try_all(const char *compile, const char *worker)
{
	struct buf wasm = t_file(getenv("WEFT_HOSTILE"));
	struct note note = {0};
	struct outcome o;
	bool both_true = compile == getenv("WEFT_COMPILE") && worker == getenv("WEFT_WORKER");
	enum err e;

	program = NULL;
	open_with(compile, worker, true, both_true ? 0 : 1000);
	t_ok(image_new(&image, &note));
	e = program_open(&program, readers, BYTES(FORMAT), buf_bytes(&wasm), &note);
	if (e == OK)
		e = instance_open(&instance, program, image, MEMORY_MAX, &note);
	if (e == OK)
		e = instance_turn(instance, &arena, BYTES("m"), BYTES(ENVIRONMENT), GAS, &o, &note);
	t_check(e == OK || note.text[0]);
	close_all();
	buf_release(&wasm);
	return e;
}

TEST(a_worker_that_breaks_the_protocol_is_reported)
{
	static const char *const hows[] = {"deaf", "garbage", "rude", "liar", "long", "odd", "silent", "half", "stops"};

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		char name[40];
		snprintf(name, sizeof(name), "worker-%s", hows[i]);
		t_err(try_all(getenv("WEFT_COMPILE"), fake(name)), E_WORKER);
	}
	t_err(try_all(getenv("WEFT_COMPILE"), fake("worker-needy")), E_CORRUPT);
	t_err(try_all(getenv("WEFT_COMPILE"), "/nowhere/weft-worker"), E_IO);
	t_ok(try_all(getenv("WEFT_COMPILE"), getenv("WEFT_WORKER")));
}

TEST(a_compiler_that_breaks_the_protocol_is_reported)
{
	t_err(try_all(fake("compile-deaf"), getenv("WEFT_WORKER")), E_WORKER);
	t_err(try_all(fake("compile-long"), getenv("WEFT_WORKER")), E_WORKER);
	t_err(try_all(fake("compile-odd"), getenv("WEFT_WORKER")), E_WORKER);
	t_err(try_all(fake("compile-many"), getenv("WEFT_WORKER")), E_LIMIT);
	t_err(try_all(fake("compile-junk"), getenv("WEFT_WORKER")), E_CORRUPT);
	t_err(try_all(fake("compile-slow"), getenv("WEFT_WORKER")), E_TIMEOUT);
	t_err(try_all(fake("compile-older"), getenv("WEFT_WORKER")), E_IO);
	t_err(try_all("/nowhere/weft-compile", getenv("WEFT_WORKER")), E_IO);
}

TEST(a_turn_without_end_is_given_up_and_the_process_goes_on)
{
	struct note note = {0};
	struct outcome o;

	open_with(getenv("WEFT_COMPILE"), getenv("WEFT_WORKER"), false, 3000);
	open_hostile();
	turn("m");
	keep(instance);
	t_err(instance_turn(instance, &arena, BYTES("k0000000000000000"), BYTES(ENVIRONMENT), INT64_MAX, &o, &note),
	      E_WORKER);
	t_check(strstr(note.text, "did not come to an end"));
	instance_close(instance);
	open_instance();
	still_counts(1);
	close_all();
}

/* ---- modules that are hard to compile ---- */

static void put_leb(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_put_u8(b, (uint8_t)(v | 0x80));
	buf_put_u8(b, (uint8_t)v);
}

static void put_section(struct buf *out, uint8_t id, const struct buf *content)
{
	buf_put_u8(out, id);
	put_leb(out, content->len);
	buf_put_bytes(out, buf_bytes(content));
}

static void put_name(struct buf *b, const char *name, uint8_t function)
{
	put_leb(b, strlen(name));
	buf_put_str(b, name);
	buf_put_u8(b, 0);
	buf_put_u8(b, function);
}

/* () -> i64; (i64) -> (); (i64) -> i64; (i64 i64) -> i64 */
#define TYPES_OF(restore) "\4\x60\0\1\x7e" restore "\x60\1\x7e\1\x7e\x60\2\x7e\x7e\1\x7e"

/* A module whose `handle` (function 3) has this body and `locals` locals of i64, and calls nothing; with these types. */
static struct buf module_with(const struct buf *body, uint32_t locals, struct bytes types)
{
	struct buf out = BUF_EMPTY, s = BUF_EMPTY, code = BUF_EMPTY;

	buf_put(&out, "\0asm\1\0\0\0", 8);
	buf_put_bytes(&s, types);
	put_section(&out, 1, &s);
	buf_clear(&s);
	buf_put(&s, "\4\0\1\2\3", 5);
	put_section(&out, 3, &s);
	buf_clear(&s);
	buf_put(&s, "\1\5\1\1", 4); /* one memory64 of one page, at most one */
	put_section(&out, 5, &s);
	buf_clear(&s);
	buf_put_u8(&s, 4);
	put_name(&s, "emscripten_stack_get_current", 0);
	put_name(&s, "_emscripten_stack_restore", 1);
	put_name(&s, "_emscripten_stack_alloc", 2);
	put_name(&s, "handle", 3);
	put_section(&out, 7, &s);
	buf_clear(&s);
	buf_put_u8(&s, 4);
	buf_put(&s, "\5\0\x42\x80\x20\x0b", 6);
	buf_put(&s, "\2\0\x0b", 3);
	buf_put(&s, "\5\0\x42\x80\x20\x0b", 6);
	buf_put_u8(&code, 1);
	put_leb(&code, locals);
	buf_put_u8(&code, 0x7e);
	buf_put_bytes(&code, buf_bytes(body));
	put_leb(&s, code.len);
	buf_put_bytes(&s, buf_bytes(&code));
	put_section(&out, 10, &s);
	buf_clear(&s);
	buf_release(&s);
	buf_release(&code);
	return out;
}

static struct buf module_of(const struct buf *body, uint32_t locals)
{
	return module_with(body, locals, BYTES(TYPES_OF("\x60\1\x7e\0")));
}

/* The host calls some exports of its own accord. One that takes a reference would get a number for it, and one that
 * takes many arguments what lies beside them. */
TEST(exports_of_other_types_than_the_host_expects_are_none)
{
	static const struct bytes types[] = {
		{(const uint8_t *)TYPES_OF("\x60\1\x70\0"), sizeof(TYPES_OF("\x60\1\x70\0")) - 1},
		{(const uint8_t *)TYPES_OF("\x60\1\x7b\0"), sizeof(TYPES_OF("\x60\1\x7b\0")) - 1},
		{(const uint8_t *)TYPES_OF("\x60\3\x7e\x7e\x7e\0"), sizeof(TYPES_OF("\x60\3\x7e\x7e\x7e\0")) - 1}};
	struct buf body = BUF_EMPTY;
	struct note note = {0};

	buf_put(&body, "\x42\0\x0b", 3);
	for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
		struct buf wasm = module_with(&body, 1, types[k]);
		open_readers(true);
		open_module(buf_bytes(&wasm));
		note_reset(&note);
		t_err(instance_open(&instance, program, image, MEMORY_MAX, &note), E_FORMAT);
		t_check(strstr(note.text, "stack functions"));
		close_all();
		buf_release(&wasm);
	}
	buf_release(&body);
}

/* However it ends (a result, or a refusal with its reason), it ends, and the next module is served. */
static void survive(const char *what, struct buf *body, uint32_t locals)
{
	struct buf wasm = module_of(body, locals);
	struct note note = {0};
	struct outcome o = {.gas_used = 0};
	uint64_t start = clock_ns();
	enum err e;

	open_readers(false);
	t_ok(image_new(&image, &note));
	e = program_open(&program, readers, BYTES(FORMAT), buf_bytes(&wasm), &note);
	if (e == OK)
		e = instance_open(&instance, program, image, MEMORY_MAX, &note);
	if (e == OK)
		e = instance_turn(instance, &arena, BYTES("m"), BYTES("{}"), 1000000000, &o, &note);
	printf("%s: %zu bytes, %" PRIu64 " ms: %s %s\n", what, wasm.len, (clock_ns() - start) / 1000000, err_name(e),
	       note.text);
	t_check(e == OK || e == E_LIMIT || e == E_UNSUPPORTED || e == E_TIMEOUT || e == E_WORKER || e == E_FORMAT);
	close_all();
	program = NULL;
	buf_release(&wasm);
	buf_release(body);
}

static void put_times(struct buf *b, const char *bytes, size_t len, size_t times)
{
	while (times-- > 0)
		buf_put(b, bytes, len);
}

TEST_TIMEOUT(a_body_of_a_megabyte_and_a_half, 240)
{
	struct buf body = BUF_EMPTY;

	/* x = x * 3 + 1, over and over */
	put_times(&body, "\x20\0\x42\3\x7e\x42\1\x7c\x21\0", 10, 150000);
	buf_put(&body, "\x42\0\x0b", 3);
	survive("a large body", &body, 1);
}

TEST_TIMEOUT(as_many_locals_as_allowed, 240)
{
	struct buf body = BUF_EMPTY;

	for (uint32_t i = 2; i < 49998; i++) { /* each one alive to the end */
		buf_put(&body, "\x20\0\x21", 3);
		put_leb(&body, i);
	}
	buf_put(&body, "\x42\0", 2);
	for (uint32_t i = 2; i < 49998; i++) {
		buf_put_u8(&body, 0x20);
		put_leb(&body, i);
		buf_put_u8(&body, 0x7c);
	}
	buf_put(&body, "\x42\0\x7e\x0b", 4);
	survive("many locals", &body, 49998);
}

TEST_TIMEOUT(blocks_in_blocks, 240)
{
	struct buf body = BUF_EMPTY;

	put_times(&body, "\2\x40", 2, 19000);
	put_times(&body, "\x20\0\x50\x0d\0\x0b", 6, 19000);
	buf_put(&body, "\x42\0\x0b", 3);
	survive("deep blocks", &body, 1);
	/* and with values handed through */
	put_times(&body, "\2\x7e", 2, 19000);
	buf_put(&body, "\x20\0", 2);
	put_times(&body, "\x20\0\x50\x0d\0\x0b", 6, 19000);
	buf_put_u8(&body, 0x0b);
	survive("deep blocks with values", &body, 1);
}

TEST_TIMEOUT(tables_of_branches, 240)
{
	struct buf body = BUF_EMPTY;

	for (int i = 0; i < 10; i++) {
		put_times(&body, "\2\x40", 2, 100);
		buf_put(&body, "\x20\0\xa7\x0e", 4);
		put_leb(&body, 60000);
		for (int k = 0; k <= 60000; k++)
			put_leb(&body, (uint64_t)(k * 7 % 100));
		put_times(&body, "\x0b", 1, 100);
	}
	buf_put(&body, "\x42\0\x0b", 3);
	survive("branch tables", &body, 1);
}

TEST_TIMEOUT(one_expression_without_end, 240)
{
	struct buf body = BUF_EMPTY;

	/* loads, so that nothing of it folds: mem[x] + (mem[x] + (... */
	put_times(&body, "\x20\0\x29\3\0", 5, 60000);
	put_times(&body, "\x7c", 1, 59999);
	buf_put_u8(&body, 0x0b);
	survive("one expression", &body, 1);
}

/* Thousands of values alive across a call of oneself: the native stack has to be large enough for that on T0 too. */
TEST_TIMEOUT(large_frames_recursing, 240)
{
	enum { ALIVE = 5000 };
	struct buf body = BUF_EMPTY, wasm;
	struct note note = {0};
	struct outcome o;

	put_times(&body, "\x42\0\x29\3\0", 5, ALIVE);
	buf_put(&body, "\x20\0\x20\1\x10\3", 6);
	put_times(&body, "\x7c", 1, ALIVE);
	buf_put_u8(&body, 0x0b);
	wasm = module_of(&body, 1);
	open_readers(false);
	open_module(buf_bytes(&wasm));
	open_instance();
	for (int round = 0; round < 2; round++) {
		t_ok(instance_turn(instance, &arena, BYTES("m"), BYTES("{}"), (uint64_t)1 << 40, &o, &note));
		t_text(o.error, "\"RangeError: Maximum call stack size exceeded\"");
		t_ok(instance_rollback(instance, &note));
		program_settle(program);
	}
	close_all();
	buf_release(&wasm);
	buf_release(&body);
}

int main(int argc, char **argv)
{
	const char *called = (const char *)getauxval(AT_EXECFN), *base = strrchr(called, '/');
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	base = base ? base + 1 : called;
	if (strncmp(base, "worker-", 7) == 0)
		fake_worker(base + 7);
	else if (strncmp(base, "compile-", 8) == 0)
		fake_compile(base + 8);
	else if (n > 0)
		return test_main(argc, argv);
	return 0;
}
