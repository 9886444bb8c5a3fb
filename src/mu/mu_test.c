/* SPDX-License-Identifier: MIT
 *
 * The message unit between a scheduler, a computer and a weave that can be made to fail (fakes.inc), asked over HTTP.
 */
#include "base/text.h"
#include "http/http.h"
#include "mu/fakes.inc"
#include "mu/queue.h"
#include "test/test.h"

#include <unistd.h>

/* ---- the network ---- */

/* Answers everything that was held. */
static void net_release(void)
{
	struct held *list = malloc(sizeof(net.held));
	size_t count;

	must(list != NULL);
	pthread_mutex_lock(&net.lock);
	net.hold = false;
	count = net.held_count;
	memcpy(list, net.held, count * sizeof(*list));
	net.held_count = 0;
	pthread_mutex_unlock(&net.lock);
	for (size_t i = 0; i < count; i++)
		net_answer_result(list[i].process, list[i].id, list[i].done, list[i].ctx);
	free(list);
}

static size_t net_count(struct id process)
{
	size_t n = 0;

	pthread_mutex_lock(&net.lock);
	for (size_t i = 0; i < net.count; i++)
		n += id_eq(net.list[i].process, process);
	pthread_mutex_unlock(&net.lock);
	return n;
}

/* A number of the network's that its threads change. */
static size_t net_read(const size_t *number)
{
	size_t n;

	pthread_mutex_lock(&net.lock);
	n = *number;
	pthread_mutex_unlock(&net.lock);
	return n;
}

/* ---- over HTTP ---- */

static struct http_client *client;
static uint16_t bound;

static void start(struct store *on)
{
	struct note note = {0};

	if (!net.pool)
		net_open();
	unit_open(on);
	t_ok(mu_serve(mu, "127.0.0.1", 0, &bound, &note));
	if (!client)
		client = http_client_open(10000, NULL);
}

static void stop(void)
{
	unit_close();
	http_client_close(client);
	client = NULL;
}

static int ask(const char *method, const char *path, struct bytes body, struct bytes *answer)
{
	static const char *const headers[] = {"Content-Type: application/octet-stream", NULL};
	char url[1024];
	struct http_reply reply;
	struct note note = {0};

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", bound, path);
	if (http_wait(client, &arena,
		      &(struct http_call){.method = method, .url = url, .headers = headers, .body = body}, &reply,
		      &note) < 0)
		t_fail("%s", note.text);
	*answer = reply.body;
	return reply.status;
}

static const struct json *ask_json(const char *method, const char *path, struct bytes body, int status)
{
	const struct json *json;
	struct note note = {0};
	struct bytes answer;
	int got = ask(method, path, body, &answer);

	if (got != status || json_parse(&json, &arena, answer, &note) < 0)
		t_fail("%s %s: %d %.*s %s", method, path, got, BYTES_FMT(answer), note.text);
	return json;
}

static const struct json *post(struct bytes item, int status)
{
	return ask_json("POST", "/", item, status);
}

/* Posts a message whose result is `data`, and returns its id. */
static struct id send(struct id process, const char *data)
{
	struct id id;
	const struct json *answer = post(make_message(&id, process, data), 202);

	t_text(json_get_text(&arena, answer, "message"), "Processing DataItem");
	t_text(json_get_text(&arena, answer, "id"), id_text(id).s);
	return id;
}

static bool is_idle(void)
{
	static const char *const counts[] = {"posted", "checking", "sending", "pulling", "writing"};
	const struct json *health = ask_json("GET", "/health", bytes_of(NULL, 0), 200);
	uint64_t n, sum = 0;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		t_check(json_u64(json_get(health, counts[i]), &n));
		sum += n;
	}
	return sum == 0;
}

#define WAIT_FOR(condition)                                       \
	for (int tries_ = 0; !(condition); tries_++) {            \
		if (tries_ > 20000)                               \
			t_fail("waited in vain for " #condition); \
		clock_sleep_ms(1);                                \
	}

static void wait_idle(void)
{
	/* What a result leads to is put in line a moment after it has left it. */
	for (int quiet = 0; quiet < 3; quiet = is_idle() ? quiet + 1 : 0)
		clock_sleep_ms(3);
}

/* The n-th thing that the scheduler has of a process; 0 is the process. */
static struct entry_seen *at(struct id process, size_t n)
{
	for (size_t i = 0; i < net.count; i++)
		if (id_eq(net.list[i].process, process) && net.list[i].nonce == n)
			return &net.list[i];
	t_fail("the process has no entry %zu", n);
	return NULL;
}

static struct item item_at(struct id process, size_t n)
{
	struct note note = {0};
	struct item item;

	t_ok(item_parse(&item, &arena, at(process, n)->item, &note));
	t_ok(item_verify(&item, &note));
	return item;
}

/* "Name=value" lines, to compare whole lists of tags. */
static struct bytes tag_lines(struct tags tags)
{
	struct buf lines = BUF_EMPTY;
	struct bytes copy;

	for (size_t i = 0; i < tags.count; i++)
		buf_printf(&lines, "%.*s=%.*s\n", BYTES_FMT(tags.list[i].name), BYTES_FMT(tags.list[i].value));
	copy = arena_copy(&arena, buf_bytes(&lines));
	buf_release(&lines);
	return copy;
}

static const char *text_of(struct id id)
{
	return arena_cstr(&arena, bytes_str(id_text(id).s));
}

static const char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));
static const char *format(const char *pattern, ...)
{
	struct buf out = BUF_EMPTY;
	struct bytes copy;
	va_list args;

	va_start(args, pattern);
	buf_vprintf(&out, pattern, args);
	va_end(args);
	copy = arena_copy(&arena, buf_bytes(&out));
	buf_release(&out);
	return (const char *)copy.ptr;
}

