/* SPDX-License-Identifier: MIT
 *
 * Processes that read the weave (drive.h): what they may read and what they see, the record, and evaluating it again. The module is
 * reader/drive_guest.c.
 */
#include "base/json.h"
#include "base/text.h"
#include "cu/drive.h"
#include "cu/stage.h"
#include "flow/wait.h"
#include "http/http.h"
#include "test/test.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NONE ((struct tags){NULL, 0})
#define FORMAT "wasm32-unknown-emscripten4"
#define HALT "\"Error\":\"HALT: FILE NOT FOUND\""
enum { BIG = (3 << 20) + 77 };

static struct id module;
static char attestor[ID_TEXT_LEN + 1];

static void open_stage(struct store *store)
{
	const char *path = getenv("WEFT_DRIVE");

	if (!path)
		t_fail("WEFT_DRIVE names the module to test with");
	stage_open(store, t_dir());
	stage_block(STAGE_HEIGHT, STAGE_T0 / 1000);
	module = stage_module(path, stage_tags("Module-Format", FORMAT, "Extension", "WeaveDrive", NULL));
	snprintf(attestor, sizeof(attestor), "%s", id_text(id_of_sha256(BYTES("attestor"))).s);
}

static struct id spawn(const char *mode)
{
	return stage_spawn(module, stage_tags("Availability-Type", mode, "Attestor", attestor, NULL), 0);
}

static struct id item(const char *data)
{
	return stage_item(NULL, bytes_str(data), NONE, STAGE_HEIGHT);
}

static void attest(const char *by, struct id id, uint64_t height)
{
	stage_item(by, BYTES(""),
		   stage_tags("Data-Protocol", "ao", "Type", "Attestation", "Message", id_text(id).s, NULL), height);
}

/* Data: a letter, a folder, an id. */
static struct id send(struct id process, const char *what, struct id id)
{
	char data[200];

	snprintf(data, sizeof(data), "%s%s", what, id_text(id).s);
	return stage_send(process, data, NONE);
}

static struct bytes result(struct id process, struct id message)
{
	struct note note = {0};
	struct bytes json;

	if (stage_result(process, message, &json, &note) < 0)
		t_fail("%s", note.text);
	return json;
}

static bool has(struct bytes json, const char *text)
{
	return memmem(json.ptr, json.len, text, strlen(text)) != NULL;
}

static void halts(struct id process, const char *what, struct id id)
{
	struct bytes json = result(process, send(process, what, id));

	if (!has(json, HALT))
		t_fail("%.*s", BYTES_FMT(json));
}

static void reads(struct id process, const char *what, struct id id, const char *want)
{
	t_text(stage_output(process, send(process, what, id)), want);
}

static void fails(struct id process, struct id message, enum err want, const char *text)
{
	struct note note = {0};
	struct bytes json;
	enum err e = stage_result(process, message, &json, &note);

	if (e != want || !strstr(note.text, text))
		t_fail("got %s \"%s\", want %s \"%s\"", err_name(e), note.text, err_name(want), text);
}

/* What the list of what was read says, without cursors. */
static const struct json *list(struct id process, const char *after, size_t limit)
{
	struct reads_ask ask = {.after = bytes_str(after), .limit = limit};
	const struct json *json;
	struct buf page = BUF_EMPTY;
	struct note note = {0};

	t_ok(reads_page(&page, stage.store, process, &ask, &note));
	t_ok(json_parse(&json, &stage.arena, arena_copy(&stage.arena, buf_bytes(&page)), &note));
	buf_release(&page);
	return json;
}

static size_t listed(struct id process)
{
	return json_get(list(process, "", 1000), "edges")->count;
}

/* Another unit, which has nothing but the history, the modules and the weave. */
static void begin_anew(void)
{
	stage_stop();
	store_close(stage.store);
	stage.store = store_open_memory();
	stage_start();
}

/* ---- who may read what ---- */

TEST(what_is_attested_in_time_is_available)
{
	struct id p, a, late, pending, elsewhere;

	open_stage(store_open_memory());
	p = spawn("Assignments");
	a = item("0123456789abcdefghijklmnopqrstuvwxyz");
	halts(p, "p/data/", a);
	attest(attestor, a, STAGE_HEIGHT);
	reads(p, "p/data/", a, "56789abcde|fghij|20");
	late = item("late");
	attest(attestor, late, STAGE_HEIGHT + 1);
	halts(p, "w/data/", late);
	pending = item("pending");
	attest(attestor, pending, 0);
	halts(p, "w/data/", pending);
	elsewhere = item("of somebody else");
	attest(NULL, elsewhere, STAGE_HEIGHT);
	halts(p, "w/data/", elsewhere);
	/* The last Scheduler attests too. */
	p = stage_spawn(module, stage_tags("Scheduler", (const char *)stage_owner().ptr, NULL), 0);
	reads(p, "t/data/", elsewhere, "16|of somebody else--------|16");
	stage_close();
}

