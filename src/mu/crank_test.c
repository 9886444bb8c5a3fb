/* SPDX-License-Identifier: MIT
 *
 * What processes send: that it arrives, as it should, in order, and once.
 */
#include "base/clock.h"
#include "mu/stand.h"
#include "store/store.h"
#include "test/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what processes send ---- */

TEST(pushed_messages_have_the_tags_of_the_reference)
{
	struct id p, q, root;
	struct item item;

	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	root = stand_send(
		p,
		stand_text(
			"{\"Messages\":[{\"Target\":\"%s\",\"Anchor\":\"00000000000000000000000000000042\",\"Data\":"
			"\"h\\u00e9llo\",\"Tags\":[{\"name\":\"Data-Protocol\",\"value\":\"ao\"},{\"name\":\"Variant\","
			"\"value\":\"ao.TN.1\"},{\"name\":\"Type\",\"value\":\"Message\"},{\"name\":\"Reference\","
			"\"value\":\"42\"},{\"name\":\"From-Process\",\"value\":\"a lie\"},{\"name\":\"From-Module\","
			"\"value\":\"a lie\"},{\"name\":\"Assignments\",\"value\":\"x\"},{\"name\":\"Pushed-For\","
			"\"value\":\"a lie\"},{\"name\":\"Action\",\"value\":\"Hi\"}]},"
			"{\"Target\":\"%s\",\"Tags\":[],\"Data\":null}],\"Error\":\"and an error\"}",
			stand_id(q), stand_id(q)));
	stand_wait();
	t_u64(net_count(q), 3);
	item = net_item(q, 1);
	t_bytes(item.target, bytes_of(q.b, 32));
	t_text(item.anchor, "00000000000000000000000000000042");
	t_text(item.data, "h\xc3\xa9llo");
	t_bytes(item.owner, key_owner(stand.mu_key));
	t_text(stand_tags(item.tags),
	       stand_text("Variant=ao.TN.1\nReference=42\nAction=Hi\nData-Protocol=ao\nType=Message\nFrom-Process=%s\n"
			  "From-Module=" MODULE "\nPushed-For=%s\n",
			  stand_id(p), stand_id(root)));
	item = net_item(q, 2);
	t_text(item.data, " ");
	t_u64(item.anchor.len, 32);
	t_u64(net_at(q, 1)->evaluated, 1);
	t_u64(net_at(q, 2)->evaluated, 1);
	stand_stop();
}

TEST(a_spawn_becomes_a_process_and_its_parent_is_told)
{
	struct id p, child, root;
	struct item item;
	char list[1000];

	snprintf(
		list, sizeof(list),
		"[{\"name\":\"Data-Protocol\",\"value\":\"ao\"},{\"name\":\"Variant\",\"value\":\"ao.TN.1\"},{\"name\":"
		"\"Type\",\"value\":\"Process\"},{\"name\":\"From-Process\",\"value\":\"x\"},{\"name\":\"From-Module\","
		"\"value\":\"y\"},{\"name\":\"Module\",\"value\":\"%s\"},{\"name\":\"Reference\",\"value\":\"7\"},{"
		"\"name\":\"Authority\",\"value\":\"me\"}]",
		MODULE);
	stand_start(store_open_memory());
	p = net_spawn("p");
	root = stand_send(
		p,
		stand_text(
			"{\"Spawns\":[{\"Data\":\"%s\",\"Anchor\":\"00000000000000000000000000000007\",\"Tags\":%s}]}",
			"{}", list));
	stand_wait();
	t_u64(net_count(p), 3);
	item = net_item(p, 2);
	t_ok(id_parse(&child, tags_get(item.tags, "Process")));
	t_text(stand_tags(item.tags),
	       stand_text("From-Process=%s\nFrom-Module=" MODULE "\nModule=" MODULE
			  "\nReference=7\nAuthority=me\nData-Protocol=ao\nType=Message\nProcess=%s\nAction=Spawned\n"
			  "Variant=ao.TN.1\n",
			  stand_id(p), stand_id(child)));
	t_bytes(item.target, bytes_of(p.b, 32));
	t_text(item.data, " ");
	t_u64(item.anchor.len, 0);
	item = net_item(child, 0);
	t_text(stand_tags(item.tags),
	       stand_text(
		       "Variant=ao.TN.1\nFrom-Module=" MODULE "\nModule=" MODULE
		       "\nReference=7\nAuthority=me\nVariant=ao.TN.1\nData-Protocol=ao\nType=Process\nFrom-Process=%s\n"
		       "Pushed-For=%s\nScheduler=%s\n",
		       stand_id(p), stand_id(root), stand_id(stand.su_address)));
	t_u64(item.target.len, 0);
	t_text(item.data, "{}");
	t_u64(net_at(child, 0)->evaluated, 1); /* its own first result was pulled */
	t_u64(net_at(p, 2)->evaluated, 1);
	stand_stop();
}

