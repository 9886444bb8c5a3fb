/* SPDX-License-Identifier: MIT */
#include "flow/http_scheduler.h"

#include "flow/nouns.h"
#include "flow/peer.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct peer_retry read_retry = {5, 500, 8000, false};
static const struct peer_retry write_once = {1, 0, 0, false};

static const char *const json_headers[] = {"Accept: application/json", NULL};
static const char *const item_headers[] = {"Content-Type: application/octet-stream", "Accept: application/json", NULL};

/* One call on its way: which `done` waits for it. */
struct asking {
	union {
		schedule_done *schedule;
		assignment_done *assignment;
		page_done *page;
		process_done *process;
		now_done *now;
	} done;
	void *ctx;
};

static struct asking *asking_new(void *ctx)
{
	struct asking *a = calloc(1, sizeof(*a));

	must(a != NULL);
	a->ctx = ctx;
	return a;
}

static void ask_get(struct peer *peer, struct bytes path, peer_answered *answered, struct asking *a)
{
	struct ask ask = {.method = "GET", .path = path, .headers = json_headers, .retry = read_retry};

	peer_ask(peer, &ask, answered, a);
}

/* Numbers arrive as JSON numbers or as strings of digits, depending on the endpoint. */
static bool read_number(struct arena *arena, const struct json *object, const char *key, uint64_t *out)
{
	const struct json *node = json_get(object, key);

	return json_u64(node, out) || bytes_u64(json_text(arena, node), out);
}

static enum err parse(const struct json **out, struct arena *arena, struct bytes body, struct note *note)
{
	enum err e = json_parse(out, arena, body, note);

	return e < 0 ? E_PEER : OK;
}

static const struct note *say(const struct note *given, const struct note *ours)
{
	return given ? given : ours;
}

/* ---- writing ---- */

static void on_scheduled(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	struct arena arena = ARENA_EMPTY;
	struct receipt receipt = {0};
	const struct json *answer;
	struct note ours = {0};

	if (e == OK)
		e = parse(&answer, &arena, body, &ours);
	if (e == OK) {
		receipt.id = json_get_text(&arena, answer, "id");
		read_number(&arena, answer, "timestamp", &receipt.timestamp_ms);
		read_number(&arena, answer, "nonce", &receipt.nonce);
		if (receipt.id.len == 0)
			e = note_err(&ours, E_PEER, "the scheduler's answer has no id");
	}
	a->done.schedule(a->ctx, e, e < 0 ? say(note, &ours) : NULL, &receipt);
	arena_release(&arena);
	free(a);
}

static void schedule(void *self, struct bytes item, schedule_done *done, void *ctx)
{
	struct asking *a = asking_new(ctx);
	struct ask ask = {.method = "POST",
			  .path = BYTES("/"),
			  .headers = item_headers,
			  .body = item,
			  .retry = write_once,
			  .post_again = true};

	a->done.schedule = done;
	peer_ask(self, &ask, on_scheduled, a);
}

static void assign(void *self, const struct assign *assign, schedule_done *done, void *ctx)
{
	struct asking *a = asking_new(ctx);
	struct buf path = BUF_EMPTY;
	struct ask ask = {.method = "POST", .headers = item_headers, .retry = write_once, .post_again = true};

	buf_printf(&path, "/?process-id=%s&assign=", id_text(assign->process).s);
	peer_put_text(&path, assign->message);
	if (assign->base_layer)
		buf_put_str(&path, "&base-layer");
	if (assign->exclude.len) {
		buf_put_str(&path, "&exclude=");
		peer_put_text(&path, assign->exclude);
	}
	ask.path = buf_bytes(&path);
	a->done.schedule = done;
	peer_ask(self, &ask, on_scheduled, a);
	buf_release(&path);
}

/* ---- reading ---- */

static void on_assignment(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	struct arena arena = ARENA_EMPTY;
	struct assignment assignment = {0};
	const struct json *answer;
	struct note ours = {0};

	if (e == OK)
		e = parse(&answer, &arena, body, &ours);
	if (e == OK && assignment_of_json(&assignment, &arena, answer, &ours) < 0)
		e = E_PEER;
	a->done.assignment(a->ctx, e, e < 0 ? say(note, &ours) : NULL, &assignment);
	arena_release(&arena);
	free(a);
}

/* The process itself is found by its page: its first edge (ao-units 3.6). */
static void on_first_edge(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	struct arena arena = ARENA_EMPTY;
	struct assignment assignment = {0};
	const struct json *answer = NULL, *edges;
	struct note ours = {0};

	if (e == OK)
		e = parse(&answer, &arena, body, &ours);
	edges = json_get(answer, "edges");
	if (e == OK && (!edges || edges->count == 0))
		e = note_err(&ours, E_NOT_FOUND, "the scheduler has no assignment of the process itself");
	if (e == OK && assignment_of_json(&assignment, &arena, json_get(json_at(edges, 0), "node"), &ours) < 0)
		e = E_PEER;
	a->done.assignment(a->ctx, e, e < 0 ? say(note, &ours) : NULL, &assignment);
	arena_release(&arena);
	free(a);
}

