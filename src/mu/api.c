/* SPDX-License-Identifier: MIT
 *
 * api: the message unit's HTTP (ao-units 4.1). Answers are the reference's; failures have real
 * status codes (the reference says 500 for all of them).
 *
 *   POST /                            accept.c
 *   POST, DELETE /monitor/{process}   monitor.c
 *   POST /push/{id}/{n}               push.c
 *   GET /                             who this is; with ?debug what became of messages
 *   GET /tasks[?state=failed]         what is under way, or was given up, oldest first
 *   POST /tasks/{n}                   tries a task that was given up once more
 *   GET /health
 */
#include "base/clock.h"
#include "msg/key.h"
#include "mu/postings.h"
#include "mu/unit.h"

#include <inttypes.h>
#include <string.h>

enum { TRACE_PAGE = 10, TASKS_PAGE = 100, TASKS_PAGE_MAX = 1000 };

static void answer_json(struct http_request *r, enum err e, const struct note *note, struct buf *json)
{
	if (e < 0)
		http_answer_err(r, e, note);
	else
		http_answer_buf(r, 200, HTTP_JSON, json);
	buf_release(json);
}

static enum err query_number(const struct http_request *r, const char *name, size_t max, size_t *out, struct note *note)
{
	struct bytes text;
	uint64_t number;

	if (!http_query(r, name, &text))
		return OK;
	if (!bytes_u64(text, &number) || number == 0)
		return note_err(note, E_ARGUMENT, "'%s' is not a number above 0: \"%.*s\"", name, BYTES_FMT(text));
	*out = number < max ? (size_t)number : max;
	return OK;
}

/* ---- GET / ---- */

static enum err read_trace_ask(struct trace_ask *ask, const struct http_request *r, struct note *note)
{
	static const struct {
		const char *name;
		enum trace_type type;
	} kinds[] = {{"message", TRACE_MESSAGE}, {"assign", TRACE_ASSIGN}, {"spawn", TRACE_SPAWN}};
	struct bytes process, value;
	size_t named = 0;
	enum err e;

	*ask = (struct trace_ask){.type = TRACE_MESSAGE, .page = 1, .page_size = TRACE_PAGE};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!http_query(r, kinds[i].name, &value))
			continue;
		named++;
		ask->type = kinds[i].type;
		ask->message = value;
	}
	if (named > 1)
		return note_err(note, E_UNSUPPORTED,
				"Only one of message, assign, or spawn query parameters can be provided");
	ask->has_process = http_query(r, "process", &process);
	if (ask->has_process && id_parse(&ask->process, process) < 0)
		return note_err(note, E_ARGUMENT, "'process' is not an id of 43 characters: \"%.*s\"",
				BYTES_FMT(process));
	if (!ask->has_process && ask->message.len != ID_TEXT_LEN) {
		note_err(note, E_ARGUMENT, "'process' is missing");
		note_hint(note, "ask with process={id}, or with message={id}");
		return E_ARGUMENT;
	}
	e = query_number(r, "page", SIZE_MAX / TRACE_PAGE_MAX, &ask->page, note);
	return e < 0 ? e : query_number(r, "page-size", TRACE_PAGE_MAX, &ask->page_size, note);
}

static void get_traces(struct mu *mu, struct http_request *r)
{
	struct buf json = BUF_EMPTY;
	struct note note = {0};
	struct trace_ask ask;
	enum err e = read_trace_ask(&ask, r, &note);

	if (e == OK)
		e = trace_page(&json, mu->store, &ask);
	answer_json(r, e, &note, &json);
}

static void get_root(void *ctx, struct http_request *r)
{
	struct mu *mu = ctx;
	struct id_text address = id_text(key_address(mu->options.key));
	struct bytes accept = http_header(r, "Accept"), ignored;

	if (http_query(r, "debug", &ignored)) {
		get_traces(mu, r);
		return;
	}
	http_set_header(r, "Address", address.s);
	if (accept.len && memmem(accept.ptr, accept.len, "application/json", 16))
		http_answer(r, 200, HTTP_JSON,
			    arena_printf(http_arena(r),
					 "{\"name\":\"ao messenger unit\",\"address\":\"%s\",\"timestamp\":%" PRIu64
					 "}",
					 address.s, clock_ms()));
	else
		http_answer(r, 200, HTTP_TEXT, BYTES("ao messenger unit"));
}

