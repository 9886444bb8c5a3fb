/* SPDX-License-Identifier: MIT */
#include "mu/stand.h"

#include "base/clock.h"
#include "flow/locate.h"
#include "http/http.h"
#include "store/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stand stand;

void stand_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* ---- life ---- */

void stand_start(struct store *on)
{
	struct id_text home;
	struct note note = {0};

	if (!net.pool)
		net_open();
	if (!stand.mu_key)
		must(key_new(&stand.mu_key, SIGN_ED25519, NULL) == OK &&
		     key_new(&stand.client_key, SIGN_ED25519, NULL) == OK);
	stand.su_address = key_address(stand.client_key); /* any address does */
	home = id_text(stand.su_address);
	stand.store = on;
	stand.locate = locate_open(
		&(struct locate_options){.weave = net_weave, .home = net_scheduler, .home_address = bytes_str(home.s)});
	stand.options.store = on;
	stand.options.weave = net_weave;
	stand.options.locate = stand.locate;
	stand.options.computer = net_computer;
	stand.options.key = stand.mu_key;
	if (!stand.options.retry_ms)
		stand.options.retry_ms = 1;
	if (mu_open(&stand.mu, &stand.options, &note) < 0 ||
	    mu_serve(stand.mu, "127.0.0.1", 0, &stand.bound, &note) < 0)
		stand_fail("%s", note.text);
	stand.client = http_client_open(20000, NULL);
}

void stand_stop(void)
{
	http_client_close(stand.client);
	mu_close(stand.mu);
	locate_close(stand.locate);
	store_close(stand.store);
}

/* ---- asking ---- */

int stand_ask(const char *method, const char *path, struct bytes body, struct bytes *answer)
{
	static const char *const headers[] = {"Content-Type: application/octet-stream", NULL};
	char url[1024];
	struct http_reply reply;
	struct note note = {0};

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", stand.bound, path);
	if (http_wait(stand.client, &stand.arena,
		      &(struct http_call){.method = method, .url = url, .headers = headers, .body = body}, &reply,
		      &note) < 0)
		stand_fail("%s", note.text);
	*answer = reply.body;
	return reply.status;
}

const struct json *stand_json(const char *method, const char *path, struct bytes body, int status)
{
	const struct json *json;
	struct note note = {0};
	struct bytes answer;
	int got = stand_ask(method, path, body, &answer);

	if (got != status || json_parse(&json, &stand.arena, answer, &note) < 0)
		stand_fail("%s %s: %d %.*s %s", method, path, got, BYTES_FMT(answer), note.text);
	return json;
}

const struct json *stand_post(struct bytes item, int status)
{
	return stand_json("POST", "/", item, status);
}

struct id stand_send(struct id process, const char *data)
{
	struct id id;
	const struct json *answer = stand_post(stand_message(&id, process, data), 202);

	must(bytes_eq_str(json_get_text(&stand.arena, answer, "message"), "Processing DataItem"));
	must(bytes_eq_str(json_get_text(&stand.arena, answer, "id"), id_text(id).s));
	return id;
}

bool stand_idle(void)
{
	static const char *const counts[] = {"posted", "checking", "sending", "pulling", "writing"};
	const struct json *health = stand_json("GET", "/health", bytes_of(NULL, 0), 200);
	uint64_t n, sum = 0;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		must(json_u64(json_get(health, counts[i]), &n));
		sum += n;
	}
	return sum == 0;
}

void stand_wait(void)
{
	/* What a result leads to is put in line a moment after it has left it. */
	for (int quiet = 0; quiet < 3; quiet = stand_idle() ? quiet + 1 : 0)
		clock_sleep_ms(3);
}

/* ---- making ---- */

struct bytes stand_make(struct id *id, struct bytes target, struct tags tags, const char *data)
{
	struct item_fields fields = {.target = target, .tags = tags, .data = bytes_str(data)};
	struct buf raw = BUF_EMPTY;
	struct bytes copy;

	must(item_create(&raw, id, stand.client_key, &fields, NULL) == OK);
	copy = arena_copy(&stand.arena, buf_bytes(&raw));
	buf_release(&raw);
	return copy;
}

struct bytes stand_process(struct id *id, const char *data)
{
	struct tag_list tags = tag_list_on(&stand.arena);
	struct id_text home = id_text(stand.su_address);

	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Process");
	tag_list_add_str(&tags, "Module", MODULE);
	tag_list_add(&tags, BYTES("Scheduler"), arena_copy(&stand.arena, bytes_str(home.s)));
	return stand_make(id, bytes_of(NULL, 0), tag_list_tags(&tags), data);
}

struct bytes stand_message(struct id *id, struct id process, const char *data)
{
	struct tag_list tags = tag_list_on(&stand.arena);
	struct id *target = arena_new(&stand.arena, struct id);

	*target = process;
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Message");
	return stand_make(id, bytes_of(target->b, 32), tag_list_tags(&tags), data);
}

struct bytes stand_tags(struct tags tags)
{
	struct buf lines = BUF_EMPTY;
	struct bytes copy;

	for (size_t i = 0; i < tags.count; i++)
		buf_printf(&lines, "%.*s=%.*s\n", BYTES_FMT(tags.list[i].name), BYTES_FMT(tags.list[i].value));
	copy = arena_copy(&stand.arena, buf_bytes(&lines));
	buf_release(&lines);
	return copy;
}

const char *stand_id(struct id id)
{
	return arena_cstr(&stand.arena, bytes_str(id_text(id).s));
}

const char *stand_text(const char *pattern, ...)
{
	struct buf out = BUF_EMPTY;
	struct bytes copy;
	va_list args;

	va_start(args, pattern);
	buf_vprintf(&out, pattern, args);
	va_end(args);
	copy = arena_copy(&stand.arena, buf_bytes(&out));
	buf_release(&out);
	return (const char *)copy.ptr;
}

const char *stand_messages(struct id target, int count)
{
	struct buf out = BUF_EMPTY;
	struct bytes copy;

	buf_put_str(&out, "{\"Messages\":[");
	for (int i = 0; i < count; i++)
		buf_printf(&out, "%s{\"Target\":\"%s\",\"Data\":\"%d\",\"Tags\":[]}", i ? "," : "", stand_id(target),
			   i);
	buf_put_str(&out, "]}");
	copy = arena_copy(&stand.arena, buf_bytes(&out));
	buf_release(&out);
	return (const char *)copy.ptr;
}

const struct json *stand_traces(const char *query)
{
	return json_get(stand_json("GET", stand_text("/?debug=1&%s", query), bytes_of(NULL, 0), 200), "edges");
}

const struct json *stand_trace(const struct json *edges, size_t n)
{
	return json_get(json_at(edges, n), "node");
}