TEST(modes_decide_what_else_is_available)
{
	struct id p, a, b;

	open_stage(store_open_memory());
	a = item("individually");
	stage_item(attestor, BYTES(""),
		   stage_tags("Data-Protocol", "WeaveDrive", "Type", "Available", "ID", id_text(a).s, NULL),
		   STAGE_HEIGHT);
	halts(spawn("Assignments"), "w/data/", a);
	p = spawn("Individual");
	reads(p, "t/data/", a, "12|individually--------|12");
	b = item("attested");
	attest(attestor, b, 1);
	reads(p, "t/data/", b, "8|attested--------|8");
	reads(spawn("test"), "t/data/", a, "12|individually--------|12");
	p = spawn("Library");
	t_check(has(result(p, send(p, "w/data/", b)), "does not support Library attestations yet!"));
	halts(spawn("library"), "w/data/", b);
	/* What a process boots from. */
	p = stage_spawn(module, stage_tags("On-Boot", "Data", "On-Boot", id_text(a).s, NULL), 0);
	reads(p, "t/data/", a, "12|individually--------|12");
	halts(p, "t/data/", b);
	stage_close();
}

TEST(a_module_without_the_extension_has_no_drive)
{
	struct id bare, p, a;

	open_stage(store_open_memory());
	bare = stage_module(getenv("WEFT_DRIVE"), stage_tags("Module-Format", FORMAT, NULL));
	a = item("x");
	p = stage_spawn(bare, stage_tags("Availability-Type", "test", "Extension", "WeaveDrive", NULL), 0);
	reads(p, "w/data/", a, "no file");
	t_u64(listed(p), 0);
	stage_close();
}

TEST(documents_are_those_of_blocks_up_to_the_message)
{
	struct id p, a, later, pending;
	char want[300];

	open_stage(store_open_memory());
	stage_block(STAGE_HEIGHT + 1, STAGE_T0 / 1000 + 1);
	p = spawn("Assignments");
	a = item("x");
	/* What the weave says, as JSON.stringify would, and the hash of its owner; from the start, whatever the position. */
	snprintf(want, sizeof(want), "147|{'format':2,'id':'%s','owner':'AQAB','ownerAddress':'%s'}--------|0",
		 id_text(a).s, id_text(id_of_sha256(BYTES("\1\0\1"))).s);
	reads(p, "t/tx/", a, want);
	later = stage_item(NULL, BYTES("y"), NONE, STAGE_HEIGHT + 1);
	pending = stage_item(NULL, BYTES("y"), NONE, 0);
	halts(p, "w/tx/", later);
	halts(p, "w/tx/", pending);
	halts(p, "w/tx/", id_of_sha256(BYTES("nothing")));
	t_text(stage_output(p, stage_send(p, "t/block/1500000", NONE)), "26|{'height':1500000}--------|0");
	t_check(has(result(p, stage_send(p, "w/block/1500001", NONE)), HALT));
	t_check(has(result(p, stage_send(p, "w/block/-1", NONE)), HALT));
	t_check(has(result(p, stage_send(p, "w/data/short", NONE)), HALT));
	stage_close();
}

/* ---- the record ---- */

static struct id mixed_history(struct id *newest, struct id big, struct id a, struct id withheld)
{
	struct id p = spawn("Assignments"), last;

	send(p, "w/data/", big);
	send(p, "w/data/", withheld);
	send(p, "f/tx/", a);
	stage_send(p, "w/block/1500000", NONE);
	last = send(p, "b/data/", big);
	t_check(bytes_starts(stage_output(p, last), "3145805 "));
	*newest = last;
	return p;
}

static struct id big_item(void)
{
	uint8_t *bytes = arena_alloc(&stage.arena, BIG);
	struct id id;

	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 1000);
	id = stage_item(NULL, bytes_of(bytes, BIG), NONE, STAGE_HEIGHT);
	attest(attestor, id, STAGE_HEIGHT);
	return id;
}