static void get_health(void *ctx, struct http_request *r)
{
	struct mu *mu = ctx;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);
	bool broken = atomic_load(&mu->broken);

	jw_object(&w);
	jw_member(&w, "status", broken ? BYTES("broken") : BYTES("ok"));
	jw_member_u64(&w, "posted", postings_count(mu->postings));
	jw_member_u64(&w, "checking", queue_count(mu->queues[STAGE_CHECK]));
	jw_member_u64(&w, "sending", queue_count(mu->queues[STAGE_SEND]));
	jw_member_u64(&w, "pulling", queue_count(mu->queues[STAGE_PULL]));
	jw_member_u64(&w, "writing", atomic_load(&mu->commits));
	jw_member_u64(&w, "failed", atomic_load(&mu->failed));
	jw_member_u64(&w, "monitored", monitors_count(mu));
	jw_object_end(&w);
	http_answer_buf(r, broken ? 500 : 200, HTTP_JSON, &json);
}

/* ---- /tasks ---- */

static const char *kind_name(enum task_kind kind)
{
	switch (kind) {
	case TASK_SEND:
		return "SEND";
	case TASK_SPAWN:
		return "SPAWN";
	case TASK_ASSIGN:
		return "ASSIGN";
	case TASK_PULL:
		break;
	}
	return "PULL";
}

static bool write_task(void *ctx, uint64_t seq, const struct record *r, struct bytes why)
{
	struct jw *w = ctx;

	jw_object(w);
	jw_member_u64(w, "id", seq);
	jw_member(w, "kind", bytes_str(kind_name(r->kind)));
	id_or_null(w, "messageId", r->id);
	id_or_null(w, "processId", r->to);
	id_or_null(w, "fromProcessId", r->from);
	id_or_null(w, "parentId", r->parent);
	id_or_null(w, "rootId", r->root);
	jw_member_u64(w, "timestamp", r->time_ms);
	if (why.len)
		jw_member(w, "error", why);
	jw_object_end(w);
	return true;
}

static void get_tasks(void *ctx, struct http_request *r)
{
	struct mu *mu = ctx;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);
	struct note note = {0};
	struct bytes state = BYTES("pending"), from;
	size_t limit = TASKS_PAGE;
	uint64_t seq = 0;
	enum err e = query_number(r, "limit", TASKS_PAGE_MAX, &limit, &note);

	http_query(r, "state", &state);
	if (e == OK && !bytes_eq_str(state, "pending") && !bytes_eq_str(state, "failed"))
		e = note_err(&note, E_ARGUMENT, "'state' is pending or failed, not \"%.*s\"", BYTES_FMT(state));
	if (e == OK && http_query(r, "from", &from) && !bytes_u64(from, &seq))
		e = note_err(&note, E_ARGUMENT, "'from' is not a number: \"%.*s\"", BYTES_FMT(from));
	if (e == OK) {
		jw_object(&w);
		jw_key(&w, "tasks");
		jw_array(&w);
		e = task_scan(mu->store, bytes_eq_str(state, "failed") ? TABLE_FAILED : TABLE_TASK, seq, limit,
			      write_task, &w);
		jw_array_end(&w);
		jw_object_end(&w);
	}
	answer_json(r, e, &note, &json);
}

static void post_task(void *ctx, struct http_request *r)
{
	struct mu *mu = ctx;
	struct note note = {0};
	uint64_t seq;
	enum err e;

	if (!mu_enter(mu)) {
		http_answer_err(r, E_CLOSED, NULL);
		return;
	}
	if (!bytes_u64(http_segment(r, 0), &seq))
		e = note_err(&note, E_ARGUMENT, "\"%.*s\" is not the number of a task", BYTES_FMT(http_segment(r, 0)));
	else
		e = crank_again(mu, seq, &note);
	if (e < 0)
		http_answer_err(r, e, &note);
	else
		http_answer(r, 202, HTTP_JSON,
			    arena_printf(http_arena(r), "{\"message\":\"Processing Task\",\"id\":%" PRIu64 "}", seq));
	mu_leave(mu);
}

const struct http_route mu_routes[] = {
	{"POST", "/", accept_post},
	{"GET", "/", get_root},
	{"POST", "/monitor/{}", monitor_post},
	{"DELETE", "/monitor/{}", monitor_delete},
	{"POST", "/push/{}/{}", push_post},
	{"GET", "/tasks", get_tasks},
	{"POST", "/tasks/{}", post_task},
	{"GET", "/health", get_health},
};
const size_t mu_route_count = sizeof(mu_routes) / sizeof(mu_routes[0]);
