/* SPDX-License-Identifier: MIT
 *
 * Ports behind URLs, held against a server that shows what it was asked; and finding the scheduler of a process,
 * on a weave that counts the questions.
 */
#include "base/clock.h"
#include "flow/http_computer.h"
#include "flow/http_scheduler.h"
#include "flow/locate.h"
#include "flow/peer.h"
#include "flow/wait.h"
#include "http/http.h"
#include "test/test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct http_client *client;
static struct http_server *server;
static struct bytes url;

static const char text_a[] = "fcoN_xJeisVsPXA-trzVAuIiqO3ydLQxM-L4XbrQKzY";
static const char text_b[] = "5SGJUlPwlenkyuG9-xWh0Rcf0azm8XEd5RBTiutgWAg";

static struct id id_of(const char *text)
{
	struct id id;

	t_ok(id_parse(&id, bytes_str(text)));
	return id;
}

/* ---- a server that answers as it is told, and keeps the last target ---- */

static char target[1000];
static atomic_int asked, refusals; /* refusals: how many times it says 503 before it answers */
static const char *answer;
static const char *moved_to;

static void any(void *ctx, struct http_request *r)
{
	snprintf(target, sizeof(target), "%s %.*s", http_method(r), BYTES_FMT(http_target(r)));
	atomic_fetch_add(&asked, 1);
	if (atomic_load(&refusals) > 0) {
		atomic_fetch_sub(&refusals, 1);
		http_answer(r, 503, HTTP_TEXT, BYTES("not now"));
	} else if (moved_to && !bytes_starts(http_target(r), "/moved")) {
		http_set_header(r, "Location", moved_to);
		http_answer(r, 307, NULL, BYTES(""));
	} else if (strcmp(answer, "large") == 0) {
		http_answer(r, 200, HTTP_JSON, bytes_of(arena_alloc(http_arena(r), 100000), 100000));
	} else {
		http_answer(r, answer[0] == '!' ? 400 : 200, HTTP_JSON, bytes_str(answer + (answer[0] == '!')));
	}
}

static void serve(const char *with)
{
	static const struct http_route none[1];
	struct http_options options = {.address = "127.0.0.1",
				       .name = "test",
				       .routes = none,
				       .fallback = any,
				       .body_max = 1000,
				       .threads = 2,
				       .connections_max = 20};
	struct note note = {0};

	t_ok(http_serve(&server, &options, &note));
	url = arena_printf(&arena, "http://127.0.0.1:%u", http_server_port(server));
	client = http_client_open(5000, NULL);
	answer = with;
	moved_to = NULL;
}

static void unserve(void)
{
	http_client_close(client);
	http_stop(server, 1000);
	arena_release(&arena);
}

/* What a stranger calls an id must not become another question. */
TEST(texts_of_strangers_stay_one_segment_or_one_value)
{
	struct assign assign = {.process = id_of(text_a), .message = BYTES("x&base-layer"), .exclude = BYTES("a,b&c#")};
	struct scheduler s;
	struct computer c;
	struct assignment assignment;
	struct receipt receipt;
	struct bytes result;

	serve("{\"id\":\"x\",\"timestamp\":1}");
	s = http_scheduler_new(client, url);
	c = http_computer_new(client, url);
	t_ok(assign_wait(&s, &arena, &assign, &receipt, NULL));
	t_check(strstr(target, "&assign=x%26base-layer&exclude=a%2Cb%26c%23") != NULL);
	t_err(assignment_wait(&s, &arena, id_of(text_a), BYTES("../x?y=\n"), &assignment, NULL), E_PEER);
	t_check(bytes_starts(bytes_str(target), "GET /..%2Fx%3Fy%3D%0A?process-id=fcoN"));
	t_err(assignment_wait(&s, &arena, id_of(text_a), BYTES(".."), &assignment, NULL), E_PEER);
	t_check(bytes_starts(bytes_str(target), "GET /%2E%2E?process-id="));
	t_ok(result_wait(&c, &arena, id_of(text_a), BYTES("a/b c"), &result, NULL));
	t_check(bytes_starts(bytes_str(target), "GET /result/a%2Fb%20c?process-id="));
	http_scheduler_free(s);
	http_computer_free(c);
	unserve();
}

