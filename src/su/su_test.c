/* SPDX-License-Identifier: MIT
 *
 * A scheduler over a store in memory or on disk, and over a weave that remembers what it got.
 */
#include "base/clock.h"
#include "base/text.h"
#include "flow/http_scheduler.h"
#include "flow/nouns.h"
#include "flow/wait.h"
#include "http/http.h"
#include "msg/bundle.h"
#include "msg/item.h"
#include "msg/key.h"
#include "store/store.h"
#include "su/dedupe.h"
#include "su/history.h"
#include "su/su.h"
#include "test/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a weave in memory: counts what is in the bundles, and knows one transaction ---- */

static struct {
	atomic_size_t bundled, puts, refusals;
	atomic_bool away;     /* it does not say its height */
	struct id_text known; /* what find and data answer for */
} shelf;

static void shelf_put(void *self, struct bytes raw, weave_put_done *done, void *ctx)
{
	const struct bundle_entry *entries;
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct item item, inner;
	size_t count;

	if (atomic_load(&shelf.refusals) > 0) {
		atomic_fetch_sub(&shelf.refusals, 1);
		note_err(&note, E_PEER, "the weave is away");
		done(ctx, E_PEER, &note, bytes_of(NULL, 0));
		return;
	}
	t_ok(item_parse(&item, &a, raw, &note));
	t_ok(item_verify(&item, &note));
	t_check(bundle_tagged(item.tags));
	t_ok(bundle_parse(&entries, &count, &a, item.data, &note));
	for (size_t i = 0; i < count; i++) {
		t_ok(item_parse(&inner, &a, entries[i].item, &note));
		t_check(id_eq(inner.id, entries[i].id));
	}
	atomic_fetch_add(&shelf.bundled, count);
	atomic_fetch_add(&shelf.puts, 1);
	done(ctx, OK, NULL, bytes_of(NULL, 0));
	arena_release(&a);
}

static void shelf_find(void *self, const struct weave_query *query, weave_find_done *done, void *ctx)
{
	struct weave_meta meta = {.id = query->ids[0]};

	done(ctx, OK, NULL, &meta, bytes_eq_str(query->ids[0], shelf.known.s));
}

static void shelf_data(void *self, struct bytes id, weave_data_done *done, void *ctx)
{
	done(ctx, OK, NULL, BYTES("assigned data"));
}

static void shelf_height(void *self, weave_height_done *done, void *ctx)
{
	struct note note = {0};

	if (atomic_load(&shelf.away))
		done(ctx, note_err(&note, E_PEER, "the weave is away"), &note, 0);
	else
		done(ctx, OK, NULL, 1393008);
}

static void shelf_status(void *self, struct bytes id, weave_status_done *done, void *ctx)
{
	done(ctx, OK, NULL, bytes_eq_str(id, shelf.known.s) ? 20 : 19);
}

static const struct weave weave = {
	.put = shelf_put, .find = shelf_find, .data = shelf_data, .height = shelf_height, .status = shelf_status};

/* ---- the bench: one scheduler, one sender ---- */

static struct arena arena;
static struct store *store;
static struct key *key, *sender;
static struct su *su;
static struct scheduler port;

static void start(struct store *on)
{
	struct note note = {0};

	store = on;
	if (!key) {
		t_ok(key_new(&key, SIGN_ED25519, &note));
		t_ok(key_new(&sender, SIGN_ED25519, &note));
	}
	t_ok(su_open(&su, &(struct su_options){.store = store, .weave = weave, .key = key}, &note));
	port = su_port(su);
}

static void stop(void)
{
	su_close(su);
	store_close(store);
}

static struct bytes make(struct id *id, struct bytes target, struct tags tags, const char *data)
{
	struct item_fields fields = {.target = target, .tags = tags, .data = bytes_str(data)};
	struct buf raw = BUF_EMPTY;
	struct bytes copy;