/* A result with `count` messages "0", "1", ... to `target`. */
static const char *messages_to(struct id target, int count)
{
	struct buf out = BUF_EMPTY;
	struct bytes copy;

	buf_put_str(&out, "{\"Messages\":[");
	for (int i = 0; i < count; i++)
		buf_printf(&out, "%s{\"Target\":\"%s\",\"Data\":\"%d\",\"Tags\":[]}", i ? "," : "", text_of(target), i);
	buf_put_str(&out, "]}");
	copy = arena_copy(&arena, buf_bytes(&out));
	buf_release(&out);
	return (const char *)copy.ptr;
}

static const struct json *traces(const char *query)
{
	return json_get(ask_json("GET", format("/?debug=1&%s", query), bytes_of(NULL, 0), 200), "edges");
}

static const struct json *trace_at(const struct json *edges, size_t n)
{
	return json_get(json_at(edges, n), "node");
}

/* ---- the queue ---- */

static struct id id_n(uint8_t n)
{
	struct id id = {{n}};

	return id;
}

TEST(queue_keeps_lanes_in_order_and_lets_senders_take_turns)
{
	struct queue *q = queue_new(100, SIZE_MAX);
	struct entry a[3] = {{0}}, b[2] = {{0}}, c = {0};

	for (int i = 0; i < 3; i++)
		queue_put(q, id_n(1), id_n(9), &a[i]);
	for (int i = 0; i < 2; i++)
		queue_put(q, id_n(1), id_n(8), &b[i]);
	queue_put(q, id_n(2), id_n(9), &c);
	t_u64(queue_count(q), 6);
	t_u64(queue_count_of(q, id_n(1)), 5);
	t_check(queue_take(q) == &a[0]);
	t_check(queue_take(q) == &c); /* the other sender comes before the first one's second lane */
	t_check(queue_take(q) == &b[0]);
	t_check(queue_take(q) == NULL);
	queue_pause(q, &a[0]);
	t_check(queue_take(q) == NULL);
	queue_resume(q, &a[0]);
	t_check(queue_take(q) == &a[0]);
	queue_end(q, &a[0]);
	t_check(queue_take(q) == &a[1]);
	queue_end(q, &b[0]);
	queue_end(q, &c);
	t_u64(queue_count_of(q, id_n(2)), 0);
	t_check(queue_take(q) == &b[1]);
	queue_end(q, &a[1]);
	queue_end(q, &b[1]);
	t_check(queue_take(q) == &a[2]);
	queue_end(q, &a[2]);
	t_u64(queue_count(q), 0);
	queue_free(q, NULL);
}

TEST(queue_sorts_by_order_and_keeps_its_window)
{
	struct queue *q = queue_new(2, 100);
	struct entry e[5] = {{.order = 5}, {.order = 7}, {.order = 6}, {.bytes = 90}, {.bytes = 20}};

	queue_put(q, id_n(1), id_n(1), &e[0]);
	queue_put(q, id_n(1), id_n(1), &e[1]);
	queue_put(q, id_n(1), id_n(1), &e[2]);
	for (size_t i = 0; i < 3; i++) {
		static const size_t sorted[] = {0, 2, 1};
		t_check(queue_take(q) == &e[sorted[i]]);
		queue_end(q, &e[sorted[i]]);
	}
	queue_put(q, id_n(1), id_n(2), &e[3]);
	queue_put(q, id_n(2), id_n(2), &e[4]);
	t_check(queue_take(q) == &e[3]);
	t_check(queue_take(q) == NULL); /* 110 bytes */
	queue_end(q, &e[3]);
	t_check(queue_take(q) == &e[4]);
	queue_put(q, id_n(3), id_n(3), &e[0]);
	queue_put(q, id_n(4), id_n(4), &e[1]);
	t_check(queue_take(q) == &e[0]);
	t_check(queue_take(q) == NULL); /* two at once */
	queue_end(q, &e[0]);
	t_check(queue_take(q) == &e[1]);
	queue_end(q, &e[1]);
	queue_end(q, &e[4]);
	queue_free(q, NULL);
}

/* ---- posting ---- */

TEST(a_message_posted_twice_is_one_message)
{
	struct id process, id;
	struct bytes item;

	start(store_open_memory());
	process = net_spawn("p");
	item = make_message(&id, process, "");
	for (int i = 0; i < 3; i++) {
		const struct json *answer = post(item, 202);
		t_text(json_get_text(&arena, answer, "message"), "Processing DataItem");
		t_text(json_get_text(&arena, answer, "id"), id_text(id).s);
	}
	wait_idle();
	post(item, 202);
	wait_idle();
	t_u64(net_count(process), 2);
	t_u64(at(process, 1)->evaluated, 1);
	t_bytes(at(process, 1)->item, item);
	stop();
}

TEST(what_another_unit_scheduled_is_not_pushed_again)
{
	struct id process, id;
	struct bytes item;
	const struct json *answer;

	start(store_open_memory());
	process = net_spawn("p");
	item = make_message(&id, process, "");
	net_add(process, id)->item = item;
	answer = post(item, 400);
	t_text(json_get_text(&arena, answer, "code"), "E_EXISTS");
	t_check(bytes_starts(json_get_text(&arena, answer, "error"), "Message already exists"));
	wait_idle();
	t_u64(at(process, 1)->evaluated, 0);
	t_u64(traces(format("process=%s", text_of(process)))->count, 0);
	stop();
}

static void refused(struct bytes item, int status, const char *code, const char *text)
{
	const struct json *answer = post(item, status);
	struct bytes error = json_get_text(&arena, answer, "error");

	t_text(json_get_text(&arena, answer, "code"), code);
	if (!memmem(error.ptr, error.len, text, strlen(text)))
		t_fail("\"%.*s\" does not say \"%s\"", BYTES_FMT(error), text);
}

