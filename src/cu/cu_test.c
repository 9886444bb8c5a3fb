/* SPDX-License-Identifier: MIT
 *
 * The unit between a scheduler and a weave in memory (stage.h) and the real reader. The module is probe.wat.
 */
#include "base/clock.h"
#include "base/json.h"
#include "cu/stage.h"
#include "cu/unit.h"
#include "flow/wait.h"
#include "http/http.h"
#include "test/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NONE ((struct tags){NULL, 0})

static const char *probe(void)
{
	const char *path = getenv("WEFT_PROBE");

	if (!path)
		t_fail("WEFT_PROBE names the module to test with");
	return path;
}

static struct id spawn(void)
{
	static struct id module;

	if (id_is_zero(module))
		module = stage_module(probe(), NONE);
	return stage_spawn(module, NONE, 0);
}

static struct bytes result(struct id process, struct id id)
{
	struct note note = {0};
	struct bytes json;

	if (stage_result(process, id, &json, &note) < 0)
		t_fail("%s", note.text);
	return json;
}

static void result_fails(struct id process, struct id id, enum err want, const char *text)
{
	struct note note = {0};
	struct bytes json;
	enum err e = stage_result(process, id, &json, &note);

	if (e != want || !strstr(note.text, text))
		t_fail("got %s \"%s\", want %s \"%s\"", err_name(e), note.text, err_name(want), text);
}

static struct bytes dry_output(struct id process, const char *data)
{
	struct bytes body = arena_printf(&stage.arena, "{\"Owner\":\"o\",\"Tags\":[],\"Data\":\"%s\"}", data), json;
	const struct json *parsed;
	struct note note = {0};

	if (stage_dry_run(process, (const char *)body.ptr, &json, &note) < 0)
		t_fail("%s", note.text);
	t_ok(json_parse(&parsed, &stage.arena, json, &note));
	return json_get_text(&stage.arena, parsed, "Output");
}

/* The Output of an echo: what the module got, byte for byte. */
static struct bytes echoed(struct bytes json, const char *which)
{
	const struct json *parsed;

	t_ok(json_parse(&parsed, &stage.arena, json, NULL));
	return json_whole(json_get(json_get(parsed, "Output"), which));
}

/* ---- results ---- */

TEST(results_come_by_message_by_assignment_and_by_process)
{
	struct id p, m, assignment;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	stage_send(p, "a", NONE);
	m = stage_send(p, "b", NONE);
	t_ok(id_parse(&assignment, stage_last(p)->id));
	t_text(stage_output(p, m), "000003");
	t_text(stage_output(p, assignment), "000003");
	t_text(stage_output(p, p), "000001");
	/* Earlier ones were kept on the way. */
	stage.scheduler_away = true;
	t_text(stage_output(p, m), "000003");
	stage.scheduler_away = false;
	m = stage_send(p, "c", NONE);
	t_text(stage_output(p, m), "000004");
	stage_close();
}

TEST(a_result_has_its_keys_in_order_and_no_others)
{
	struct id p, m;
	struct bytes json;
	const struct json *parsed;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	m = stage_send(p, "M", NONE);
	json = result(p, m);
	t_check(bytes_starts(
		json, "{\"Messages\":[{\"Target\":\"t\"}],\"Assignments\":[{\"Message\":\"m\",\"Processes\":[]}],"
		      "\"Spawns\":[{\"Tags\":[]}],\"Output\":\"\",\"GasUsed\":"));
	t_ok(json_parse(&parsed, &stage.arena, json, NULL));
	t_u64(parsed->count, 5);
	json = result(p, stage_send(p, "N", NONE));
	t_check(bytes_starts(json, "{\"Messages\":[],\"Assignments\":[],\"Spawns\":[],\"Output\":\"7\",\"GasUsed\":"));
	stage_close();
}