	t_ok(item_create(&raw, id, sender, &fields, NULL));
	copy = arena_copy(&arena, buf_bytes(&raw));
	buf_release(&raw);
	return copy;
}

static struct bytes make_process(struct id *id, const char *data)
{
	struct tag_list tags = tag_list_on(&arena);

	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Process");
	tag_list_add_str(&tags, "Module", "5SGJUlPwlenkyuG9-xWh0Rcf0azm8XEd5RBTiutgWAg");
	tag_list_add_str(&tags, "Scheduler", "_GQ33BkPtZrqxA84vM8Zk-N2aO0toNNu_C-l-rawrBA");
	return make(id, bytes_of(NULL, 0), tag_list_tags(&tags), data);
}

static struct bytes make_message(struct id *id, struct id process, const char *data, const char *from_process)
{
	struct tag_list tags = tag_list_on(&arena);
	struct id *target = arena_new(&arena, struct id);

	*target = process;
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Message");
	if (from_process)
		tag_list_add_str(&tags, "From-Process", from_process);
	return make(id, bytes_of(target->b, 32), tag_list_tags(&tags), data);
}

static enum err schedule(struct bytes item, struct receipt *receipt, struct note *note)
{
	note_reset(note);
	return schedule_wait(&port, &arena, item, receipt, note);
}

static struct id spawn(const char *data)
{
	struct receipt receipt;
	struct note note = {0};
	struct id id;

	if (schedule(make_process(&id, data), &receipt, &note) < 0)
		t_fail("%s", note.text);
	t_text(receipt.id, id_text(id).s);
	return id;
}

static struct id send(struct id process, const char *data)
{
	struct receipt receipt;
	struct note note = {0};
	struct id id;

	if (schedule(make_message(&id, process, data, NULL), &receipt, &note) < 0)
		t_fail("%s", note.text);
	return id;
}

/* Reads the whole history in pages of 7 and checks every link. */
static size_t check_history(struct id process)
{
	struct id chain = chain_first(process), last = {{0}};
	uint64_t timestamp_ms = 0, nonce = 0;
	struct page page = {.more = true};
	struct note note = {0};

	while (page.more) {
		struct range range = {(int64_t)nonce - 1, UINT64_MAX, 7};
		t_ok(page_wait(&port, &arena, process, range, &page, &note));
		for (size_t i = 0; i < page.count; i++, nonce++) {
			const struct assignment *a = &page.list[i];
			struct item item;
			if (nonce > 0)
				chain = chain_next(chain, last);
			t_u64(a->nonce, nonce);
			t_check(id_eq(a->hash_chain, chain));
			t_check(a->timestamp_ms > timestamp_ms);
			t_u64(a->block_height, 1393008);
			t_ok(item_parse(&item, &arena, a->item, &note));
			t_ok(item_verify(&item, &note));
			timestamp_ms = a->timestamp_ms;
			last = item.id;
		}
	}
	return nonce;
}

/* ---- tests ---- */

TEST(chain_is_that_of_the_reference)
{
	struct id process, first, second, chain;

	memset(process.b, 7, 32);
	memset(first.b, 9, 32);
	memset(second.b, 10, 32);
	chain = chain_first(process);
	t_str(id_text(chain).s, "S7Bvjk46dxXSAdVz0KpCN2LlXavWGiwCJ4-lbMbSlOA");
	chain = chain_next(chain, first);
	t_str(id_text(chain).s, "RwG3Jd7cs3bZbkmEfGI0cbvd9KbkyEPHAP2W5n63toI");
	chain = chain_next(chain, second);
	t_str(id_text(chain).s, "LASVgvSgmUA6GvFaZvy6Avu9hs-q80YSzzFht-hEp1Q");
}