TEST(what_is_no_message_is_refused_and_leaves_no_trace)
{
	struct tag_list tags = tag_list_on(&arena);
	struct id process, stranger = {{1, 2, 3}}, id;
	struct buf broken = BUF_EMPTY;

	start(store_open_memory());
	process = net_spawn("p");
	refused(BYTES(""), 400, "E_FORMAT", "A valid and signed data item must be provided as the body");
	refused(BYTES("garbage"), 400, "E_FORMAT", "A valid and signed data item must be provided as the body");
	buf_put_bytes(&broken, make_message(&id, process, "m"));
	broken.ptr[broken.len - 1] ^= 1;
	refused(buf_bytes(&broken), 400, "E_SIGNATURE", "A valid and signed data item must be provided");
	buf_release(&broken);

	refused(make_message(&id, stranger, "m"), 404, "E_NOT_FOUND", id_text(stranger).s);
	refused(make(&id, bytes_of(process.b, 32), tag_list_tags(&tags), ""), 400, "E_ARGUMENT",
		"Tag 'Data-Protocol': must contain 'ao'");
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Letter");
	refused(make(&id, bytes_of(process.b, 32), tag_list_tags(&tags), ""), 400, "E_ARGUMENT",
		"Tag 'Type': must be either 'Process' or 'Message'");
	tag_list_add_str(&tags, "Type", "Process");
	refused(make(&id, bytes_of(NULL, 0), tag_list_tags(&tags), ""), 400, "E_ARGUMENT",
		"No Scheduler tag found on 'Process' DataItem");
	tag_list_add_str(&tags, "Scheduler", "nobody");
	refused(make(&id, bytes_of(NULL, 0), tag_list_tags(&tags), ""), 404, "E_NOT_FOUND", "nobody");
	tags.count = 1;
	tag_list_add_str(&tags, "Type", "Message");
	refused(make(&id, bytes_of(NULL, 0), tag_list_tags(&tags), ""), 400, "E_ARGUMENT", "the message has no target");

	net.error = E_ARGUMENT;
	net.refuse = 1;
	refused(make_message(&id, process, "m"), 400, "E_ARGUMENT", "the scheduler is made to fail");
	wait_idle();
	t_u64(net_count(process), 1);
	t_u64(traces(format("process=%s", text_of(process)))->count, 0);
	post(make_message(&id, process, "m"), 202); /* the same message is taken after all */
	wait_idle();
	t_u64(at(process, 1)->evaluated, 1);
	stop();
}

TEST(nonsense_over_http_gets_a_4xx)
{
	static const struct {
		const char *method, *path;
		int status;
		const char *error;
	} asks[] = {
		{"POST", "/?process-id=x", 400, "You must set both process-id and assign"},
		{"POST", "/?assign=x", 400, "You must set both process-id and assign"},
		{"POST", "/?process-id=x&assign=y", 400, "'process-id' is not an id"},
		{"POST", "/?process-id=" MODULE "&assign=y", 400, "'assign' is not an id"},
		{"POST", "/?process-id=" MODULE "&assign=" MODULE "&exclude=a%26b", 400, "'exclude' is not a list"},
		{"POST", "/?process-id=" MODULE "&assign=" MODULE, 404, MODULE},
		{"POST", "/monitor/xyz", 400, "Signed data item is required"},
		{"DELETE", "/monitor/" MODULE, 400, "Signed data item is required"},
		{"POST", "/push/x/y?process-id=z", 400, "'number' parameter must be a valid number"},
		{"POST", "/push/x/1?process-id=z", 400, "43 characters"},
		{"POST", "/push/" MODULE "/1", 400, "'process-id'"},
		{"POST", "/push/" MODULE "/1?process-id=" MODULE, 404, "no such message"},
		{"POST", "/tasks/x", 400, "not the number of a task"},
		{"POST", "/tasks/77", 404, "has failed"},
		{"GET", "/tasks?state=odd", 400, "pending or failed"},
		{"GET", "/tasks?limit=-1", 400, "'limit'"},
		{"GET", "/?debug=1", 400, "'process' is missing"},
		{"GET", "/?debug=1&process=x", 400, "'process' is not an id"},
		{"GET", "/?debug=1&message=a&spawn=b", 422, "Only one of message, assign, or spawn"},
		{"GET", "/nothing", 404, "/nothing"},
		{"PUT", "/", 405, "PUT"},
	};

	start(store_open_memory());
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		const struct json *answer = ask_json(asks[i].method, asks[i].path, bytes_of(NULL, 0), asks[i].status);
		struct bytes error = json_get_text(&arena, answer, "error");
		if (!memmem(error.ptr, error.len, asks[i].error, strlen(asks[i].error)))
			t_fail("%s %s: \"%.*s\"", asks[i].method, asks[i].path, BYTES_FMT(error));
	}
	t_u64(net.count, 0);
	stop();
}

TEST(the_root_says_who_it_is)
{
	static const char *const headers[] = {"Accept: application/json", NULL};
	struct http_reply reply;
	const struct json *json;
	struct note note = {0};
	struct bytes body;
	char url[64];

	start(store_open_memory());
	t_u64(ask("GET", "/", bytes_of(NULL, 0), &body), 200);
	t_text(body, "ao messenger unit");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", bound);
	t_ok(http_wait(client, &arena, &(struct http_call){.method = "GET", .url = url, .headers = headers}, &reply,
		       &note));
	t_ok(json_parse(&json, &arena, reply.body, &note));
	t_text(json_get_text(&arena, json, "address"), id_text(key_address(mu_key)).s);
	stop();
}

TEST(a_full_unit_says_so)
{
	struct id process, other, id;
	const struct json *answer;

	options.posted_max = 6;
	start(store_open_memory());
	process = net_spawn("p");
	other = net_spawn("q");
	net.hold = true;
	send(process, "1");
	send(process, "2");
	answer = post(make_message(&id, process, "3"), 503); /* a process takes a quarter, rounded up */
	t_text(json_get_text(&arena, answer, "code"), "E_BUSY");
	send(other, "4");
	send(other, "5");
	send(net_spawn("r"), "6");
	send(net_spawn("s"), "7");
	post(make_message(&id, net_spawn("t"), "8"), 503);
	net_release();
	wait_idle();
	send(process, "3");
	wait_idle();
	t_u64(net_count(process), 4);
	stop();
}