TEST(what_a_child_sends_first_is_pushed_too)
{
	struct id p, child;

	stand_start(store_open_memory());
	p = net_spawn("p");
	stand_send(p,
		   stand_text("{\"Spawns\":[{\"Data\":\"{\\\"Messages\\\":[{\\\"Target\\\":\\\"%s\\\",\\\"Tags\\\":[],"
			      "\\\"Data\\\":"
			      "\\\"born\\\"}]}\",\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}]}]}",
			      stand_id(p)));
	stand_wait();
	t_u64(net_count(p), 4);
	for (size_t n = 2; n < 4; n++) {
		struct item item = net_item(p, n);
		if (bytes_eq_str(tags_get(item.tags, "Action"), "Spawned"))
			t_ok(id_parse(&child, tags_get(item.tags, "Process")));
		else
			t_text(item.data, "born");
	}
	t_u64(net_at(child, 0)->evaluated, 1);
	stand_stop();
}

TEST(two_equal_spawns_are_two_processes)
{
	struct id p, one, two;

	stand_start(store_open_memory());
	p = net_spawn("p");
	stand_send(p, "{\"Spawns\":[{\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}]},{\"Tags\":[{\"name\":\"Module\","
		      "\"value\":\"m\"}]}]}");
	stand_wait();
	t_u64(net_count(p), 4);
	t_ok(id_parse(&one, tags_get(net_item(p, 2).tags, "Process")));
	t_ok(id_parse(&two, tags_get(net_item(p, 3).tags, "Process")));
	t_check(!id_eq(one, two));
	stand_stop();
}

TEST(assignments_go_to_each_process)
{
	struct id p, q, r, message;

	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	r = net_spawn("r");
	memset(message.b, 9, 32);
	stand_send(p,
		   stand_text("{\"Assignments\":[{\"Processes\":[\"%s\",\"%s\"],\"Message\":\"%s\",\"BaseLayer\":true,"
			      "\"Exclude\":["
			      "\"Data\",\"Anchor\"]},{\"Processes\":[\"%s\"],\"Message\":\"%s\"}]}",
			      stand_id(q), stand_id(r), stand_id(message), stand_id(r), stand_id(p)));
	stand_wait();
	t_u64(net_count(q), 2);
	t_u64(net_count(r), 3);
	t_check(id_eq(net_at(q, 1)->assigned, message));
	t_check(net_at(q, 1)->assign.base_layer);
	t_text(net_at(q, 1)->assign.exclude, "Data,Anchor");
	t_check(id_eq(net_at(r, 1)->assigned, message));
	t_check(id_eq(net_at(r, 2)->assigned, p));
	t_check(!net_at(r, 2)->assign.base_layer);
	t_u64(net_at(r, 2)->evaluated, 1);
	stand_stop();
}

TEST(an_assign_that_is_posted_is_answered_with_its_assignment)
{
	struct id p, message;
	const struct json *answer;
	const char *path;

	stand_start(store_open_memory());
	p = net_spawn("p");
	memset(message.b, 9, 32);
	path = stand_text("/?process-id=%s&assign=%s&base-layer&exclude=Data", stand_id(p), stand_id(message));
	answer = stand_json("POST", path, bytes_of(NULL, 0), 202);
	t_text(json_get_text(&stand.arena, answer, "message"), "Processing Assignment");
	stand_wait();
	t_text(json_get_text(&stand.arena, answer, "id"), id_text(net_at(p, 1)->id).s);
	t_check(net_at(p, 1)->assign.base_layer);
	t_text(net_at(p, 1)->assign.exclude, "Data");
	t_u64(net_at(p, 1)->evaluated, 1);
	stand_json("POST", path, bytes_of(NULL, 0), 400);
	stand_wait();
	t_u64(net_count(p), 2);
	answer = stand_traces(stand_text("process=%s&assign=%s", stand_id(p), stand_id(message)));
	t_u64(answer->count, 1);
	t_text(json_get_text(&stand.arena, stand_trace(answer, 0), "assignmentId"), id_text(net_at(p, 1)->id).s);
	t_text(json_get_text(&stand.arena, stand_trace(answer, 0), "state"), "done");
	stand_stop();
}

