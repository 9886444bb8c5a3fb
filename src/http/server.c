/* SPDX-License-Identifier: MIT
 *
 * The life of a request. libmicrohttpd calls from its own thread; the handler runs on the pool.
 *
 *   on_target    the request line came: the request is made
 *   on_request   called when the headers are there (may refuse), for each piece of the body,
 *                when the body is complete (suspends the connection and puts the handler on the pool),
 *                and once more after the answer was given (queues it)
 *   http_answer  from any thread: keeps the response and resumes the connection
 *   on_completed the connection is done with the request
 *
 * Two hold a request: the connection until on_completed, and the handler until it answers.
 * The second to let go frees it, so an answer that comes after the server gave up is harmless.
 */
#include "base/pool.h"
#include "http/http.h"
#include "http/route.h"

#include "base/clock.h"
#include "base/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADERS_MAX = 128, TARGET_MAX = 16384, LISTEN_BACKLOG = 1024, IDLE_TIMEOUT_S = 120 };

enum stage { STAGE_HEADERS, STAGE_BODY, STAGE_HANDLER };

struct http_server {
	struct MHD_Daemon *daemon;
	struct http_options options;
	struct http_route *routes;
	struct pool *pool;
	uint16_t port;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct http_request *pending; /* those whose handler has yet to answer */
	size_t open_count;            /* requests that the connection still holds */
	char name[16];
};

struct http_request {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct arena arena;
	enum stage stage;
	char method[16];
	char peer[INET6_ADDRSTRLEN];
	struct bytes raw_target;
	struct target target;
	struct buf body;
	enum err refused; /* the body cannot be taken */
	const struct http_route *route;
	atomic_int holders;
	atomic_bool answered;
	struct MHD_Response *response;
	int status;
	struct http_request *next, **link;
	size_t header_count;
	struct {
		const char *name, *value;
	} headers[HEADERS_MAX];
};

/* ---- the request's life ---- */

static struct http_request *request_new(struct http_server *s, const char *target)
{
	struct http_request *r = calloc(1, sizeof(*r));

	must(r != NULL);
	r->server = s;
	r->raw_target = arena_copy(&r->arena, bytes_str(target));
	atomic_init(&r->holders, 1);
	pthread_mutex_lock(&s->lock);
	s->open_count++;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static void request_let_go(struct http_request *r)
{
	if (atomic_fetch_sub(&r->holders, 1) != 1)
		return;
	if (r->response)
		MHD_destroy_response(r->response);
	buf_release(&r->body);
	arena_release(&r->arena);
	free(r);
}

static void pending_add(struct http_request *r)
{
	struct http_server *s = r->server;

	pthread_mutex_lock(&s->lock);
	r->next = s->pending;
	r->link = &s->pending;
	if (r->next)
		r->next->link = &r->next;
	s->pending = r;
	pthread_mutex_unlock(&s->lock);
}

/* With the lock held. */
static void pending_remove(struct http_request *r)
{
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	r->link = NULL;
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
	return bytes_str(MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name));
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

static void dress(struct http_request *r, struct MHD_Response *response, const char *content_type)
{
	if (content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	MHD_add_response_header(response, "Access-Control-Allow-Origin", "*");
	MHD_add_response_header(response, "Access-Control-Expose-Headers", "*");
	for (size_t i = 0; i < r->header_count; i++)
		MHD_add_response_header(response, r->headers[i].name, r->headers[i].value);
}

/* The first answer counts; the server's own, when it gives up waiting, may be that one. */
static void answer_with(struct http_request *r, int status, const char *content_type, struct MHD_Response *response)
{
	struct http_server *s;

	must(response != NULL);
	if (atomic_exchange(&r->answered, true)) {
		MHD_destroy_response(response);
		request_let_go(r);
		return;
	}
	dress(r, response, content_type);
	s = r->server;
	pthread_mutex_lock(&s->lock);
	r->response = response;
	r->status = status;
	pending_remove(r);
	pthread_mutex_unlock(&s->lock);
	MHD_resume_connection(r->connection);
	request_let_go(r);
}

void http_answer(struct http_request *r, int status, const char *content_type, struct bytes body)
{
	answer_with(r, status, content_type,
		    MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY));
}

void http_answer_buf(struct http_request *r, int status, const char *content_type, struct buf *body)
{
	struct MHD_Response *response = body->ptr ? MHD_create_response_from_buffer_with_free_callback(body->len,
												       body->ptr, free)
						  : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

	*body = BUF_EMPTY;
	answer_with(r, status, content_type, response);
}

void http_answer_file(struct http_request *r, int status, const char *content_type, int fd, uint64_t offset,
		      uint64_t len)
{
	answer_with(r, status, content_type, MHD_create_response_from_fd_at_offset64(len, fd, offset));
}

static struct buf error_body(enum err e, const struct note *note)
{
	struct buf body = BUF_EMPTY;
	struct jw w = jw_on(&body);