/* ---- what processes send ---- */

TEST(pushed_messages_have_the_tags_of_the_reference)
{
	struct id p, q, root;
	struct item item;

	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	root = send(
		p,
		format("{\"Messages\":[{\"Target\":\"%s\",\"Anchor\":\"00000000000000000000000000000042\",\"Data\":"
		       "\"h\\u00e9llo\",\"Tags\":[{\"name\":\"Data-Protocol\",\"value\":\"ao\"},{\"name\":\"Variant\","
		       "\"value\":\"ao.TN.1\"},{\"name\":\"Type\",\"value\":\"Message\"},{\"name\":\"Reference\","
		       "\"value\":\"42\"},{\"name\":\"From-Process\",\"value\":\"a lie\"},{\"name\":\"From-Module\","
		       "\"value\":\"a lie\"},{\"name\":\"Assignments\",\"value\":\"x\"},{\"name\":\"Pushed-For\","
		       "\"value\":\"a lie\"},{\"name\":\"Action\",\"value\":\"Hi\"}]},"
		       "{\"Target\":\"%s\",\"Tags\":[],\"Data\":null}],\"Error\":\"and an error\"}",
		       text_of(q), text_of(q)));
	wait_idle();
	t_u64(net_count(q), 3);
	item = item_at(q, 1);
	t_bytes(item.target, bytes_of(q.b, 32));
	t_text(item.anchor, "00000000000000000000000000000042");
	t_text(item.data, "h\xc3\xa9llo");
	t_bytes(item.owner, key_owner(mu_key));
	t_text(tag_lines(item.tags),
	       format("Variant=ao.TN.1\nReference=42\nAction=Hi\nData-Protocol=ao\nType=Message\nFrom-Process=%s\n"
		      "From-Module=" MODULE "\nPushed-For=%s\n",
		      text_of(p), text_of(root)));
	item = item_at(q, 2);
	t_text(item.data, " ");
	t_u64(item.anchor.len, 32);
	t_u64(at(q, 1)->evaluated, 1);
	t_u64(at(q, 2)->evaluated, 1);
	stop();
}

TEST(a_spawn_becomes_a_process_and_its_parent_is_told)
{
	struct id p, child, root;
	struct item item;
	char list[1000];

	snprintf(
		list, sizeof(list),
		"[{\"name\":\"Data-Protocol\",\"value\":\"ao\"},{\"name\":\"Variant\",\"value\":\"ao.TN.1\"},{\"name\":"
		"\"Type\",\"value\":\"Process\"},{\"name\":\"From-Process\",\"value\":\"x\"},{\"name\":\"From-Module\","
		"\"value\":\"y\"},{\"name\":\"Module\",\"value\":\"%s\"},{\"name\":\"Reference\",\"value\":\"7\"},{"
		"\"name\":\"Authority\",\"value\":\"me\"}]",
		MODULE);
	start(store_open_memory());
	p = net_spawn("p");
	root = send(
		p,
		format("{\"Spawns\":[{\"Data\":\"%s\",\"Anchor\":\"00000000000000000000000000000007\",\"Tags\":%s}]}",
		       "{}", list));
	wait_idle();
	t_u64(net_count(p), 3);
	item = item_at(p, 2);
	t_ok(id_parse(&child, tags_get(item.tags, "Process")));
	t_text(tag_lines(item.tags),
	       format("From-Process=%s\nFrom-Module=" MODULE "\nModule=" MODULE
		      "\nReference=7\nAuthority=me\nData-Protocol=ao\nType=Message\nProcess=%s\nAction=Spawned\n"
		      "Variant=ao.TN.1\n",
		      text_of(p), text_of(child)));
	t_bytes(item.target, bytes_of(p.b, 32));
	t_text(item.data, " ");
	t_u64(item.anchor.len, 0);
	item = item_at(child, 0);
	t_text(tag_lines(item.tags),
	       format("Variant=ao.TN.1\nFrom-Module=" MODULE "\nModule=" MODULE
		      "\nReference=7\nAuthority=me\nVariant=ao.TN.1\nData-Protocol=ao\nType=Process\nFrom-Process=%s\n"
		      "Pushed-For=%s\nScheduler=%s\n",
		      text_of(p), text_of(root), text_of(su_address)));
	t_u64(item.target.len, 0);
	t_text(item.data, "{}");
	t_u64(at(child, 0)->evaluated, 1); /* its own first result was pulled */
	t_u64(at(p, 2)->evaluated, 1);
	stop();
}

TEST(what_a_child_sends_first_is_pushed_too)
{
	struct id p, child;

	start(store_open_memory());
	p = net_spawn("p");
	send(p, format("{\"Spawns\":[{\"Data\":\"{\\\"Messages\\\":[{\\\"Target\\\":\\\"%s\\\",\\\"Tags\\\":[],"
		       "\\\"Data\\\":"
		       "\\\"born\\\"}]}\",\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}]}]}",
		       text_of(p)));
	wait_idle();
	t_u64(net_count(p), 4);
	for (size_t n = 2; n < 4; n++) {
		struct item item = item_at(p, n);
		if (bytes_eq_str(tags_get(item.tags, "Action"), "Spawned"))
			t_ok(id_parse(&child, tags_get(item.tags, "Process")));
		else
			t_text(item.data, "born");
	}
	t_u64(at(child, 0)->evaluated, 1);
	stop();
}

TEST(two_equal_spawns_are_two_processes)
{
	struct id p, one, two;

	start(store_open_memory());
	p = net_spawn("p");
	send(p, "{\"Spawns\":[{\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}]},{\"Tags\":[{\"name\":\"Module\","
		"\"value\":\"m\"}]}]}");
	wait_idle();
	t_u64(net_count(p), 4);
	t_ok(id_parse(&one, tags_get(item_at(p, 2).tags, "Process")));
	t_ok(id_parse(&two, tags_get(item_at(p, 3).tags, "Process")));
	t_check(!id_eq(one, two));
	stop();
}

