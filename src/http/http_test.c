/* SPDX-License-Identifier: MIT
 *
 * A real server on a free port of loopback, asked by the real client and by raw sockets.
 */
#include "base/clock.h"
#include "http/http.h"
#include "http/route.h"
#include "test/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MAX = 100000, LATE = 200 };

static struct http_request *late[LATE];
static atomic_int late_count; /* how many of them are there */
static pthread_mutex_t late_lock = PTHREAD_MUTEX_INITIALIZER;

static void echo(void *ctx, struct http_request *r)
{
	struct bytes q = {0};

	(void)ctx;
	http_query(r, "q", &q);
	http_set_header(r, "X-Query", (const char *)arena_copy(http_arena(r), q).ptr);
	http_answer(r, 200, HTTP_TEXT,
		    arena_printf(http_arena(r), "%s %.*s %.*s %.*s", http_method(r), BYTES_FMT(http_segment(r, 0)),
				 BYTES_FMT(q), BYTES_FMT(http_body(r))));
}

static void hold(void *ctx, struct http_request *r)
{
	(void)ctx;
	pthread_mutex_lock(&late_lock);
	late[atomic_load(&late_count)] = r;
	atomic_fetch_add(&late_count, 1);
	pthread_mutex_unlock(&late_lock);
}

static void refuse(void *ctx, struct http_request *r)
{
	struct note note = {0};

	(void)ctx;
	note_err(&note, E_BUSY, "not now");
	note_hint(&note, "come back");
	http_answer_err(r, E_BUSY, &note);
}

static void away(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_set_header(r, "Location", "/echo/there?q=moved");
	http_answer(r, 307, NULL, BYTES(""));
}

static void header(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, HTTP_TEXT, http_header(r, "content-type"));
}

/* Three bytes out of the middle of a file that is surely there: this program. */
static void file(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer_file(r, 206, HTTP_BYTES, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), 1, 3);
}

static const struct http_route routes[] = {
	{"GET", "/echo/{}", echo}, {"POST", "/echo/{}", echo}, {"GET", "/late", hold},     {"POST", "/late", hold},
	{"GET", "/fail", refuse},  {"GET", "/away", away},     {"GET", "/header", header}, {"GET", "/file", file},
};

static struct http_server *start(void)
{
	struct http_options options = {.address = "127.0.0.1",
				       .name = "test",
				       .routes = routes,
				       .route_count = sizeof(routes) / sizeof(routes[0]),
				       .body_max = BODY_MAX,
				       .bodies_max = BODY_MAX + BODY_MAX / 2,
				       .threads = 2,
				       .connections_max = 400};
	struct http_server *s = NULL;
	struct note note = {0};

	if (http_serve(&s, &options, &note) < 0)
		t_fail("%s", note.text);
	return s;
}

static struct arena arena;

static struct http_reply ask(struct http_client *c, struct http_server *s, const char *method, const char *path,
			     struct bytes body)
{
	struct bytes url = arena_printf(&arena, "http://127.0.0.1:%u%s", http_server_port(s), path);
	struct http_call call = {.method = method, .url = (const char *)url.ptr, .body = body};
	struct http_reply reply;
	struct note note = {0};

	if (http_wait(c, &arena, &call, &reply, &note) < 0)
		t_fail("%s", note.text);
	return reply;
}

TEST(requests_are_routed_decoded_and_answered)
{
	struct http_server *s = start();
	struct http_client *c = http_client_open(5000, NULL);
	struct http_reply r = ask(c, s, "GET", "/echo/a%20b?q=1%2B2&x", bytes_of(NULL, 0));

	t_u64(r.status, 200);
	t_text(r.body, "GET a b 1+2 ");
	r = ask(c, s, "POST", "/echo/z/", BYTES("body"));
	t_text(r.body, "POST z  body");
	t_u64(ask(c, s, "GET", "/nothing", bytes_of(NULL, 0)).status, 404);
	t_u64(ask(c, s, "DELETE", "/fail", bytes_of(NULL, 0)).status, 405);
	t_u64(ask(c, s, "GET", "/echo/%zz", bytes_of(NULL, 0)).status, 400);
	t_u64(ask(c, s, "OPTIONS", "/echo/x", bytes_of(NULL, 0)).status, 204);
	t_u64(ask(c, s, "HEAD", "/echo/x", bytes_of(NULL, 0)).status, 200);
	r = ask(c, s, "GET", "/file", bytes_of(NULL, 0));
	t_u64(r.status, 206);
	t_text(r.body, "ELF");
	r = ask(c, s, "GET", "/fail", bytes_of(NULL, 0));
	t_u64(r.status, 503);
	t_text(r.body, "{\"error\":\"not now\",\"code\":\"E_BUSY\",\"hint\":\"come back\"}");
	http_client_close(c);
	http_stop(s, 1000);
	arena_release(&arena);
}

