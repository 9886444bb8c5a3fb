/* SPDX-License-Identifier: MIT
 *
 * http: a server and a client; transport only, no ao words.
 *
 * Server: libmicrohttpd moves the bytes on its own epoll threads. When a request is
 * complete its handler runs on the server's pool; it may block there briefly (a
 * signature check, an index read) and answers either at once or later, from any
 * thread, exactly once. Until then the connection is suspended and costs no thread.
 * Cross-origin requests are allowed from anywhere, and OPTIONS is answered here:
 * browsers are clients of every unit.
 *
 * Client: one libcurl multi handle on one thread serves any number of calls in
 * flight, with kept-alive connections, time limits and a limit on what is accepted.
 */
#ifndef WEFT_HTTP_HTTP_H
#define WEFT_HTTP_HTTP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"

/* ---- server ---- */

struct http_server;
struct http_request;

typedef void http_handler(void *ctx, struct http_request *request);

/* A row of a route table. `{}` in the path stands for one non-empty segment:
 * {"GET", "/result/{}", get_result}. Rows are tried in order. A path that matches under another method
 * answers 405; none at all goes to `fallback`, or 404 with a JSON error. HEAD is served by GET's row. */
struct http_route {
	const char *method;
	const char *path;
	http_handler *handle;
};

struct http_options {
	const char *address; /* "127.0.0.1"; "::" for all */
	uint16_t port;       /* 0: any free one, see http_server_port */
	const char *name;    /* of the unit, in thread names and log lines */
	const struct http_route *routes;
	size_t route_count;
	http_handler *fallback; /* may be NULL */
	void *ctx;              /* handed to the handlers */
	size_t body_max;        /* larger: 413 before it is read */
	size_t bodies_max;      /* of all requests at one moment; past it: 503. 0: 1 GiB */
	size_t threads;         /* of the pool that runs handlers */
	size_t connections_max;
	struct log *log;
};

/* http_serve starts to listen. E_IO with the reason (port in use, ...) in the note. */
must_use enum err http_serve(struct http_server **out, const struct http_options *options, struct note *note);
uint16_t http_server_port(const struct http_server *s);
/* http_stop accepts nothing new, waits up to grace_ms for answers that are due, answers
 * the rest 503, and frees. Requests still held by handlers must have been answered or be
 * answered by other threads during the wait. */
void http_stop(struct http_server *s, uint64_t grace_ms);

/* The request: valid until it is answered. Texts are percent-decoded. */
const char *http_method(const struct http_request *r);
struct bytes http_path(const struct http_request *r);
struct bytes http_target(const struct http_request *r); /* path and query as they came */
/* http_segment is what the i-th {} of the route matched. */
struct bytes http_segment(const struct http_request *r, size_t i);
bool http_query(const struct http_request *r, const char *name, struct bytes *value);
struct bytes http_header(const struct http_request *r, const char *name);
struct bytes http_body(const struct http_request *r);
/* http_peer is the address of the other end, as text. */
const char *http_peer(const struct http_request *r);
/* http_arena is the request's own, released after the answer was sent. */
struct arena *http_arena(struct http_request *r);

/* Answers: each request exactly one. At most 128 headers of the handler's own. The body is copied, except by http_answer_buf,
 * which takes it over and empties the caller's. */
void http_set_header(struct http_request *r, const char *name, const char *value);
void http_answer(struct http_request *r, int status, const char *content_type, struct bytes body);
void http_answer_buf(struct http_request *r, int status, const char *content_type, struct buf *body);
/* http_answer_file sends `len` bytes of `fd` from `offset` without copying; takes the descriptor over. */
void http_answer_file(struct http_request *r, int status, const char *content_type, int fd, uint64_t offset,
		      uint64_t len);
/* http_answer_err sends {"error":text,"code":name,"hint":...} with the code's status. E_BUSY and
 * E_RATE carry Retry-After. http_answer_err_as overrides the status. */
void http_answer_err(struct http_request *r, enum err e, const struct note *note);
void http_answer_err_as(struct http_request *r, int status, enum err e, const struct note *note);
#define HTTP_JSON "application/json"
#define HTTP_TEXT "text/plain; charset=utf-8"
#define HTTP_BYTES "application/octet-stream"

/* ---- client ---- */

struct http_client;

struct http_call {
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	struct bytes body;          /* borrowed until done */
	uint64_t timeout_ms;        /* whole call; 0: the client's default */
	size_t answer_max;          /* 0: the client's default (64 MiB) */
	bool follow;                /* follow redirects (at most 5) */
	uint64_t after_ms;          /* it begins so much later: a new try, say */
};

struct http_reply {
	int status;
	struct bytes body;
	struct bytes content_type;
	struct bytes location;
};

/* A reply of any status is OK; E_PEER: no reply (refused, reset, name), E_TIMEOUT, E_LIMIT: too large.
 * The note names the URL. `reply` is valid during the call only; NULL on error. */
typedef void http_done(void *ctx, enum err e, const struct note *note, const struct http_reply *reply);

struct http_client *http_client_open(uint64_t timeout_ms_default, struct log *log);
/* http_call copies what it needs from `call` except the body. */
void http_call(struct http_client *c, const struct http_call *call, http_done *done, void *ctx);
/* http_wait is the blocking form; the reply lives in `a`. Not from a `done`. */
must_use enum err http_wait(struct http_client *c, struct arena *a, const struct http_call *call,
			    struct http_reply *reply, struct note *note);
/* http_client_hurry is for who is about to stop: calls that have not begun end with E_CLOSED at once, as does every later one
 * that is not to begin at once; those in flight have grace_ms. */
void http_client_hurry(struct http_client *c, uint64_t grace_ms);
/* http_client_close ends calls in flight with E_CLOSED, and frees. */
void http_client_close(struct http_client *c);

/* ---- a request that comes from memory ---- */

/* http_try answers `call` as a server with these options would, without a socket, a server or another thread: the
 * same limits, routes and errors, and the handler on the calling thread. An answer that comes later is
 * waited for. call->url is the target, path and query as a request line has them; timeout_ms, answer_max, follow
 * and after_ms mean nothing here; http_peer is 127.0.0.1. The reply lives in `a`. For the fuzzers and tests of
 * handlers. */
void http_try(const struct http_options *options, struct arena *a, const struct http_call *call,
	      struct http_reply *reply);

#endif
