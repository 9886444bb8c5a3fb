/* SPDX-License-Identifier: MIT */
#include "flow/peer.h"

#include "base/json.h"
#include "http/http.h"

#include <stdlib.h>
#include <string.h>

enum { ERROR_TEXT_MAX = 300 };

struct peer {
	struct http_client *client;
	struct buf url;
};

struct asked {
	struct http_client *client;
	struct ask ask;
	struct buf url;
	int tries_left;
	bool redirected;
	uint64_t delay_ms;
	peer_answered *answered;
	void *ctx;
};

struct peer *peer_new(struct http_client *client, struct bytes url)
{
	struct peer *p = calloc(1, sizeof(*p));

	must(p != NULL);
	p->client = client;
	while (url.len && url.ptr[url.len - 1] == '/')
		url.len--;
	buf_put_bytes(&p->url, url);
	return p;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	buf_release(&p->url);
	free(p);
}

static void asked_end(struct asked *a, enum err e, const struct note *note, struct bytes body)
{
	a->answered(a->ctx, e, note, body);
	buf_release(&a->url);
	free(a);
}

static bool contains(struct bytes text, const char *words)
{
	return text.ptr && memmem(text.ptr, text.len, words, strlen(words));
}

static enum err err_of_status(int status, struct bytes text)
{
	if (contains(text, "already exists"))
		return E_EXISTS;
	if (status == 404 || contains(text, "not found") || contains(text, "NotFound"))
		return E_NOT_FOUND;
	switch (status) {
	case 403:
		return E_DENIED;
	case 413:
		return E_LIMIT;
	case 422:
		return E_UNSUPPORTED;
	case 425:
		return E_TOO_EARLY;
	case 429:
		return E_RATE;
	case 202:
	case 503:
		return E_BUSY;
	case 504:
		return E_TIMEOUT;
	default:
		return status >= 400 && status < 500 ? E_ARGUMENT : E_PEER;
	}
}

/* What the peer said went wrong, in our terms. */
static enum err read_failure(const struct asked *a, const struct http_reply *reply, struct note *note)
{
	struct arena arena = ARENA_EMPTY;
	const struct json *said = NULL;
	struct bytes text = reply->body, code, hint;
	enum err e;

	if (json_parse(&said, &arena, reply->body, NULL) == OK && json_get_text(&arena, said, "error").len)
		text = json_get_text(&arena, said, "error");
	code = json_get_text(&arena, said, "code");
	hint = json_get_text(&arena, said, "hint");
	if (text.len > ERROR_TEXT_MAX)
		text.len = ERROR_TEXT_MAX;
	e = code.len && bytes_starts(code, "E_") ? err_of_name(arena_cstr(&arena, code))
						 : err_of_status(reply->status, text);
	if (text.len)
		note_err(note, e, "%.*s", BYTES_FMT(text));
	else
		note_err(note, e, "%.*s answered %d", BYTES_FMT(buf_bytes(&a->url)), reply->status);
	if (hint.len)
		note_hint(note, "%.*s", BYTES_FMT(hint));
	arena_release(&arena);
	return e;
}

static void send_ask(struct asked *a, uint64_t after_ms);

static bool worth_another_try(const struct asked *a, enum err e, int status)
{
	if (a->tries_left <= 0)
		return false;
	if (e < 0)
		return e == E_PEER || e == E_TIMEOUT;
	if (status == 202)
		return a->ask.retry.accepted_is_busy;
	return status >= 500 || status == 425 || status == 429;
}

static void on_reply(void *ctx, enum err e, const struct note *note, const struct http_reply *reply)
{
	struct asked *a = ctx;
	int status = reply ? reply->status : 0;
	struct note said = {0};

	if (e == OK && status >= 200 && status < 300 && !(status == 202 && a->ask.retry.accepted_is_busy)) {
		asked_end(a, OK, NULL, reply->body);
		return;
	}
	if (e == OK && (status == 307 || status == 308) && a->ask.post_again && !a->redirected && reply->location.len) {
		a->redirected = true;
		buf_clear(&a->url);
		buf_put_bytes(&a->url, reply->location);
		send_ask(a, 0);
		return;
	}
	if (worth_another_try(a, e, status)) {
		uint64_t delay_ms = a->delay_ms;
		a->delay_ms = 2 * delay_ms < a->ask.retry.delay_ms_max ? 2 * delay_ms : a->ask.retry.delay_ms_max;
		send_ask(a, delay_ms);
		return;
	}
	if (e == OK)
		e = read_failure(a, reply, &said);
	else if (note)
		said = *note;
	asked_end(a, e, &said, bytes_of(NULL, 0));
}

static void send_ask(struct asked *a, uint64_t after_ms)
{
	struct http_call call = {.method = a->ask.method,
				 .url = buf_str(&a->url),
				 .headers = a->ask.headers,
				 .body = a->ask.body,
				 .answer_max = a->ask.answer_max,
				 .follow = strcmp(a->ask.method, "GET") == 0,
				 .after_ms = after_ms};

	a->tries_left--;
	http_call(a->client, &call, on_reply, a);
}

void peer_ask(struct peer *p, const struct ask *ask, peer_answered *answered, void *ctx)
{
	struct asked *a = calloc(1, sizeof(*a));

	must(a != NULL);
	a->client = p->client;
	a->ask = *ask;
	a->tries_left = ask->retry.tries > 0 ? ask->retry.tries : 1;
	a->delay_ms = ask->retry.delay_ms;
	a->answered = answered;
	a->ctx = ctx;
	buf_put_bytes(&a->url, buf_bytes(&p->url));
	buf_put_bytes(&a->url, ask->path);
	send_ask(a, 0);
}

void peer_put_text(struct buf *path, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
			     c == '_' || (c == '.' && text.len > 2);
		if (plain)
			buf_put_u8(path, c);
		else
			buf_printf(path, "%%%02X", c);
	}
}