TEST(a_failing_message_is_a_result_and_leaves_the_memory)
{
	struct id p;
	struct bytes json;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	json = result(p, stage_send(p, "E", NONE));
	t_text(json, "{\"Messages\":[],\"Assignments\":[],\"Spawns\":[],\"Output\":\"\",\"Error\":\"RuntimeError: "
		     "unreachable\"}");
	json = result(p, stage_send(p, "X", NONE));
	t_check(bytes_starts(json,
			     "{\"Messages\":[{\"Target\":\"t\"}],\"Assignments\":[],\"Spawns\":[],\"Output\":\"half\","
			     "\"GasUsed\":"));
	t_check(bytes_ends(json, ",\"Error\":\"wanted\"}"));
	json = result(p, stage_send(p, "F", NONE));
	t_check(bytes_ends(json, "\"Error\":\"thrown\"}"));
	json = result(p, stage_send(p, "L", NONE)); /* out of gas */
	t_check(bytes_ends(json, "\"Error\":\"Error: out of gas!\"}"));
	json = result(p, stage_send(p, "B", NONE)); /* no Error, and yet the old memory stays */
	t_check(memmem(json.ptr, json.len, "Error", 5) == NULL);
	t_text(stage_output(p, stage_send(p, "a", NONE)), "000002");
	stage_close();
}

/* ---- what the module gets ---- */

TEST(the_message_is_that_of_the_reference_byte_for_byte)
{
	struct id p, m;
	struct bytes json, o;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	m = stage_send(p, "?\"\\\n/\x01\xc3\xa9", stage_tags("From", "evil", "Owner", "evil2", "Action", "Eval", NULL));
	o = arena_copy(&stage.arena, stage_last(p)->message->owner_address);
	json = result(p, m);
	t_bytes(echoed(json, "message"),
		arena_printf(
			&stage.arena,
			"{\"Id\":\"%s\",\"Signature\":\"c2ln\",\"Data\":\"?\\\"\\\\\\n/"
			"\\u0001\xc3\xa9\",\"Owner\":\"%.*s\","
			"\"Target\":\"%s\",\"Anchor\":null,\"From\":\"%.*s\",\"Tags\":[{\"name\":\"Data-Protocol\","
			"\"value\":\"ao\"},{\"name\":\"Type\",\"value\":\"Message\"},{\"name\":\"Action\",\"value\":"
			"\"Eval\"}],"
			"\"Epoch\":0,\"Nonce\":1,\"Timestamp\":1700000001000,\"Block-Height\":1500000,"
			"\"Hash-Chain\":\"%s\",\"Cron\":false,\"Read-Only\":false}",
			id_text(m).s, BYTES_FMT(o), id_text(p).s, BYTES_FMT(o), id_text(stage_last(p)->hash_chain).s));

	/* A pushed message names who forwarded it; an empty From-Process is none. */
	m = stage_send(p, "?", stage_tags("From-Process", "Q", NULL));
	json = echoed(result(p, m), "message");
	t_check(memmem(json.ptr, json.len, "\"Anchor\":null,\"From\":\"Q\",\"Forwarded-By\":\"", 41));
	m = stage_send(p, "?2", stage_tags("From-Process", "", NULL));
	json = echoed(result(p, m), "message");
	o = arena_printf(&stage.arena, "\"From\":\"%.*s\",\"Forwarded-By\":\"%.*s\"", BYTES_FMT(o), BYTES_FMT(o));
	t_check(memmem(json.ptr, json.len, o.ptr, o.len));
	stage_close();
}

TEST(the_environment_names_process_and_module)
{
	struct id p;
	struct bytes json;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	json = echoed(result(p, stage_send(p, "?", NONE)), "environment");
	t_check(bytes_starts(json, "{\"Process\":{\"Id\":\""));
	t_check(memmem(json.ptr, json.len,
		       "\"Tags\":[{\"name\":\"Data-Protocol\",\"value\":\"ao\"},{\"name\":\"Type\","
		       "\"value\":\"Process\"}",
		       78));
	t_check(memmem(json.ptr, json.len, "},\"Module\":{\"Id\":\"", 18));
	stage_close();
}