TEST(dedupe_hash_is_that_of_the_reference)
{
	struct tag_list tags = tag_list_on(&arena);
	struct deephash hash;
	uint8_t target[32];
	char text[65];

	memset(target, 7, 32);
	tag_list_add_str(&tags, "Type", "Message");
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "From-Process", "P");
	tag_list_add_str(&tags, "Pushed-For", "X");
	hash = dedupe_hash(bytes_of(target, 32), BYTES("00000000000000000000000000000123"), tag_list_tags(&tags),
			   BYTES("hello"));
	b64url_encode(text, bytes_of(hash.b, 48));
	t_str(text, "fAEtRO-Th40_L3je4UnrVJQAsWdpuVwTC_cL4bHPRXNtDSXsus8ukOkB_MSuAICh");
}

TEST(a_process_takes_nonce_0_and_messages_follow)
{
	struct assignment assignment;
	struct process_info info;
	struct note note = {0};
	struct id process, message;

	start(store_open_memory());
	process = spawn("hello");
	message = send(process, "one");
	send(process, "two");
	t_u64(check_history(process), 3);

	t_ok(assignment_wait(&port, &arena, process, bytes_str(id_text(message).s), &assignment, &note));
	t_u64(assignment.nonce, 1);
	t_text(assignment.message->data, "one");
	t_text(assignment.message_id, id_text(message).s);
	t_ok(assignment_wait(&port, &arena, process, assignment.id, &assignment, &note));
	t_u64(assignment.nonce, 1);
	t_ok(process_wait(&port, &arena, process, &info, &note));
	t_text(info.message.data, "hello");
	t_u64(info.block_height, 1393008);
	stop();
}

TEST(doubles_and_strangers_are_refused)
{
	struct receipt receipt;
	struct note note = {0};
	struct id process, other, id;
	struct bytes item;

	start(store_open_memory());
	item = make_process(&process, "p");
	t_ok(schedule(item, &receipt, &note));
	t_err(schedule(item, &receipt, &note), E_EXISTS);
	t_check(strstr(note.text, "Message already exists"));

	item = make_message(&id, process, "m", NULL);
	t_ok(schedule(item, &receipt, &note));
	t_err(schedule(item, &receipt, &note), E_EXISTS);
	t_check(strstr(note.text, "Message already exists"));
	t_u64(check_history(process), 2);

	/* Pushed again under another signature: the same deep hash, within one process. */
	t_ok(schedule(make_message(&id, process, "pushed", "P"), &receipt, &note));
	struct key *mine = sender;
	t_ok(key_new(&sender, SIGN_ED25519, &note));
	t_err(schedule(make_message(&id, process, "pushed", "P"), &receipt, &note), E_EXISTS);
	t_check(strstr(note.text, "Deep hash already exists"));
	other = spawn("other");
	t_ok(schedule(make_message(&id, other, "pushed", "P"), &receipt, &note));
	key_free(sender);
	sender = mine;

	memset(other.b, 1, 32);
	t_err(schedule(make_message(&id, other, "m", NULL), &receipt, &note), E_NOT_FOUND);
	t_check(strstr(note.text, "Process not found"));
	stop();
}

static enum err spawn_on(const char *boot, struct note *note)
{
	struct tag_list tags = tag_list_on(&arena);
	struct receipt receipt;
	struct id id;

	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Process");
	tag_list_add_str(&tags, "Module", "5SGJUlPwlenkyuG9-xWh0Rcf0azm8XEd5RBTiutgWAg");
	tag_list_add_str(&tags, "Scheduler", "_GQ33BkPtZrqxA84vM8Zk-N2aO0toNNu_C-l-rawrBA");
	tag_list_add_str(&tags, "On-Boot", boot);
	return schedule(make(&id, bytes_of(NULL, 0), tag_list_tags(&tags), boot), &receipt, note);
}

