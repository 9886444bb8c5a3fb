/* SPDX-License-Identifier: MIT
 *
 * follow: `weft results`: the results of a process, page by page, or as they come.
 */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/net.h"
#include "cli/print.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

enum { POLL_MS = 500 };

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

static void print_edge(struct call *c, const struct json *edge)
{
	const struct json *node = json_get(edge, "node");

	if (call_has(c, "json")) {
		printf("%.*s\n", BYTES_FMT(json_whole(edge)));
	} else {
		print_in(COLOR_DIM, "--\n");
		print_result(c, node, json_whole(node));
	}
	fflush(stdout);
}

/* One page; *cursor moves to its last edge. */
static enum err show_page(struct net *net, uint64_t limit, const char *sort, struct buf *cursor, size_t *count)
{
	struct call *c = net->call;
	struct buf path = BUF_EMPTY;
	const struct json *answer, *edges;
	enum err e;

	buf_printf(&path, "/results/%s?sort=%s&limit=%" PRIu64, c->arguments[0], sort, limit);
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
	for (const struct json *edge = *count ? edges->first : NULL; edge; edge = edge->next) {
		struct bytes at = json_get_text(&c->arena, edge, "cursor");
		print_edge(c, edge);
		buf_clear(cursor);
		buf_put_bytes(cursor, at);
	}
	return OK;
}

int run_results(struct call *c)
{
	const char *from = call_option(c, "from");
	const char *sort = call_has(c, "newest-first") ? "DESC" : "ASC";
	struct sigaction act = {.sa_handler = on_interrupt};
	struct buf cursor = BUF_EMPTY;
	struct net net = {0};
	uint64_t limit;
	size_t count;
	enum err e;

	if ((e = call_number(c, "limit", 1, 1000, 25, &limit)) < 0 || (e = net_open(&net, c)) < 0)
		goto out;
	if (from)
		buf_put_str(&cursor, from);
	e = show_page(&net, limit, sort, &cursor, &count);
	if (e < 0 || !call_has(c, "follow"))
		goto out;
	sigaction(SIGINT, &act, NULL);
	while (!interrupted && e == OK) {
		if (count < limit)
			clock_sleep_ms(POLL_MS);
		if (!interrupted)
			e = show_page(&net, limit, "ASC", &cursor, &count);
		arena_reset(&c->arena);
		net_close(&net);
		if (e == OK)
			e = net_open(&net, c);
	}
out:
	net_close(&net);
	buf_release(&cursor);
	return e < 0 ? call_fail(c, e) : 0;
}
