/* SPDX-License-Identifier: MIT
 *
 * The unit's HTTP: pages and their cursors (ao-units 5.4, A.7), states, dry runs, and what wrong input gets.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cu/stage.h"
#include "http/http.h"
#include "test/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define NONE ((struct tags){NULL, 0})

static struct http_client *client;
static uint16_t port;
static struct http_reply reply;

static void serve(void)
{
	struct note note = {0};

	stage_open(store_open_memory(), t_dir());
	t_ok(cu_serve(stage.cu, "127.0.0.1", 0, &port, &note));
	client = http_client_open(20000, NULL);
}

static void unserve(void)
{
	http_client_close(client);
	stage_close();
}

static struct id spawn(void)
{
	const char *probe = getenv("WEFT_PROBE");

	if (!probe)
		t_fail("WEFT_PROBE names the module to test with");
	return stage_spawn(stage_module(probe, NONE), NONE, 0);
}

static int ask(const char *method, struct bytes body, const char *path)
{
	struct bytes url = arena_printf(&stage.arena, "http://127.0.0.1:%u%s", port, path);
	struct note note = {0};

	if (http_wait(client, &stage.arena,
		      &(struct http_call){.method = method, .url = arena_cstr(&stage.arena, url), .body = body}, &reply,
		      &note) < 0)
		t_fail("%s", note.text);
	return reply.status;
}

static int get(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int get(const char *format, ...)
{
	char path[600];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return ask("GET", bytes_of(NULL, 0), path);
}

static const struct json *body(void)
{
	const struct json *json;

	if (json_parse(&json, &stage.arena, reply.body, NULL) < 0)
		t_fail("not JSON: %.*s", BYTES_FMT(reply.body));
	return json;
}

/* Everything that is refused says why in JSON: a sentence, a code. */
static void refused(int status, const char *text)
{
	const struct json *json = body();
	struct bytes error = json_get_text(&stage.arena, json, "error");

	if (reply.status != status || !memmem(error.ptr, error.len, text, strlen(text)))
		t_fail("%d %.*s", reply.status, BYTES_FMT(reply.body));
	t_check(bytes_starts(json_get_text(&stage.arena, json, "code"), "E_"));
}

/* ---- pages ---- */

/* The Outputs of the page at hand, each with a blank after it. */
static struct bytes outputs(void)
{
	struct buf out = BUF_EMPTY;
	struct bytes copy;

