/* SPDX-License-Identifier: MIT
 *
 * api: the compute unit's HTTP (ao-units 5.1), and GET /reads/{process}[?from=<cursor>&limit=<n>], which is ours: what a process has
 * read of the weave (drive.h).
 */
#include "base/clock.h"
#include "cu/drive.h"
#include "msg/key.h"

#include <inttypes.h>
#include <stdio.h>

enum { RESULTS_LIMIT = 25, READS_LIMIT = 100, CRON_LIMIT = 500, CRON_LIMIT_MAX = 1000, LIMIT_MAX = 10000 };

static bool parse_process(struct http_request *r, struct bytes text, struct id *process)
{
	struct note note = {0};

	if (id_parse(process, text) == OK)
		return true;
	note_err(&note, E_ARGUMENT,
		 "'process-id': a process's id has 43 characters of base64url; this has not: \"%.*s\"",
		 BYTES_FMT(text));
	http_answer_err(r, E_ARGUMENT, &note);
	return false;
}

static bool query_process(struct http_request *r, struct id *process)
{
	struct note note = {0};
	struct bytes text;

	if (http_query(r, "process-id", &text))
		return parse_process(r, text, process);
	note_err(&note, E_ARGUMENT, "'process-id': Required.");
	http_answer_err(r, E_ARGUMENT, &note);
	return false;
}

static void on_json(void *ctx, enum err e, const struct note *note, struct bytes json)
{
	struct http_request *r = ctx;

	if (e < 0)
		http_answer_err(r, e, note);
	else
		http_answer(r, 200, HTTP_JSON, json);
}

static void get_root(void *ctx, struct http_request *r)
{
	struct cu *cu = ctx;

	http_answer(r, 200, HTTP_JSON,
		    arena_printf(http_arena(r), "{\"address\":\"%s\",\"timestamp\":%" PRIu64 "}",
				 id_text(key_address(cu->options.key)).s, clock_ms()));
}

static void get_health(void *ctx, struct http_request *r)
{
	http_answer(r, 200, HTTP_JSON, BYTES("{\"status\":\"ok\"}"));
}

static void get_result(void *ctx, struct http_request *r)
{
	struct id process;

	if (query_process(r, &process))
		ask_result(ctx, process, http_segment(r, 0), on_json, r);
}

/* ---- pages ---- */

static enum err read_cursor(struct cursor *out, const char *name, struct http_request *r, struct note *note)
{
	struct bytes text;

	*out = (struct cursor){0};
	if (!http_query(r, name, &text) || text.len == 0)
		return OK;
	return cursor_parse(out, http_arena(r), text, note);
}

static enum err read_page(struct results_ask *ask, struct http_request *r, size_t limit, size_t limit_max,
			  struct note *note)
{
	struct bytes text;
	uint64_t number;
	enum err e;

	*ask = (struct results_ask){.limit = limit};
	if ((e = read_cursor(&ask->from, "from", r, note)) < 0 || (e = read_cursor(&ask->to, "to", r, note)) < 0)
		return e;
	if (http_query(r, "limit", &text)) {
		if (!bytes_u64(text, &number))
			return note_err(note, E_ARGUMENT, "'limit': Expected number, received \"%.*s\".",
					BYTES_FMT(text));
		ask->limit = number < limit_max ? (size_t)number : limit_max;
	}
	if (http_query(r, "sort", &text)) {
		ask->descending = bytes_eq_str(text, "DESC");
		if (!ask->descending && !bytes_eq_str(text, "ASC"))
			return note_err(note, E_ARGUMENT, "'sort': Expected ASC or DESC, received \"%.*s\".",
					BYTES_FMT(text));
	}
	if (ask->to.has_sort)
		ask->descending = ask->to.descending;
	if (ask->from.has_sort)
		ask->descending = ask->from.descending;
	return OK;
}

static void get_results(void *ctx, struct http_request *r)
{
	struct results_ask ask;
	struct note note = {0};
	struct bytes text;
	struct id process;
	uint64_t wait_ms = 0;
	enum err e;

	if (!parse_process(r, http_segment(r, 0), &process))
		return;
	e = read_page(&ask, r, RESULTS_LIMIT, LIMIT_MAX, &note);
	if (e == OK && http_query(r, "wait-ms", &text) && !bytes_u64(text, &wait_ms))
		e = note_err(&note, E_ARGUMENT, "'wait-ms': Expected number, received \"%.*s\".", BYTES_FMT(text));
	if (e < 0)
		http_answer_err(r, e, &note);
	else
		follow(ctx, r, process, &ask, wait_ms);
}