TEST(assignments_go_to_each_process)
{
	struct id p, q, r, message;

	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	r = net_spawn("r");
	memset(message.b, 9, 32);
	send(p, format("{\"Assignments\":[{\"Processes\":[\"%s\",\"%s\"],\"Message\":\"%s\",\"BaseLayer\":true,"
		       "\"Exclude\":["
		       "\"Data\",\"Anchor\"]},{\"Processes\":[\"%s\"],\"Message\":\"%s\"}]}",
		       text_of(q), text_of(r), text_of(message), text_of(r), text_of(p)));
	wait_idle();
	t_u64(net_count(q), 2);
	t_u64(net_count(r), 3);
	t_check(id_eq(at(q, 1)->assigned, message));
	t_check(at(q, 1)->assign.base_layer);
	t_text(at(q, 1)->assign.exclude, "Data,Anchor");
	t_check(id_eq(at(r, 1)->assigned, message));
	t_check(id_eq(at(r, 2)->assigned, p));
	t_check(!at(r, 2)->assign.base_layer);
	t_u64(at(r, 2)->evaluated, 1);
	stop();
}

TEST(an_assign_that_is_posted_is_answered_with_its_assignment)
{
	struct id p, message;
	const struct json *answer;
	const char *path;

	start(store_open_memory());
	p = net_spawn("p");
	memset(message.b, 9, 32);
	path = format("/?process-id=%s&assign=%s&base-layer&exclude=Data", text_of(p), text_of(message));
	answer = ask_json("POST", path, bytes_of(NULL, 0), 202);
	t_text(json_get_text(&arena, answer, "message"), "Processing Assignment");
	wait_idle();
	t_text(json_get_text(&arena, answer, "id"), id_text(at(p, 1)->id).s);
	t_check(at(p, 1)->assign.base_layer);
	t_text(at(p, 1)->assign.exclude, "Data");
	t_u64(at(p, 1)->evaluated, 1);
	ask_json("POST", path, bytes_of(NULL, 0), 400);
	wait_idle();
	t_u64(net_count(p), 2);
	answer = traces(format("process=%s&assign=%s", text_of(p), text_of(message)));
	t_u64(answer->count, 1);
	t_text(json_get_text(&arena, trace_at(answer, 0), "assignmentId"), id_text(at(p, 1)->id).s);
	t_text(json_get_text(&arena, trace_at(answer, 0), "state"), "done");
	stop();
}

TEST(a_process_that_is_posted_with_a_target_is_assigned_to_it)
{
	struct tag_list tags = tag_list_on(&arena);
	struct id p, child;

	start(store_open_memory());
	p = net_spawn("p");
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Type", "Process");
	tag_list_add_str(&tags, "Module", MODULE);
	tag_list_add_str(&tags, "Scheduler", text_of(su_address));
	post(make(&child, bytes_of(p.b, 32), tag_list_tags(&tags), ""), 202);
	wait_idle();
	t_u64(at(child, 0)->evaluated, 1);
	t_u64(net_count(p), 2);
	t_check(id_eq(at(p, 1)->assigned, child));
	stop();
}

TEST(messages_to_a_wallet_go_to_the_weave)
{
	struct id p, wallet, plain;
	struct item item;

	start(store_open_memory());
	p = net_spawn("p");
	memset(wallet.b, 5, 32);
	memset(plain.b, 6, 32);
	net.known[net.known_count++] = plain;
	net.fail_put = 2;
	send(p, messages_to(wallet, 3));
	send(p, messages_to(plain, 1));
	wait_idle();
	t_u64(net.put_count, 4);
	for (int i = 0; i < 4; i++) {
		t_ok(item_parse(&item, &arena, net.put[i], NULL));
		t_ok(item_verify(&item, NULL));
		t_text(tags_get(item.tags, "From-Process"), text_of(p));
	}
	t_u64(net.count, 3);
	t_text(json_get_text(&arena, trace_at(traces(format("process=%s", text_of(wallet))), 0), "state"), "done");
	stop();
}

TEST(what_cannot_be_sent_does_not_hold_up_the_rest)
{
	struct id p, q;
	const struct json *edges;
	struct buf big = BUF_EMPTY;
	size_t dropped = 0;

	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	for (int i = 0; i < 5000; i++)
		buf_put_u8(&big, 'x');
	send(p,
	     format("{\"Messages\":[{\"Target\":\"bad\",\"Tags\":[]},{\"Target\":7,\"Tags\":[]},"
		    "{\"Target\":\"%s\",\"Tags\":[{\"name\":\"n\",\"value\":1}]},{\"Target\":\"%s\",\"Tags\":{}},"
		    "{\"Target\":\"%s\",\"Tags\":[],\"Anchor\":\"short\"},{\"Target\":\"%s\",\"Tags\":[],\"Data\":{}},"
		    "{\"Target\":\"%s\",\"Tags\":[{\"name\":\"n\",\"value\":\"%s\"}]},"
		    "{\"Tags\":[{\"name\":\"device\",\"value\":{}}],\"Data\":\"for other readers\"},5,"
		    "{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"good\"}],"
		    "\"Spawns\":[{\"Tags\":[]},{\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}]}],"
		    "\"Assignments\":[{\"Processes\":\"x\",\"Message\":\"%s\"},{\"Processes\":[\"x\",\"%s\"],"
		    "\"Message\":"
		    "\"%s\",\"Exclude\":\"\"},{\"Processes\":[\"%s\"],\"Message\":\"%s\",\"Exclude\":\"a&b\"}]}",
		    text_of(q), text_of(q), text_of(q), text_of(q), text_of(q), buf_str(&big), text_of(q), text_of(p),
		    text_of(q), text_of(p), text_of(q), text_of(p)));
	buf_release(&big);
	wait_idle();
	t_u64(net_count(q), 3);
	t_text(item_at(q, 1).data, "good");
	t_check(id_eq(at(q, 2)->assigned, p));
	t_u64(net_count(p), 3); /* itself, the message, Spawned */
	for (int kind = 0; kind < 3; kind++) {
		static const char *const kinds[] = {"", "&assign=", "&spawn="};
		edges = traces(format("process=%s&page-size=50%s", text_of(p), kinds[kind]));
		for (size_t i = 0; i < edges->count; i++)
			dropped += bytes_eq_str(json_get_text(&arena, trace_at(edges, i), "state"), "dropped");
	}
	t_u64(dropped, 12);
	stop();
}

