/* SPDX-License-Identifier: MIT
 *
 * The life of a request. libmicrohttpd calls from its own thread; the handler runs on the pool.
 *
 *   on_target    the request line came: the request is made
 *   on_request   called when the headers are there (may refuse), for each piece of the body,
 *                when the body is complete (suspends the connection and puts the handler on the pool),
 *                and once more after the answer was given (queues it)
 *   deliver      from the thread that answers: keeps the response and resumes the connection
 *   on_completed the connection is done with the request
 */
#include "base/clock.h"
#include "base/pool.h"
#include "http/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODIES_MAX_DEFAULT ((size_t)1 << 30)
enum { LISTEN_BACKLOG = 1024, IDLE_TIMEOUT_S = 120, RESERVE_MAX = 1 << 20 };

enum stage { STAGE_HEADERS, STAGE_BODY, STAGE_HANDLER };

struct http_server {
	struct MHD_Daemon *daemon;
	struct http_options options;
	struct http_route *routes;
	struct pool *pool;
	uint16_t port;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	atomic_size_t body_bytes; /* held by all requests */
	struct arrival *pending;  /* those whose answer is still to be given */
	size_t open_count;        /* requests that the connection still holds */
	char name[16];
};

/* A request that a connection brought. */
struct arrival {
	struct http_request request;
	struct http_server *server;
	struct MHD_Connection *connection;
	enum stage stage;
	enum err refused; /* the body cannot be taken */
	struct MHD_Response *response;
	int status;
	struct arrival *next, **link;
};

static struct arrival *arrival_of(struct http_request *r)
{
	return (struct arrival *)(void *)r;
}

/* ---- life ---- */

static void pending_add(struct arrival *a)
{
	struct http_server *s = a->server;

	pthread_mutex_lock(&s->lock);
	a->next = s->pending;
	a->link = &s->pending;
	if (a->next)
		a->next->link = &a->next;
	s->pending = a;
	pthread_mutex_unlock(&s->lock);
}

static void pending_remove(struct arrival *a)
{
	struct http_server *s = a->server;

	pthread_mutex_lock(&s->lock);
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
	if (!s->pending)
		pthread_cond_broadcast(&s->idle);
	pthread_mutex_unlock(&s->lock);
}

static void arrival_free(struct http_request *r)
{
	struct arrival *a = arrival_of(r);

	if (a->response)
		MHD_destroy_response(a->response);
	free(a);
}

static struct bytes arrival_header(const struct http_request *r, const char *name)
{
	const struct arrival *a = (const struct arrival *)(const void *)r;

	return bytes_str(MHD_lookup_connection_value(a->connection, MHD_HEADER_KIND, name));
}

/* ---- answers ---- */

static void dress(struct MHD_Response *response, const struct answer *answer)
{
	if (answer->content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
	if (answer->status == 503 || answer->status == 429)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	MHD_add_response_header(response, "Access-Control-Allow-Origin", "*");
	MHD_add_response_header(response, "Access-Control-Expose-Headers", "*");
	for (size_t i = 0; i < answer->header_count; i++)
		MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
}

/* Takes the answer over. */
static struct MHD_Response *response_of(struct answer *answer)
{
	struct MHD_Response *response;

	if (answer->fd >= 0)
		response = MHD_create_response_from_fd_at_offset64(answer->len, answer->fd, answer->offset);
	else if (answer->body.ptr)
		response = MHD_create_response_from_buffer_with_free_callback(answer->body.len, answer->body.ptr, free);
	else
		response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	must(response != NULL);
	dress(response, answer);
	return response;
}

/* The server outlives this: http_stop waits until nothing is pending. */
static void deliver(struct http_request *r, struct answer *answer)
{
	struct arrival *a = arrival_of(r);

	a->response = response_of(answer);
	a->status = answer->status;
	MHD_resume_connection(a->connection);
	pending_remove(a);
}

/* Answers at once, from libmicrohttpd's own thread. */
static enum MHD_Result answer_now(struct arrival *a, struct answer *answer)
{
	struct MHD_Response *response = response_of(answer);
	enum MHD_Result queued = MHD_queue_response(a->connection, (unsigned)answer->status, response);

	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result refuse(struct arrival *a, int status, enum err e, const struct note *note)
{
	struct answer answer = error_answer(status, e, note);

	return answer_now(a, &answer);
}

static enum MHD_Result allow_everything(struct arrival *a)
{
	static const struct http_header allowed[] = {
		{"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS"},
		{"Access-Control-Allow-Headers", "*, Authorization"},
		{"Access-Control-Max-Age", "86400"}};
	struct answer answer = {.status = 204, .fd = -1, .headers = allowed, .header_count = 3};

	return answer_now(a, &answer);
}

/* ---- from libmicrohttpd ---- */

static void run_handler(void *ctx)
{
	request_run(ctx);
}

static void *on_target(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct http_server *s = cls;
	struct arrival *a = calloc(1, sizeof(*a));

	must(a != NULL);
	a->request.deliver = deliver;
	a->request.header = arrival_header;
	a->request.free = arrival_free;
	request_init(&a->request, &s->options, bytes_str(uri));
	a->server = s;
	a->connection = connection;
	pthread_mutex_lock(&s->lock);
	s->open_count++;
	pthread_mutex_unlock(&s->lock);
	return a;
}

static void note_peer(struct arrival *a)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(a->connection,
								       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	char *peer = a->request.peer;

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, peer,
			  INET6_ADDRSTRLEN);
	else if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, peer,
			  INET6_ADDRSTRLEN);
}

