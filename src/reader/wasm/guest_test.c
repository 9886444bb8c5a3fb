/* SPDX-License-Identifier: MIT
 *
 * guest_test: what the hosts of the formats answer (abi.h). The newer emscripten formats are tested with real modules by
 * test/golden.c.
 */
#include "engine/wasm/artefact.h"
#include "reader/wasm/guest.h"
#include "test/test.h"

#include <stdio.h>
#include <string.h>

#define ENVIRONMENT "{\"Process\":{\"Id\":\"P\"}}"

static struct arena arena;
static struct wasm_module module;
static struct wasm_code code;
static struct buf wasm;
static struct guest *guest;

static void on_deep(void (*test)(void))
{
	wasm_run_deep((void (*)(void *))(void (*)(void))test, NULL);
}

/* Opens the module whose path is in an environment variable; false: it could not be built here. */
static bool open_module(const char *variable, enum abi_id abi)
{
	const char *path = getenv(variable);
	struct buf artefact = BUF_EMPTY;
	struct note note = {0};
	enum err e;

	if (!path)
		t_fail("%s names the module to test with", variable);
	wasm = t_file(path);
	if (wasm.len == 0) {
		printf("skipped: the tools for %s are not here\n", variable);
		return false;
	}
	e = wasm_decode(&module, &arena, buf_bytes(&wasm), &note);
	if (!e)
		e = wasm_validate(&module, &note);
	if (!e)
		e = wasm_compile(&artefact, buf_bytes(&wasm), WASM_GAS_OWN, WASM_TIER_0, &note);
	if (!e)
		e = wasm_code_load(&code, buf_bytes(&artefact), &module, &note);
	if (!e)
		e = guest_open(&guest,
			       &(struct guest_options){.abi = abi_of(abi),
						       .module = &module,
						       .code = &code,
						       .memory_max = 16 << 20,
						       .image = -1},
			       &note);
	buf_release(&artefact);
	if (e)
		t_fail("%s", note.text);
	(void)guest_commit(guest, NULL);
	return true;
}

static void close_module(void)
{
	guest_close(guest);
	wasm_code_release(&code);
	arena_release(&arena);
	buf_release(&wasm);
}

static struct turn turn(const char *message)
{
	struct turn t;

	guest_turn(guest, bytes_str(message), BYTES(ENVIRONMENT), 1000000000, &t);
	return t;
}

static uint32_t word(uint32_t at)
{
	return get_u32le(wasm_vm(guest_instance(guest))->memory + at);
}

static const char *text(uint32_t at)
{
	return (const char *)wasm_vm(guest_instance(guest))->memory + at;
}

/* ---- the older emscripten formats ---- */

static void check_older(const char *variable, enum abi_id abi)
{
	/* 27 UTF-16 units, 31 bytes */
	static const char message[] = "{\"Data\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 twelve more\"}";
	bool fourfold = abi != ABI_EMSCRIPTEN_3;
	struct turn t;
	uint32_t room;
	double now;

	if (!open_module(variable, abi))
		return;
	t_u64(word(900), 7);
	t_u64(word(904), abi == ABI_EMSCRIPTEN_2);
	if (abi == ABI_EMSCRIPTEN_2)
		t_str(text(word(word(908))), "./this.program");
	t = turn(message);
	t_check(!t.failed);
	t_text(buf_bytes(&t.text), "{\"ok\":true,\"response\":{}}");
	t_str(text(word(1000)), message);
	t_str(text(word(1004)), ENVIRONMENT);
	room = fourfold ? 4 * (uint32_t)strlen(ENVIRONMENT) + 1 : (uint32_t)strlen(ENVIRONMENT) + 1;
	t_u64(word(1000) - word(1004), (room + 15) / 16 * 16);
	memcpy(&now, text(1008), sizeof(now));
	t_check(now == (fourfold ? 0 : 10000));
	t_u64(word(1016), 7);
	t_str(text(word(2000)), "USER=web_user");
	t_str(text(word(2024)), "_=./this.program");
	t_u64(word(1020), word(2024) - word(2000) + strlen("_=./this.program") + 1);
	t_u64(word(1028), abi == ABI_EMSCRIPTEN_1 ? 52 : 0);
	t_u64(word(1032), 0);
	t_u64((int32_t)word(1036), (int32_t)(fourfold ? -1 : -52));
	t_u64(word(1040), fourfold ? 52 : 0);
	t_str(text(word(1052)), "Coordinated Universal Time");
	t_u64(word(1056), 50000); /* made first, and only once */
	t_u64(word(1052), 50064);
	t_u64(word(1104), 40); /* 1973-03-03 09:46:40 */
	t_u64(word(1112), 9);
	t_u64(word(1116), 3);
	t_u64(word(1124), 73);
	t_u64(word(1152), 100000000);
	t_u64(word(1060), 1);
	t_u64(wasm_vm(guest_instance(guest))->memory_size, 262144); /* 200000 up to whole pages, above 1.2 of 65536 */
	t_u64(t.gas_used, 500);                                     /* what the module says, not what we count */
	buf_release(&t.text);
	close_module();
}

static void older_1(void)
{
	check_older("WEFT_OLDER_1", ABI_EMSCRIPTEN_1);
}

