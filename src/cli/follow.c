/* SPDX-License-Identifier: MIT
 *
 * follow: `weft results`: the results of a process, page by page, or as they come.
 */
#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/net.h"
#include "cli/print.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

/* The unit is asked to wait for a result. One that does not know how is asked again after a moment. */
enum { WAIT_MS = 20000, POLL_MS = 500, CURSOR_MAX = 512 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void put_query(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '+' || text.ptr[i] == '/' || text.ptr[i] == '=' || text.ptr[i] == '&')
			buf_printf(out, "%%%02X", text.ptr[i]);
		else
			buf_put_u8(out, text.ptr[i]);
	}
}

/* "-- 42": the place in the history, which the cursor says (ao-units 5.4): base64 of
 * {"timestamp","ordinate","cron"}. */
static void print_place(struct call *c, const struct json *edge)
{
	uint8_t text[CURSOR_MAX];
	const struct json *cursor;
	size_t len;

	print_in(COLOR_DIM, "--");
	if (b64_decode(text, sizeof(text), &len, json_get_text(&c->arena, edge, "cursor")) == OK &&
	    json_parse(&cursor, &c->arena, bytes_of(text, len), NULL) == OK) {
		putchar(' ');
		print_foreign_line(json_get_text(&c->arena, cursor, "ordinate"));
		if (json_truthy(json_get(cursor, "cron"))) {
			printf(" cron ");
			print_foreign_line(json_get_text(&c->arena, cursor, "cron"));
		}
	}
	putchar('\n');
}

static void print_edge(struct call *c, const struct json *edge)
{
	const struct json *node = json_get(edge, "node");

	if (call_has(c, "json")) {
		print_json(json_whole(edge));
	} else {
		print_place(c, edge);
		print_result(c, node, json_whole(node));
	}
	fflush(stdout);
}

/* One page, which is waited for when `wait`; *cursor moves to its last edge, *count tells how many it had, *moved whether
 * that leads further. */
static enum err show_page(struct net *net, uint64_t limit, const char *sort, bool wait, struct buf *cursor,
			  size_t *count, bool *moved)
{
	struct call *c = net->call;
	struct buf path = BUF_EMPTY;
	const struct json *answer, *edges;
	enum err e;

	*count = 0;
	*moved = false;
	buf_printf(&path, "/results/%s?sort=%s&limit=%" PRIu64, c->arguments[0], sort, limit);
	if (wait)
		buf_printf(&path, "&wait-ms=%d", WAIT_MS);
	if (cursor->len) {
		buf_put_str(&path, "&from=");
		put_query(&path, buf_bytes(cursor));
	}
	e = net_ask(net, &answer, UNIT_CU, "GET", buf_str(&path), NULL, bytes_of(NULL, 0));
	buf_release(&path);
	if (e < 0)
		return e;
	edges = json_get(answer, "edges");
	*count = edges && edges->kind == JSON_ARRAY ? edges->count : 0;
	for (const struct json *edge = edges && edges->kind == JSON_ARRAY ? edges->first : NULL; edge;
	     edge = edge->next) {
		struct bytes at = json_get_text(&c->arena, edge, "cursor");
		print_edge(c, edge);
		*moved |= !bytes_eq(at, buf_bytes(cursor));
		buf_clear(cursor);
		buf_put_bytes(cursor, at);
	}
	return OK;
}

/* Until Ctrl-C: the next page as soon as there is one. */
static enum err follow(struct call *c, struct net *net, uint64_t limit, struct buf *cursor)
{
	struct sigaction act = {.sa_handler = on_interrupt};
	enum err e = OK;

	sigaction(SIGINT, &act, NULL);
	while (!interrupted && e == OK) {
		uint64_t began_ns = clock_ns();
		bool moved;
		size_t count;
		net->stop = &interrupted;
		e = show_page(net, limit, "ASC", true, cursor, &count, &moved);
		if (e < 0)
			break;
		net_close(net); /* its URLs go with the arena, which would otherwise grow for ever */
		arena_reset(&c->arena);
		e = net_open(net, c);
		if (e == OK && !moved && clock_ns() - began_ns < POLL_MS * UINT64_C(1000000))
			clock_sleep_ms(POLL_MS);
	}
	return interrupted ? OK : e;
}

int command_results(struct call *c)
{
	const char *from = call_option(c, "from");
	const char *sort = call_has(c, "newest-first") ? "DESC" : "ASC";
	struct buf cursor = BUF_EMPTY;
	struct net net = {0};
	bool moved;
	size_t count = 0;
	struct id process;
	uint64_t limit;
	enum err e;

	e = check_id(c, "process", c->arguments[0], &process);
	if (e == OK && call_has(c, "follow") && call_has(c, "newest-first"))
		e = note_err(&c->note, E_ARGUMENT, "--follow goes forward: it does not go with --newest-first");
	if (e < 0 || (e = call_number(c, "limit", 1, 1000, 25, &limit)) < 0 || (e = net_open(&net, c)) < 0)
		goto out;
	if (from)
		buf_put_str(&cursor, from);
	e = show_page(&net, limit, sort, false, &cursor, &count, &moved);
	if (e == OK && call_has(c, "follow"))
		e = follow(c, &net, limit, &cursor);
	else if (e == OK && count == limit && !call_has(c, "json"))
		fprintf(stderr, "there may be more: --from %s goes on, --limit N shows more at a time\n",
			buf_str(&cursor));
out:
	net_close(&net);
	buf_release(&cursor);
	return e < 0 ? call_fail(c, e) : 0;
}