TEST(an_empty_disk_reaches_the_same_state)
{
	struct id p, sum, newest;

	open_stage(store_open_memory());
	p = mixed_history(&newest, big_item(), item("x"), item("withheld"));
	sum = stage_state(p);
	t_check(!id_is_zero(sum));
	t_u64(listed(p), 5);
	begin_anew();
	t_u64(listed(p), 0);
	t_check(id_eq(stage_state(p), sum));
	result(p, newest); /* is answered when what came before is on the disk */
	t_u64(listed(p), 5);
	stage_close();
}

/* Forgets what the process is, but not what it has read. */
static void drop_checkpoints(struct id process)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	uint8_t key[40];

	memcpy(key, process.b, 32);
	for (uint64_t nonce = 0; nonce < 20; nonce++) {
		set_u64be(key + 32, nonce);
		store_del(&b, TABLE_CHECKPOINT, bytes_of(key, sizeof(key)));
	}
	t_ok(store_commit_wait(stage.store, &b));
}

static void replay_with(struct store *store)
{
	struct id big, a, withheld, p, sum, newest;

	open_stage(store);
	big = big_item();
	a = item("x");
	withheld = item("withheld");
	p = mixed_history(&newest, big, a, withheld);
	sum = stage_state(p);
	stage_stop();
	drop_checkpoints(p);
	/* The weave has lost what it had, and tells now what it did not. */
	stage_forget(big);
	stage_forget(a);
	attest(attestor, withheld, STAGE_HEIGHT);
	stage_start();
	stage.finds = stage.datas = 0;
	t_check(id_eq(stage_state(p), sum));
	t_u64(stage.datas, 0);
	t_u64(listed(p), 5);
	reads(p, "t/data/", withheld, "8|withheld--------|8");
	/* What was not read before is missing from here on. */
	halts(p, "f/tx/", a);
	t_check(bytes_starts(stage_output(p, send(p, "b/data/", big)), "3145805 "));
	stage_close();
}

TEST(the_record_answers_for_a_weave_that_has_lost_the_items)
{
	replay_with(store_open_memory());
}

/* Two crons between two messages, which both read. */
TEST(crons_have_records_of_their_own)
{
	char read[100];
	const struct json *edges;
	struct id p, a, sum;

	open_stage(store_open_memory());
	a = item("content");
	attest(attestor, a, 1);
	snprintf(read, sizeof(read), "w/data/%s", id_text(a).s);
	p = stage_spawn(module,
			stage_tags("Attestor", attestor, "Cron-Interval", "10-seconds", "Cron-Tag-Read", read, NULL),
			0);
	stage_send_at(p, "m", NONE, STAGE_T0 + 21000);
	result(p, stage_send_at(p, "m", NONE, STAGE_T0 + 22000));
	sum = stage_state(p);
	edges = json_get(list(p, "", 10), "edges");
	t_u64(edges->count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct json *edge = json_at(edges, i);
		t_text(json_whole(json_get(edge, "ordinate")), "0");
		t_text(json_whole(json_get(edge, "cron")), i ? "2" : "1");
		t_text(json_get_text(&stage.arena, json_get(edge, "node"), "Answer"), "file");
	}
	stage_stop();
	drop_checkpoints(p);
	stage_forget(a);
	stage_start();
	t_check(id_eq(stage_state(p), sum));
	t_u64(listed(p), 2);
	stage_close();
}

/* A migration takes three turns, of two modules, at one place; the same path may have two answers. */
TEST(a_migration_reads_by_all_its_turns)
{
	struct id other, p, a, m, sum;
	char read[100];

	open_stage(store_open_memory());
	other = stage_module(getenv("WEFT_DRIVE"), stage_tags("Module-Format", FORMAT, "Extension", "WeaveDrive",
							      "Availability-Type", "test", NULL));
	a = item("content");
	snprintf(read, sizeof(read), "w/data/%s", id_text(a).s);
	p = stage_spawn(module, stage_tags("Attestor", attestor, "Read", read, NULL), 0);
	m = stage_send(
		p, "",
		stage_tags("Action", "Migrate.Module", "Module", id_text(other).s, "Read", "w/block/1500000", NULL));
	t_check(has(result(p, m), "\"Module\":"));
	/* The first message was refused the item; as the first of the new module it is not. */
	t_u64(listed(p), 4);
	t_text(json_get_text(&stage.arena, json_get(json_at(json_get(list(p, "", 9), "edges"), 0), "node"), "Answer"),
	       "HALT: FILE NOT FOUND");
	sum = stage_state(p);
	stage_stop();
	drop_checkpoints(p);
	stage_forget(a);
	stage_start();
	t_check(id_eq(stage_state(p), sum));
	t_u64(listed(p), 4);
	reads(p, "t/data/", item("y"), "1|y--------|1");
	stage_close();
}