static void assignment(void *self, struct id process, struct bytes id, assignment_done *done, void *ctx)
{
	struct asking *a = asking_new(ctx);
	struct buf path = BUF_EMPTY;
	bool is_process = bytes_eq_str(id, id_text(process).s);

	a->done.assignment = done;
	buf_put_u8(&path, '/');
	peer_put_text(&path, id);
	buf_printf(&path, "?process-id=%s", id_text(process).s);
	if (is_process)
		buf_put_str(&path, "&from-nonce=-1&limit=1");
	ask_get(self, buf_bytes(&path), is_process ? on_first_edge : on_assignment, a);
	buf_release(&path);
}

static enum err read_page(struct page *page, struct arena *arena, struct bytes body, struct note *note)
{
	const struct json *answer, *edges;
	struct assignment *list;

	if (parse(&answer, arena, body, note) < 0)
		return E_PEER;
	edges = json_get(answer, "edges");
	if (!edges || edges->kind != JSON_ARRAY)
		return note_err(note, E_PEER, "the scheduler's page has no edges");
	list = arena_new_array(arena, edges->count, struct assignment);
	for (const struct json *edge = edges->first; edge; edge = edge->next)
		if (assignment_of_json(&list[page->count++], arena, json_get(edge, "node"), note) < 0)
			return E_PEER;
	page->list = list;
	page->more = json_truthy(json_get(json_get(answer, "page_info"), "has_next_page"));
	return OK;
}

static void on_page(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	struct arena arena = ARENA_EMPTY;
	struct page page = {0};
	struct note ours = {0};

	if (e == OK)
		e = read_page(&page, &arena, body, &ours);
	a->done.page(a->ctx, e, e < 0 ? say(note, &ours) : NULL, &page);
	arena_release(&arena);
	free(a);
}

static void page(void *self, struct id process, struct range range, page_done *done, void *ctx)
{
	struct asking *a = asking_new(ctx);
	struct buf path = BUF_EMPTY;

	a->done.page = done;
	buf_printf(&path, "/%s?process-id=%s&from-nonce=%" PRId64 "&limit=%zu", id_text(process).s, id_text(process).s,
		   range.nonce_after, range.limit);
	if (range.nonce_last != UINT64_MAX)
		buf_printf(&path, "&to-nonce=%" PRIu64, range.nonce_last);
	ask_get(self, buf_bytes(&path), on_page, a);
	buf_release(&path);
}

static enum err read_process(struct process_info *out, struct arena *arena, struct bytes body, struct note *note)
{
	const struct json *answer;

	if (parse(&answer, arena, body, note) < 0 || message_of_json(&out->message, arena, answer, note) < 0)
		return E_PEER;
	out->message.id = json_get_text(arena, answer, "process_id");
	if (!read_number(arena, answer, "block", &out->block_height) ||
	    !read_number(arena, answer, "timestamp", &out->timestamp_ms))
		return note_err(note, E_PEER, "the scheduler's process has no block or timestamp");
	return OK;
}

static void on_process(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	struct arena arena = ARENA_EMPTY;
	struct process_info process = {0};
	struct note ours = {0};

	if (e == OK)
		e = read_process(&process, &arena, body, &ours);
	a->done.process(a->ctx, e, e < 0 ? say(note, &ours) : NULL, &process);
	arena_release(&arena);
	free(a);
}

static void process(void *self, struct id id, process_done *done, void *ctx)
{
	struct asking *a = asking_new(ctx);
	struct buf path = BUF_EMPTY;

	a->done.process = done;
	buf_printf(&path, "/processes/%s", id_text(id).s);
	ask_get(self, buf_bytes(&path), on_process, a);
	buf_release(&path);
}

static void on_now(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;
	struct arena arena = ARENA_EMPTY;
	uint64_t timestamp_ms = 0, block_height = 0;
	const struct json *answer;
	struct note ours = {0};

	if (e == OK)
		e = parse(&answer, &arena, body, &ours);
	if (e == OK && (!read_number(&arena, answer, "timestamp", &timestamp_ms) ||
			!read_number(&arena, answer, "block_height", &block_height)))
		e = note_err(&ours, E_PEER, "the scheduler's answer has no timestamp or block height");
	a->done.now(a->ctx, e, e < 0 ? say(note, &ours) : NULL, timestamp_ms, block_height);
	arena_release(&arena);
	free(a);
}

static void now(void *self, struct id id, now_done *done, void *ctx)
{
	struct asking *a = asking_new(ctx);
	struct buf path = BUF_EMPTY;

	a->done.now = done;
	buf_printf(&path, "/timestamp?process-id=%s", id_text(id).s);
	ask_get(self, buf_bytes(&path), on_now, a);
	buf_release(&path);
}

struct scheduler http_scheduler_new(struct http_client *client, struct bytes url)
{
	return (struct scheduler){.self = peer_new(client, url),
				  .schedule = schedule,
				  .assign = assign,
				  .assignment = assignment,
				  .page = page,
				  .process = process,
				  .now = now};
}

void http_scheduler_free(struct scheduler s)
{
	peer_free(s.self);
}