TEST(what_a_process_boots_from_is_there)
{
	struct note note = {0};
	struct id process, message;

	start(store_open_memory());
	memcpy(shelf.known.s, "fcoN_xJeisVsPXA-trzVAuIiqO3ydLQxM-L4XbrQKzY", 44);
	t_ok(spawn_on("Data", &note));
	t_ok(spawn_on(shelf.known.s, &note));
	t_err(spawn_on("5SGJUlPwlenkyuG9-xWh0Rcf0azm8XEd5RBTiutgWAg", &note), E_ARGUMENT);
	t_check(strstr(note.text, "Invalid tx id for On-Boot tag") != NULL);
	t_err(spawn_on("boot.lua", &note), E_ARGUMENT);
	t_check(strstr(note.text, "Invalid tx id for On-Boot tag") != NULL);
	process = spawn("p");
	message = send(process, "code"); /* that will be on the weave */
	t_ok(spawn_on(id_text(message).s, &note));
	memset(&shelf.known, 0, sizeof(shelf.known));
	stop();
}

TEST(what_is_not_a_message_is_refused)
{
	struct tag_list tags = tag_list_on(&arena);
	struct receipt receipt;
	struct note note = {0};
	struct buf broken = BUF_EMPTY;
	struct id process, id;

	start(store_open_memory());
	process = spawn("p");
	t_err(schedule(make(&id, bytes_of(process.b, 32), tag_list_tags(&tags), ""), &receipt, &note), E_ARGUMENT);
	t_check(strstr(note.text, "Type tag not present"));
	tag_list_add_str(&tags, "Type", "Letter");
	t_err(schedule(make(&id, bytes_of(process.b, 32), tag_list_tags(&tags), ""), &receipt, &note), E_ARGUMENT);
	t_check(strstr(note.text, "Unsupported Type tag value"));
	tags.count = 0;
	tag_list_add_str(&tags, "Type", "Message");
	t_err(schedule(make(&id, bytes_of(process.b, 32), tag_list_tags(&tags), ""), &receipt, &note), E_ARGUMENT);
	t_check(strstr(note.text, "Data-Protocol tag not present"));
	tags.count = 0;
	tag_list_add_str(&tags, "Type", "Process");
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	t_err(schedule(make(&id, bytes_of(NULL, 0), tag_list_tags(&tags), ""), &receipt, &note), E_ARGUMENT);
	t_check(strstr(note.text, "Required Module and Scheduler tags"));
	for (int i = 0; i < 2; i++) {
		tags.count = 0;
		tag_list_add_str(&tags, "Type", "Message");
		tag_list_add_str(&tags, "Data-Protocol", "ao");
		tag_list_add_str(&tags, i ? "Value" : "Name+link", i ? "x+link" : "x");
		t_err(schedule(make(&id, bytes_of(process.b, 32), tag_list_tags(&tags), ""), &receipt, &note),
		      E_ARGUMENT);
		t_str(note.text, i ? "Tag Value cannot contain +link" : "Tag Name+link cannot contain +link");
	}

	buf_put_bytes(&broken, make_message(&id, process, "m", NULL));
	broken.ptr[broken.len - 1] ^= 1;
	t_err(schedule(buf_bytes(&broken), &receipt, &note), E_SIGNATURE);
	broken.len = 70;
	t_err(schedule(buf_bytes(&broken), &receipt, &note), E_FORMAT);
	t_u64(check_history(process), 1);
	buf_release(&broken);
	stop();
}

TEST(assign_names_what_is_still_on_its_way_to_the_weave)
{
	struct assign assign = {0};
	struct assignment assignment;
	struct receipt receipt;
	struct id_text message;
	struct note note = {0};

	start(store_open_memory());
	message = id_text(send(spawn("sender"), "scheduled a moment ago"));
	assign.process = spawn("receiver");
	assign.message = bytes_str(message.s);
	t_ok(assign_wait(&port, &arena, &assign, &receipt, &note));
	t_ok(assignment_wait(&port, &arena, assign.process, receipt.id, &assignment, &note));
	t_check(assignment.message == NULL);
	t_text(assignment.message_id, message.s);
	stop();
}