static void get_cron(void *ctx, struct http_request *r)
{
	struct results_ask ask;
	struct note note = {0};
	struct id process;
	enum err e;

	if (!parse_process(r, http_segment(r, 0), &process))
		return;
	e = read_page(&ask, r, CRON_LIMIT, CRON_LIMIT_MAX, &note);
	if (e < 0) {
		http_answer_err(r, e, &note);
		return;
	}
	ask.descending = false;
	ask_cron(ctx, process, &ask, on_json, r);
}

static void get_reads(void *ctx, struct http_request *r)
{
	struct cu *cu = ctx;
	struct reads_ask ask = {.limit = READS_LIMIT};
	struct note note = {0};
	struct buf page = BUF_EMPTY;
	struct bytes text;
	struct id process;
	uint64_t number;
	enum err e = OK;

	if (!parse_process(r, http_segment(r, 0), &process))
		return;
	(void)http_query(r, "from", &ask.after);
	if (http_query(r, "limit", &text)) {
		if (!bytes_u64(text, &number))
			e = note_err(&note, E_ARGUMENT, "'limit': Expected number, received \"%.*s\".",
				     BYTES_FMT(text));
		else
			ask.limit = number < LIMIT_MAX ? (size_t)number : LIMIT_MAX;
	}
	if (e == OK)
		e = reads_page(&page, cu->options.store, process, &ask, &note);
	if (e < 0)
		http_answer_err(r, e, &note);
	else
		http_answer_buf(r, 200, HTTP_JSON, &page);
	buf_release(&page);
}

/* ---- state and dry runs ---- */

static void on_state(void *ctx, enum err e, const struct note *note, struct live *p)
{
	struct http_request *r = ctx;
	struct note ours = {0};
	struct bytes content;
	char number[24];

	if (e == OK) {
		e = image_map(p->image, &content, &ours);
		note = &ours;
	}
	if (e < 0) {
		http_answer_err(r, e, note);
		return;
	}
	snprintf(number, sizeof(number), "%" PRIu64, p->tip.timestamp_ms);
	http_set_header(r, "Last-Timestamp", number);
	snprintf(number, sizeof(number), "%" PRId64, p->tip.nonce < 0 ? 0 : p->tip.nonce);
	http_set_header(r, "Last-Ordinate", number);
	snprintf(number, sizeof(number), "%" PRIu64, p->tip.block_height);
	http_set_header(r, "Last-Block-Height", number);
	http_answer(r, 200, HTTP_BYTES, content);
	image_unmap(p->image, content);
}

static void get_state(void *ctx, struct http_request *r)
{
	struct id process;

	uint64_t to_ms = UINT64_MAX;
	struct note note = {0};
	struct bytes text;

	if (!parse_process(r, http_segment(r, 0), &process))
		return;
	if (http_query(r, "to", &text) && text.len && !bytes_u64(text, &to_ms)) {
		note_err(&note, E_ARGUMENT, "Invalid Arguments 'to': Expected number, received \"%.*s\".",
			 BYTES_FMT(text));
		http_answer_err(r, E_ARGUMENT, &note);
		return;
	}
	ask_state(ctx, process, to_ms, on_state, r);
}

static void post_dry_run(void *ctx, struct http_request *r)
{
	struct bytes to = {0};
	struct id process;

	if (!query_process(r, &process))
		return;
	http_query(r, "to", &to);
	dry_run(ctx, process, to, http_body(r), on_json, r);
}

const struct http_route cu_routes[] = {
	{"GET", "/", get_root},
	{"GET", "/healthcheck", get_health},
	{"GET", "/result/{}", get_result},
	{"GET", "/results/{}", get_results},
	{"GET", "/cron/{}", get_cron},
	{"GET", "/reads/{}", get_reads},
	{"GET", "/state/{}", get_state},
	{"POST", "/dry-run", post_dry_run},
};
const size_t cu_route_count = sizeof(cu_routes) / sizeof(cu_routes[0]);
