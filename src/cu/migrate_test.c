/* SPDX-License-Identifier: MIT
 *
 * A process goes on with another module, or stays with the one it has; and whoever evaluates its history agrees.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "cu/result.h"
#include "cu/stage.h"
#include "cu/unit.h"
#include "flow/wait.h"
#include "msg/item.h"
#include "test/test.h"

#include <stdio.h>
#include <string.h>

#define NONE ((struct tags){NULL, 0})

/* ---- modules ---- */

static struct tags module_tags(const char *limit)
{
	return stage_tags("Data-Protocol", "ao", "Type", "Module", "Module-Format", STAGE_FORMAT, "Input-Encoding",
			  "JSON-1", "Output-Encoding", "JSON-1", "Memory-Limit", limit, "Compute-Limit", "1000000000",
			  NULL);
}

/* The mover's bytes, of this version. */
static struct bytes mover_of(char version)
{
	const char *path = getenv("WEFT_MOVER");
	struct buf file;
	struct bytes copy;
	uint8_t *at;

	if (!path)
		t_fail("WEFT_MOVER names the module to test with");
	file = t_file(path);
	copy = arena_copy(&stage.arena, buf_bytes(&file));
	for (at = (uint8_t *)(uintptr_t)copy.ptr; (at = memmem(at, copy.len - (size_t)(at - copy.ptr), "v1:", 3)); at++)
		at[1] = (uint8_t)version;
	buf_release(&file);
	return copy;
}

static struct id mover(char version)
{
	return stage_module_of(mover_of(version), module_tags("64-mb"));
}

/* ---- the process ---- */

static struct id migrate(struct id process, struct id module, const char *ask)
{
	return stage_send(process, ask, stage_tags("Action", "Migrate.Module", "Module", id_text(module).s, NULL));
}

static struct bytes output(struct id process, const char *data)
{
	return stage_output(process, stage_send(process, data, NONE));
}

/* The field of a result, as text. */
static struct bytes field(struct id process, struct id message, const char *name)
{
	const struct json *json;
	struct note note = {0};
	struct bytes text;

	if (stage_result(process, message, &text, &note) < 0)
		t_fail("%s", note.text);
	t_ok(json_parse(&json, &stage.arena, text, NULL));
	return json_get_text(&stage.arena, json, name);
}

/* ---- going ---- */

TEST(a_process_goes_on_with_another_module)
{
	struct id p, m, first, second, sum;
	struct note note = {0};
	struct bytes json;

	stage_open(store_open_memory(), t_dir());
	first = mover('1');
	second = mover('2');
	p = stage_spawn(first, NONE, 0);
	t_text(output(p, "a"), "v1:000002");
	m = migrate(p, second, "G");
	t_text(stage_output(p, m), "v2:took 000003");
	t_text(field(p, m, "Module"), id_text(second).s);
	t_ok(stage_result(p, m, &json, &note));
	t_check(memmem(json.ptr, json.len, "{\"Target\":\"t\"}", 14) != NULL);
	t_text(output(p, "a"), "v2:000004");
	sum = stage_state(p);
	/* From the checkpoint, and from the history alone. */
	stage_stop();
	stage_start();
	t_check(id_eq(stage_state(p), sum));
	t_text(output(p, "a"), "v2:000005");
	sum = stage_state(p);
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_text(stage_output(p, m), "v2:took 000003");
	stage_close();
}

TEST(there_and_back_and_into_the_same_again)
{
	struct id p, first, second, sum;
	struct bytes last;

	stage.options.checkpoint_turns = 2;
	stage_open(store_open_memory(), t_dir());
	first = mover('1');
	second = mover('2');
	p = stage_spawn(first, NONE, 0);
	for (int i = 0; i < 3; i++) {
		t_check(bytes_starts(stage_output(p, migrate(p, second, "a")), "v2:took"));
		output(p, "a");
		output(p, "a");
		t_check(bytes_starts(stage_output(p, migrate(p, second, "G")), "v2:took"));
		t_check(bytes_starts(stage_output(p, migrate(p, first, "a")), "v1:took"));
		sum = stage_state(p);
		stage_stop();
		stage_start();
		t_check(id_eq(stage_state(p), sum));
	}
	last = output(p, "a");
	t_text(last, "v1:000017");
	sum = stage_state(p);
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	stage_close();
}