TEST(assign_names_what_is_on_the_weave)
{
	struct assign assign = {.exclude = BYTES("Data,Anchor")};
	struct assignment assignment;
	struct receipt receipt;
	struct note note = {0};

	start(store_open_memory());
	assign.process = spawn("p");
	memcpy(shelf.known.s, "fcoN_xJeisVsPXA-trzVAuIiqO3ydLQxM-L4XbrQKzY", 44);
	assign.message = bytes_str(shelf.known.s);
	t_ok(assign_wait(&port, &arena, &assign, &receipt, &note));
	t_ok(assignment_wait(&port, &arena, assign.process, receipt.id, &assignment, &note));
	t_check(assignment.message == NULL);
	t_text(assignment.message_id, shelf.known.s);
	t_text(tags_get(assignment.tags, "Exclude"), "Data");
	t_err(assign_wait(&port, &arena, &assign, &receipt, &note), E_EXISTS);

	assign.base_layer = true;
	t_ok(assign_wait(&port, &arena, &assign, &receipt, &note));
	assign.message = BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA");
	note_reset(&note);
	t_err(assign_wait(&port, &arena, &assign, &receipt, &note), E_ARGUMENT);
	t_check(strstr(note.text, "Not enough confirmations"));
	assign.base_layer = false;
	note_reset(&note);
	t_err(assign_wait(&port, &arena, &assign, &receipt, &note), E_NOT_FOUND);
	t_check(strstr(note.text, "Transaction not found"));
	assign.message = BYTES("short");
	note_reset(&note);
	t_err(assign_wait(&port, &arena, &assign, &receipt, &note), E_ARGUMENT);
	t_check(strstr(note.text, "assign param must be 43 characters"));
	t_u64(check_history(assign.process), 3);
	stop();
}

static void *send_many(void *ctx)
{
	const struct id *processes = ctx;

	for (int i = 0; i < 200; i++) {
		struct arena a = ARENA_EMPTY;
		struct receipt receipt;
		struct note note = {0};
		struct buf raw = BUF_EMPTY;
		struct tag tags[] = {{BYTES("Type"), BYTES("Message")}, {BYTES("Data-Protocol"), BYTES("ao")}};
		uint8_t data[16];
		struct id id;
		random_bytes(data, sizeof(data));
		struct item_fields fields = {.target = bytes_of(processes[i % 3].b, 32),
					     .tags = {tags, 2},
					     .data = bytes_of(data, sizeof(data))};
		t_ok(item_create(&raw, &id, sender, &fields, &note));
		t_ok(schedule_wait(&port, &a, buf_bytes(&raw), &receipt, &note));
		buf_release(&raw);
		arena_release(&a);
	}
	return NULL;
}

TEST(many_at_once_make_one_chain_each_and_survive_a_restart)
{
	char directory[256];
	struct store *disk;
	struct note note = {0};
	struct id processes[3];
	pthread_t threads[8];

	snprintf(directory, sizeof(directory), "%s/su", t_dir());
	t_ok(store_open_local(&disk, directory, NULL, &note));
	shelf.refusals = 1; /* the first bundle has to be sent again */
	start(disk);
	for (int i = 0; i < 3; i++)
		processes[i] = spawn(i == 0 ? "a" : i == 1 ? "b" : "c");
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, send_many, processes);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	t_u64(check_history(processes[0]), 1 + 8 * 67);
	t_u64(check_history(processes[1]), 1 + 8 * 67);
	t_u64(check_history(processes[2]), 1 + 8 * 66);
	stop();

	t_ok(store_open_local(&disk, directory, NULL, &note));
	start(disk);
	send(processes[0], "after the restart");
	t_u64(check_history(processes[0]), 2 + 8 * 67);
	/* Everything reaches the weave: an assignment and an item each. */
	for (int i = 0; i < 1000 && shelf.bundled < 2 * (3 + 1600 + 1); i++)
		clock_sleep_ms(10);
	t_u64(shelf.bundled, 2 * (3 + 1600 + 1));
	stop();
}

/* ---- kill -9 ---- */

