/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct trial {
	struct http_request request;
	const char *const *headers;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct answer answer;
	bool done;
};

static struct bytes trial_header(const struct http_request *r, const char *name)
{
	const struct trial *t = (const struct trial *)(const void *)r;

	for (size_t i = 0; t->headers && t->headers[i]; i++) {
		struct bytes value, have = bytes_cut(bytes_str(t->headers[i]), ':', &value);
		while (value.len && value.ptr[0] == ' ')
			value = bytes_from(value, 1);
		if (bytes_case_eq(have, name))
			return value;
	}
	return bytes_of(NULL, 0);
}

static void trial_free(struct http_request *r)
{
	struct trial *t = (struct trial *)(void *)r;

	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->wake);
	free(t);
}

static void deliver(struct http_request *r, struct answer *answer)
{
	struct trial *t = (struct trial *)(void *)r;

	pthread_mutex_lock(&t->lock);
	t->answer = *answer;
	t->done = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

static struct trial *trial_new(const struct http_options *options, const struct http_call *call)
{
	struct trial *t = calloc(1, sizeof(*t));

	must(t != NULL);
	must(pthread_mutex_init(&t->lock, NULL) == 0 && pthread_cond_init(&t->wake, NULL) == 0);
	t->headers = call->headers;
	t->request.deliver = deliver;
	t->request.header = trial_header;
	t->request.free = trial_free;
	request_init(&t->request, options, bytes_str(call->url));
	snprintf(t->request.peer, sizeof(t->request.peer), "127.0.0.1");
	return t;
}

/* The answer: the handler's, or the one that spares the handler. */
static void run(struct trial *t, const struct http_call *call)
{
	struct http_request *r = &t->request;
	struct note note = {0};
	enum err e = OK;
	int status = request_admit(r, call->method, &e, &note);

	if (!status && call->body.len > r->options->body_max) {
		request_body_too_large(r, &note);
		status = err_http_status(e = E_LIMIT);
	}
	if (status) {
		t->answer = e < 0 ? error_answer(status, e, &note) : (struct answer){.status = status, .fd = -1};
		return;
	}
	buf_put_bytes(&r->body, call->body);
	atomic_store(&r->holders, 2);
	request_run(r);
	pthread_mutex_lock(&t->lock);
	while (!t->done)
		pthread_cond_wait(&t->wake, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static struct bytes body_of(const struct answer *answer, struct arena *a)
{
	uint8_t *body;
	size_t n = 0;
	ssize_t got;

	if (answer->fd < 0)
		return arena_copy(a, buf_bytes(&answer->body));
	body = arena_alloc(a, answer->len);
	while (n < answer->len && (got = pread(answer->fd, body + n, answer->len - n, (off_t)(answer->offset + n))) > 0)
		n += (size_t)got;
	return bytes_of(body, n);
}

void http_try(const struct http_options *options, struct arena *a, const struct http_call *call,
	      struct http_reply *reply)
{
	struct trial *t = trial_new(options, call);
	const struct answer *answer = &t->answer;

	run(t, call);
	*reply = (struct http_reply){.status = answer->status};
	reply->content_type = arena_copy(a, bytes_str(answer->content_type));
	if (strcmp(call->method, "HEAD") != 0)
		reply->body = body_of(answer, a);
	for (size_t i = 0; i < answer->header_count; i++)
		if (bytes_case_eq(bytes_str(answer->headers[i].name), "Location"))
			reply->location = arena_copy(a, bytes_str(answer->headers[i].value));
	answer_release(&t->answer);
	request_let_go(&t->request);
}