TEST(the_record_of_a_disk_answers_too)
{
	struct note note = {0};
	struct store *store;
	char path[300];

	snprintf(path, sizeof(path), "%s/store", t_dir());
	t_ok(store_open_local(&store, path, NULL, &note));
	replay_with(store);
}

/* The content of a record is a blob that is lost: the weave has it still, or something else, or nothing. */
TEST(a_lost_content_is_fetched_again_and_compared)
{
	struct id p, big, sum, blob, m;
	struct read *read;
	size_t count;
	struct result_key key;
	struct note note = {0};
	struct store *store;
	char path[300];

	snprintf(path, sizeof(path), "%s/store", t_dir());
	t_ok(store_open_local(&store, path, NULL, &note));
	open_stage(store);
	big = big_item();
	p = spawn("Assignments");
	m = send(p, "w/data/", big);
	key = (struct result_key){.timestamp_ms = stage_last(p)->timestamp_ms, .ordinate = 1};
	result(p, m);
	sum = stage_state(p);
	t_ok(reads_get(stage.store, &stage.arena, p, &key, 0, &read, &count));
	t_u64(count, 1);
	blob = read->content;
	for (int round = 0; round < 2; round++) {
		stage_stop();
		drop_checkpoints(p);
		store_blob_del(stage.store, blob);
		if (round == 1)
			stage_forget(big);
		stage_start();
		if (round == 0)
			t_check(id_eq(stage_state(p), sum));
	}
	m = stage_send(p, "m", NONE);
	fails(p, m, E_PEER, "the payload of");
	stage_close();
}

TEST(the_list_tells_what_was_read)
{
	const struct json *page, *edge, *node;
	char cursor[200], hex[65];
	uint8_t sum[32];
	struct id p, a;

	open_stage(store_open_memory());
	a = item("content");
	attest(attestor, a, 5);
	p = spawn("Assignments");
	send(p, "o/data/", a); /* three times, but one file */
	halts(p, "w/tx/", id_of_sha256(BYTES("nothing")));
	page = list(p, "", 1);
	t_check(json_truthy(json_get(json_get(page, "pageInfo"), "hasNextPage")));
	edge = json_at(json_get(page, "edges"), 0);
	node = json_get(edge, "node");
	t_text(json_get_text(&stage.arena, node, "Answer"), "file");
	t_check(bytes_ends(json_get_text(&stage.arena, node, "Path"), id_text(a).s));
	sha256(sum, BYTES("content"));
	hex_encode(hex, bytes_of(sum, sizeof(sum)));
	t_text(json_get_text(&stage.arena, node, "SHA-256"), hex);
	t_text(json_whole(json_get(edge, "ordinate")), "1");
	snprintf(cursor, sizeof(cursor), "%.*s", BYTES_FMT(json_get_text(&stage.arena, edge, "cursor")));
	page = list(p, cursor, 10);
	t_u64(json_get(page, "edges")->count, 1);
	t_check(!json_truthy(json_get(json_get(page, "pageInfo"), "hasNextPage")));
	node = json_get(json_at(json_get(page, "edges"), 0), "node");
	t_text(json_get_text(&stage.arena, node, "Answer"), "HALT: FILE NOT FOUND");
	t_check(json_get(node, "Size") == NULL);
	stage_close();
}

static struct http_reply ask_http(const char *target)
{
	struct http_options options = {.routes = cu_routes, .route_count = cu_route_count, .ctx = stage.cu};
	struct http_call call = {.method = "GET", .url = target};
	struct http_reply reply;

	http_try(&options, &stage.arena, &call, &reply);
	return reply;
}

TEST(the_list_is_asked_for_by_http)
{
	const struct json *json;
	struct http_reply reply;
	char target[200];
	struct id p;

	open_stage(store_open_memory());
	p = spawn("Assignments");
	t_text(stage_output(p, stage_send(p, "t/block/1500000", NONE)), "26|{'height':1500000}--------|0");
	snprintf(target, sizeof(target), "/reads/%s?limit=5", id_text(p).s);
	reply = ask_http(target);
	t_u64(reply.status, 200);
	t_ok(json_parse(&json, &stage.arena, reply.body, NULL));
	json = json_get(json_at(json_get(json, "edges"), 0), "node");
	t_text(json_get_text(&stage.arena, json, "Path"), "/block/1500000");
	t_text(json_whole(json_get(json, "Size")), "18");
	snprintf(target, sizeof(target), "/reads/%s?from=nonsense", id_text(p).s);
	t_u64(ask_http(target).status, 400);
	snprintf(target, sizeof(target), "/reads/%s?limit=x", id_text(p).s);
	t_u64(ask_http(target).status, 400);
	t_u64(ask_http("/reads/x").status, 400);
	stage_close();
}