/* The headers are there. */
static enum MHD_Result accept_headers(struct arrival *a, const char *method)
{
	struct http_request *r = &a->request;
	struct note note = {0};
	uint64_t length = 0;
	enum err e = OK;
	int status = request_admit(r, method, &e, &note);

	note_peer(a);
	if (status == 204)
		return allow_everything(a);
	if (status)
		return refuse(a, status, e, &note);
	bytes_u64(http_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH), &length);
	if (length > r->options->body_max) {
		request_body_too_large(r, &note);
		return refuse(a, 413, E_LIMIT, &note);
	}
	buf_reserve(&r->body, length < RESERVE_MAX ? (size_t)length : RESERVE_MAX);
	return MHD_YES;
}

static enum MHD_Result dispatch(struct arrival *a)
{
	struct http_request *r = &a->request;
	struct note note = {0};
	enum err e;

	atomic_store(&r->holders, 2);
	pending_add(a);
	MHD_suspend_connection(a->connection);
	e = pool_put(a->server->pool, run_handler, r);
	if (e < 0) {
		note_err(&note, e, "%s %s", a->server->name,
			 e == E_CLOSED ? "is shutting down" : "has too many requests waiting");
		http_answer_err(r, e, &note);
	}
	return MHD_YES;
}

/* A chunked body did not say its length beforehand, and many small ones are large together. */
static void take_piece(struct arrival *a, const char *piece, size_t len)
{
	struct http_server *s = a->server;
	struct buf *body = &a->request.body;

	if (body->len + len > s->options.body_max)
		a->refused = E_LIMIT;
	else if (atomic_load(&s->body_bytes) + len > s->options.bodies_max)
		a->refused = E_BUSY;
	if (a->refused) {
		atomic_fetch_sub(&s->body_bytes, body->len);
		buf_release(body);
		return;
	}
	atomic_fetch_add(&s->body_bytes, len);
	buf_put(body, piece, len);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *piece, size_t *piece_len, void **con_cls)
{
	struct arrival *a = *con_cls;
	struct http_request *r = &a->request;
	struct note note = {0};

	(void)cls, (void)connection, (void)url, (void)version;
	if (a->stage == STAGE_HEADERS) {
		a->stage = STAGE_BODY;
		return accept_headers(a, method);
	}
	if (*piece_len) {
		take_piece(a, piece, *piece_len);
		*piece_len = 0;
		return MHD_YES;
	}
	if (a->refused == E_LIMIT)
		request_body_too_large(r, &note);
	else if (a->refused)
		note_err(&note, a->refused, "%s: too much is being sent at once", a->server->name);
	if (a->refused)
		return refuse(a, err_http_status(a->refused), a->refused, &note);
	if (a->stage == STAGE_BODY) {
		a->stage = STAGE_HANDLER;
		return dispatch(a);
	}
	return MHD_queue_response(a->connection, (unsigned)a->status, a->response);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct arrival *a = *con_cls;
	struct http_server *s = cls;

	(void)connection, (void)why;
	if (!a)
		return;
	*con_cls = NULL;
	atomic_fetch_sub(&s->body_bytes, a->request.body.len);
	request_let_go(&a->request);
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
	if (!s->options.bodies_max)
		s->options.bodies_max = BODIES_MAX_DEFAULT;
	s->port = port;
	snprintf(s->name, sizeof(s->name), "%s", options->name);
	s->routes = calloc(options->route_count + 1, sizeof(*s->routes));
	must(s->routes != NULL);
	memcpy(s->routes, options->routes, options->route_count * sizeof(*s->routes));
	s->options.routes = s->routes;
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

/* Answers 503 in the place of handlers that have not answered, and waits for answers that are being given. */
static void give_up_pending(struct http_server *s)
{
	struct note note = {0};

	note_err(&note, E_CLOSED, "%s is shutting down", s->name);
	pthread_mutex_lock(&s->lock);
	while (s->pending) {
		struct answer answer;
		struct arrival *a;

		for (a = s->pending; a && atomic_load(&a->request.answered); a = a->next)
			;
		if (!a) {
			pthread_cond_wait(&s->idle, &s->lock);
			continue;
		}
		atomic_fetch_add(&a->request.holders, 1);
		pthread_mutex_unlock(&s->lock);
		answer = error_answer(err_http_status(E_CLOSED), E_CLOSED, &note);
		request_answer(&a->request, &answer);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

void http_stop(struct http_server *s, uint64_t grace_ms)
{
	int fd;

	if (!s)
		return;
	fd = MHD_quiesce_daemon(s->daemon);
	wait_idle(s, grace_ms);
	give_up_pending(s);
	pool_end(s->pool);
	give_up_pending(s);
	wait_idle(s, 500); /* meanwhile the rest of a request may still come in, and is refused */
	MHD_stop_daemon(s->daemon);
	pool_close(s->pool);
	if (fd >= 0)
		close(fd);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->idle);
	free(s->routes);
	free(s);
}