/* What a sender was told, as a child reports it through a pipe. */
struct told {
	struct id process, message;
	uint64_t nonce;
};

enum { SENDERS = 4 };
static int told_to;
static struct id targets[2];

static void *send_and_tell(void *ctx)
{
	for (uint64_t i = 0;; i++) {
		struct arena a = ARENA_EMPTY;
		struct buf raw = BUF_EMPTY;
		struct tag tags[] = {{BYTES("Type"), BYTES("Message")}, {BYTES("Data-Protocol"), BYTES("ao")}};
		struct told told = {.process = targets[i % 2]};
		uint8_t data[600];
		struct item_fields fields = {.target = bytes_of(told.process.b, 32),
					     .tags = {tags, 2},
					     .data = bytes_of(data, 16 + i % 500)};
		struct receipt receipt;

		random_bytes(data, sizeof(data));
		if (item_create(&raw, &told.message, sender, &fields, NULL) < 0 ||
		    schedule_wait(&port, &a, buf_bytes(&raw), &receipt, NULL) < 0)
			_exit(3);
		told.nonce = receipt.nonce;
		if (write(told_to, &told, sizeof(told)) != sizeof(told))
			_exit(4);
		buf_release(&raw);
		arena_release(&a);
	}
	return ctx;
}

static _Noreturn void child_schedules(const char *directory, int out)
{
	pthread_t threads[SENDERS];
	struct store *disk;

	told_to = out;
	if (store_open_local(&disk, directory, NULL, NULL) < 0)
		_exit(2);
	start(disk);
	for (int i = 0; i < SENDERS; i++)
		pthread_create(&threads[i], NULL, send_and_tell, NULL);
	for (;;)
		pause();
}

static void was_not_forgotten(const struct told *told)
{
	struct id_text id = id_text(told->message);
	struct assignment assignment;
	struct note note = {0};

	t_ok(assignment_wait(&port, &arena, told->process, bytes_str(id.s), &assignment, &note));
	t_u64(assignment.nonce, told->nonce);
	t_text(assignment.message_id, id.s);
	t_text(assignment.message->id, id.s);
}

TEST_TIMEOUT(no_acknowledged_nonce_is_lost_by_kill_9, 120)
{
	enum { ROUNDS = 5 };
	char directory[256];
	uint64_t seed = t_seed();
	struct buf all = BUF_EMPTY;
	struct store *disk;
	struct told told;

	snprintf(directory, sizeof(directory), "%s/su", t_dir());
	t_ok(store_open_local(&disk, directory, NULL, NULL));
	start(disk);
	targets[0] = spawn("a");
	targets[1] = spawn("b");
	stop();
	for (int round = 0; round < ROUNDS; round++) {
		int pipes[2], status;
		pid_t child;

		must(pipe(pipes) == 0);
		child = fork();
		if (child == 0)
			child_schedules(directory, pipes[1]);
		close(pipes[1]);
		clock_sleep_ms(150 + t_random(&seed) % 1200);
		kill(child, SIGKILL);
		while (read(pipes[0], &told, sizeof(told)) == sizeof(told))
			buf_put(&all, &told, sizeof(told));
		close(pipes[0]);
		waitpid(child, &status, 0);
		t_check(WIFSIGNALED(status));

		t_ok(store_open_local(&disk, directory, NULL, NULL));
		start(disk);
		for (size_t at = 0; at < all.len; at += sizeof(told)) {
			memcpy(&told, all.ptr + at, sizeof(told));
			was_not_forgotten(&told);
			arena_reset(&arena);
		}
		check_history(targets[0]);
		check_history(targets[1]);
		send(targets[0], id_text((struct id){{(uint8_t)round}}).s);
		stop();
	}
	t_check(all.len > 50 * sizeof(told));
	buf_release(&all);
	arena_release(&arena);
}

/* ---- over HTTP ---- */

static struct http_client *client;
static uint16_t bound;