TEST(processes_that_have_migrated_are_evicted_and_come_back)
{
	struct id p[6], sums[6], first, second;

	stage.options.live_memory = 3 << 20;
	stage_open(store_open_memory(), t_dir());
	first = mover('1');
	second = mover('2');
	for (int i = 0; i < 6; i++) {
		p[i] = stage_spawn(first, NONE, 0);
		migrate(p[i], second, i % 2 ? "G" : "a");
		sums[i] = stage_state(p[i]);
	}
	for (int i = 0; i < 6; i++)
		t_check(id_eq(stage_state(p[i]), sums[i]));
	for (int i = 0; i < 6; i++)
		t_text(output(p[i], "a"), "v2:000003");
	stage_close();
}

/* ---- staying ---- */

/* The migration fails with these words, and nothing has changed. */
static void stays(struct id p, struct id m, struct id sum, const char *words)
{
	struct bytes error = field(p, m, "Error");
	struct id after = stage_state(p);

	if (!memmem(error.ptr, error.len, words, strlen(words)))
		t_fail("\"%.*s\" does not say \"%s\"", BYTES_FMT(error), words);
	t_check(id_eq(after, sum));
}

TEST(what_fails_changes_nothing)
{
	struct id p, first, second, sum;
	struct bytes next;

	stage_open(store_open_memory(), t_dir());
	first = mover('1');
	second = mover('2');
	p = stage_spawn(first, NONE, 0);
	t_text(output(p, "a"), "v1:000002");
	sum = stage_state(p);
	stays(p, migrate(p, second, "X"), sum, "not wanted");
	stays(p, migrate(p, second, "F"), sum,
	      "it does not take the state over: not wanted. The process goes on with the module ");
	stays(p, migrate(p, second, "E"), sum, "unreachable");
	stays(p, migrate(p, second, "L"), sum, "out of gas");
	stays(p, migrate(p, second, "H"), sum, "unreachable");
	stays(p, migrate(p, second, "N"), sum, "it answered Migrate.Import like any message");
	stays(p, stage_send(p, "a", stage_tags("Action", "Migrate.Module", "Module", "x", NULL)), sum,
	      "the Module tag is not an id");
	stays(p, migrate(p, stage_transaction("text", stage_tags("Type", "Message", NULL)), "a"), sum,
	      "it is not a module");
	stays(p,
	      migrate(p, stage_transaction("text", stage_tags("Type", "Module", "Module-Format", "toml", NULL)), "a"),
	      sum, "its Module-Format is none that can be migrated to: \"toml\"");
	stays(p,
	      migrate(p, stage_transaction("text", stage_tags("Type", "Module", "Module-Format", STAGE_FORMAT, NULL)),
		      "a"),
	      sum, "no Input-Encoding");
	stays(p, migrate(p, stage_module_of(BYTES("no wasm"), module_tags("64-mb")), "a"), sum, "it cannot be used");
	stays(p, migrate(p, stage_module_of(mover_of('2'), module_tags("x")), "a"), sum, "Memory-Limit");
	stays(p, migrate(p, stage_module_of(mover_of('2'), module_tags("256-kb")), "a"), sum, "it does not start");
	next = output(p, "a");
	t_text(next, "v1:000003");
	sum = stage_state(p);
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	stage_close();
}

TEST(gas_of_a_failed_migration_is_counted_and_it_is_not_listed)
{
	struct id p, m;
	const struct json *json;
	struct note note = {0};
	struct result result;
	struct bytes text;
	uint64_t gas = 0;

	stage_open(store_open_memory(), t_dir());
	p = stage_spawn(mover('1'), NONE, 0);
	m = migrate(p, mover('2'), "L");
	t_ok(stage_result(p, m, &text, &note));
	t_ok(json_parse(&json, &stage.arena, text, NULL));
	t_check(json_u64(json_get(json, "GasUsed"), &gas) && gas > 1000000000);
	t_ok(result_get(stage.store, &stage.arena, p, bytes_str(id_text(m).s), &result));
	t_check(result.failed);
	stage_close();
}

TEST(a_module_that_knows_nothing_of_it_takes_an_ordinary_turn)
{
	struct id p, module;

	stage_open(store_open_memory(), t_dir());
	module = stage_module(getenv("WEFT_PROBE"), NONE);
	p = stage_spawn(module, NONE, 0);
	t_text(stage_output(p, migrate(p, mover('2'), "a")), "000002");
	t_text(output(p, "a"), "000003");
	stage_close();
}