TEST(bodies_are_limited)
{
	struct http_server *s = start();
	struct http_client *c = http_client_open(5000, NULL);
	struct buf body = BUF_EMPTY;
	struct http_reply r;

	memset(buf_grow(&body, BODY_MAX), 'x', BODY_MAX);
	r = ask(c, s, "POST", "/echo/a", buf_bytes(&body));
	t_u64(r.status, 200);
	t_u64(r.body.len, BODY_MAX + strlen("POST a  "));
	buf_put_u8(&body, 'x');
	r = ask(c, s, "POST", "/echo/a", buf_bytes(&body));
	t_u64(r.status, 413);
	buf_release(&body);
	http_client_close(c);
	http_stop(s, 1000);
	arena_release(&arena);
}

static void on_held(void *ctx, enum err e, const struct note *note, const struct http_reply *reply)
{
	atomic_store((atomic_int *)ctx, e == OK ? reply->status : -1);
}

/* Each body is within its limit; together they are not. */
TEST(all_bodies_together_are_limited)
{
	struct http_server *s = start();
	struct http_client *c = http_client_open(10000, NULL);
	struct bytes url = arena_printf(&arena, "http://127.0.0.1:%u/late", http_server_port(s));
	struct bytes body = bytes_of(arena_alloc(&arena, BODY_MAX), BODY_MAX);
	struct http_call call = {.method = "POST", .url = (const char *)url.ptr, .body = body};
	atomic_int status = 0;

	http_call(c, &call, on_held, &status);
	while (atomic_load(&late_count) == 0)
		clock_sleep_ms(1);
	t_u64(ask(c, s, "POST", "/echo/a", body).status, 503);
	t_u64(ask(c, s, "POST", "/echo/a", bytes_of(body.ptr, BODY_MAX / 4)).status, 200);
	http_answer(late[0], 200, HTTP_TEXT, BYTES(""));
	while (atomic_load(&status) == 0)
		clock_sleep_ms(1);
	t_u64(atomic_load(&status), 200);
	t_u64(ask(c, s, "POST", "/echo/a", body).status, 200);
	http_client_close(c);
	http_stop(s, 1000);
	arena_release(&arena);
}

static atomic_int answers;

static void on_late(void *ctx, enum err e, const struct note *note, const struct http_reply *reply)
{
	(void)ctx, (void)note;
	if (e == OK && reply->status == 200 && bytes_eq_str(reply->body, "late"))
		atomic_fetch_add(&answers, 1);
	else if (e == OK && reply->status == 503)
		atomic_fetch_add(&answers, 1000);
	else
		atomic_fetch_add(&answers, 1000000);
}

static void send_late(struct http_client *c, struct http_server *s, int n)
{
	struct bytes url = arena_printf(&arena, "http://127.0.0.1:%u/late", http_server_port(s));
	struct http_call call = {.method = "GET", .url = (const char *)url.ptr};

	for (int i = 0; i < n; i++)
		http_call(c, &call, on_late, NULL);
}

static void wait_for(atomic_int *counter, int n)
{
	for (int i = 0; i < 1000 && atomic_load(counter) < n; i++)
		clock_sleep_ms(5);
	t_u64(atomic_load(counter), n);
}

TEST(answers_may_come_later_from_any_thread)
{
	struct http_server *s = start();
	struct http_client *c = http_client_open(10000, NULL);

	/* The client keeps 64 connections to a host, so they come in waves. */
	send_late(c, s, LATE);
	for (int done = 0; done < LATE;) {
		int here = atomic_load(&late_count);
		for (; done < here; done++)
			http_answer(late[done], 200, HTTP_TEXT, BYTES("late"));
		clock_sleep_ms(2);
	}
	wait_for(&answers, LATE);
	http_client_close(c);
	http_stop(s, 1000);
	arena_release(&arena);
}

TEST(stopping_answers_those_that_wait)
{
	struct http_server *s = start();
	struct http_client *c = http_client_open(10000, NULL);

	send_late(c, s, 20);
	wait_for(&late_count, 20);
	http_stop(s, 50);
	wait_for(&answers, 20 * 1000);
	/* A handler that answers after all this only lets go. */
	for (int i = 0; i < 20; i++)
		http_answer(late[i], 200, HTTP_TEXT, BYTES("too late"));
	http_client_close(c);
	arena_release(&arena);
}