	jw_object(&w);
	jw_member(&w, "error", bytes_str(note_text(note, e)));
	jw_member(&w, "code", bytes_str(err_name(e)));
	if (note && note->hint[0])
		jw_member(&w, "hint", bytes_str(note->hint));
	jw_object_end(&w);
	return body;
}

void http_answer_err_as(struct http_request *r, int status, enum err e, const struct note *note)
{
	struct buf body = error_body(e, note);

	if (status == 503 || status == 429)
		http_set_header(r, "Retry-After", "1");
	http_answer_buf(r, status, HTTP_JSON, &body);
}

void http_answer_err(struct http_request *r, enum err e, const struct note *note)
{
	http_answer_err_as(r, err_http_status(e), e, note);
}

/* ---- from libmicrohttpd ---- */

static void run_handler(void *ctx)
{
	struct http_request *r = ctx;

	if (r->route)
		r->route->handle(r->server->options.ctx, r);
	else
		r->server->options.fallback(r->server->options.ctx, r);
}

static void *on_target(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct http_request *r = request_new(cls, uri);

	r->connection = connection;
	return r;
}

/* Answers at once, from libmicrohttpd's own thread. */
static enum MHD_Result refuse(struct http_request *r, int status, enum err e, const struct note *note)
{
	struct buf body = error_body(e, note);
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(body.len, body.ptr, free);
	enum MHD_Result queued;

	must(response != NULL);
	dress(r, response, HTTP_JSON);
	queued = MHD_queue_response(r->connection, (unsigned)status, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result allow_everything(struct http_request *r)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result queued;

	must(response != NULL);
	dress(r, response, NULL);
	MHD_add_response_header(response, "Access-Control-Allow-Methods",
				"GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
	MHD_add_response_header(response, "Access-Control-Allow-Headers", "*, Authorization");
	MHD_add_response_header(response, "Access-Control-Max-Age", "86400");
	queued = MHD_queue_response(r->connection, 204, response);
	MHD_destroy_response(response);
	return queued;
}

static void note_peer(struct http_request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection,
								       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, r->peer,
			  sizeof(r->peer));
	else if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, r->peer,
			  sizeof(r->peer));
}

/* The headers are there; false when the request was refused and *result says how. */
static bool accept_headers(struct http_request *r, const char *method, enum MHD_Result *result)
{
	struct http_server *s = r->server;
	struct note note = {0};
	uint64_t length = 0;
	bool path_known;
	enum err e;

	snprintf(r->method, sizeof(r->method), "%s", method);
	note_peer(r);
	if (r->raw_target.len > TARGET_MAX) {
		*result = refuse(r, 414, E_LIMIT, &note);
		return false;
	}
	e = target_parse(&r->target, &r->arena, r->raw_target, &note);
	if (e < 0) {
		*result = refuse(r, 400, e, &note);
		return false;
	}
	if (strcmp(method, "OPTIONS") == 0) {
		*result = allow_everything(r);
		return false;
	}
	r->route = route_find(&r->target, method, s->routes, s->options.route_count, &path_known);
	if (!r->route && path_known) {
		note_err(&note, E_METHOD, "%s is not allowed on %.*s", method, BYTES_FMT(r->target.path));
		*result = refuse(r, 405, E_METHOD, &note);
		return false;
	}
	if (!r->route && !s->options.fallback) {
		note_err(&note, E_NOT_FOUND, "there is nothing at %.*s", BYTES_FMT(r->target.path));
		*result = refuse(r, 404, E_NOT_FOUND, &note);
		return false;
	}
	bytes_u64(http_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH), &length);
	if (length > s->options.body_max) {
		note_err(&note, E_LIMIT, "the body of %llu bytes is larger than the %zu that this unit takes",
			 (unsigned long long)length, s->options.body_max);
		*result = refuse(r, 413, E_LIMIT, &note);
		return false;
	}
	if (length)
		buf_reserve(&r->body, (size_t)length);
	return true;
}

static enum MHD_Result dispatch(struct http_request *r)
{
	struct note note = {0};
	enum err e;

	atomic_store(&r->holders, 2);
	pending_add(r);
	MHD_suspend_connection(r->connection);
	e = pool_put(r->server->pool, run_handler, r);
	if (e < 0) {
		note_err(&note, e, "%s: too many requests are waiting", r->server->name);
		http_answer_err(r, e, &note);
	}
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *piece, size_t *piece_len, void **con_cls)
{
	struct http_request *r = *con_cls;
	enum MHD_Result result;
	struct note note = {0};

	(void)cls, (void)connection, (void)url, (void)version;
	if (r->stage == STAGE_HEADERS) {
		r->stage = STAGE_BODY;
		return accept_headers(r, method, &result) ? MHD_YES : result;
	}
	if (*piece_len) {
		/* A chunked body did not say its length beforehand. */
		if (r->body.len + *piece_len > r->server->options.body_max)
			r->refused = E_LIMIT;
		else
			buf_put(&r->body, piece, *piece_len);
		*piece_len = 0;
		return MHD_YES;
	}
	if (r->refused) {
		note_err(&note, E_LIMIT, "the body is larger than the %zu bytes that this unit takes",
			 r->server->options.body_max);
		return refuse(r, 413, E_LIMIT, &note);
	}
	if (r->stage == STAGE_BODY) {
		r->stage = STAGE_HANDLER;
		return dispatch(r);
	}
	return MHD_queue_response(r->connection, (unsigned)r->status, r->response);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct http_request *r = *con_cls;
	struct http_server *s = cls;

	(void)connection, (void)why;
	if (!r)
		return;
	*con_cls = NULL;
	request_let_go(r);
	pthread_mutex_lock(&s->lock);
	if (--s->open_count == 0)
		pthread_cond_broadcast(&s->idle);
	pthread_mutex_unlock(&s->lock);
}

