/* SPDX-License-Identifier: MIT */
#include "cli/net.h"

#include "http/http.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 600000, ERROR_TEXT_MAX = 300 };

static const struct {
	const char *option, *environment, *name;
} units[UNIT_COUNT] = {
	{"gateway", "WEFT_GATEWAY", "weave"},
	{"uploader", "WEFT_UPLOADER", "uploader"},
	{"mu", "WEFT_MU", "MU"},
	{"su", "WEFT_SU", "SU"},
	{"cu", "WEFT_CU", "CU"},
};

enum err net_open(struct net *net, struct call *call)
{
	const char *port_text = getenv("WEFT_PORT");
	uint64_t port_default = 4000, port;
	enum err e;

	*net = (struct net){.call = call};
	if (port_text && port_text[0] && !call_has(call, "port") && !bytes_u64(bytes_str(port_text), &port_default))
		return note_err(&call->note, E_ARGUMENT, "WEFT_PORT is not a number: '%s'", port_text);
	e = call_number(call, "port", 1, 65531, port_default, &port);
	if (e < 0)
		return e;
	for (int i = 0; i < UNIT_COUNT; i++) {
		const char *url = call_option(call, units[i].option);
		if (!url)
			url = getenv(units[i].environment);
		net->url[i] = url && url[0] ? url
					    : (const char *)arena_printf(&call->arena, "http://127.0.0.1:%" PRIu64,
									 port + (uint64_t)i)
						      .ptr;
	}
	net->client = http_client_open(TIMEOUT_MS, NULL);
	return OK;
}

void net_close(struct net *net)
{
	if (net->client)
		http_client_close(net->client);
	net->client = NULL;
}

/* What the unit said went wrong: {"error","code","hint"}, or plain text. */
static enum err answered_badly(struct net *net, enum unit unit, const struct http_reply *reply)
{
	struct call *call = net->call;
	const struct json *said = NULL;
	struct bytes text = reply->body, code, hint;
	enum err e = reply->status == 404   ? E_NOT_FOUND
		     : reply->status == 403 ? E_DENIED
		     : reply->status == 503 ? E_BUSY
		     : reply->status < 500  ? E_ARGUMENT
					    : E_PEER;

	if (json_parse(&said, &call->arena, reply->body, NULL) == OK && json_get_text(&call->arena, said, "error").len)
		text = json_get_text(&call->arena, said, "error");
	code = json_get_text(&call->arena, said, "code");
	hint = json_get_text(&call->arena, said, "hint");
	if (bytes_starts(code, "E_"))
		e = err_of_name(arena_cstr(&call->arena, code));
	if (text.len > ERROR_TEXT_MAX)
		text.len = ERROR_TEXT_MAX;
	note_err(&call->note, e, "the %s refused (%d): %.*s", units[unit].name, reply->status, BYTES_FMT(text));
	if (hint.len)
		note_hint(&call->note, "%.*s", BYTES_FMT(hint));
	return e;
}

/* ---- waiting that can be given up ---- */

enum { STOP_LOOK_MS = 50 };

/* Belongs to whoever comes last: the one who waits, or the answer. */
struct waited {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done, given_up;
	struct buf body; /* of the request, which the client borrows until the answer */
	struct buf answer;
	int status;
	enum err e;
	struct note note;
};

static void waited_free(struct waited *w)
{
	buf_release(&w->body);
	buf_release(&w->answer);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w);
}

static void on_answer(void *ctx, enum err e, const struct note *note, const struct http_reply *reply)
{
	struct waited *w = ctx;
	bool last;

	pthread_mutex_lock(&w->lock);
	w->e = e;
	if (note)
		w->note = *note;
	if (reply) {
		w->status = reply->status;
		buf_put_bytes(&w->answer, reply->body);
	}
	w->done = true;
	last = w->given_up;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (last)
		waited_free(w);
}

static enum err wait_or_stop(struct net *net, struct http_call *ask, struct http_reply *reply, struct note *note)
{
	struct waited *w = calloc(1, sizeof(*w));
	enum err e;