TEST(a_process_that_is_posted_with_a_target_is_assigned_to_it)
{
	struct tag_list tags = tag_list_on(&stand.arena);
	struct id p, child;

	stand_start(store_open_memory());
	p = net_spawn("p");
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Process");
	tag_list_add_str(&tags, "Module", MODULE);
	tag_list_add_str(&tags, "Scheduler", stand_id(stand.su_address));
	stand_post(stand_make(&child, bytes_of(p.b, 32), tag_list_tags(&tags), ""), 202);
	stand_wait();
	t_u64(net_at(child, 0)->evaluated, 1);
	t_u64(net_count(p), 2);
	t_check(id_eq(net_at(p, 1)->assigned, child));
	stand_stop();
}

TEST(messages_to_a_wallet_go_to_the_weave)
{
	struct id p, wallet, plain;
	struct item item;

	stand_start(store_open_memory());
	p = net_spawn("p");
	memset(wallet.b, 5, 32);
	memset(plain.b, 6, 32);
	net.known[net.known_count++] = plain;
	net.fail_put = 2;
	stand_send(p, stand_messages(wallet, 3));
	stand_send(p, stand_messages(plain, 1));
	stand_wait();
	t_u64(net.put_count, 4);
	for (int i = 0; i < 4; i++) {
		t_ok(item_parse(&item, &stand.arena, net.put[i], NULL));
		t_ok(item_verify(&item, NULL));
		t_text(tags_get(item.tags, "From-Process"), stand_id(p));
	}
	t_u64(net.count, 3);
	t_text(json_get_text(&stand.arena, stand_trace(stand_traces(stand_text("process=%s", stand_id(wallet))), 0),
			     "state"),
	       "done");
	stand_stop();
}

TEST(what_cannot_be_sent_does_not_hold_up_the_rest)
{
	struct id p, q;
	const struct json *edges;
	struct buf big = BUF_EMPTY;
	size_t dropped = 0;

	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	for (int i = 0; i < 5000; i++)
		buf_put_u8(&big, 'x');
	stand_send(
		p,
		stand_text(
			"{\"Messages\":[{\"Target\":\"bad\",\"Tags\":[]},{\"Target\":7,\"Tags\":[]},"
			"{\"Target\":\"%s\",\"Tags\":[{\"name\":\"n\",\"value\":1}]},{\"Target\":\"%s\",\"Tags\":{}},"
			"{\"Target\":\"%s\",\"Tags\":[],\"Anchor\":\"short\"},{\"Target\":\"%s\",\"Tags\":[],\"Data\":{"
			"}},"
			"{\"Target\":\"%s\",\"Tags\":[{\"name\":\"n\",\"value\":\"%s\"}]},"
			"{\"Tags\":[{\"name\":\"device\",\"value\":{}}],\"Data\":\"for other readers\"},5,"
			"{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"good\"}],"
			"\"Spawns\":[{\"Tags\":[]},{\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}]}],"
			"\"Assignments\":[{\"Processes\":\"x\",\"Message\":\"%s\"},{\"Processes\":[\"x\",\"%s\"],"
			"\"Message\":"
			"\"%s\",\"Exclude\":\"\"},{\"Processes\":[\"%s\"],\"Message\":\"%s\",\"Exclude\":\"a&b\"}]}",
			stand_id(q), stand_id(q), stand_id(q), stand_id(q), stand_id(q), buf_str(&big), stand_id(q),
			stand_id(p), stand_id(q), stand_id(p), stand_id(q), stand_id(p)));
	buf_release(&big);
	stand_wait();
	t_u64(net_count(q), 3);
	t_text(net_item(q, 1).data, "good");
	t_check(id_eq(net_at(q, 2)->assigned, p));
	t_u64(net_count(p), 3); /* itself, the message, Spawned */
	for (int kind = 0; kind < 3; kind++) {
		static const char *const kinds[] = {"", "&assign=", "&spawn="};
		edges = stand_traces(stand_text("process=%s&page-size=50%s", stand_id(p), kinds[kind]));
		for (size_t i = 0; i < edges->count; i++)
			dropped += bytes_eq_str(json_get_text(&stand.arena, stand_trace(edges, i), "state"), "dropped");
	}
	t_u64(dropped, 12);
	stand_stop();
}

/* ---- order, retries ---- */