static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls, (void)connection;
	return strlen(text);
}

static void on_complaint(void *cls, const char *format, va_list args)
{
	struct http_server *s = cls;
	char text[200];

	vsnprintf(text, sizeof(text), format, args);
	log_event(s->options.log, LOG_DEBUG, "http.complaint", "unit=%s text=%s", s->name, text);
}

/* ---- the server's life ---- */

static enum err bind_to(const struct http_options *o, int *fd_out, uint16_t *port, struct note *note)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *info = NULL;
	struct sockaddr_storage bound;
	socklen_t bound_len = sizeof(bound);
	char digits[8];
	int fd = -1, one = 1, zero = 0;
	enum err e = OK;

	snprintf(digits, sizeof(digits), "%u", o->port);
	if (getaddrinfo(o->address, digits, &hints, &info) != 0)
		return note_err(note, E_ARGUMENT, "'%s' is not an address to listen on", o->address);
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (info->ai_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	}
	if (fd < 0 || bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		e = note_err(note, E_IO, "%s cannot listen on %s port %u: %s", o->name, o->address, o->port,
			     strerror(errno));
		if (errno == EADDRINUSE)
			note_hint(note, "another program has the port; choose others with --port");
		if (fd >= 0)
			close(fd);
	} else {
		must(getsockname(fd, (struct sockaddr *)&bound, &bound_len) == 0);
		*port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
							  : ((struct sockaddr_in *)&bound)->sin_port);
		*fd_out = fd;
	}
	freeaddrinfo(info);
	return e;
}

enum err http_serve(struct http_server **out, const struct http_options *options, struct note *note)
{
	struct http_server *s;
	uint16_t port = 0;
	int fd = -1;
	enum err e = bind_to(options, &fd, &port, note);

	if (e < 0)
		return e;
	s = calloc(1, sizeof(*s));
	must(s != NULL);
	s->options = *options;
	s->port = port;
	snprintf(s->name, sizeof(s->name), "%s", options->name);
	s->routes = calloc(options->route_count + 1, sizeof(*s->routes));
	must(s->routes != NULL);
	memcpy(s->routes, options->routes, options->route_count * sizeof(*s->routes));
	must(pthread_mutex_init(&s->lock, NULL) == 0 && pthread_cond_init(&s->idle, NULL) == 0);
	s->pool = pool_open(options->name, options->threads, options->connections_max);
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
				     NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_complaint, s,
				     MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned)options->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536,
				     MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_UNESCAPE_CALLBACK,
				     leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		pool_close(s->pool);
		free(s->routes);
		free(s);
		return note_err(note, E_IO, "%s cannot start its HTTP server", options->name);
	}
	*out = s;
	return OK;
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->port;
}

static void wait_idle(struct http_server *s, uint64_t grace_ms)
{
	uint64_t until = clock_ms() + grace_ms;
	struct timespec at = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};

	pthread_mutex_lock(&s->lock);
	while (s->open_count && pthread_cond_timedwait(&s->idle, &s->lock, &at) == 0)
		;
	pthread_mutex_unlock(&s->lock);
}

/* Answers 503 in the place of handlers that have not answered. */
static void give_up_pending(struct http_server *s)
{
	struct note note = {0};

	note_err(&note, E_CLOSED, "%s is shutting down", s->name);
	for (;;) {
		struct http_request *r;

		pthread_mutex_lock(&s->lock);
		for (r = s->pending; r && atomic_load(&r->answered); r = r->next)
			;
		if (r)
			atomic_fetch_add(&r->holders, 1);
		pthread_mutex_unlock(&s->lock);
		if (!r)
			return;
		http_answer_err(r, E_CLOSED, &note);
	}
}

void http_stop(struct http_server *s, uint64_t grace_ms)
{
	int fd;

	if (!s)
		return;
	fd = MHD_quiesce_daemon(s->daemon);
	wait_idle(s, grace_ms);
	give_up_pending(s);
	pool_close(s->pool);
	give_up_pending(s);
	wait_idle(s, 500);
	MHD_stop_daemon(s->daemon);
	if (fd >= 0)
		close(fd);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->idle);
	free(s->routes);
	free(s);
}