static int raw_connect(struct http_server *s)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(http_server_port(s)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct timeval limit = {0, 400000};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	must(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static void raw_write(int fd, const char *text)
{
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void raw_read(int fd, char *answer, size_t cap)
{
	size_t n = 0;
	ssize_t got;

	while (n < cap - 1 && (got = read(fd, answer + n, cap - 1 - n)) > 0)
		n += (size_t)got;
	answer[n] = 0;
	close(fd);
}

static void raw_ask(struct http_server *s, const char *text, char *answer, size_t cap)
{
	int fd = raw_connect(s);

	raw_write(fd, text);
	raw_read(fd, answer, cap);
}

static void *stop_now(void *s)
{
	http_stop(s, 0);
	return NULL;
}

TEST(a_request_whose_end_comes_while_the_server_stops_is_refused)
{
	struct http_server *s = start();
	int fd = raw_connect(s);
	pthread_t stopping;
	char answer[1000];

	raw_write(fd, "POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n1");
	clock_sleep_ms(100);
	must(pthread_create(&stopping, NULL, stop_now, s) == 0);
	clock_sleep_ms(150); /* handlers are given up by now, connections not yet */
	raw_write(fd, "2");
	raw_read(fd, answer, sizeof(answer));
	pthread_join(stopping, NULL);
	if (strncmp(answer, "HTTP/1.1 503 ", 13) != 0)
		t_fail("answered with: %s", answer);
}

TEST(malformed_requests_do_no_harm)
{
	static const char *const bad[] = {
		"\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTTP/9\r\n\r\n",
		"POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
		"POST /echo/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n"};
	struct http_server *s = start();
	struct http_client *c = http_client_open(5000, NULL);
	char answer[4096];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		raw_ask(s, bad[i], answer, sizeof(answer));
	raw_ask(s,
		"GET /echo/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		answer, sizeof(answer));
	t_check(strstr(answer, "GET 1") && strstr(answer, "GET 2"));
	t_u64(ask(c, s, "GET", "/echo/x", bytes_of(NULL, 0)).status, 200);
	http_client_close(c);
	http_stop(s, 1000);
	arena_release(&arena);
}

TEST(the_client_names_what_went_wrong)
{
	struct http_server *s = start();
	struct http_client *c = http_client_open(300, NULL);
	struct bytes url = arena_printf(&arena, "http://127.0.0.1:%u/late", http_server_port(s));
	struct http_call call = {.method = "GET", .url = (const char *)url.ptr};
	struct http_reply reply;
	struct note note = {0};

	t_err(http_wait(c, &arena, &call, &reply, &note), E_TIMEOUT);
	t_check(strstr(note.text, "/late") != NULL);
	call.url = (const char *)arena_printf(&arena, "http://127.0.0.1:%u/away", http_server_port(s)).ptr;
	t_ok(http_wait(c, &arena, &call, &reply, NULL));
	t_u64(reply.status, 307);
	t_check(bytes_ends(reply.location, "/echo/there?q=moved"));
	call.follow = true;
	t_ok(http_wait(c, &arena, &call, &reply, NULL));
	t_text(reply.body, "GET there moved ");
	call.answer_max = 5;
	t_err(http_wait(c, &arena, &call, &reply, NULL), E_LIMIT);
	http_stop(s, 10);
	note_reset(&note);
	t_err(http_wait(c, &arena, &call, &reply, &note), E_PEER);
	t_check(note.text[0] != 0);
	call.url = "ftp://127.0.0.1/x";
	t_err(http_wait(c, &arena, &call, &reply, NULL), E_PEER);
	http_client_close(c);
	arena_release(&arena);
}

/* How a call ended, and when. */
struct ended {
	atomic_bool done;
	enum err e;
	uint64_t at_ns;
};

static void on_end(void *ctx, enum err e, const struct note *note, const struct http_reply *reply)
{
	struct ended *end = ctx;

	(void)note;
	(void)reply;
	end->e = e;
	end->at_ns = clock_ns();
	atomic_store(&end->done, true);
}

static uint64_t ms_until(struct ended *end, uint64_t since_ns)
{
	while (!atomic_load(&end->done))
		clock_sleep_ms(1);
	return (end->at_ns - since_ns) / 1000000;
}

TEST(a_call_may_begin_later_unless_one_is_in_a_hurry)
{
	struct http_server *s = start();
	struct http_client *c = http_client_open(60000, NULL);
	const char *echo_url =
		(const char *)arena_printf(&arena, "http://127.0.0.1:%u/echo/x", http_server_port(s)).ptr;
	const char *late_url = (const char *)arena_printf(&arena, "http://127.0.0.1:%u/late", http_server_port(s)).ptr;
	struct http_call soon = {.method = "GET", .url = echo_url, .after_ms = 200},
			 late_one = {.method = "GET", .url = echo_url, .after_ms = 60000},
			 never = {.method = "GET", .url = late_url}, now = {.method = "GET", .url = echo_url};
	struct ended ends[5] = {0};
	uint64_t begin = clock_ns();

	http_call(c, &late_one, on_end, &ends[0]);
	http_call(c, &soon, on_end, &ends[1]);
	http_call(c, &never, on_end, &ends[2]);
	t_check(ms_until(&ends[1], begin) >= 200);
	t_ok(ends[1].e);
	t_check(!atomic_load(&ends[0].done) && !atomic_load(&ends[2].done));
	begin = clock_ns();
	http_client_hurry(c, 1000);
	t_check(ms_until(&ends[0], begin) < 1000);
	t_err(ends[0].e, E_CLOSED);
	http_call(c, &soon, on_end, &ends[3]);
	t_check(ms_until(&ends[3], begin) < 1000);
	t_err(ends[3].e, E_CLOSED);
	http_call(c, &now, on_end, &ends[4]); /* what need not wait still may */
	t_check(ms_until(&ends[4], begin) < 1000);
	t_ok(ends[4].e);
	t_check(ms_until(&ends[2], begin) >= 1000); /* in flight, with nobody answering */
	t_err(ends[2].e, E_CLOSED);
	http_client_close(c);
	http_stop(s, 10);
	arena_release(&arena);
}

TEST(two_servers_cannot_have_one_port)
{
	struct http_server *s = start(), *other = NULL;
	struct http_options options = {.address = "127.0.0.1",
				       .port = http_server_port(s),
				       .name = "other",
				       .routes = routes,
				       .route_count = 1,
				       .body_max = 1,
				       .threads = 1,
				       .connections_max = 10};
	struct note note = {0};

	t_err(http_serve(&other, &options, &note), E_IO);
	t_check(strstr(note.text, "in use") && note.hint[0]);
	http_stop(s, 10);
}

static struct http_reply try(const char *method, const char *target, struct bytes body)
{
	static const char *const headers[] = {"X-Other: 1", "Content-Type:text/x", NULL};
	struct http_options options = {
		.routes = routes, .route_count = sizeof(routes) / sizeof(routes[0]), .body_max = BODY_MAX};
	struct http_call call = {.method = method, .url = target, .headers = headers, .body = body};
	struct http_reply reply;

	http_try(&options, &arena, &call, &reply);
	return reply;
}

static void *answer_later(void *ctx)
{
	while (atomic_load(&late_count) == 0)
		clock_sleep_ms(1);
	http_answer(late[0], 200, HTTP_TEXT, BYTES("late"));
	return NULL;
}

TEST(a_request_from_memory_is_answered_like_any_other)
{
	struct http_reply r = try("GET", "/echo/a%20b?q=1%2B2&x", bytes_of(NULL, 0));
	struct buf body = BUF_EMPTY;
	pthread_t thread;

	t_u64(r.status, 200);
	t_text(r.body, "GET a b 1+2 ");
	t_text(r.content_type, HTTP_TEXT);
	t_text(try("POST", "/echo/z/", BYTES("body")).body, "POST z  body");
	t_u64(try("HEAD", "/echo/z", BYTES("")).body.len, 0);
	t_u64(try("GET", "/nothing", BYTES("")).status, 404);
	t_u64(try("DELETE", "/fail", BYTES("")).status, 405);
	t_u64(try("GET", "/echo/%zz", BYTES("")).status, 400);
	t_u64(try("OPTIONS", "/echo/x", BYTES("")).status, 204);
	t_text(try("GET", "/fail", BYTES("")).body,
	       "{\"error\":\"not now\",\"code\":\"E_BUSY\",\"hint\":\"come back\"}");
	t_text(try("GET", "/away", BYTES("")).location, "/echo/there?q=moved");
	t_text(try("GET", "/header", BYTES("")).body, "text/x");
	r = try("GET", "/file", BYTES(""));
	t_u64(r.status, 206);
	t_text(r.body, "ELF");
	memset(buf_grow(&body, BODY_MAX + 1), 'x', BODY_MAX + 1);
	t_u64(try("POST", "/echo/a", buf_bytes(&body)).status, 413);
	buf_release(&body);
	must(pthread_create(&thread, NULL, answer_later, NULL) == 0);
	t_text(try("GET", "/late", BYTES("")).body, "late");
	pthread_join(thread, NULL);
	arena_release(&arena);
}

TEST_MAIN