TEST(what_one_process_sends_another_arrives_in_order)
{
	struct id p, q, r;

	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	r = net_spawn("r");
	net.hold = true;
	stand_send(p, stand_messages(q, 100));
	stand_send(p, stand_messages(r, 100));
	stand_send(p, stand_text("%s ", stand_messages(q, 100))); /* the same again, as another message */
	net.refuse = 5;
	net.lose = 5;
	net_release();
	stand_wait();
	t_u64(net_count(q), 201);
	t_u64(net_count(r), 101);
	net_numbers(q, 1, 100);
	net_numbers(q, 101, 100);
	net_numbers(r, 1, 100);
	for (size_t i = 1; i <= 200; i++)
		t_u64(net_at(q, i)->evaluated, 1);
	stand_stop();
}

TEST(trying_again_sends_nothing_twice)
{
	struct id p, q, child, message;

	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	memset(message.b, 9, 32);
	net.hold = true;
	stand_send(
		p,
		stand_text(
			"{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[]}],\"Spawns\":[{\"Tags\":[{\"name\":\"Module\","
			"\"value\":"
			"\"m\"}]}],\"Assignments\":[{\"Processes\":[\"%s\"],\"Message\":\"%s\"}]}",
			stand_id(q), stand_id(q), stand_id(message)));
	net.lose = 4; /* each of the four is scheduled, and nobody hears of it */
	net.fail_result = 3;
	net_release();
	stand_wait();
	t_u64(net_count(q), 3);
	t_u64(net_count(p), 3);
	t_ok(id_parse(&child, tags_get(net_item(p, 2).tags, "Process")));
	t_u64(net_count(child), 1);
	t_u64(net_at(q, 1)->evaluated, 1);
	t_u64(net_at(q, 2)->evaluated, 1);
	t_u64(net_at(child, 0)->evaluated, 1);
	stand_stop();
}

TEST(what_is_given_up_is_kept_and_can_be_tried_again)
{
	struct id p, q, root, id;
	const struct json *tasks;
	uint64_t n;

	stand.options.tries_max = 3;
	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	net.error = E_WORKER;
	net.fail_result = 3;
	root = stand_send(p, stand_messages(q, 2));
	stand_wait();
	t_u64(net_count(q), 1);
	tasks = json_get(stand_json("GET", "/tasks?state=failed", bytes_of(NULL, 0), 200), "tasks");
	t_u64(tasks->count, 1);
	t_text(json_get_text(&stand.arena, json_at(tasks, 0), "messageId"), id_text(root).s);
	t_text(json_get_text(&stand.arena, json_at(tasks, 0), "error"), "the computer is made to fail");
	t_text(json_get_text(&stand.arena, stand_trace(stand_traces(stand_text("message=%s", stand_id(root))), 0),
			     "state"),
	       "failed");
	t_check(json_u64(json_get(json_at(tasks, 0), "id"), &n));
	stand_json("POST", stand_text("/tasks/%" PRIu64, n), bytes_of(NULL, 0), 202);
	stand_wait();
	t_u64(net_count(q), 3);
	t_u64(json_get(stand_json("GET", "/tasks?state=failed", bytes_of(NULL, 0), 200), "tasks")->count, 0);
	t_text(json_get_text(&stand.arena, stand_trace(stand_traces(stand_text("message=%s", stand_id(root))), 0),
			     "state"),
	       "done");

	/* Or by posting the message again. */
	struct bytes item = stand_message(&id, p, stand_messages(q, 1));
	net.fail_result = 3;
	stand_post(item, 202);
	stand_wait();
	t_u64(net_count(q), 3);
	stand_post(item, 202);
	stand_wait();
	t_u64(net_count(q), 4);
	stand_stop();
}

TEST(a_post_whose_answer_is_lost_is_cranked_if_it_arrived)
{
	struct id p, q, id;
	const struct json *answer;
	struct bytes item;

	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	item = stand_message(&id, p, stand_messages(q, 1));
	net.lose = 1;
	answer = stand_post(item, 502);
	t_text(json_get_text(&stand.arena, answer, "code"), "E_PEER");
	stand_post(item, 202); /* whether it is checked by now or not */
	stand_wait();
	stand_post(item, 202);
	stand_wait();
	t_u64(net_count(q), 2);
	t_u64(net_at(p, 1)->evaluated, 1);

	/* One that did not arrive is forgotten. */
	item = stand_message(&id, q, "never");
	net.error = E_PEER;
	net.refuse = 1;
	stand_post(item, 502);
	stand_wait();
	t_u64(net_count(q), 2);
	t_u64(json_get(stand_json("GET", "/tasks?state=failed", bytes_of(NULL, 0), 200), "tasks")->count, 0);
	t_u64(stand_traces(stand_text("message=%s", stand_id(id)))->count, 0);

	/* An assign likewise. */
	net.lose = 1;
	stand_json("POST", stand_text("/?process-id=%s&assign=%s", stand_id(q), stand_id(id)), bytes_of(NULL, 0), 502);
	stand_wait();
	t_u64(net_count(q), 3);
	t_u64(net_at(q, 2)->evaluated, 1);
	stand_stop();
}