static int http_get(const char *path, struct bytes *body)
{
	char url[512];
	struct http_reply reply;
	struct note note = {0};

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", bound, path);
	if (http_wait(client, &arena, &(struct http_call){.method = "GET", .url = url}, &reply, &note) < 0)
		t_fail("%s", note.text);
	*body = reply.body;
	return reply.status;
}

static const struct json *get_json(const char *path, int status)
{
	const struct json *json;
	struct note note = {0};
	struct bytes body;
	int got = http_get(path, &body);

	if (got != status || json_parse(&json, &arena, body, &note) < 0)
		t_fail("%s: %d %.*s %s", path, got, BYTES_FMT(body), note.text);
	return json;
}

static void serve(void)
{
	struct note note = {0};

	start(store_open_memory());
	t_ok(su_serve(su, "127.0.0.1", 0, &bound, &note));
	client = http_client_open(5000, NULL);
}

static void unserve(void)
{
	http_client_close(client);
	stop();
}

static uint64_t nonce_of(const struct json *edge)
{
	struct assignment a;
	struct note note = {0};

	t_ok(assignment_of_json(&a, &arena, json_get(edge, "node"), &note));
	return a.nonce;
}

TEST(pages_over_http)
{
	struct id process;
	const struct json *page, *edges;
	struct bytes cursor;
	char path[256];
	const char *pid;

	serve();
	process = spawn("p");
	for (int i = 0; i < 5; i++)
		send(process, id_text((struct id){{(uint8_t)i}}).s);
	pid = (const char *)arena_copy(&arena, bytes_str(id_text(process).s)).ptr;

	snprintf(path, sizeof(path), "/%s?process-id=%s&limit=3", pid, pid);
	page = get_json(path, 200);
	edges = json_get(page, "edges");
	t_u64(edges->count, 3);
	t_u64(nonce_of(json_at(edges, 0)), 0);
	t_check(json_truthy(json_get(json_get(page, "page_info"), "has_next_page")));
	cursor = json_get_text(&arena, json_at(edges, 2), "cursor");
	snprintf(path, sizeof(path), "/%s?process-id=%s&from=%.*s", pid, pid, BYTES_FMT(cursor));
	page = get_json(path, 200);
	edges = json_get(page, "edges");
	t_u64(edges->count, 3);
	t_u64(nonce_of(json_at(edges, 0)), 3);
	t_check(!json_truthy(json_get(json_get(page, "page_info"), "has_next_page")));

	snprintf(path, sizeof(path), "/%s?process-id=%s&to=%.*s", pid, pid, BYTES_FMT(cursor));
	t_u64(json_get(get_json(path, 200), "edges")->count, 3);
	snprintf(path, sizeof(path), "/%s?process-id=%s&from-nonce=2&to-nonce=4", pid, pid);
	edges = json_get(get_json(path, 200), "edges");
	t_u64(edges->count, 2);
	t_text(json_get_text(&arena, json_at(edges, 1), "cursor"), "4");
	snprintf(path, sizeof(path), "/%s?process-id=%s&from-nonce=-1&limit=1", pid, pid);
	t_u64(nonce_of(json_at(json_get(get_json(path, 200), "edges"), 0)), 0);
	snprintf(path, sizeof(path), "/%s?process-id=%s&limit=0", pid, pid);
	t_u64(json_get(get_json(path, 200), "edges")->count, 0);
	snprintf(path, sizeof(path), "/%s?process-id=%s&limit=many", pid, pid);
	get_json(path, 400);

	snprintf(path, sizeof(path), "/%s/latest", pid);
	t_text(json_get_text(&arena, json_get(get_json(path, 200), "message"), "data"), id_text((struct id){{4}}).s);
	snprintf(path, sizeof(path), "/processes/%s", pid);
	t_text(json_get_text(&arena, get_json(path, 200), "block"), "000001393008");
	unserve();
}