	for (const struct json *e = json_get(body(), "edges")->first; e; e = e->next) {
		buf_put_bytes(&out, json_get_text(&stage.arena, json_get(e, "node"), "Output"));
		buf_put_u8(&out, ' ');
	}
	copy = arena_copy(&stage.arena, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static bool more(void)
{
	return json_truthy(json_get(json_get(body(), "pageInfo"), "hasNextPage"));
}

static const char *cursor(size_t i)
{
	return arena_cstr(&stage.arena, json_get_text(&stage.arena, json_at(json_get(body(), "edges"), i), "cursor"));
}

/* A cursor in a query. */
static const char *escaped(const char *text)
{
	struct buf out = BUF_EMPTY;
	const char *copy;

	for (; *text; text++)
		if (*text == '=' || *text == '+' || *text == '/')
			buf_printf(&out, "%%%02X", *text);
		else
			buf_put_u8(&out, (uint8_t)*text);
	copy = arena_cstr(&stage.arena, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static struct id five(void)
{
	struct id p = spawn(), last = p;

	for (int i = 0; i < 5; i++)
		last = stage_send(p, i == 2 ? "X" : "a", NONE);
	stage_output(p, last);
	return p;
}

TEST(a_page_has_the_shape_and_the_cursors_of_the_reference)
{
	struct id p;
	const char *pid;

	serve();
	p = five();
	pid = arena_cstr(&stage.arena, bytes_str(id_text(p).s));
	t_u64(get("/results/%s", pid), 200);
	/* The one that failed is not listed. */
	t_text(outputs(), "000001 000002 000003 000004 000005 ");
	t_check(bytes_starts(reply.body, "{\"pageInfo\":{\"hasNextPage\":false},\"edges\":[{\"node\":{\"Messages\":[],"
					 "\"Assignments\":[],\"Spawns\":[],\"Output\":\"000001\"},\"cursor\":\""));
	/* A.7's third vector. */
	t_str(cursor(1),
	      "eyJ0aW1lc3RhbXAiOjE3MDAwMDAwMDEwMDAsIm9yZGluYXRlIjoiMSIsImNyb24iOm51bGwsInNvcnQiOiJBU0MifQ==");
	t_u64(get("/results/%s?from=%s", pid, escaped(cursor(1))), 200);
	t_text(outputs(), "000003 000004 000005 ");
	/* Without the cron key, as older ones were. */
	t_u64(get("/results/%s?from=eyJ0aW1lc3RhbXAiOjE3MDAwMDAwMDEwMDAsIm9yZGluYXRlIjoiMSIsInNvcnQiOiJBU0MifQ%%3D%%3D",
		  pid),
	      200);
	t_text(outputs(), "000003 000004 000005 ");
	unserve();
}

TEST(pages_go_forward_and_back_with_limits)
{
	const char *pid, *at;

	serve();
	pid = arena_cstr(&stage.arena, bytes_str(id_text(five()).s));
	t_u64(get("/results/%s?limit=2", pid), 200);
	t_text(outputs(), "000001 000002 ");
	t_check(more());
	t_u64(get("/results/%s?limit=2&from=%s", pid, escaped(cursor(1))), 200);
	t_text(outputs(), "000003 000004 ");
	t_check(more());
	t_u64(get("/results/%s?limit=2&from=%s", pid, escaped(cursor(1))), 200);
	t_text(outputs(), "000005 ");
	t_check(!more());
	t_u64(get("/results/%s?limit=3&sort=DESC", pid), 200);
	t_text(outputs(), "000005 000004 000003 ");
	t_check(more());
	/* `to` includes; the order in a cursor wins over the query's. */
	at = escaped(cursor(2));
	t_u64(get("/results/%s?to=%s&sort=ASC", pid, at), 200);
	t_text(outputs(), "000003 000002 000001 ");
	t_u64(get("/results/%s?limit=0", pid), 200);
	t_text(outputs(), "");
	t_check(more());
	/* Timestamps: of the second message, in both directions. */
	t_u64(get("/results/%s?from=1700000001000&to=1700000002000", pid), 200);
	t_text(outputs(), "000002 000003 ");
	t_u64(get("/results/%s?from=%s", pid,
		  escaped("eyJ0aW1lc3RhbXAiOjE3MDAwMDAwMDUwMDAsIm9yZGluYXRlIjoiNSIsImNyb24iOm51bGwsInNvcnQiOiJBU0MifQ="
			  "=")),
	      200);
	t_text(outputs(), "");
	/* Of a process that nobody has heard of, nothing is known; that is no error. */
	t_u64(get("/results/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA"), 200);
	t_text(reply.body, "{\"pageInfo\":{\"hasNextPage\":false},\"edges\":[]}");
	unserve();
}

TEST(wrong_pages_are_refused)
{
	const char *pid;

	serve();
	pid = arena_cstr(&stage.arena, bytes_str(id_text(five()).s));
	get("/results/%s?from=yesterday", pid);
	refused(400, "a cursor is what a page gave");
	get("/results/%s?to=e30%%3D", pid); /* {} */
	refused(400, "a cursor is what a page gave");
	get("/results/%s?limit=many", pid);
	refused(400, "'limit': Expected number");
	get("/results/%s?limit=-1", pid);
	refused(400, "'limit': Expected number");
	get("/results/%s?sort=sideways", pid);
	refused(400, "'sort': Expected ASC or DESC");
	get("/results/x");
	refused(400, "'process-id'");
	get("/cron/x");
	refused(400, "'process-id'");
	get("/cron/%s?limit=x", pid);
	refused(400, "'limit': Expected number");
	get("/cron/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA");
	refused(404, "not found");
	unserve();
}

/* ---- results that are waited for ---- */

/* An ask that is on its way, and its answer. */
struct asked {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	int status;
	struct buf answer;
};

static void on_answer(void *ctx, enum err e, const struct note *note, const struct http_reply *got)
{
	struct asked *a = ctx;

	pthread_mutex_lock(&a->lock);
	a->done = true;
	a->status = e == OK ? got->status : 0;
	if (e == OK)
		buf_put_bytes(&a->answer, got->body);
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
}

static void ask_ahead(struct asked *a, struct id process, const char *query)
{
	struct bytes url = arena_printf(&stage.arena, "http://127.0.0.1:%u/results/%s?%s", port, id_text(process).s,
					query);

	*a = (struct asked){.answer = BUF_EMPTY};
	must(pthread_mutex_init(&a->lock, NULL) == 0 && pthread_cond_init(&a->wake, NULL) == 0);
	http_call(client, &(struct http_call){.method = "GET", .url = arena_cstr(&stage.arena, url)}, on_answer, a);
}

/* The answer becomes that of `body`. */
static int await(struct asked *a)
{
	pthread_mutex_lock(&a->lock);
	while (!a->done)
		pthread_cond_wait(&a->wake, &a->lock);
	pthread_mutex_unlock(&a->lock);
	reply.body = arena_copy(&stage.arena, buf_bytes(&a->answer));
	buf_release(&a->answer);
	return reply.status = a->status;
}

TEST(who_waits_gets_the_next_result_as_it_comes)
{
	struct asked first, second, other;
	struct id p, q;
	const char *from;

	stage.options.wait_ms_max = 3600000; /* none of them ends by its time */
	serve();
	p = five();
	q = spawn();
	from = arena_cstr(&stage.arena,
			  arena_printf(&stage.arena, "from=%s&sort=ASC&wait-ms=3600000", "1700000005000"));
	/* There is one already. */
	ask_ahead(&first, p, from);
	t_u64(await(&first), 200);
	t_text(outputs(), "000005 ");
	from = arena_cstr(&stage.arena, arena_printf(&stage.arena, "from=%s&wait-ms=3600000", "1700000005001"));
	ask_ahead(&first, p, from);
	ask_ahead(&second, p, from);
	ask_ahead(&other, q, "wait-ms=3600000");
	stage_output(p, stage_send(p, "a", NONE));
	t_u64(await(&first), 200);
	t_text(outputs(), "000006 ");
	t_u64(await(&second), 200);
	t_text(outputs(), "000006 ");
	stage_output(q, stage_send(q, "a", NONE));
	t_u64(await(&other), 200);
	t_check(json_get(body(), "edges")->count > 0);
	unserve();
}

TEST(waiting_ends_with_its_time_or_with_the_unit)
{
	struct asked asked;
	const char *pid;
	struct id p;

	stage.options.wait_ms_max = 3600000;
	serve();
	p = five();
	pid = arena_cstr(&stage.arena, bytes_str(id_text(p).s));
	t_u64(get("/results/%s?from=1800000000000&wait-ms=1", pid), 200);
	t_text(outputs(), "");
	t_u64(get("/results/%s?from=1800000000000&wait-ms=0", pid), 200);
	t_u64(get("/results/%s?from=1600000000000&sort=DESC&wait-ms=3600000", pid), 200);
	get("/results/%s?wait-ms=long", pid);
	refused(400, "'wait-ms': Expected number");
	ask_ahead(&asked, p, "from=1800000000000&wait-ms=3600000");
	stage_stop();
	/* It had come in, and is answered, or had not, and finds nobody. */
	t_check(await(&asked) == 200 || asked.status == 0 || asked.status == 503);
	http_client_close(client);
	stage_start();
	stage_close();
}

/* ---- results ---- */

static void *ask_for(void *path)
{
	get("%s", (const char *)path);
	return NULL;
}

TEST(who_waits_for_an_evaluation_without_end_holds_the_end_up_once)
{
	struct id p, m;
	uint64_t begin_ns;
	pthread_t asker;
	char path[200];

	stage.options.stop_grace_ms = 2000;
	serve();
	p = stage_spawn(stage_module(getenv("WEFT_PROBE"), stage_tags("Compute-Limit", "9000000000000", NULL)), NONE,
			0);
	get("/result/%s?process-id=%s", id_text(p).s, id_text(p).s);
	m = stage_send(p, "L", NONE);
	snprintf(path, sizeof(path), "/result/%s?process-id=%s", id_text(m).s, id_text(p).s);
	pthread_create(&asker, NULL, ask_for, path);
	clock_sleep_ms(500);
	begin_ns = clock_ns();
	stage_stop();
	t_check(clock_ns() - begin_ns < UINT64_C(3700000000));
	pthread_join(asker, NULL);
	t_u64((uint64_t)reply.status, 503);
	stage_start();
	unserve();
}

TEST(results_over_http)
{
	struct id p, m;
	const char *pid;

	serve();
	p = spawn();
	m = stage_send(p, "a", NONE);
	pid = arena_cstr(&stage.arena, bytes_str(id_text(p).s));
	t_u64(get("/result/%s?process-id=%s&no-busy=1", id_text(m).s, pid), 200);
	t_text(json_get_text(&stage.arena, body(), "Output"), "000002");
	t_bytes(reply.content_type, BYTES("application/json"));
	get("/result/%s", id_text(m).s);
	refused(400, "'process-id': Required.");
	get("/result/short?process-id=%s", pid);
	refused(400, "43 characters");
	get("/result/%s?process-id=short", id_text(m).s);
	refused(400, "'process-id'");
	get("/result/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA?process-id=%s", pid);
	refused(404, "Message or Process not found");
	get("/result/%s?process-id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA", id_text(m).s);
	refused(404, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA");
	stage.scheduler_away = true;
	m = stage_send(p, "a", NONE);
	get("/result/%s?process-id=%s", id_text(m).s, pid);
	refused(502, "the scheduler is away");
	stage.scheduler_away = false;
	t_u64(get("/result/%s?process-id=%s", id_text(m).s, pid), 200);
	unserve();
}

TEST(what_is_not_there_and_what_is_not_allowed)
{
	serve();
	t_u64(get("/"), 200);
	t_u64(json_get_text(&stage.arena, body(), "address").len, 43);
	t_check(json_get(body(), "timestamp")->kind == JSON_NUMBER);
	t_u64(get("/healthcheck"), 200);
	get("/nothing/here");
	refused(404, "");
	ask("POST", BYTES("x"), "/results/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA");
	refused(405, "");
	unserve();
}

/* ---- states ---- */

TEST(a_state_is_the_memory_as_it_is)
{
	struct id p;
	struct bytes memory;
	const char *pid;

	serve();
	p = spawn();
	stage_send(p, "a", NONE);
	pid = arena_cstr(&stage.arena, bytes_str(id_text(p).s));
	t_u64(get("/state/%s?to=1700000000500", pid), 200);
	memory = reply.body;
	t_u64(memory.len, 8 << 16);
	t_check(memcmp(memory.ptr + 1057, "000001", 6) == 0);
	t_u64(get("/state/%s", pid), 200);
	t_check(memcmp(reply.body.ptr + 1057, "000002", 6) == 0);
	get("/state/%s?to=1700000000500", pid);
	refused(425, "message at timestamp 1700000000500 not found cached, and earlier than latest known nonce 1");
	get("/state/%s?to=noon", pid);
	refused(400, "'to': Expected number");
	get("/state/short");
	refused(400, "'process-id'");
	get("/state/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA");
	refused(404, "");
	/* Dry runs and failures leave it, growth shows. */
	ask("POST", BYTES("{\"Owner\":\"o\",\"Tags\":[],\"Data\":\"G\"}"),
	    arena_cstr(&stage.arena, arena_printf(&stage.arena, "/dry-run?process-id=%s", pid)));
	t_u64(reply.status, 200);
	stage_send(p, "E", NONE);
	t_u64(get("/state/%s", pid), 200);
	t_check(memcmp(reply.body.ptr + 1057, "000002", 6) == 0);
	stage_send(p, "G", NONE);
	t_u64(get("/state/%s", pid), 200);
	t_u64(reply.body.len, 12 << 16);
	unserve();
}

/* ---- dry runs ---- */

TEST(dry_runs_over_http)
{
	struct id p;
	const char *path;

	serve();
	p = spawn();
	path = arena_cstr(&stage.arena, arena_printf(&stage.arena, "/dry-run?process-id=%s", id_text(p).s));
	t_u64(ask("POST", BYTES("{\"Owner\":\"o\",\"Tags\":[]}"), path), 200);
	t_text(json_get_text(&stage.arena, body(), "Output"), "000002");
	ask("POST", BYTES("\"text\""), path);
	refused(400, "'dryRun': Expected object");
	ask("POST", BYTES("{\"Owner\":\"o\",\"Tags\":7}"), path);
	refused(400, "tags");
	ask("POST", BYTES("{\"Owner\":\"o\",\"Tags\":[{\"name\":1}]}"), path);
	refused(400, "tag");
	ask("POST", BYTES("{\"Owner\":"), path);
	refused(400, "");
	ask("POST", BYTES(""), path);
	refused(400, "");
	ask("POST", BYTES("{}"), "/dry-run");
	refused(400, "'process-id': Required.");
	ask("POST", BYTES("{\"Owner\":\"o\",\"Tags\":[]}"),
	    "/dry-run?process-id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA");
	refused(404, "");
	unserve();
}

TEST_MAIN