TEST(reads_are_tried_again_and_writes_are_not)
{
	struct scheduler s;
	struct receipt receipt;
	struct note note = {0};
	uint64_t timestamp_ms, height;

	serve("{\"timestamp\":\"17\",\"block_height\":\"000000000005\",\"id\":\"x\"}");
	s = http_scheduler_new(client, url);
	atomic_store(&refusals, 1);
	t_ok(now_wait(&s, id_of(text_a), &timestamp_ms, &height, NULL));
	t_u64(timestamp_ms, 17);
	t_u64(height, 5);
	t_u64(atomic_load(&asked), 2);
	atomic_store(&refusals, 1);
	t_err(schedule_wait(&s, &arena, BYTES("item"), &receipt, &note), E_BUSY);
	t_str(note.text, "not now");
	t_u64(atomic_load(&asked), 3);
	http_scheduler_free(s);
	unserve();
}

TEST(a_write_follows_a_redirect_once_with_its_body)
{
	struct scheduler s;
	struct receipt receipt;

	serve("{\"id\":\"here\",\"timestamp\":9}");
	s = http_scheduler_new(client, url);
	moved_to = (const char *)arena_printf(&arena, "%.*s/moved", BYTES_FMT(url)).ptr;
	t_ok(schedule_wait(&s, &arena, BYTES("item"), &receipt, NULL));
	t_str(target, "POST /moved");
	t_text(receipt.id, "here");
	moved_to = (const char *)arena_printf(&arena, "%.*s/elsewhere", BYTES_FMT(url)).ptr;
	t_err(schedule_wait(&s, &arena, BYTES("item"), &receipt, NULL), E_PEER);
	http_scheduler_free(s);
	unserve();
}

TEST(what_a_peer_refuses_keeps_its_words_and_its_kind)
{
	struct scheduler s;
	struct process_info process;
	struct note note = {0};

	serve("!{\"error\":\"Process not found\"}");
	s = http_scheduler_new(client, url);
	t_err(process_wait(&s, &arena, id_of(text_a), &process, &note), E_NOT_FOUND);
	t_str(note.text, "Process not found");
	answer = "!{\"error\":\"no\",\"code\":\"E_DENIED\",\"hint\":\"ask\"}";
	note_reset(&note);
	t_err(process_wait(&s, &arena, id_of(text_a), &process, &note), E_DENIED);
	t_str(note.hint, "ask");
	answer = "{\"process_id\":1}";
	note_reset(&note);
	t_err(process_wait(&s, &arena, id_of(text_a), &process, &note), E_PEER);
	t_check(note.text[0] != 0);
	http_scheduler_free(s);
	unserve();
}

static atomic_int ended;

static void on_answer(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	t_err(e, *(enum err *)ctx);
	atomic_fetch_add(&ended, 1);
}

TEST(what_cannot_succeed_is_not_tried_again)
{
	struct ask ask = {.method = "GET", .path = BYTES("/x"), .retry = {5, 10, 10, false}, .answer_max = 10};
	enum err want = E_LIMIT;
	struct peer *peer;

	serve("large");
	peer = peer_new(client, url);
	peer_ask(peer, &ask, on_answer, &want);
	for (int i = 0; i < 1000 && atomic_load(&ended) == 0; i++)
		clock_sleep_ms(5);
	t_u64(atomic_load(&ended), 1);
	t_u64(atomic_load(&asked), 1);
	peer_free(peer);
	unserve();
}

/* ---- locate ---- */

static atomic_int finds;
static struct tag process_tags[] = {{BYTES("Type"), BYTES("Process")},
				    {BYTES("Scheduler"), BYTES("5SGJUlPwlenkyuG9-xWh0Rcf0azm8XEd5RBTiutgWAg")}};
static struct tag location_tags[] = {{BYTES("Type"), BYTES("Scheduler-Location")},
				     {BYTES("Url"), BYTES("http://127.0.0.1:9")},
				     {BYTES("Time-To-Live"), BYTES("3600000")}};

