/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TARGET_MAX = 16384 };

/* ---- life ---- */

void request_init(struct http_request *r, const struct http_options *options, struct bytes target)
{
	r->options = options;
	r->raw_target = arena_copy(&r->arena, target);
	atomic_init(&r->holders, 1);
	atomic_init(&r->answered, false);
}

void request_let_go(struct http_request *r)
{
	if (atomic_fetch_sub(&r->holders, 1) != 1)
		return;
	buf_release(&r->body);
	arena_release(&r->arena);
	r->free(r);
}

int request_admit(struct http_request *r, const char *method, enum err *e, struct note *note)
{
	const struct http_options *o = r->options;
	bool path_known;

	snprintf(r->method, sizeof(r->method), "%s", method);
	if (r->raw_target.len > TARGET_MAX) {
		*e = note_err(note, E_LIMIT, "the URL is longer than %d bytes", TARGET_MAX);
		return 414;
	}
	*e = target_parse(&r->target, &r->arena, r->raw_target, note);
	if (*e < 0)
		return 400;
	if (strcmp(method, "OPTIONS") == 0)
		return 204;
	r->route = route_find(&r->target, method, o->routes, o->route_count, &path_known);
	if (r->route || (o->fallback && !path_known))
		return 0;
	*e = path_known ? note_err(note, E_METHOD, "%s is not allowed on %.*s", r->method, BYTES_FMT(r->target.path))
			: note_err(note, E_NOT_FOUND, "there is nothing at %.*s", BYTES_FMT(r->target.path));
	return err_http_status(*e);
}

void request_body_too_large(const struct http_request *r, struct note *note)
{
	note_err(note, E_LIMIT, "the body is larger than the %zu bytes that this unit takes", r->options->body_max);
}

void request_run(struct http_request *r)
{
	http_handler *handle = r->route ? r->route->handle : r->options->fallback;

	handle(r->options->ctx, r);
}

/* ---- what the handler sees ---- */

const char *http_method(const struct http_request *r)
{
	return r->method;
}

struct bytes http_path(const struct http_request *r)
{
	return r->target.path;
}

struct bytes http_target(const struct http_request *r)
{
	return r->raw_target;
}

struct bytes http_segment(const struct http_request *r, size_t i)
{
	return i < r->target.segment_count ? r->target.segments[i] : bytes_of(NULL, 0);
}

bool http_query(const struct http_request *r, const char *name, struct bytes *value)
{
	for (size_t i = 0; i < r->target.query_count; i++) {
		if (bytes_eq_str(r->target.query[i].name, name)) {
			*value = r->target.query[i].value;
			return true;
		}
	}
	return false;
}

struct bytes http_header(const struct http_request *r, const char *name)
{
	return r->header(r, name);
}

struct bytes http_body(const struct http_request *r)
{
	return buf_bytes(&r->body);
}

const char *http_peer(const struct http_request *r)
{
	return r->peer;
}

struct arena *http_arena(struct http_request *r)
{
	return &r->arena;
}

/* ---- answers ---- */

void http_set_header(struct http_request *r, const char *name, const char *value)
{
	must(r->header_count < HEADERS_MAX);
	r->headers[r->header_count].name = arena_cstr(&r->arena, bytes_str(name));
	r->headers[r->header_count].value = arena_cstr(&r->arena, bytes_str(value));
	r->header_count++;
}

void answer_release(struct answer *answer)
{
	buf_release(&answer->body);
	if (answer->fd >= 0)
		close(answer->fd);
	answer->fd = -1;
}

void request_answer(struct http_request *r, struct answer *answer)
{
	if (!atomic_exchange(&r->answered, true))
		r->deliver(r, answer);
	else
		answer_release(answer);
	request_let_go(r);
}

/* The handler's own answer goes with the headers that it set. */
static void answer_of_handler(struct http_request *r, struct answer answer)
{
	answer.headers = r->headers;
	answer.header_count = r->header_count;
	request_answer(r, &answer);
}

void http_answer(struct http_request *r, int status, const char *content_type, struct bytes body)
{
	struct buf copy = BUF_EMPTY;

	buf_put_bytes(&copy, body);
	http_answer_buf(r, status, content_type, &copy);
}

void http_answer_buf(struct http_request *r, int status, const char *content_type, struct buf *body)
{
	struct buf taken = *body;

	*body = BUF_EMPTY;
	answer_of_handler(r, (struct answer){.status = status, .content_type = content_type, .body = taken, .fd = -1});
}

void http_answer_file(struct http_request *r, int status, const char *content_type, int fd, uint64_t offset,
		      uint64_t len)
{
	answer_of_handler(
		r, (struct answer){
			   .status = status, .content_type = content_type, .fd = fd, .offset = offset, .len = len});
}

struct answer error_answer(int status, enum err e, const struct note *note)
{
	struct answer answer = {.status = status, .content_type = HTTP_JSON, .fd = -1};
	struct jw w = jw_on(&answer.body);

	jw_object(&w);
	jw_member(&w, "error", bytes_str(note_text(note, e)));
	jw_member(&w, "code", bytes_str(err_name(e)));
	if (note && note->hint[0])
		jw_member(&w, "hint", bytes_str(note->hint));
	jw_object_end(&w);
	return answer;
}

void http_answer_err_as(struct http_request *r, int status, enum err e, const struct note *note)
{
	answer_of_handler(r, error_answer(status, e, note));
}

void http_answer_err(struct http_request *r, enum err e, const struct note *note)
{
	http_answer_err_as(r, err_http_status(e), e, note);
}