TEST(two_processes_play_ball)
{
	struct id p, q;

	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	stand_send(p,
		   stand_text("{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"ball 199 \"}]}", stand_id(q)));
	WAIT_FOR(net_count(p) == 102 && net_count(q) == 101);
	stand_wait();
	for (size_t i = 0; i < 100; i++) {
		t_text(net_item(q, i + 1).data, stand_text("ball %zu ", 199 - 2 * i));
		t_text(net_item(p, i + 2).data, stand_text("ball %zu ", 198 - 2 * i));
	}
	stand_stop();
}

TEST(a_runaway_does_not_hold_up_others)
{
	struct id p, q, r, s;

	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	r = net_spawn("r");
	s = net_spawn("s");
	stand_send(p, stand_text("{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"ball 999999999 \"}]}",
				 stand_id(q)));
	stand_send(q, stand_messages(p, 2000));
	WAIT_FOR(net_count(p) > 20);
	stand_send(r, stand_messages(s, 10));
	WAIT_FOR(net_count(s) == 11);
	net_numbers(s, 1, 10);
	stand_stop(); /* in the middle of it */
}

TEST(many_wait_at_once_and_closing_does_not_wait_for_them)
{
	struct id process[500];

	stand_start(store_open_memory());
	net.hold = true;
	for (int i = 0; i < 500; i++) {
		process[i] = net_spawn(stand_text("%d", i));
		stand_send(process[i], "");
	}
	WAIT_FOR(net_read(&net.held_count) == 500);
	t_check(!stand_idle());
	stand_stop();
	net_release(); /* answers that nobody waits for any more */
	t_u64(net_at(process[0], 1)->evaluated, 1);
}

/* ---- crons ---- */

TEST(a_monitored_process_has_its_crons_pushed_once)
{
	struct tags none = {0};
	struct id p, q, ignored;
	struct bytes item, body, stranger;
	struct key *mine;
	const char *path;
	struct item sent;
	size_t asked;

	stand.options.monitor_ms = 1;
	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	for (int n = 0; n < 3; n++)
		snprintf(net.cron[n], sizeof(net.cron[n]), "{\"cursor\":\"%d\",\"node\":%s}", n + 1,
			 stand_messages(q, n + 1));
	net.cron_pages = 3;
	path = stand_text("/monitor/%s", stand_id(p));
	item = stand_make(&ignored, bytes_of(p.b, 32), none, " ");
	stand_json("DELETE", path, item, 404);
	stand_json("POST", path, stand_make(&ignored, bytes_of(q.b, 32), none, " "), 400); /* for another process */
	t_u64(stand_ask("POST", path, item, &body), 200);
	t_text(body, "Monitoring process");
	t_text(json_get_text(&stand.arena, stand_json("POST", path, item, 400), "error"),
	       "Process already being monitored");
	WAIT_FOR(net_count(q) == 7);
	sent = net_item(q, 6);
	t_text(sent.data, "2");
	t_check(!tags_has(sent.tags, "Pushed-For"));
	t_text(tags_get(sent.tags, "From-Process"), stand_id(p));
	asked = net_read(&net.cron_asked);
	WAIT_FOR(net_read(&net.cron_asked) > asked + 3);
	t_u64(net_count(q), 7);

	mine = stand.client_key;
	t_ok(key_new(&stand.client_key, SIGN_ED25519, NULL));
	stranger = stand_make(&ignored, bytes_of(p.b, 32), none, " ");
	key_free(stand.client_key);
	stand.client_key = mine;
	stand_json("DELETE", path, stranger, 403);
	t_u64(stand_ask("DELETE", path, item, &body), 200);
	t_text(body, "Process deleted");
	stand_json("DELETE", path, item, 404);
	pthread_mutex_lock(&net.lock);
	snprintf(net.cron[3], sizeof(net.cron[3]), "{\"cursor\":\"4\",\"node\":%s}", stand_messages(q, 1));
	net.cron_pages = 4;
	pthread_mutex_unlock(&net.lock);
	clock_sleep_ms(20);
	t_u64(net_count(q), 7);
	t_u64(stand_ask("POST", path, item, &body), 200); /* goes on where it was */
	WAIT_FOR(net_count(q) == 8);
	stand_json("POST", stand_text("/monitor/%s", MODULE),
		   stand_make(&ignored, bytes_of(net_at(p, 0)->id.b, 32), none, " "), 400);
	stand_stop();
}