TEST(an_assigned_message_is_fetched_from_the_weave)
{
	struct id p, tx, a;
	struct bytes json;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	tx = stage_transaction("?on the weave", stage_tags("Action", "Onchain", NULL));
	a = stage_assign(p, tx, NONE);
	json = echoed(result(p, a), "message");
	t_check(memmem(json.ptr, json.len, "\"Data\":\"?on the weave\"", 22));
	t_check(memmem(json.ptr, json.len, "\"Target\":\"\"", 11));
	t_check(memmem(json.ptr, json.len, "\"Action\",\"value\":\"Onchain\"", 26));
	/* By the message's id too. */
	t_bytes(echoed(result(p, tx), "message"), json);

	/* Exclude, once and several times: what is named is not there. */
	tx = stage_transaction("?two", stage_tags("Action", "Onchain", NULL));
	a = stage_assign(p, tx, stage_tags("Exclude", "Signature", NULL));
	json = echoed(result(p, a), "message");
	t_check(!memmem(json.ptr, json.len, "Signature", 9));
	tx = stage_transaction("?three", stage_tags("Action", "Onchain", NULL));
	a = stage_assign(p, tx, stage_tags("Exclude", "Data", "Exclude", "Anchor", NULL));
	t_text(stage_output(p, a), "000004");
	tx = stage_transaction("?four", stage_tags("Action", "Onchain", NULL));
	a = stage_assign(p, tx, stage_tags("Exclude", "Tags", "Exclude", "Anchor", NULL));
	json = echoed(result(p, a), "message");
	t_check(memmem(json.ptr, json.len, "\"Tags\":[]", 9));
	t_check(!memmem(json.ptr, json.len, "Anchor", 6));

	/* What is nowhere stops the process with a clear error until it is there. */
	memset(tx.b, 1, 32);
	a = stage_assign(p, tx, NONE);
	result_fails(p, a, E_PEER, "was not found on the weave");
	stage_close();
}

TEST(a_process_from_before_assignments_begins_with_its_own_message)
{
	struct id p, m;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	stage_withhold(p);
	m = stage_send(p, "a", NONE);
	t_text(stage_output(p, m), "000002");
	t_text(stage_output(p, p), "000001");
	stage_close();
}

/* ---- doubles ---- */

TEST(the_same_message_pushed_twice_is_evaluated_once)
{
	struct tags pushed = stage_tags("From-Process", "Q", "Pushed-For", "X", NULL);
	struct id p, first, second, other, tx, a, b;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	first = stage_send(p, "same", pushed);
	second = stage_send(p, "same", pushed);
	other = stage_send(p, "other", pushed);
	t_text(stage_output(p, other), "000003");
	t_text(stage_output(p, first), "000002");
	t_text(result(p, second), "{\"Messages\":[],\"Assignments\":[],\"Spawns\":[],\"Output\":\"\"}");
	/* Not pushed: the same words are another message. */
	stage_send(p, "same", NONE);
	t_text(stage_output(p, stage_send(p, "same", NONE)), "000005");
	/* Assigned twice. */
	tx = stage_transaction("t", NONE);
	a = stage_assign(p, tx, NONE);
	b = stage_assign(p, tx, NONE);
	t_text(stage_output(p, b), "");
	t_text(stage_output(p, a), "000006");
	/* And it is remembered after a restart. */
	stage_stop();
	stage_start();
	second = stage_send(p, "same", pushed);
	t_text(stage_output(p, second), "");
	t_text(stage_output(p, stage_send(p, "n", NONE)), "000007");
	stage_close();
}

/* The worker is given the next message before it is known what became of the one at hand. */
TEST(a_long_history_comes_to_what_its_messages_do_one_by_one)
{
	enum { COUNT = 4100, HALF = 700 };
	static const struct {
		int at;
		const char *data; /* one that leaves the memory as it was */
	} failures[] = {{100, "E"}, {200, "X"}, {201, "E"}, {300, "B"}, {380, "F"}, {699, "E"}, {1002, "X"}};
	struct tags pushed = stage_tags("From-Process", "Q", NULL);
	struct id p, ids[COUNT];
	int outputs[COUNT], count = 1;
	char want[20];

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	for (int i = 0; i < COUNT; i++) {
		const char *data = "a";
		for (size_t f = 0; f < sizeof(failures) / sizeof(*failures); f++)
			data = failures[f].at == i ? failures[f].data : data;
		if (i == 500 || i == 501) /* twice the same: one turn */
			ids[i] = stage_send(p, "same", pushed);
		else
			ids[i] = stage_send(p, data, NONE);
		outputs[i] = *data == 'a' && i != 501 ? ++count : 0;
	}
	(void)result(p, ids[HALF - 1]);
	t_u64(stage_evaluated(p), HALF + 1); /* with the process itself, and none that nobody asked for */
	snprintf(want, sizeof(want), "%06d", count + 1);
	t_text(dry_output(p, "a"), want);
	t_check(stage.pages <= 1 + (COUNT + 1000) / 1000); /* none is asked for twice, but the first by the dry run */
	for (int i = 0; i < COUNT; i++) {
		snprintf(want, sizeof(want), "%06d", outputs[i]);
		if (outputs[i])
			t_text(stage_output(p, ids[i]), want);
		else
			(void)result(p, ids[i]);
	}
	stage_close();
}