/* ---- order, retries ---- */

static void check_numbers(struct id process, size_t first, int count)
{
	for (int i = 0; i < count; i++)
		t_text(item_at(process, first + (size_t)i).data, format("%d", i));
}

TEST(what_one_process_sends_another_arrives_in_order)
{
	struct id p, q, r;

	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	r = net_spawn("r");
	net.hold = true;
	send(p, messages_to(q, 100));
	send(p, messages_to(r, 100));
	send(p, format("%s ", messages_to(q, 100))); /* the same again, as another message */
	net.refuse = 5;
	net.lose = 5;
	net_release();
	wait_idle();
	t_u64(net_count(q), 201);
	t_u64(net_count(r), 101);
	check_numbers(q, 1, 100);
	check_numbers(q, 101, 100);
	check_numbers(r, 1, 100);
	for (size_t i = 1; i <= 200; i++)
		t_u64(at(q, i)->evaluated, 1);
	stop();
}

TEST(trying_again_sends_nothing_twice)
{
	struct id p, q, child, message;

	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	memset(message.b, 9, 32);
	net.hold = true;
	send(p, format("{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[]}],\"Spawns\":[{\"Tags\":[{\"name\":\"Module\","
		       "\"value\":"
		       "\"m\"}]}],\"Assignments\":[{\"Processes\":[\"%s\"],\"Message\":\"%s\"}]}",
		       text_of(q), text_of(q), text_of(message)));
	net.lose = 4; /* each of the four is scheduled, and nobody hears of it */
	net.fail_result = 3;
	net_release();
	wait_idle();
	t_u64(net_count(q), 3);
	t_u64(net_count(p), 3);
	t_ok(id_parse(&child, tags_get(item_at(p, 2).tags, "Process")));
	t_u64(net_count(child), 1);
	t_u64(at(q, 1)->evaluated, 1);
	t_u64(at(q, 2)->evaluated, 1);
	t_u64(at(child, 0)->evaluated, 1);
	stop();
}

TEST(what_is_given_up_is_kept_and_can_be_tried_again)
{
	struct id p, q, root, id;
	const struct json *tasks;
	uint64_t n;

	options.tries_max = 3;
	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	net.error = E_WORKER;
	net.fail_result = 3;
	root = send(p, messages_to(q, 2));
	wait_idle();
	t_u64(net_count(q), 1);
	tasks = json_get(ask_json("GET", "/tasks?state=failed", bytes_of(NULL, 0), 200), "tasks");
	t_u64(tasks->count, 1);
	t_text(json_get_text(&arena, json_at(tasks, 0), "messageId"), id_text(root).s);
	t_text(json_get_text(&arena, json_at(tasks, 0), "error"), "the computer is made to fail");
	t_text(json_get_text(&arena, trace_at(traces(format("message=%s", text_of(root))), 0), "state"), "failed");
	t_check(json_u64(json_get(json_at(tasks, 0), "id"), &n));
	ask_json("POST", format("/tasks/%" PRIu64, n), bytes_of(NULL, 0), 202);
	wait_idle();
	t_u64(net_count(q), 3);
	t_u64(json_get(ask_json("GET", "/tasks?state=failed", bytes_of(NULL, 0), 200), "tasks")->count, 0);
	t_text(json_get_text(&arena, trace_at(traces(format("message=%s", text_of(root))), 0), "state"), "done");

	/* Or by posting the message again. */
	struct bytes item = make_message(&id, p, messages_to(q, 1));
	net.fail_result = 3;
	post(item, 202);
	wait_idle();
	t_u64(net_count(q), 3);
	post(item, 202);
	wait_idle();
	t_u64(net_count(q), 4);
	stop();
}

TEST(a_post_whose_answer_is_lost_is_cranked_if_it_arrived)
{
	struct id p, q, id;
	const struct json *answer;
	struct bytes item;

	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	item = make_message(&id, p, messages_to(q, 1));
	net.lose = 1;
	answer = post(item, 502);
	t_text(json_get_text(&arena, answer, "code"), "E_PEER");
	post(item, 202); /* whether it is checked by now or not */
	wait_idle();
	post(item, 202);
	wait_idle();
	t_u64(net_count(q), 2);
	t_u64(at(p, 1)->evaluated, 1);

	/* One that did not arrive is forgotten. */
	item = make_message(&id, q, "never");
	net.error = E_PEER;
	net.refuse = 1;
	post(item, 502);
	wait_idle();
	t_u64(net_count(q), 2);
	t_u64(json_get(ask_json("GET", "/tasks?state=failed", bytes_of(NULL, 0), 200), "tasks")->count, 0);
	t_u64(traces(format("message=%s", text_of(id)))->count, 0);

	/* An assign likewise. */
	net.lose = 1;
	ask_json("POST", format("/?process-id=%s&assign=%s", text_of(q), text_of(id)), bytes_of(NULL, 0), 502);
	wait_idle();
	t_u64(net_count(q), 3);
	t_u64(at(q, 2)->evaluated, 1);
	stop();
}

TEST(two_processes_play_ball)
{
	struct id p, q;

	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	send(p, format("{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"ball 199 \"}]}", text_of(q)));
	WAIT_FOR(net_count(p) == 102 && net_count(q) == 101);
	wait_idle();
	for (size_t i = 0; i < 100; i++) {
		t_text(item_at(q, i + 1).data, format("ball %zu ", 199 - 2 * i));
		t_text(item_at(p, i + 2).data, format("ball %zu ", 198 - 2 * i));
	}
	stop();
}