/* ---- the world fails ---- */

TEST(a_weave_that_is_away_is_not_a_missing_file)
{
	struct id p, a, m;

	open_stage(store_open_memory());
	a = item("here after all");
	attest(attestor, a, STAGE_HEIGHT);
	p = spawn("Assignments");
	stage_output(p, stage_send(p, "m", NONE));
	m = send(p, "t/data/", a);
	stage.weave_away = true;
	fails(p, m, E_PEER, "the weave is away");
	t_u64(listed(p), 0);
	stage.weave_away = false;
	t_text(stage_output(p, m), "14|here after all--------|14");
	/* An index that is behind the message cannot say that there is nothing. */
	m = send(p, "w/data/", id_of_sha256(BYTES("nothing")));
	stage_last(p)->block_height = STAGE_HEIGHT + 7;
	fails(p, m, E_PEER, "has not come to block 1500007");
	stage_block(STAGE_HEIGHT + 7, STAGE_T0 / 1000 + 7);
	t_check(has(result(p, m), HALT));
	stage_close();
}

TEST(what_a_process_boots_from_is_waited_for)
{
	struct id p, a = id_of_sha256(BYTES("nothing"));

	open_stage(store_open_memory());
	p = stage_spawn(module, stage_tags("On-Boot", id_text(a).s, NULL), 0);
	fails(p, send(p, "w/data/", a), E_PEER, "boots from");
	stage_close();
}

TEST(too_much_is_refused_and_not_recorded)
{
	struct id p, a, m;

	stage.options.drive_bytes_max = 10;
	open_stage(store_open_memory());
	a = item("0123456789.");
	attest(attestor, a, 1);
	p = spawn("Assignments");
	m = send(p, "w/data/", a);
	fails(p, m, E_LIMIT, "at most 10 bytes");
	t_u64(listed(p), 0);
	stage_close();
}

static void kill_once(void)
{
	pid_t parent = stage_nursery(), worker = stage_worker_of(parent, parent);

	stage.on_data = NULL;
	must(parent > 0 && worker > 0);
	kill(worker, SIGKILL);
}

TEST(a_worker_killed_while_it_reads_costs_nothing_but_time)
{
	struct id p, a;

	open_stage(store_open_memory());
	a = item("content");
	attest(attestor, a, 1);
	p = spawn("Assignments");
	t_text(stage_output(p, stage_send(p, "m", NONE)), "2");
	stage.on_data = kill_once;
	reads(p, "t/data/", a, "7|content--------|7");
	t_check(stage.on_data == NULL);
	t_u64(listed(p), 1);
	t_text(stage_output(p, stage_send(p, "m", NONE)), "4");
	stage_close();
}

/* ---- the rest ---- */

TEST(dry_runs_read_and_leave_no_record)
{
	char body[300];
	struct note note = {0};
	struct bytes json;
	struct id p, a;

	open_stage(store_open_memory());
	a = item("content");
	attest(attestor, a, 1);
	p = spawn("Assignments");
	snprintf(body, sizeof(body), "{\"Owner\":\"o\",\"Tags\":[],\"Data\":\"t/data/%s\"}", id_text(a).s);
	t_ok(stage_dry_run(p, body, &json, &note));
	t_check(has(json, "7|content--------|7"));
	/* The client says where it stands. */
	snprintf(body, sizeof(body), "{\"Owner\":\"o\",\"Tags\":[],\"Block-Height\":0,\"Data\":\"t/data/%s\"}",
		 id_text(a).s);
	t_ok(stage_dry_run(p, body, &json, &note));
	t_check(has(json, HALT));
	snprintf(body, sizeof(body), "{\"Owner\":\"o\",\"Tags\":[],\"Block-Height\":99999999,\"Data\":\"t/data/%s\"}",
		 id_text(id_of_sha256(BYTES("nothing"))).s);
	t_ok(stage_dry_run(p, body, &json, &note));
	t_check(has(json, HALT));
	t_u64(listed(p), 0);
	stage_close();
}

TEST_MAIN