/* Neither side waits for the other to read. */
TEST(long_messages_are_echoed_one_after_the_other)
{
	static const size_t sizes[] = {10, 30000, 60000, 63000, 64000, 65000, 70000, 75000, 60000, 20};
	enum { COUNT = 3 * sizeof(sizes) / sizeof(*sizes) };
	struct id p, ids[COUNT];

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	for (size_t i = 0; i < COUNT; i++) {
		size_t len = sizes[i / 3];
		char *data = arena_alloc(&stage.arena, len + 1);
		memset(data, 'x', len);
		data[0] = '?';
		data[len] = 0;
		ids[i] = stage_send(p, data, NONE);
	}
	(void)result(p, ids[COUNT - 1]);
	t_u64(stage_evaluated(p), COUNT + 1);
	for (size_t i = 0; i < COUNT; i++) {
		const struct json *message;
		t_ok(json_parse(&message, &stage.arena, echoed(result(p, ids[i]), "message"), NULL));
		t_u64(json_get_text(&stage.arena, message, "Data").len, sizes[i / 3]);
		t_text(json_get_text(&stage.arena, message, "Id"), id_text(ids[i]).s);
	}
	stage_close();
}

/* ---- histories that do not hold together ---- */

TEST(a_broken_chain_stops_the_process_and_not_the_unit)
{
	struct id p, q, m;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	q = spawn();
	m = stage_send(p, "a", NONE);
	stage_send(p, "b", NONE);
	stage_last(p)->hash_chain.b[3] ^= 1;
	result_fails(p, stage_send(p, "c", NONE), E_CHAIN, "HashChain invalid on message");
	t_text(stage_output(p, m), "000002"); /* what came before is kept */
	t_text(stage_output(q, stage_send(q, "a", NONE)), "000002");
	/* A gap, an assignment of somebody else's, and none at all. */
	stage_send(q, "b", NONE);
	stage_last(q)->nonce++;
	result_fails(q, stage_send(q, "c", NONE), E_CHAIN, "Nonce gap on message");
	p = spawn();
	stage_send(p, "b", NONE);
	stage_last(p)->has_hash_chain = false;
	result_fails(p, stage_send(p, "c", NONE), E_CHAIN, "there is none");
	p = spawn();
	m = stage_send(p, "b", NONE);
	stage_last(p)->process = q;
	result_fails(p, m, E_NOT_FOUND, "belongs to the process");
	stage_close();
}

TEST(the_first_link_is_checked_too)
{
	struct id p;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	stage_last(p)->hash_chain.b[3] ^= 1;
	result_fails(p, p, E_CHAIN, "HashChain invalid on message");
	stage_close();
}

/* ---- what cannot be loaded ---- */

static void process_fails(struct tags module_tags, struct tags process_tags, enum err want, const char *text)
{
	struct id module = stage_module(probe(), module_tags), p = stage_spawn(module, process_tags, 0);

	result_fails(p, p, want, text);
	result_fails(p, stage_send(p, "a", NONE), want, text); /* and again, the same */
}

TEST(what_cannot_be_run_is_refused_with_its_cause)
{
	struct id p, missing = {{9}};
	struct bytes wasm = BYTES("\0asm");
	char text[100];

	stage_open(store_open_memory(), t_dir());
	process_fails(stage_tags("Module-Format", "evm", NULL), NONE, E_UNSUPPORTED, "Module-Format for module");
	process_fails(NONE, stage_tags("Memory-Limit", "5-gb", NULL), E_LIMIT, "Memory-Limit for process");
	process_fails(NONE, stage_tags("Memory-Limit", "lots", NULL), E_LIMIT, "Memory-Limit for process");
	process_fails(NONE, stage_tags("Compute-Limit", "9000000000001", NULL), E_LIMIT, "Compute-Limit for process");
	process_fails(NONE, stage_tags("Compute-Limit", "none", NULL), E_LIMIT, "Compute-Limit for process");
	process_fails(NONE, stage_tags("Memory-Limit", "64-kb", NULL), E_LIMIT, "memory");
	process_fails(stage_tags("Extension", "Teleport", NULL), NONE, E_UNSUPPORTED, "Module Extensions for module");
	process_fails(NONE, stage_tags("Cron-Tag-Action", "x", NULL), E_FORMAT, "Unmatched Cron-Tag");
	p = stage_spawn(missing, NONE, 0);
	result_fails(p, p, E_NOT_FOUND, "TransactionNotFound");
	p = stage_spawn(stage_module_of(wasm, stage_tags("Module-Format", STAGE_FORMAT, "Input-Encoding", "J",
							 "Output-Encoding", "J", NULL)),
			NONE, 0);
	result_fails(p, p, E_FORMAT, "");
	p = stage_spawn(stage_module_of(wasm, stage_tags("Module-Format", STAGE_FORMAT, "Input-Encoding", "J", NULL)),
			NONE, 0);
	result_fails(p, p, E_UNSUPPORTED, "Output-Encoding for module");
	result_fails(missing, missing, E_NOT_FOUND, "");
	snprintf(text, sizeof(text), "%s", id_text(missing).s);
	p = spawn();
	result_fails(p, missing, E_NOT_FOUND, text);
	stage_close();
}