TEST(small_answers_over_http)
{
	const char *stranger = "/fcoN_xJeisVsPXA-trzVAuIiqO3ydLQxM-L4XbrQKzY";
	struct id address;
	struct bytes body;
	char path[256];

	serve();
	t_ok(id_parse(&address, json_get_text(&arena, get_json("/", 200), "address")));
	t_check(id_eq(address, su_address(su)));
	t_text(json_get_text(&arena, get_json("/timestamp", 200), "block_height"), "000001393008");
	t_u64(http_get("/health", &body), 200);
	t_u64(body.len, 0);
	get_json(stranger, 400);
	snprintf(path, sizeof(path), "%s?process-id=%s", stranger, stranger + 1);
	body = json_get_text(&arena, get_json(path, 400), "error");
	t_check(bytes_starts(body, "Message or Process not found"));
	snprintf(path, sizeof(path), "/processes%s", stranger);
	body = json_get_text(&arena, get_json(path, 400), "error");
	t_check(bytes_starts(body, "Process not found"));
	get_json("/processes/x", 400);
	unserve();
}

/* The gateway is not there yet when the scheduler begins: what it has is answered, what needs a block height has to come again. */
TEST(a_scheduler_may_begin_before_its_weave)
{
	struct range all = {-1, UINT64_MAX, 10};
	uint64_t timestamp, height;
	struct receipt receipt;
	struct note note = {0};
	struct id process, id;
	struct bytes item;
	struct page page;

	start(store_open_memory());
	process = spawn("p");
	su_close(su);
	atomic_store(&shelf.away, true);
	t_ok(su_open(&su, &(struct su_options){.store = store, .weave = weave, .key = key}, &note));
	t_ok(su_serve(su, "127.0.0.1", 0, &bound, &note));
	client = http_client_open(5000, NULL);
	port = su_port(su);

	t_ok(page_wait(&port, &arena, process, all, &page, &note));
	t_u64(page.count, 1);
	item = make_message(&id, process, "m", NULL);
	t_err(schedule_wait(&port, &arena, item, &receipt, &note), E_BUSY);
	t_check(strstr(note.text, "block height") != NULL);
	t_err(now_wait(&port, process, &timestamp, &height, NULL), E_BUSY);
	get_json("/timestamp", 503);
	get_json("/", 200);

	atomic_store(&shelf.away, false);
	for (int i = 0; i < 500 && now_wait(&port, process, &timestamp, &height, NULL) == E_BUSY; i++)
		clock_sleep_ms(10);
	t_u64(height, 1393008);
	t_ok(schedule_wait(&port, &arena, item, &receipt, &note));
	t_u64(receipt.nonce, 1);
	atomic_store(&shelf.away, true); /* what it knows of it is enough from then on */
	clock_sleep_ms(1200);
	send(process, "later");
	atomic_store(&shelf.away, false);
	unserve();
}

TEST(the_port_over_http_is_the_same_port)
{
	struct scheduler remote;
	struct process_info info;
	struct assignment assignment;
	struct receipt receipt;
	struct note note = {0};
	struct id process, id;

	serve();
	remote = http_scheduler_new(client, arena_printf(&arena, "http://127.0.0.1:%u", bound));
	t_ok(schedule_wait(&remote, &arena, make_process(&process, "p"), &receipt, &note));
	t_ok(schedule_wait(&remote, &arena, make_message(&id, process, "m", NULL), &receipt, &note));
	t_u64(receipt.nonce, 1);
	t_ok(assignment_wait(&remote, &arena, process, receipt.id, &assignment, &note));
	t_u64(assignment.nonce, 1);
	t_ok(process_wait(&remote, &arena, process, &info, &note));
	t_text(info.message.data, "p");
	port = remote;
	struct page page;
	t_ok(page_wait(&port, &arena, process, (struct range){-1, UINT64_MAX, 10}, &page, &note));
	t_u64(page.count, 2);
	http_scheduler_free(remote);
	unserve();
}

TEST_MAIN
