/* SPDX-License-Identifier: MIT
 *
 * What clients post, and what they are answered.
 */
#include "base/clock.h"
#include "http/http.h"
#include "mu/stand.h"
#include "store/store.h"
#include "test/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

TEST(a_message_posted_twice_is_one_message)
{
	struct id process, id;
	struct bytes item;

	stand_start(store_open_memory());
	process = net_spawn("p");
	item = stand_message(&id, process, "");
	for (int i = 0; i < 3; i++) {
		const struct json *answer = stand_post(item, 202);
		t_text(json_get_text(&stand.arena, answer, "message"), "Processing DataItem");
		t_text(json_get_text(&stand.arena, answer, "id"), id_text(id).s);
	}
	stand_wait();
	stand_post(item, 202);
	stand_wait();
	t_u64(net_count(process), 2);
	t_u64(net_at(process, 1)->evaluated, 1);
	t_bytes(net_at(process, 1)->item, item);
	stand_stop();
}

TEST(what_another_unit_scheduled_is_not_pushed_again)
{
	struct id process, id;
	struct bytes item;
	const struct json *answer;

	stand_start(store_open_memory());
	process = net_spawn("p");
	item = stand_message(&id, process, "");
	net_add(process, id)->item = item;
	answer = stand_post(item, 400);
	t_text(json_get_text(&stand.arena, answer, "code"), "E_EXISTS");
	t_check(bytes_starts(json_get_text(&stand.arena, answer, "error"), "Message already exists"));
	stand_wait();
	t_u64(net_at(process, 1)->evaluated, 0);
	t_u64(stand_traces(stand_text("process=%s", stand_id(process)))->count, 0);
	stand_stop();
}

static void refused(struct bytes item, int status, const char *code, const char *text)
{
	const struct json *answer = stand_post(item, status);
	struct bytes error = json_get_text(&stand.arena, answer, "error");

	t_text(json_get_text(&stand.arena, answer, "code"), code);
	if (!memmem(error.ptr, error.len, text, strlen(text)))
		t_fail("\"%.*s\" does not say \"%s\"", BYTES_FMT(error), text);
}

TEST(what_is_no_message_is_refused_and_leaves_no_trace)
{
	struct tag_list tags = tag_list_on(&stand.arena);
	struct id process, stranger = {{1, 2, 3}}, id;
	struct buf broken = BUF_EMPTY;

	stand_start(store_open_memory());
	process = net_spawn("p");
	refused(BYTES(""), 400, "E_FORMAT", "A valid and signed data item must be provided as the body");
	refused(BYTES("garbage"), 400, "E_FORMAT", "A valid and signed data item must be provided as the body");
	buf_put_bytes(&broken, stand_message(&id, process, "m"));
	broken.ptr[broken.len - 1] ^= 1;
	refused(buf_bytes(&broken), 400, "E_SIGNATURE", "A valid and signed data item must be provided");
	buf_release(&broken);

	refused(stand_message(&id, stranger, "m"), 404, "E_NOT_FOUND", id_text(stranger).s);
	refused(stand_make(&id, bytes_of(process.b, 32), tag_list_tags(&tags), ""), 400, "E_ARGUMENT",
		"Tag 'Data-Protocol': must contain 'ao'");
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Letter");
	refused(stand_make(&id, bytes_of(process.b, 32), tag_list_tags(&tags), ""), 400, "E_ARGUMENT",
		"Tag 'Type': must be either 'Process' or 'Message'");
	tag_list_add_str(&tags, "Type", "Process");
	refused(stand_make(&id, bytes_of(NULL, 0), tag_list_tags(&tags), ""), 400, "E_ARGUMENT",
		"No Scheduler tag found on 'Process' DataItem");
	tag_list_add_str(&tags, "Scheduler", "nobody");
	refused(stand_make(&id, bytes_of(NULL, 0), tag_list_tags(&tags), ""), 404, "E_NOT_FOUND", "nobody");
	tags.count = 1;
	tag_list_add_str(&tags, "Type", "Message");
	refused(stand_make(&id, bytes_of(NULL, 0), tag_list_tags(&tags), ""), 400, "E_ARGUMENT",
		"the message has no target");

	net.error = E_ARGUMENT;
	net.refuse = 1;
	refused(stand_message(&id, process, "m"), 400, "E_ARGUMENT", "the scheduler is made to fail");
	stand_wait();
	t_u64(net_count(process), 1);
	t_u64(stand_traces(stand_text("process=%s", stand_id(process)))->count, 0);
	stand_post(stand_message(&id, process, "m"), 202); /* the same message is taken after all */
	stand_wait();
	t_u64(net_at(process, 1)->evaluated, 1);
	stand_stop();
}