static void older_2(void)
{
	check_older("WEFT_OLDER_2", ABI_EMSCRIPTEN_2);
}

static void older_3(void)
{
	check_older("WEFT_OLDER_2", ABI_EMSCRIPTEN_3);
}

TEST(format_1_has_letters_for_names)
{
	on_deep(older_1);
}

TEST(format_2_runs_main_with_the_programs_name)
{
	on_deep(older_2);
}

TEST(format_3_has_the_clock_and_the_strings_of_the_later_ones)
{
	on_deep(older_3);
}

/* ---- WASI ---- */

static void expect(const char *message, const char *want)
{
	struct turn t = turn(message);

	if (t.failed)
		t_fail("%s: %s", message, buf_str(&t.text));
	t_text(buf_bytes(&t.text), want);
	buf_release(&t.text);
}

#define OUTPUT(text) "{\"ok\":true,\"response\":{\"Output\":\"" text "\"}}"

static void wasi_keeps(void)
{
	uint64_t size;

	if (!open_module("WEFT_WASI", ABI_WASI_1))
		return;
	/* the constructor and main have run, main without arguments */
	expect("{\"Data\":\"a\"}", OUTPUT("1 11 a;"));
	size = guest_commit(guest, NULL);
	expect("{\"Data\":\"b\"}", OUTPUT("2 11 a;b;"));
	guest_rollback(guest, size);
	expect("{\"Data\":\"c\"}", OUTPUT("2 11 a;c;"));
	size = guest_commit(guest, NULL);
	expect("{\"Data\":\"exit 0\"}", OUTPUT("left"));
	size = guest_commit(guest, NULL);
	expect("{\"Data\":\"d\"}", OUTPUT("103 11 a;c;d;"));
	close_module();
}

TEST(a_wasi_command_is_a_process)
{
	on_deep(wasi_keeps);
}

static void wasi_world(void)
{
	static const char asks[] = "{\"Timestamp\":1735689600123,\"Data\":\"world\"}";
	struct turn first, again, other;

	if (!open_module("WEFT_WASI", ABI_WASI_1))
		return;
	first = turn(asks);
	if (first.failed)
		t_fail("%s", buf_str(&first.text));
	t_check(strstr(buf_str(&first.text), "time 1735689600.123 random "));
	t_check(strstr(buf_str(&first.text), " home none file none stdin 0 sqrt 1.4142135623730951"));
	guest_rollback(guest, wasm_vm(guest_instance(guest))->memory_size);
	again = turn(asks);
	t_bytes(buf_bytes(&again.text), buf_bytes(&first.text));
	t_u64(again.gas_used, first.gas_used);
	other = turn("{\"Timestamp\":1735689600123,\"Data\":\"world\",\"Nonce\":1}");
	t_check(!bytes_eq(buf_bytes(&other.text), buf_bytes(&first.text))); /* other random numbers */
	buf_release(&first.text);
	buf_release(&again.text);
	buf_release(&other.text);
	close_module();
}

TEST(the_world_of_a_wasi_command_is_the_message)
{
	on_deep(wasi_world);
}

static void fails(const char *message, const char *want)
{
	struct turn t = turn(message);

	t_check(t.failed);
	t_text(buf_bytes(&t.text), want);
	buf_release(&t.text);
	guest_rollback(guest, wasm_vm(guest_instance(guest))->memory_size);
}

static void wasi_ends(void)
{
	if (!open_module("WEFT_WASI", ABI_WASI_1))
		return;
	expect("{\"Data\":\"print\"}", OUTPUT("printed"));
	expect("{\"Data\":\"exit 0\"}", OUTPUT("left"));
	guest_rollback(guest, wasm_vm(guest_instance(guest))->memory_size);
	fails("{\"Data\":\"exit 3\"}",
	      "{\"name\":\"ExitStatus\",\"message\":\"Program terminated with exit(3)\",\"status\":3}");
	fails("{\"Data\":\"abort\"}", "RuntimeError: unreachable\nit went wrong");
	expect("{\"Data\":\"a\"}", OUTPUT("1 11 a;"));
	close_module();
}

TEST(what_a_wasi_command_prints_may_be_its_answer)
{
	on_deep(wasi_ends);
}

static void refused(const char *variable, enum abi_id abi, const char *want)
{
	struct note note = {0};

	wasm = t_file(getenv(variable));
	t_ok(wasm_decode(&module, &arena, buf_bytes(&wasm), &note));
	t_ok(wasm_validate(&module, &note));
	t_err(guest_open(&guest, &(struct guest_options){.abi = abi_of(abi), .module = &module, .image = -1}, &note),
	      E_FORMAT);
	if (!strstr(note.text, want))
		t_fail("%s", note.text);
	arena_release(&arena);
	buf_release(&wasm);
}

TEST(a_module_of_another_format_is_refused)
{
	refused("WEFT_OLDER_2", ABI_EMSCRIPTEN_1, "exports no function `G`");
	refused("WEFT_OLDER_2", ABI_EMSCRIPTEN_5, "has not the addresses of wasm64");
	refused("WEFT_COUNTER", ABI_WASI_1, "the module's");
	refused("WEFT_COUNTER", ABI_EMSCRIPTEN_4, "has not the addresses of wasm32");
}

TEST_MAIN