TEST(sizes_are_read_as_the_reference_reads_them)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {
		{"1-gb", 1 << 30},   {"512 mb", 512 << 20},
		{"1.5gb", 3 << 29},  {"500-MB", 500 << 20},
		{"1000", 1000},      {"2-kb", 2048},
		{"0.5-mb", 1 << 19}, {"7b", 7},
		{"3-apples", 3},     {"", 0},
		{"lots", 0},         {"0", 0},
		{"-5", 0},           {".5gb", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		t_u64(size_parse(bytes_str(rows[i].text)), rows[i].bytes);
	t_check(size_parse(BYTES("99999999999-pb")) >= (uint64_t)1 << 60);
	t_check(size_parse(BYTES("99999999999999999999999")) >= (uint64_t)1 << 59);
}

/* ---- workers ---- */

TEST(a_worker_that_is_killed_costs_nothing_but_time)
{
	struct id p;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	t_text(stage_output(p, stage_send(p, "a", NONE)), "000002");
	for (int i = 0; i < 5; i++) {
		char want[20];
		pid_t parent = stage_nursery(), worker = stage_worker_of(parent, parent);
		t_check(parent > 0 && worker > 0);
		kill(i % 2 ? parent : worker, SIGKILL);
		while (kill(worker, 0) == 0) /* with its parent it goes a little later */
			clock_sleep_ms(1);
		snprintf(want, sizeof(want), "%06d", i + 3);
		t_text(stage_output(p, stage_send(p, "a", NONE)), want);
	}
	stage_close();
}

/* ---- restart and eviction ---- */

TEST(a_restart_serves_what_is_stored_and_goes_on_from_the_checkpoint)
{
	struct id p, m, n;
	struct bytes before;
	size_t pages;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	for (int i = 0; i < 20; i++)
		m = stage_send(p, i == 5 ? "G" : i == 7 ? "E" : "a", NONE);
	before = result(p, m);
	stage_stop();
	stage_start();
	pages = stage.pages;
	stage.scheduler_away = true;
	t_bytes(result(p, m), before);
	stage.scheduler_away = false;
	n = stage_send(p, "a", NONE);
	t_text(stage_output(p, n), "000021");
	t_u64(stage.pages - pages, 1); /* not the whole history again */
	stage_close();
}

TEST(evaluation_does_not_depend_on_who_went_on_running)
{
	struct id p;
	struct bytes clock, calls;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	clock = stage_output(p, stage_send(p, "T", NONE));
	t_text(clock, "000010000000010001");
	t_bytes(stage_output(p, stage_send(p, "T", NONE)), clock);
	calls = stage_output(p, stage_send(p, "K", NONE));
	t_bytes(stage_output(p, stage_send(p, "K", NONE)), calls);
	stage_stop();
	stage_start();
	t_bytes(stage_output(p, stage_send(p, "K", NONE)), calls);
	t_bytes(stage_output(p, stage_send(p, "T", NONE)), clock);
	stage_close();
}

TEST(more_processes_than_may_live_take_turns)
{
	struct id p[12];

	stage.options.live_max = 3;
	stage_open(store_open_memory(), t_dir());
	for (int i = 0; i < 12; i++)
		p[i] = spawn();
	for (int round = 2; round < 6; round++)
		for (int i = 0; i < 12; i++) {
			char want[20];
			snprintf(want, sizeof(want), "%06d", round);
			t_text(stage_output(p[i], stage_send(p[i], "a", NONE)), want);
		}
	stage_close();
}

/* ---- side by side ---- */

struct asker {
	pthread_t thread;
	struct id process, *messages;
	size_t count;
};

static void *ask_all(void *ctx)
{
	struct asker *k = ctx;
	struct arena a = ARENA_EMPTY;

	for (size_t i = 0; i < k->count; i++) {
		struct bytes json, want;
		struct note note = {0};
		if (result_wait(&stage.port, &a, k->process, bytes_str(id_text(k->messages[i]).s), &json, &note) < 0)
			t_fail("%s", note.text);
		want = arena_printf(&a, "\"Output\":\"%06zu\"", i + 2);
		if (!memmem(json.ptr, json.len, want.ptr, want.len))
			t_fail("%.*s instead of %.*s", BYTES_FMT(json), BYTES_FMT(want));
	}
	arena_release(&a);
	return NULL;
}

TEST(who_asks_one_after_the_other_does_not_read_the_history_anew)
{
	struct id p, messages[200];
	size_t before;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	for (int i = 0; i < 200; i++)
		messages[i] = stage_send(p, "a", NONE);
	before = stage.pages;
	for (int i = 0; i < 200; i++)
		stage_output(p, messages[i]);
	t_check(stage.pages - before <= 4);
	t_u64(stage.assignments, 0);
	stage_close();
}

TEST(twenty_processes_in_parallel)
{
	struct asker askers[20] = {0};

	stage_open(store_open_memory(), t_dir());
	for (int i = 0; i < 20; i++) {
		askers[i].process = spawn();
		askers[i].count = 50;
		askers[i].messages = arena_new_array(&stage.arena, 50, struct id);
		for (int k = 0; k < 50; k++)
			askers[i].messages[k] = stage_send(askers[i].process, "a", NONE);
	}
	for (int i = 0; i < 20; i++)
		pthread_create(&askers[i].thread, NULL, ask_all, &askers[i]);
	for (int i = 0; i < 20; i++)
		pthread_join(askers[i].thread, NULL);
	stage_close();
}

TEST(many_ask_one_process_at_once)
{
	struct asker askers[8] = {0};
	struct id p, messages[100];

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	for (int k = 0; k < 100; k++)
		messages[k] = stage_send(p, "a", NONE);
	for (int i = 0; i < 8; i++) {
		askers[i] = (struct asker){.process = p, .messages = messages, .count = 100};
		pthread_create(&askers[i].thread, NULL, ask_all, &askers[i]);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(askers[i].thread, NULL);
	stage_close();
}

/* ---- dry runs ---- */

TEST(a_dry_run_sees_the_present_and_changes_nothing)
{
	struct id p, m;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	t_text(dry_output(p, "a"), "000002");
	t_text(dry_output(p, "a"), "000002");
	stage_send(p, "a", NONE); /* nobody asked for its result */
	t_text(dry_output(p, "a"), "000003");
	t_text(dry_output(p, "G"), "000003");
	m = stage_send(p, "a", NONE);
	t_text(stage_output(p, m), "000003");
	t_text(dry_output(p, "E"), "");
	t_text(dry_output(p, "a"), "000004");
	stage_close();
}

TEST(a_dry_run_gets_the_body_in_the_order_of_the_reference)
{
	struct note note = {0};
	struct bytes json, got;
	struct id p;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	t_ok(stage_dry_run(
		p,
		"{\"Id\":\"1234\",\"Anchor\":\"0\",\"Tags\":[{\"name\":\"Action\",\"value\":\"x\"},{\"name\":\"From\","
		"\"value\":\"evil\"}],\"Owner\":\"1234\",\"Data\":\"?\\u0041\\/\",\"Other\":1}",
		&json, &note));
	got = echoed(json, "message");
	t_bytes(got,
		arena_printf(&stage.arena,
			     "{\"Id\":\"1234\",\"Data\":\"?A/\",\"Owner\":\"1234\",\"Target\":\"%s\",\"Anchor\":\"0\","
			     "\"From\":\"1234\",\"Tags\":[{\"name\":\"Action\",\"value\":\"x\"}],"
			     "\"Timestamp\":1700000000000,\"Block-Height\":1500000,\"Cron\":false,\"Read-Only\":true}",
			     id_text(p).s));
	t_err(stage_dry_run(p, "7", &json, &note), E_ARGUMENT);
	t_check(strstr(note.text, "'dryRun': Expected object"));
	t_err(stage_dry_run(p, "{}", &json, &note), E_ARGUMENT);
	t_str(note.text, "'Owner': Required. | 'From': Required. | 'Tags': Required.");
	t_err(stage_dry_run(p, "{\"Owner\":\"o\",\"Tags\":[],\"Anchor\":7}", &json, &note), E_ARGUMENT);
	t_err(stage_dry_run(p, "{\"Owner\":\"o\",\"Tags\":[],\"Timestamp\":{}}", &json, &note), E_ARGUMENT);
	t_err(stage_dry_run(p, "{\"Owner\":\"o\",\"Tags\":{}}", &json, &note), E_ARGUMENT);
	t_err(stage_dry_run(p, "{", &json, &note), E_FORMAT);
	stage_close();
}

TEST(a_dry_run_can_name_the_message_it_is_to_follow)
{
	struct id p, first, second;
	struct note note = {0};
	char path[300];
	struct bytes body = BYTES("{\"Owner\":\"o\",\"Tags\":[]}");
	struct http_client *client;
	struct http_reply reply;
	uint16_t port;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	first = stage_send(p, "a", NONE);
	second = stage_send(p, "a", NONE);
	t_ok(cu_serve(stage.cu, "127.0.0.1", 0, &port, &note));
	client = http_client_open(20000, NULL);
	snprintf(path, sizeof(path), "http://127.0.0.1:%u/dry-run?process-id=%s&to=%s", port, id_text(p).s,
		 id_text(first).s);
	t_ok(http_wait(client, &stage.arena, &(struct http_call){.method = "POST", .url = path, .body = body}, &reply,
		       &note));
	t_u64(reply.status, 200);
	t_check(memmem(reply.body.ptr, reply.body.len, "\"Output\":\"000003\"", 17));
	t_text(stage_output(p, second), "000003");
	t_ok(http_wait(client, &stage.arena, &(struct http_call){.method = "POST", .url = path, .body = body}, &reply,
		       &note));
	t_u64(reply.status, 425);
	snprintf(path, sizeof(path), "http://127.0.0.1:%u/dry-run?process-id=%s&to=x", port, id_text(p).s);
	t_ok(http_wait(client, &stage.arena, &(struct http_call){.method = "POST", .url = path, .body = body}, &reply,
		       &note));
	t_u64(reply.status, 400);
	http_client_close(client);
	stage_close();
}

/* ---- long evaluations ---- */

/* One ask, or several whose last answer counts. */
struct pending {
	pthread_mutex_t lock;
	int done;
	enum err e;
	struct note note;
};
#define PENDING ((struct pending){.lock = PTHREAD_MUTEX_INITIALIZER})

static void on_done(void *ctx, enum err e, const struct note *note, struct bytes json)
{
	struct pending *k = ctx;

	pthread_mutex_lock(&k->lock);
	k->e = e;
	if (note)
		k->note = *note;
	k->done++;
	pthread_mutex_unlock(&k->lock);
}

static void await(struct pending *k, int count)
{
	bool done = false;

	while (!done) {
		clock_sleep_ms(2);
		pthread_mutex_lock(&k->lock);
		done = k->done >= count;
		pthread_mutex_unlock(&k->lock);
	}
}

/* A process whose messages may run for hours. */
static struct id spawn_patient(void)
{
	return stage_spawn(stage_module(probe(), stage_tags("Compute-Limit", "9000000000000", NULL)), NONE, 0);
}

TEST(nobody_waits_for_the_long_evaluation_of_another)
{
	struct id p, long_one;
	struct pending pending[4] = {PENDING, PENDING, PENDING, PENDING}, dry = PENDING;

	stage.options.stop_grace_ms = 50;
	stage_open(store_open_memory(), t_dir());
	p = spawn();
	for (int i = 0; i < 4; i++) {
		struct id m;
		long_one = spawn_patient();
		m = stage_send(long_one, "L", NONE);
		stage.port.result(stage.port.self, long_one, bytes_str(id_text(m).s), on_done, &pending[i]);
		/* And dry runs that never end. */
		stage.port.dry_run(stage.port.self, p, BYTES("{\"Owner\":\"o\",\"Tags\":[],\"Data\":\"a\"}"), on_done,
				   &dry);
	}
	for (int i = 0; i < 5; i++) {
		t_check(dry_output(p, "a").len == 6);
		stage_output(p, stage_send(p, "a", NONE));
	}
	t_text(dry_output(p, "a"), "000007");
	await(&dry, 4);
	/* Closing does not wait for them either. */
	stage_close();
	for (int i = 0; i < 4; i++) {
		await(&pending[i], 1);
		t_check(pending[i].e < 0);
	}
}

TEST(an_endless_dry_run_stops_neither_its_process_nor_for_ever)
{
	struct id p;
	struct pending dry = PENDING, shorter = PENDING;

	stage.options.dry_ms_max = 400;
	stage_open(store_open_memory(), t_dir());
	p = spawn_patient();
	t_text(dry_output(p, "a"), "000002");
	for (int i = 0; i < 6; i++)
		stage.port.dry_run(stage.port.self, p, BYTES("{\"Owner\":\"o\",\"Tags\":[],\"Data\":\"L\"}"), on_done,
				   &dry);
	stage.port.dry_run(stage.port.self, p, BYTES("{\"Owner\":\"o\",\"Tags\":[],\"Data\":\"a\"}"), on_done,
			   &shorter);
	for (int i = 0; i < 5; i++) {
		char want[20];
		snprintf(want, sizeof(want), "%06d", i + 2);
		t_text(stage_output(p, stage_send(p, "a", NONE)), want);
	}
	await(&dry, 6);
	t_err(dry.e, E_TIMEOUT);
	await(&shorter, 1);
	t_err(shorter.e, OK);
	stage_close();
}

static void *dry_many(void *ctx)
{
	const struct id *p = ctx;
	struct arena a = ARENA_EMPTY;

	for (int i = 0; i < 40; i++) {
		struct bytes json, body = arena_printf(&a, "{\"Owner\":\"o\",\"Tags\":[],\"Data\":\"a%d\"}", i);
		struct note note = {0};
		if (dry_run_wait(&stage.port, &a, *p, body, &json, &note) < 0)
			t_fail("%s", note.text);
		if (!memmem(json.ptr, json.len, "\"Output\":\"0000", 14))
			t_fail("%.*s", BYTES_FMT(json));
	}
	arena_release(&a);
	return NULL;
}

TEST(dry_runs_side_by_side_with_evaluations)
{
	struct id p;
	pthread_t threads[8];

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, dry_many, &p);
	for (int i = 0; i < 40; i++) {
		char want[20];
		snprintf(want, sizeof(want), "%06d", i + 2);
		t_text(stage_output(p, stage_send(p, i % 10 == 3 ? "G" : "a", NONE)), want);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	t_text(dry_output(p, "a"), "000042");
	stage_close();
}

TEST(a_full_queue_says_busy_at_once)
{
	struct id p, m;
	struct pending pending[2] = {PENDING, PENDING}, dry[3] = {PENDING, PENDING, PENDING};
	struct note note = {0};
	struct bytes json;

	stage.options.queue_max = 3;
	stage.options.dry_queue_max = 2;
	stage.options.stop_grace_ms = 50;
	stage_open(store_open_memory(), t_dir());
	p = spawn_patient();
	m = stage_send(p, "L", NONE);
	for (int i = 0; i < 2; i++)
		stage.port.result(stage.port.self, p, bytes_str(id_text(m).s), on_done, &pending[i]);
	for (int i = 0; i < 3; i++)
		stage.port.dry_run(stage.port.self, p, BYTES("{\"Owner\":\"o\",\"Tags\":[]}"), on_done, &dry[i]);
	t_u64(dry[2].done, 1);
	t_err(dry[2].e, E_BUSY);
	t_str(dry[2].note.text, "Dry-Run enqueue limit exceeded");
	t_err(stage_result(p, m, &json, &note), E_BUSY);
	t_check(strstr(note.text, "requests waiting"));
	stage_close();
	await(&dry[1], 1);
}

/* ---- a store that fails ---- */

TEST(what_cannot_be_written_is_not_answered)
{
	struct id p, m, n;
	struct bytes json;
	struct note note = {0};

	stage_open(store_open_faulty(store_open_memory(), 4), t_dir());
	p = spawn();
	m = stage_send(p, "a", NONE);
	t_text(stage_output(p, m), "000002");
	n = stage_send(p, "a", NONE);
	for (int i = 0; i < 8; i++)
		n = stage_send(p, "a", NONE);
	t_err(stage_result(p, n, &json, &note), E_IO);
	t_check(strstr(note.text, "results cannot be written down"));
	t_text(stage_output(p, m), "000002");
	t_err(stage_result(p, n, &json, &note), E_IO);
	stage_close();
}

TEST_MAIN
