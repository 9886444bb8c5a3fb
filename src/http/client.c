/* SPDX-License-Identifier: MIT
 *
 * One thread drives a curl multi handle. Calls are handed to it through a list; it is
 * woken, adds those whose time has come, and runs each `done` when its transfer ends.
 */
#include "http/http.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ANSWER_MAX_DEFAULT = 64 << 20,
	CONNECT_TIMEOUT_MS = 10000,
	CONNECTIONS_PER_HOST = 64,
	REDIRECTS_MAX = 5,
	LOOK_MS = 1000,
	HURRY_LOOK_MS = 100
};
#define SHUTTING_DOWN "shutting down"

struct http_client {
	CURLM *multi;
	pthread_t thread;
	pthread_mutex_t lock;
	struct transfer *waiting; /* to be added */
	struct transfer *running;
	uint64_t timeout_ms;
	struct log *log;
	bool closing;
	uint64_t over_ns; /* from then on nothing is in flight; 0: nobody is in a hurry */
};

struct transfer {
	struct transfer *next;
	CURL *easy;
	struct curl_slist *headers;
	char *url;
	uint64_t begin_ns;
	struct buf body;
	size_t answer_max;
	bool too_large;
	http_done *done;
	void *ctx;
	char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;

	if (t->body.len + size * count > t->answer_max) {
		t->too_large = true;
		return 0;
	}
	buf_put(&t->body, data, size * count);
	return size * count;
}

static void transfer_free(struct transfer *t)
{
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	buf_release(&t->body);
	free(t->url);
	free(t);
}

static void transfer_failed(struct transfer *t, enum err e, const char *why)
{
	struct note note = {0};

	note_err(&note, e, "%s: %s", t->url, why);
	t->done(t->ctx, e, &note, NULL);
	transfer_free(t);
}

static void transfer_finished(struct transfer *t, CURLcode code)
{
	struct http_reply reply = {0};
	char *location = NULL, *type = NULL;
	long status = 0;

	if (code != CURLE_OK) {
		enum err e = t->too_large ? E_LIMIT : code == CURLE_OPERATION_TIMEDOUT ? E_TIMEOUT : E_PEER;
		transfer_failed(t, e,
				t->too_large  ? "the answer is too large"
				: t->error[0] ? t->error
					      : curl_easy_strerror(code));
		return;
	}
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &location);
	reply.status = (int)status;
	reply.body = buf_bytes(&t->body);
	reply.content_type = bytes_str(type);
	reply.location = bytes_str(location);
	t->done(t->ctx, OK, NULL, &reply);
	transfer_free(t);
}

static void unlink_running(struct http_client *c, struct transfer *t)
{
	struct transfer **link = &c->running;

	while (*link != t)
		link = &(*link)->next;
	*link = t->next;
}

static void begin(struct http_client *c, struct transfer *t)
{
	t->next = c->running;
	c->running = t;
	must(curl_multi_add_handle(c->multi, t->easy) == CURLM_OK);
}

/* Begins what is due. Returns how long nothing else will be. */
static uint64_t take_waiting(struct http_client *c, bool hurry)
{
	struct transfer *list, *later = NULL, **end = &later;
	uint64_t now = clock_ns(), next_ns = now + LOOK_MS * UINT64_C(1000000);

	pthread_mutex_lock(&c->lock);
	list = c->waiting;
	c->waiting = NULL;
	pthread_mutex_unlock(&c->lock);
	while (list) {
		struct transfer *t = list;
		list = t->next;
		if (t->begin_ns <= now) {
			begin(c, t);
		} else if (hurry) {
			transfer_failed(t, E_CLOSED, SHUTTING_DOWN);
		} else {
			next_ns = t->begin_ns < next_ns ? t->begin_ns : next_ns;
			t->next = NULL;
			*end = t;
			end = &t->next;
		}
	}
	pthread_mutex_lock(&c->lock);
	*end = c->waiting;
	c->waiting = later;
	pthread_mutex_unlock(&c->lock);
	return (next_ns - now) / 1000000 + 1;
}

static void end_running(struct http_client *c)
{
	while (c->running) {
		struct transfer *t = c->running;
		c->running = t->next;
		curl_multi_remove_handle(c->multi, t->easy);
		transfer_failed(t, E_CLOSED, SHUTTING_DOWN);
	}
}

static void finish_done(struct http_client *c)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct transfer *t;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		curl_multi_remove_handle(c->multi, t->easy);
		unlink_running(c, t);
		transfer_finished(t, code);
	}
}