TEST(a_runaway_does_not_hold_up_others)
{
	struct id p, q, r, s;

	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	r = net_spawn("r");
	s = net_spawn("s");
	send(p, format("{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"ball 999999999 \"}]}", text_of(q)));
	send(q, messages_to(p, 2000));
	WAIT_FOR(net_count(p) > 20);
	send(r, messages_to(s, 10));
	WAIT_FOR(net_count(s) == 11);
	check_numbers(s, 1, 10);
	stop(); /* in the middle of it */
}

TEST(many_wait_at_once_and_closing_does_not_wait_for_them)
{
	struct id process[500];

	start(store_open_memory());
	net.hold = true;
	for (int i = 0; i < 500; i++) {
		process[i] = net_spawn(format("%d", i));
		send(process[i], "");
	}
	WAIT_FOR(net_read(&net.held_count) == 500);
	t_check(!is_idle());
	stop();
	net_release(); /* answers that nobody waits for any more */
	t_u64(at(process[0], 1)->evaluated, 1);
}

/* ---- crons ---- */

TEST(a_monitored_process_has_its_crons_pushed_once)
{
	struct tags none = {0};
	struct id p, q, ignored;
	struct bytes item, body, stranger;
	struct key *mine;
	const char *path;
	struct item sent;
	size_t asked;

	options.monitor_ms = 1;
	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	for (int n = 0; n < 3; n++)
		snprintf(net.cron[n], sizeof(net.cron[n]), "{\"cursor\":\"%d\",\"node\":%s}", n + 1,
			 messages_to(q, n + 1));
	net.cron_pages = 3;
	path = format("/monitor/%s", text_of(p));
	item = make(&ignored, bytes_of(p.b, 32), none, " ");
	ask_json("DELETE", path, item, 404);
	ask_json("POST", path, make(&ignored, bytes_of(q.b, 32), none, " "), 400); /* for another process */
	t_u64(ask("POST", path, item, &body), 200);
	t_text(body, "Monitoring process");
	t_text(json_get_text(&arena, ask_json("POST", path, item, 400), "error"), "Process already being monitored");
	WAIT_FOR(net_count(q) == 7);
	sent = item_at(q, 6);
	t_text(sent.data, "2");
	t_check(!tags_has(sent.tags, "Pushed-For"));
	t_text(tags_get(sent.tags, "From-Process"), text_of(p));
	asked = net_read(&net.cron_asked);
	WAIT_FOR(net_read(&net.cron_asked) > asked + 3);
	t_u64(net_count(q), 7);

	mine = client_key;
	t_ok(key_new(&client_key, SIGN_ED25519, NULL));
	stranger = make(&ignored, bytes_of(p.b, 32), none, " ");
	key_free(client_key);
	client_key = mine;
	ask_json("DELETE", path, stranger, 403);
	t_u64(ask("DELETE", path, item, &body), 200);
	t_text(body, "Process deleted");
	ask_json("DELETE", path, item, 404);
	pthread_mutex_lock(&net.lock);
	snprintf(net.cron[3], sizeof(net.cron[3]), "{\"cursor\":\"4\",\"node\":%s}", messages_to(q, 1));
	net.cron_pages = 4;
	pthread_mutex_unlock(&net.lock);
	clock_sleep_ms(20);
	t_u64(net_count(q), 7);
	t_u64(ask("POST", path, item, &body), 200); /* goes on where it was */
	WAIT_FOR(net_count(q) == 8);
	ask_json("POST", format("/monitor/%s", MODULE), make(&ignored, bytes_of(at(p, 0)->id.b, 32), none, " "), 400);
	stop();
}

/* ---- traces ---- */

TEST(traces_say_where_a_message_went)
{
	struct id p, q, root, sent;
	const struct json *edges, *page;

	options.traces_max = 400;
	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	root = send(p, format("{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"ball 2 \"}]}", text_of(q)));
	wait_idle();
	sent = item_at(q, 1).id;
	edges = traces(format("message=%s", text_of(sent)));
	t_u64(edges->count, 4);
	t_text(json_get_text(&arena, trace_at(edges, 0), "relation"), "root");
	t_text(json_get_text(&arena, trace_at(edges, 0), "messageId"), id_text(sent).s);
	t_text(json_get_text(&arena, trace_at(edges, 0), "processId"), id_text(q).s);
	t_text(json_get_text(&arena, trace_at(edges, 0), "parentId"), id_text(root).s);
	t_text(json_get_text(&arena, trace_at(edges, 0), "type"), "MESSAGE");
	t_text(json_get_text(&arena, trace_at(edges, 1), "relation"), "ancestor");
	t_text(json_get_text(&arena, trace_at(edges, 1), "messageId"), id_text(root).s);
	t_text(json_get_text(&arena, trace_at(edges, 1), "wallet"), id_text(key_address(client_key)).s);
	t_text(json_get_text(&arena, trace_at(edges, 1), "ip"), "127.0.0.1");
	t_text(json_get_text(&arena, trace_at(edges, 2), "relation"), "descendant");
	t_text(json_get_text(&arena, trace_at(edges, 3), "processId"), id_text(q).s);

	send(p, messages_to(q, 1500));
	wait_idle();
	page = ask_json("GET", format("/?debug=1&process=%s&page-size=7&page=2", text_of(q)), bytes_of(NULL, 0), 200);
	t_check(json_truthy(json_get(json_get(page, "pageInfo"), "hasNextPage")));
	edges = json_get(page, "edges");
	t_u64(edges->count, 7);
	t_text(json_get_text(&arena, trace_at(edges, 0), "messageId"), id_text(item_at(q, 1502 - 7).id).s);
	/* Only the newest are kept. */
	for (int i = 0; i < 600; i++)
		send(p, format("%d", i));
	wait_idle();
	t_u64(traces(format("message=%s", text_of(sent)))->count, 0);
	stop();
}