/* Knows the process A and the location of B. */
static void find(void *self, const struct weave_query *query, weave_find_done *done, void *ctx)
{
	struct weave_meta meta = {0};
	bool found;

	atomic_fetch_add(&finds, 1);
	if (query->owner_count) {
		found = bytes_eq_str(query->owners[0], text_b);
		meta.tags = (struct tags){location_tags, 3};
	} else {
		found = bytes_eq_str(query->ids[0], text_a);
		meta.tags = (struct tags){process_tags, 2};
	}
	done(ctx, OK, NULL, &meta, found);
}

static int home_asked;

static void home_process(void *self, struct id process, process_done *done, void *ctx)
{
	struct process_info info = {0};
	struct note note = {0};

	home_asked++;
	if (id_eq(process, id_of(text_b)))
		done(ctx, OK, NULL, &info);
	else
		done(ctx, note_err(&note, E_NOT_FOUND, "Process not found"), &note, NULL);
}

static struct locate *open_locate(bool with_home)
{
	struct locate_options options = {.weave = {.self = &finds, .find = find}, .client = client};

	if (with_home)
		options.home = (struct scheduler){.self = &home_asked, .process = home_process};
	options.home_address = BYTES("home");
	return locate_open(&options);
}

TEST(a_process_is_found_through_its_scheduler_and_remembered)
{
	struct scheduler first = {0}, second = {0};
	struct note note = {0};
	struct bytes address;
	struct locate *l;

	client = http_client_open(100, NULL);
	l = open_locate(false);
	t_ok(locate_process_wait(l, &arena, id_of(text_a), &first, &address, &note));
	t_text(address, text_b);
	t_u64(atomic_load(&finds), 2);
	t_ok(locate_process_wait(l, &arena, id_of(text_a), &second, NULL, &note));
	t_check(first.self && first.self == second.self);
	t_u64(atomic_load(&finds), 2);
	t_err(locate_process_wait(l, &arena, id_of(text_b), &second, NULL, &note), E_NOT_FOUND);
	t_check(strstr(note.text, "was not found") != NULL);
	process_tags[1].value = BYTES("somebody else");
	locate_close(l);
	l = open_locate(false);
	note_reset(&note);
	t_err(locate_process_wait(l, &arena, id_of(text_a), &second, NULL, &note), E_NOT_FOUND);
	t_check(strstr(note.text, "Scheduler-Location") && note.hint[0]);
	process_tags[0].value = BYTES("Message");
	note_reset(&note);
	t_err(locate_process_wait(l, &arena, id_of(text_a), &second, NULL, &note), E_NOT_FOUND);
	t_check(strstr(note.text, "is not a process") != NULL);
	locate_close(l);
	http_client_close(client);
	arena_release(&arena);
}

TEST(a_process_that_was_just_scheduled_need_not_be_on_the_weave)
{
	struct scheduler its = {0}, out = {0};
	struct note note = {0};
	struct bytes address;
	struct locate *l;

	client = http_client_open(100, NULL);
	l = open_locate(false);
	t_ok(locate_process_wait(l, &arena, id_of(text_a), &its, &address, &note));
	t_err(locate_process_wait(l, &arena, id_of(text_b), &out, NULL, &note), E_NOT_FOUND);
	locate_remember(l, id_of(text_b), its, address);
	note_reset(&note);
	t_ok(locate_process_wait(l, &arena, id_of(text_b), &out, &address, &note));
	t_check(out.self == its.self);
	t_text(address, text_b);
	locate_close(l);
	http_client_close(client);
	arena_release(&arena);
}

TEST(the_scheduler_at_home_is_asked_first_and_once)
{
	struct scheduler out = {0};
	struct bytes address;
	struct locate *l;

	client = http_client_open(100, NULL);
	l = open_locate(true);
	t_ok(locate_process_wait(l, &arena, id_of(text_b), &out, &address, NULL));
	t_check(out.self == &home_asked);
	t_text(address, "home");
	t_ok(locate_process_wait(l, &arena, id_of(text_b), &out, &address, NULL));
	t_check(out.self == &home_asked);
	t_u64(home_asked, 1);
	t_u64(atomic_load(&finds), 0);
	t_ok(locate_process_wait(l, &arena, id_of(text_a), &out, &address, NULL));
	t_check(out.self != &home_asked);
	t_u64(home_asked, 2);
	locate_close(l);
	http_client_close(client);
	arena_release(&arena);
}

TEST_MAIN