/* ---- traces ---- */

TEST(traces_say_where_a_message_went)
{
	struct id p, q, root, sent;
	const struct json *edges, *page;

	stand.options.traces_max = 400;
	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	root = stand_send(
		p, stand_text("{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"ball 2 \"}]}", stand_id(q)));
	stand_wait();
	sent = net_item(q, 1).id;
	edges = stand_traces(stand_text("message=%s", stand_id(sent)));
	t_u64(edges->count, 4);
	t_text(json_get_text(&stand.arena, stand_trace(edges, 0), "relation"), "root");
	t_text(json_get_text(&stand.arena, stand_trace(edges, 0), "messageId"), id_text(sent).s);
	t_text(json_get_text(&stand.arena, stand_trace(edges, 0), "processId"), id_text(q).s);
	t_text(json_get_text(&stand.arena, stand_trace(edges, 0), "parentId"), id_text(root).s);
	t_text(json_get_text(&stand.arena, stand_trace(edges, 0), "type"), "MESSAGE");
	t_text(json_get_text(&stand.arena, stand_trace(edges, 1), "relation"), "ancestor");
	t_text(json_get_text(&stand.arena, stand_trace(edges, 1), "messageId"), id_text(root).s);
	t_text(json_get_text(&stand.arena, stand_trace(edges, 1), "wallet"), id_text(key_address(stand.client_key)).s);
	t_text(json_get_text(&stand.arena, stand_trace(edges, 1), "ip"), "127.0.0.1");
	t_text(json_get_text(&stand.arena, stand_trace(edges, 2), "relation"), "descendant");
	t_text(json_get_text(&stand.arena, stand_trace(edges, 3), "processId"), id_text(q).s);

	stand_send(p, stand_messages(q, 1500));
	stand_wait();
	page = stand_json("GET", stand_text("/?debug=1&process=%s&page-size=7&page=2", stand_id(q)), bytes_of(NULL, 0),
			  200);
	t_check(json_truthy(json_get(json_get(page, "pageInfo"), "hasNextPage")));
	edges = json_get(page, "edges");
	t_u64(edges->count, 7);
	t_text(json_get_text(&stand.arena, stand_trace(edges, 0), "messageId"), id_text(net_item(q, 1502 - 7).id).s);
	/* Only the newest are kept. */
	for (int i = 0; i < 600; i++)
		stand_send(p, stand_text("%d", i));
	stand_wait();
	t_u64(stand_traces(stand_text("message=%s", stand_id(sent)))->count, 0);
	stand_stop();
}

TEST(a_result_can_be_pushed_again)
{
	struct id p, q, root;
	const struct json *answer;

	stand_start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	/* Something that another unit scheduled and did not push. */
	struct bytes item = stand_message(&root, p, stand_messages(q, 3));
	net_add(p, root)->item = item;
	answer = stand_json("POST", stand_text("/push/%s/1?process-id=%s", stand_id(root), stand_id(p)),
			    bytes_of(NULL, 0), 202);
	t_text(json_get_text(&stand.arena, answer, "message"), "Processing Message Result");
	stand_wait();
	t_u64(net_count(q), 2);
	t_text(net_item(q, 1).data, "1");
	t_text(tags_get(net_item(q, 1).tags, "Pushed-For"), id_text(root).s);
	stand_json("POST", stand_text("/push/%s/1?process-id=%s", stand_id(root), stand_id(p)), bytes_of(NULL, 0), 202);
	stand_wait();
	t_u64(net_count(q), 2);
	answer = stand_json("POST", stand_text("/push/%s/3?process-id=%s", stand_id(root), stand_id(p)),
			    bytes_of(NULL, 0), 400);
	t_text(json_get_text(&stand.arena, answer, "error"), "Message number does not exist in the result.");
	stand_stop();
}

TEST_MAIN
