/* SPDX-License-Identifier: MIT */
#include "flow/http_computer.h"

#include "flow/peer.h"

#include <stdlib.h>

static const struct peer_retry patient = {10, 1000, 30000, true};
static const struct peer_retry once = {1, 0, 0, false};

static const char *const json_headers[] = {"Content-Type: application/json", "Accept: application/json", NULL};

struct asking {
	result_done *done;
	void *ctx;
};

static void on_answer(void *ctx, enum err e, const struct note *note, struct bytes body)
{
	struct asking *a = ctx;

	a->done(a->ctx, e, note, body);
	free(a);
}

static void ask(struct peer *peer, struct ask *ask, result_done *done, void *ctx)
{
	struct asking *a = malloc(sizeof(*a));

	must(a != NULL);
	*a = (struct asking){done, ctx};
	ask->headers = json_headers;
	peer_ask(peer, ask, on_answer, a);
}

static void result(void *self, struct id process, struct bytes id, result_done *done, void *ctx)
{
	struct buf path = BUF_EMPTY;

	buf_put_str(&path, "/result/");
	peer_put_text(&path, id);
	buf_printf(&path, "?process-id=%s&no-busy=1", id_text(process).s);
	ask(self, &(struct ask){.method = "GET", .path = buf_bytes(&path), .retry = patient}, done, ctx);
	buf_release(&path);
}

static void dry_run(void *self, struct id process, struct bytes message, result_done *done, void *ctx)
{
	struct buf path = BUF_EMPTY;

	buf_printf(&path, "/dry-run?process-id=%s", id_text(process).s);
	ask(self, &(struct ask){.method = "POST", .path = buf_bytes(&path), .body = message, .retry = once}, done, ctx);
	buf_release(&path);
}

static void cron(void *self, struct id process, struct bytes cursor, result_done *done, void *ctx)
{
	struct buf path = BUF_EMPTY;

	buf_printf(&path, "/cron/%s?limit=50", id_text(process).s);
	if (cursor.len) {
		buf_put_str(&path, "&from=");
		peer_put_text(&path, cursor);
	}
	ask(self, &(struct ask){.method = "GET", .path = buf_bytes(&path), .retry = once}, done, ctx);
	buf_release(&path);
}

struct computer http_computer_new(struct http_client *client, struct bytes url)
{
	return (struct computer){.self = peer_new(client, url), .result = result, .dry_run = dry_run, .cron = cron};
}

void http_computer_free(struct computer c)
{
	peer_free(c.self);
}