TEST(a_result_can_be_pushed_again)
{
	struct id p, q, root;
	const struct json *answer;

	start(store_open_memory());
	p = net_spawn("p");
	q = net_spawn("q");
	/* Something that another unit scheduled and did not push. */
	struct bytes item = make_message(&root, p, messages_to(q, 3));
	net_add(p, root)->item = item;
	answer = ask_json("POST", format("/push/%s/1?process-id=%s", text_of(root), text_of(p)), bytes_of(NULL, 0),
			  202);
	t_text(json_get_text(&arena, answer, "message"), "Processing Message Result");
	wait_idle();
	t_u64(net_count(q), 2);
	t_text(item_at(q, 1).data, "1");
	t_text(tags_get(item_at(q, 1).tags, "Pushed-For"), id_text(root).s);
	ask_json("POST", format("/push/%s/1?process-id=%s", text_of(root), text_of(p)), bytes_of(NULL, 0), 202);
	wait_idle();
	t_u64(net_count(q), 2);
	answer = ask_json("POST", format("/push/%s/3?process-id=%s", text_of(root), text_of(p)), bytes_of(NULL, 0),
			  400);
	t_text(json_get_text(&arena, answer, "error"), "Message number does not exist in the result.");
	stop();
}

/* ---- crashes ---- */

static struct store *open_disk(const char *directory)
{
	struct store *disk;
	struct note note = {0};

	if (store_open_local(&disk, directory, NULL, &note) < 0)
		t_fail("%s", note.text);
	return disk;
}

TEST(what_was_answered_is_cranked_after_a_restart)
{
	char directory[256];
	struct id p, q, child;

	snprintf(directory, sizeof(directory), "%s/mu", t_dir());
	start(open_disk(directory));
	p = net_spawn("p");
	q = net_spawn("q");
	net.hold = true;
	send(p, messages_to(q, 5));
	send(p, "{\"Spawns\":[{\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}]}]}");
	stop();
	net_release();
	start(open_disk(directory));
	WAIT_FOR(net_count(q) == 6 && net_count(p) == 4);
	wait_idle();
	check_numbers(q, 1, 5);
	t_ok(id_parse(&child, tags_get(item_at(p, 3).tags, "Process")));
	t_u64(net_count(child), 1);
	stop();
	start(open_disk(directory)); /* nothing is left to do */
	t_check(is_idle());
	wait_idle();
	t_u64(net_count(q), 6);
	t_u64(net_count(p), 4);
	stop();
}

/* One run of everything over a disk that refuses from the n-th write on; then a good one. */
static bool run_with_crash(uint64_t writes)
{
	char directory[256];
	struct id p, q, r, message, first, second;
	struct bytes items[2], answer;
	int status[2];

	snprintf(directory, sizeof(directory), "%s/mu%" PRIu64, t_dir(), writes);
	net.count = 0;
	memset(message.b, 9, 32);
	start(store_open_faulty(open_disk(directory), writes));
	p = net_spawn("p");
	q = net_spawn("q");
	r = net_spawn("r");
	items[0] = make_message(
		&first, p,
		format("{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"ball 3 \"},{\"Target\":\"%s\","
		       "\"Tags\":[],\"Data\":\"1\"}],\"Spawns\":[{\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}"
		       "]}],\"Assignments\":[{\"Processes\":[\"%s\"],\"Message\":\"%s\"}]}",
		       text_of(q), text_of(r), text_of(r), text_of(message)));
	items[1] = make_message(&second, p, messages_to(r, 2));
	for (int i = 0; i < 2; i++)
		status[i] = ask("POST", "/", items[i], &answer);
	clock_sleep_ms(writes * 2); /* the later the write, the further it should get */
	stop();

	start(open_disk(directory));
	wait_idle();
	for (int i = 0; i < 2; i++) {
		if (status[i] != 202)
			post(items[i], 202); /* its sender tries again */
	}
	wait_idle();
	/* Whatever broke, each thing was sent once, and all of it. */
	t_u64(net_count(p), 1 + 2 + 1 + 2);
	t_u64(net_count(q), 1 + 2);
	t_u64(net_count(r), 1 + 2 + 2);
	t_u64(net.count, 6 + 3 + 5 + 1);
	stop();
	return status[0] == 202 && status[1] == 202;
}

TEST_TIMEOUT(a_disk_that_fails_at_any_write_loses_and_doubles_nothing, 120)
{
	bool whole = false;

	for (uint64_t writes = 0; writes < 30; writes++)
		whole = run_with_crash(writes);
	t_check(whole); /* the later ones got through both posts */
}

TEST(crons_go_on_after_a_restart)
{
	char directory[256];
	struct tags none = {0};
	struct id p, q, ignored;
	struct bytes body;

	snprintf(directory, sizeof(directory), "%s/mu", t_dir());
	options.monitor_ms = 1;
	start(open_disk(directory));
	p = net_spawn("p");
	q = net_spawn("q");
	snprintf(net.cron[0], sizeof(net.cron[0]), "{\"cursor\":\"1\",\"node\":%s}", messages_to(q, 2));
	net.cron_pages = 1;
	t_u64(ask("POST", format("/monitor/%s", text_of(p)), make(&ignored, bytes_of(p.b, 32), none, " "), &body), 200);
	WAIT_FOR(net_count(q) == 3);
	stop();
	pthread_mutex_lock(&net.lock);
	snprintf(net.cron[1], sizeof(net.cron[1]), "{\"cursor\":\"2\",\"node\":%s}", messages_to(q, 1));
	net.cron_pages = 2;
	pthread_mutex_unlock(&net.lock);
	start(open_disk(directory));
	WAIT_FOR(net_count(q) == 4);
	wait_idle();
	t_u64(net_count(q), 4);
	stop();
}

TEST_MAIN