	must(w != NULL);
	must(pthread_mutex_init(&w->lock, NULL) == 0 && pthread_cond_init(&w->wake, NULL) == 0);
	buf_put_bytes(&w->body, ask->body);
	ask->body = buf_bytes(&w->body);
	http_call(net->client, ask, on_answer, w);
	pthread_mutex_lock(&w->lock);
	while (!w->done && !*net->stop) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += STOP_LOOK_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&w->wake, &w->lock, &until);
	}
	w->given_up = !w->done;
	if (w->given_up) {
		pthread_mutex_unlock(&w->lock);
		return note_err(note, E_TIMEOUT, "stopped waiting for %s", ask->url);
	}
	pthread_mutex_unlock(&w->lock);
	e = w->e;
	if (e < 0)
		note_err(note, e, "%s", note_text(&w->note, e));
	*reply = (struct http_reply){.status = w->status, .body = arena_copy(&net->call->arena, buf_bytes(&w->answer))};
	waited_free(w);
	return e;
}

enum err net_ask_raw(struct net *net, struct bytes *answer, enum unit unit, const char *method, const char *path,
		     const char *content_type, struct bytes body)
{
	struct call *call = net->call;
	const char *type = (const char *)arena_printf(&call->arena, "Content-Type: %s",
						      content_type ? content_type : HTTP_BYTES)
				   .ptr;
	const char *const headers[] = {type, "Accept: application/json", NULL};
	struct bytes base = bytes_str(net->url[unit]);
	struct http_reply reply;
	struct note why = {0};
	struct http_call ask = {.method = method, .headers = headers, .body = body, .follow = true};
	enum err e;

	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	ask.url = (const char *)arena_printf(&call->arena, "%.*s%s", BYTES_FMT(base), path).ptr;
	e = net->stop ? wait_or_stop(net, &ask, &reply, &why)
		      : http_wait(net->client, &call->arena, &ask, &reply, &why);
	if (e < 0) {
		note_err(&call->note, e, "no answer from the %s: %s", units[unit].name, note_text(&why, e));
		if (!net->stop || !*net->stop)
			note_hint(&call->note, "is the network running? start one with: weft up");
		return e;
	}
	if (reply.status < 200 || reply.status >= 300)
		return answered_badly(net, unit, &reply);
	*answer = reply.body;
	return OK;
}

enum err net_ask(struct net *net, const struct json **answer, enum unit unit, const char *method, const char *path,
		 const char *content_type, struct bytes body)
{
	struct bytes text;
	enum err e = net_ask_raw(net, &text, unit, method, path, content_type, body);

	if (e < 0)
		return e;
	if (json_parse(answer, &net->call->arena, text, NULL) < 0)
		return note_err(&net->call->note, E_PEER, "the %s at %s did not answer in JSON", units[unit].name,
				net->url[unit]);
	return OK;
}

enum err net_scheduler_address(struct net *net, struct bytes *address)
{
	const struct json *answer;
	enum err e = net_ask(net, &answer, UNIT_SU, "GET", "/", NULL, bytes_of(NULL, 0));

	if (e < 0)
		return e;
	*address = json_get_text(&net->call->arena, answer, "address");
	if (address->len == 0)
		return note_err(&net->call->note, E_PEER, "the SU at %s does not say its address", net->url[UNIT_SU]);
	return OK;
}

/* ---- progress ---- */

struct progress {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	const char *what;
	bool over;
};

static void *progress_thread(void *arg)
{
	struct progress *p = arg;
	bool shown = false;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	pthread_mutex_lock(&p->lock);
	for (int seconds = 1; !p->over; seconds++) {
		until.tv_sec++;
		while (!p->over && pthread_cond_timedwait(&p->wake, &p->lock, &until) == 0)
			;
		if (p->over)
			break;
		fprintf(stderr, "\r%s ... %d s", p->what, seconds);
		shown = true;
	}
	pthread_mutex_unlock(&p->lock);
	if (shown)
		fprintf(stderr, "\r\033[K");
	return NULL;
}

struct progress *progress_begin(const char *what)
{
	struct progress *p;

	if (!isatty(STDERR_FILENO))
		return NULL;
	p = calloc(1, sizeof(*p));
	must(p != NULL);
	p->what = what;
	must(pthread_mutex_init(&p->lock, NULL) == 0 && pthread_cond_init(&p->wake, NULL) == 0);
	must(pthread_create(&p->thread, NULL, progress_thread, p) == 0);
	return p;
}

void progress_end(struct progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->over = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	free(p);
}