TEST(nonsense_over_http_gets_a_4xx)
{
	static const struct {
		const char *method, *path;
		int status;
		const char *error;
	} asks[] = {
		{"POST", "/?process-id=x", 400, "You must set both process-id and assign"},
		{"POST", "/?assign=x", 400, "You must set both process-id and assign"},
		{"POST", "/?process-id=x&assign=y", 400, "'process-id' is not an id"},
		{"POST", "/?process-id=" MODULE "&assign=y", 400, "'assign' is not an id"},
		{"POST", "/?process-id=" MODULE "&assign=" MODULE "&exclude=a%26b", 400, "'exclude' is not a list"},
		{"POST", "/?process-id=" MODULE "&assign=" MODULE, 404, MODULE},
		{"POST", "/monitor/xyz", 400, "Signed data item is required"},
		{"DELETE", "/monitor/" MODULE, 400, "Signed data item is required"},
		{"POST", "/push/x/y?process-id=z", 400, "'number' parameter must be a valid number"},
		{"POST", "/push/x/1?process-id=z", 400, "43 characters"},
		{"POST", "/push/" MODULE "/1", 400, "'process-id'"},
		{"POST", "/push/" MODULE "/1?process-id=" MODULE, 404, "no such message"},
		{"POST", "/tasks/x", 400, "not the number of a task"},
		{"POST", "/tasks/77", 404, "has failed"},
		{"GET", "/tasks?state=odd", 400, "pending or failed"},
		{"GET", "/tasks?limit=-1", 400, "'limit'"},
		{"GET", "/?debug=1", 400, "'process' is missing"},
		{"GET", "/?debug=1&process=x", 400, "'process' is not an id"},
		{"GET", "/?debug=1&message=a&spawn=b", 422, "Only one of message, assign, or spawn"},
		{"GET", "/nothing", 404, "/nothing"},
		{"PUT", "/", 405, "PUT"},
	};

	stand_start(store_open_memory());
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		const struct json *answer = stand_json(asks[i].method, asks[i].path, bytes_of(NULL, 0), asks[i].status);
		struct bytes error = json_get_text(&stand.arena, answer, "error");
		if (!memmem(error.ptr, error.len, asks[i].error, strlen(asks[i].error)))
			t_fail("%s %s: \"%.*s\"", asks[i].method, asks[i].path, BYTES_FMT(error));
	}
	t_u64(net.count, 0);
	stand_stop();
}

TEST(the_root_says_who_it_is)
{
	static const char *const headers[] = {"Accept: application/json", NULL};
	struct http_reply reply;
	const struct json *json;
	struct note note = {0};
	struct bytes body;
	char url[64];

	stand_start(store_open_memory());
	t_u64(stand_ask("GET", "/", bytes_of(NULL, 0), &body), 200);
	t_text(body, "ao messenger unit");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", stand.bound);
	t_ok(http_wait(stand.client, &stand.arena, &(struct http_call){.method = "GET", .url = url, .headers = headers},
		       &reply, &note));
	t_ok(json_parse(&json, &stand.arena, reply.body, &note));
	t_text(json_get_text(&stand.arena, json, "address"), id_text(key_address(stand.mu_key)).s);
	stand_stop();
}

TEST(a_full_unit_says_so)
{
	struct id process, other, id;
	const struct json *answer;

	stand.options.posted_max = 6;
	stand_start(store_open_memory());
	process = net_spawn("p");
	other = net_spawn("q");
	net.hold = true;
	stand_send(process, "1");
	stand_send(process, "2");
	answer = stand_post(stand_message(&id, process, "3"), 503); /* a process takes a quarter, rounded up */
	t_text(json_get_text(&stand.arena, answer, "code"), "E_BUSY");
	stand_send(other, "4");
	stand_send(other, "5");
	stand_send(net_spawn("r"), "6");
	stand_send(net_spawn("s"), "7");
	stand_post(stand_message(&id, net_spawn("t"), "8"), 503);
	net_release();
	stand_wait();
	stand_send(process, "3");
	stand_wait();
	t_u64(net_count(process), 4);
	stand_stop();
}

TEST_MAIN