static void *client_thread(void *arg)
{
	struct http_client *c = arg;
	int running;

	for (;;) {
		uint64_t over_ns, wait_ms;
		bool closing;

		pthread_mutex_lock(&c->lock);
		closing = c->closing;
		over_ns = c->over_ns;
		pthread_mutex_unlock(&c->lock);
		wait_ms = take_waiting(c, closing || over_ns);
		if (closing || (over_ns && clock_ns() >= over_ns))
			end_running(c);
		if (closing)
			return NULL;
		curl_multi_perform(c->multi, &running);
		finish_done(c);
		curl_multi_poll(c->multi, NULL, 0, (int)(over_ns ? HURRY_LOOK_MS : wait_ms), NULL);
	}
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_begin(void)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

struct http_client *http_client_open(uint64_t timeout_ms_default, struct log *log)
{
	struct http_client *c = calloc(1, sizeof(*c));

	must(c != NULL);
	pthread_once(&curl_once, curl_begin);
	c->multi = curl_multi_init();
	must(c->multi != NULL);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_PER_HOST);
	c->timeout_ms = timeout_ms_default;
	c->log = log;
	must(pthread_mutex_init(&c->lock, NULL) == 0);
	must(pthread_create(&c->thread, NULL, client_thread, c) == 0);
	pthread_setname_np(c->thread, "http-client");
	return c;
}

static void set_options(struct http_client *c, struct transfer *t, const struct http_call *call)
{
	CURL *easy = t->easy;
	bool head = strcmp(call->method, "HEAD") == 0, get = strcmp(call->method, "GET") == 0;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_URL, t->url);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(call->timeout_ms ? call->timeout_ms : c->timeout_ms));
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, call->follow ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	curl_easy_setopt(easy, CURLOPT_POSTREDIR, CURL_REDIR_POST_ALL);
	if (head) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (!get) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.len ? (const char *)call->body.ptr : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
		/* No waiting for "100 Continue": the peers that we know read the body anyway. */
		t->headers = curl_slist_append(t->headers, "Expect:");
	}
	for (size_t i = 0; call->headers && call->headers[i]; i++)
		t->headers = curl_slist_append(t->headers, call->headers[i]);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
}

void http_call(struct http_client *c, const struct http_call *call, http_done *done, void *ctx)
{
	struct transfer *t = calloc(1, sizeof(*t));
	bool closing;

	must(t != NULL);
	t->easy = curl_easy_init();
	t->url = strdup(call->url);
	must(t->easy && t->url);
	t->begin_ns = clock_ns() + call->after_ms * 1000000;
	t->answer_max = call->answer_max ? call->answer_max : ANSWER_MAX_DEFAULT;
	t->done = done;
	t->ctx = ctx;
	set_options(c, t, call);
	pthread_mutex_lock(&c->lock);
	closing = c->closing || (c->over_ns && call->after_ms);
	if (!closing) {
		t->next = c->waiting;
		c->waiting = t;
	}
	pthread_mutex_unlock(&c->lock);
	if (closing)
		transfer_failed(t, E_CLOSED, SHUTTING_DOWN);
	else
		curl_multi_wakeup(c->multi);
}

/* ---- blocking ---- */

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	enum err e;
	struct arena *arena;
	struct http_reply *reply;
	struct note *note;
};

static void on_reply(void *ctx, enum err e, const struct note *note, const struct http_reply *reply)
{
	struct waiting *w = ctx;

	if (e == OK) {
		w->reply->status = reply->status;
		w->reply->body = arena_copy(w->arena, reply->body);
		w->reply->content_type = arena_copy(w->arena, reply->content_type);
		w->reply->location = arena_copy(w->arena, reply->location);
	} else if (w->note && note) {
		*w->note = *note;
	}
	pthread_mutex_lock(&w->lock);
	w->e = e;
	w->done = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

enum err http_wait(struct http_client *c, struct arena *a, const struct http_call *call, struct http_reply *reply,
		   struct note *note)
{
	struct waiting w = {.arena = a, .reply = reply, .note = note};

	must(pthread_mutex_init(&w.lock, NULL) == 0 && pthread_cond_init(&w.wake, NULL) == 0);
	http_call(c, call, on_reply, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.wake, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_mutex_destroy(&w.lock);
	pthread_cond_destroy(&w.wake);
	return w.e;
}

void http_client_hurry(struct http_client *c, uint64_t grace_ms)
{
	pthread_mutex_lock(&c->lock);
	c->over_ns = clock_ns() + grace_ms * 1000000;
	pthread_mutex_unlock(&c->lock);
	curl_multi_wakeup(c->multi);
}

void http_client_close(struct http_client *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	pthread_mutex_unlock(&c->lock);
	curl_multi_wakeup(c->multi);
	pthread_join(c->thread, NULL);
	curl_multi_cleanup(c->multi);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