TEST(only_the_owner_asks_for_it_and_only_directly)
{
	struct id p, q, m, second;

	stage_open(store_open_memory(), t_dir());
	second = mover('2');
	p = stage_spawn(mover('1'), NONE, 0);
	q = stage_spawn(mover('1'), NONE, 0);
	m = migrate(p, second, "a");
	((struct message *)(uintptr_t)stage_last(p)->message)->owner_address = BYTES(
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	t_text(stage_output(p, m), "moving"); /* the module has answered, and that is all */
	m = stage_send(p, "a",
		       stage_tags("Action", "Migrate.Module", "Module", id_text(second).s, "From-Process", id_text(q).s,
				  NULL));
	t_text(stage_output(p, m), "moving");
	m = migrate(p, second, "a");
	((struct message *)(uintptr_t)stage_last(p)->message)->target = arena_copy(&stage.arena,
										   bytes_str(id_text(q).s));
	t_text(stage_output(p, m), "moving");
	m = stage_assign(
		p, stage_transaction("a", stage_tags("Action", "Migrate.Module", "Module", id_text(second).s, NULL)),
		NONE);
	t_text(stage_output(p, m), "moving");
	t_check(bytes_starts(output(p, "a"), "v1:"));
	stage_close();
}

/* ---- failures of ours ---- */

TEST(a_weave_that_is_away_is_an_error_and_not_a_result)
{
	struct id p, m, second;
	struct note note = {0};
	struct bytes json;

	stage_open(store_open_memory(), t_dir());
	second = mover('2');
	p = stage_spawn(mover('1'), NONE, 0);
	t_text(output(p, "a"), "v1:000002");
	m = migrate(p, second, "a");
	stage.weave_away = true;
	t_err(stage_result(p, m, &json, &note), E_PEER);
	t_err(stage_result(p, m, &json, &note), E_PEER);
	stage.weave_away = false;
	t_text(stage_output(p, m), "v2:took 000003");
	stage_close();
}

TEST(a_module_is_waited_for_and_then_it_is_too_late)
{
	struct id p, q, m, second, sum;
	struct note note = {0};
	struct bytes json;

	stage_open(store_open_memory(), t_dir());
	second = mover('2');
	p = stage_spawn(mover('1'), NONE, 0);
	q = stage_spawn(mover('1'), NONE, 0);
	t_text(output(p, "a"), "v1:000002");
	sum = stage_state(p);
	m = migrate(p, second, "a");
	stage.hidden = second;
	t_err(stage_result(p, m, &json, &note), E_PEER);
	t_check(strstr(note.text, "is not on the weave yet") != NULL && note.hint[0]);
	stage.height = STAGE_HEIGHT + 100;
	t_err(stage_result(p, m, &json, &note), E_PEER);
	stage.height = STAGE_HEIGHT + 101;
	stays(p, m, sum, "the module is not on the weave");
	/* It comes after all: too late, for everybody. */
	stage.hidden = (struct id){{0}};
	stage_mine(second, STAGE_HEIGHT + 101);
	stage_restart_empty();
	stays(p, m, sum, "the module is not on the weave");
	stage_mine(second, 0);
	stage_restart_empty();
	stays(p, m, sum, "the module is not on the weave");
	/* In the last block that counts. */
	stage_mine(second, STAGE_HEIGHT + 100);
	t_text(stage_output(q, migrate(q, second, "a")), "v2:took 000002");
	/* In no block, but seen in time. */
	stage.height = STAGE_HEIGHT + 100;
	stage_mine(second, 0);
	t_text(stage_output(q, migrate(q, second, "a")), "v2:took 000003");
	stage_close();
}

/* ---- beside it ---- */

static const char dry_message[] = "{\"Owner\":\"me\",\"Data\":\"a\",\"Tags\":[]}";

TEST(dry_runs_see_the_module_of_the_moment)
{
	static const char asking[] =
		"{\"Owner\":\"me\",\"Data\":\"a\",\"Tags\":[{\"name\":\"Action\",\"value\":\"Migrate.Module\"}]}";
	struct id p, second;
	struct note note = {0};
	struct bytes json;

	stage_open(store_open_memory(), t_dir());
	second = mover('2');
	p = stage_spawn(mover('1'), NONE, 0);
	t_ok(stage_dry_run(p, dry_message, &json, &note));
	t_check(memmem(json.ptr, json.len, "v1:000002", 9) != NULL);
	t_ok(stage_dry_run(p, asking, &json, &note));
	t_check(memmem(json.ptr, json.len, "moving", 6) != NULL);
	t_text(output(p, "a"), "v1:000002");
	migrate(p, second, "a");
	t_ok(stage_dry_run(p, dry_message, &json, &note));
	t_check(memmem(json.ptr, json.len, "v2:000004", 9) != NULL);
	t_text(output(p, "a"), "v2:000004");
	stage_close();
}

struct asker {
	pthread_t thread;
	struct id process;
	atomic_bool enough;
	size_t answered;
};

static void *ask_dry(void *ctx)
{
	struct asker *k = ctx;
	struct arena a = ARENA_EMPTY;

	while (!k->enough) {
		struct note note = {0};
		struct bytes json;
		if (dry_run_wait(&stage.port, &a, k->process, bytes_str(dry_message), &json, &note) < 0)
			t_fail("%s", note.text);
		t_check(memmem(json.ptr, json.len, "\"v1:", 4) || memmem(json.ptr, json.len, "\"v2:", 4));
		k->answered++;
		arena_reset(&a);
	}
	arena_release(&a);
	return NULL;
}

TEST(dry_runs_and_checkpoints_go_on_while_it_migrates)
{
	struct asker askers[3] = {0};
	struct id p, modules[2], sum;

	stage.options.checkpoint_turns = 1;
	stage_open(store_open_memory(), t_dir());
	modules[0] = mover('1');
	modules[1] = mover('2');
	p = stage_spawn(modules[0], NONE, 0);
	output(p, "a");
	for (int i = 0; i < 3; i++) {
		askers[i].process = p;
		pthread_create(&askers[i].thread, NULL, ask_dry, &askers[i]);
	}
	for (int i = 1; i <= 20; i++) {
		t_check(bytes_starts(stage_output(p, migrate(p, modules[i % 2], "a")), i % 2 ? "v2:took" : "v1:took"));
		output(p, "a");
	}
	for (int i = 0; i < 3; i++) {
		askers[i].enough = true;
		pthread_join(askers[i].thread, NULL);
		t_check(askers[i].answered > 0);
	}
	t_text(output(p, "a"), "v1:000043");
	sum = stage_state(p);
	stage_stop();
	stage_start();
	t_check(id_eq(stage_state(p), sum));
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	stage_close();
}

/* Kills all workers, again and again, but not for ever: however slow the machine is, it gets somewhere in the end. */
static void *kill_workers(void *ctx)
{
	struct asker *k = ctx;

	for (uint64_t i = 0; i < 60 && !k->enough; i++) {
		modules_stop(stage.cu);
		k->answered++;
		clock_sleep_ms(5 + i * 7 % 40);
	}
	return NULL;
}

/* The output of a message, asked for until no worker is killed over it. */
static struct bytes insist(struct id process, struct id message)
{
	struct note note = {0};
	struct bytes json;

	while (stage_result(process, message, &json, &note) < 0)
		clock_sleep_ms(1);
	return stage_output(process, message);
}

TEST(workers_that_are_killed_meanwhile_change_nothing)
{
	struct asker killer = {0};
	struct id p, modules[2], sum;
	struct bytes said;
	char want[20];

	stage.options.checkpoint_turns = 3;
	stage_open(store_open_memory(), t_dir());
	modules[0] = mover('1');
	modules[1] = mover('2');
	p = stage_spawn(modules[0], NONE, 0);
	output(p, "a");
	pthread_create(&killer.thread, NULL, kill_workers, &killer);
	for (int i = 1; i <= 20; i++) {
		snprintf(want, sizeof(want), "v%c:took %06d", i % 2 ? '2' : '1', 2 * i + 1);
		said = insist(p, migrate(p, modules[i % 2], i % 3 ? "a" : "G"));
		t_text(said, want);
		insist(p, stage_send(p, "a", NONE));
	}
	killer.enough = true;
	pthread_join(killer.thread, NULL);
	t_check(killer.answered > 1);
	t_text(output(p, "a"), "v1:000043");
	sum = stage_state(p);
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	stage_close();
}

/* ---- checkpoints ---- */

static bool see_row(void *ctx, struct bytes key, struct bytes value)
{
	memcpy(ctx, value.ptr + value.len - 32, 32);
	return false;
}

static struct id newest_blob(struct id process)
{
	uint8_t end[32];
	struct store_range range = {.from = bytes_of(process.b, 32),
				    .to = store_prefix_end(end, bytes_of(process.b, 32)),
				    .backward = true};
	struct id blob = {{0}};

	t_ok(store_scan(stage.store, TABLE_CHECKPOINT, &range, see_row, &blob));
	return blob;
}

TEST(a_damaged_checkpoint_of_one_module_leaves_that_of_the_other)
{
	struct id p, m, second, sum;

	stage.options.checkpoint_turns = 1000;
	stage_open(store_open_memory(), t_dir());
	second = mover('2');
	p = stage_spawn(mover('1'), NONE, 0);
	output(p, "a");
	stage_state(p);
	stage_stop(); /* a checkpoint of the first module */
	stage_start();
	m = stage_send(p, "a", NONE);
	migrate(p, second, "G");
	output(p, "a");
	sum = stage_state(p);
	stage_stop(); /* and one of the second */
	store_blob_del(stage.store, newest_blob(p));
	stage_start();
	t_check(id_eq(stage_state(p), sum));
	t_text(stage_output(p, m), "v1:000003"); /* evaluated again, by the first */
	stage_stop();
	for (int i = 0; i < 2; i++) {
		store_blob_del(stage.store, newest_blob(p));
		stage_start();
		t_check(id_eq(stage_state(p), sum));
		stage_stop();
	}
	stage_start();
	t_text(output(p, "a"), "v2:000006");
	stage_close();
}

static void await_shelf(size_t count)
{
	while (stage_shelf() < count)
		clock_sleep_ms(2);
}

/* How many hold a module. */
static size_t module_users(void)
{
	struct module *m, *next;
	size_t users = 0;

	pthread_mutex_lock(&stage.cu->lock);
	HASH_ITER(hh, stage.cu->modules, m, next)
	users += m->users;
	pthread_mutex_unlock(&stage.cu->lock);
	return users;
}

TEST(a_checkpoint_of_the_weave_names_the_module_that_it_is_of)
{
	struct id p, first, second, sum;

	stage.options.upload_gas = 1;
	stage.options.upload_ms = 1;
	stage_open(store_open_memory(), t_dir());
	first = mover('1');
	second = mover('2');
	p = stage_spawn(first, NONE, 0);
	output(p, "a");
	await_shelf(1);
	clock_sleep_ms(2);
	migrate(p, second, "a");
	stage_state(p);
	await_shelf(2);
	for (int i = 0; i < 3; i++)
		output(p, "a");
	sum = stage_state(p);
	stage.options.upload_gas = 0;
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_check(stage_evaluated(p) < 6);
	t_text(output(p, "a"), "v2:000007");
	/* Back: the way from the oldest checkpoint to the newest leads through the other module. */
	stage.options.upload_gas = 1;
	stage_stop();
	stage_start();
	migrate(p, first, "a");
	stage_state(p);
	clock_sleep_ms(2);
	t_text(output(p, "a"), "v1:000009");
	sum = stage_state(p);
	stage_stop(); /* which waits for what is being sent */
	t_check(stage_shelf() > 2);
	stage.options.upload_gas = 0;
	stage_start();
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_check(stage_evaluated(p) < 3);
	t_u64(module_users(), 1); /* the process, and nobody who went there and back only to compare */
	t_text(output(p, "a"), "v1:000010");
	sum = stage_state(p);
	stage.options.ignore_weave_checkpoints = true;
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	stage_close();
}

/* Somebody who is trusted says that the process has a module that is none. */
TEST(a_claim_of_a_module_that_is_not_there_is_passed_over)
{
	struct id p, sum, id;
	struct buf raw = BUF_EMPTY;
	const struct assignment *last;
	struct note note = {0};
	char hex[65];
	uint8_t sum_of[SHA256_SIZE];
	struct item_fields fields = {.data = BYTES("memory")};

	stage_open(store_open_memory(), t_dir());
	p = stage_spawn(mover('1'), NONE, 0);
	output(p, "a");
	sum = stage_state(p);
	last = stage_last(p);
	sha256(sum_of, fields.data);
	hex_encode(hex, bytes_of(sum_of, sizeof(sum_of)));
	fields.tags = stage_tags(
		"Data-Protocol", "ao", "Type", "Checkpoint", "Process", id_text(p).s, "Module",
		id_text(id_of_sha256(BYTES("no module"))).s, "Nonce", "1", "Timestamp",
		arena_cstr(&stage.arena, arena_printf(&stage.arena, "%llu", (unsigned long long)last->timestamp_ms)),
		"Block-Height", "1500000", "SHA-256", hex, NULL);
	t_ok(item_create(&raw, &id, stage.key, &fields, &note));
	stage_put(buf_bytes(&raw));
	buf_release(&raw);
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_text(output(p, "a"), "v1:000003");
	stage_close();
}

TEST_MAIN
