/* SPDX-License-Identifier: MIT
 *
 * Any requests to a compute unit, through its routes and handlers: whatever a client sends, each request is answered,
 * no answer blames the unit (5xx), and an error is JSON with its code. The unit has a process with some results, whose module
 * is of a format that nobody reads, so that nothing is ever evaluated here.
 *
 * An input is a row of requests: a byte that says which method, two bytes of length (little endian), and so many
 * bytes: the target, up to the first zero, and the body. In a target `$` stands for the id of the process and `#` for
 * that of its message.
 */
#include "cu/unit.h"
#include "flow/nouns.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MAX = 12, BODY_MAX = 65536 };

static const struct id process = {{1}}, message = {{2}}, module = {{3}};
static struct arena texts;
static struct cu *cu;

/* ---- a scheduler that knows one process, and a weave that knows its module ---- */

static void find_assignment(void *self, struct id of, struct bytes id, assignment_done *done, void *ctx)
{
	done(ctx, E_NOT_FOUND, NULL, NULL);
}

static void give_page(void *self, struct id of, struct range range, page_done *done, void *ctx)
{
	done(ctx, OK, NULL, &(struct page){0});
}

static void give_process(void *self, struct id of, process_done *done, void *ctx)
{
	struct tag tags[] = {{BYTES("Data-Protocol"), BYTES("ao")},
			     {BYTES("Type"), BYTES("Process")},
			     {BYTES("Module"), bytes_str(id_text(module).s)}};
	struct process_info info = {.message = {.tags = {tags, 3}}, .timestamp_ms = 1};

	if (id_eq(of, process))
		done(ctx, OK, NULL, &info);
	else
		done(ctx, E_NOT_FOUND, NULL, NULL);
}

static void give_now(void *self, struct id of, now_done *done, void *ctx)
{
	done(ctx, OK, NULL, 1, 1);
}

static void find(void *self, const struct weave_query *query, weave_find_done *done, void *ctx)
{
	struct weave_meta meta = {.id = query->id_count ? query->ids[0] : bytes_of(NULL, 0)};

	done(ctx, OK, NULL, &meta, query->id_count && bytes_eq_str(meta.id, id_text(module).s));
}

static void give_data(void *self, struct bytes id, weave_data_done *done, void *ctx)
{
	done(ctx, OK, NULL, BYTES("no module"));
}

static void fill(struct store *s)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	struct result r = {.json = result_empty()};

	for (uint64_t i = 0; i < 6; i++) {
		struct result_key key = {.timestamp_ms = 1000 + i / 2, .ordinate = i / 3, .cron = (uint32_t)(i % 3)};
		r.cron_name = key.cron ? BYTES("0-10-seconds") : bytes_of(NULL, 0);
		r.failed = i == 4;
		result_put(&b, process, &key, &r);
		if (i == 0)
			result_put_id(&b, process, message, &key);
	}
	must(store_commit_wait(s, &b) == OK);
}

/* One unit for all inputs: it has no history that an input could change. */
static void start(void)
{
	static const struct scheduler scheduler = {.self = &texts,
						   .assignment = find_assignment,
						   .page = give_page,
						   .process = give_process,
						   .now = give_now};
	static const struct weave weave = {.self = &texts, .find = find, .data = give_data};
	struct cu_options options = {.store = store_open_memory(), .weave = weave};
	struct key *key;

	options.locate = locate_open(&(struct locate_options){.weave = weave, .home = scheduler});
	must(key_new(&key, SIGN_ED25519, NULL) == OK);
	options.key = key;
	options.evaluations_max = 2;
	options.wait_ms_max = 1;
	fill(options.store);
	must(cu_open(&cu, &options, NULL) == OK);
}

/* ---- a client ---- */

static void ask(struct arena *a, const char *method, const char *target, struct bytes body)
{
	struct http_options options = {
		.routes = cu_routes, .route_count = cu_route_count, .ctx = cu, .body_max = BODY_MAX};
	struct http_call call = {.method = method, .url = target, .body = body};
	const struct json *json;
	struct http_reply reply;

	http_try(&options, a, &call, &reply);
	must(reply.status >= 200 && reply.status < 500);
	if (strcmp(method, "HEAD") == 0 || reply.body.len == 0)
		return;
	must(json_parse(&json, a, reply.body, NULL) == OK);
	if (reply.status >= 300)
		must(json_get_text(a, json, "error").len && json_get_text(a, json, "code").len);
}

static const char *expand(struct arena *a, struct bytes target)
{
	struct buf out = BUF_EMPTY;
	const char *copy;

	for (size_t i = 0; i < target.len; i++)
		if (target.ptr[i] == '$' || target.ptr[i] == '#')
			buf_put_str(&out, id_text(target.ptr[i] == '$' ? process : message).s);
		else
			buf_put_u8(&out, target.ptr[i]);
	copy = arena_cstr(a, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"};
	struct bytes in = bytes_of(data, size);
	struct arena a = ARENA_EMPTY;

	if (!cu)
		start();
	for (int i = 0; i < REQUESTS_MAX && in.len >= 3; i++) {
		size_t len = get_u16le(in.ptr + 1);
		const char *method = methods[in.ptr[0] % 6];
		struct bytes request, target, body;
		in = bytes_from(in, 3);
		request = bytes_of(in.ptr, len < in.len ? len : in.len);
		in = bytes_from(in, request.len);
		target = bytes_cut(request, 0, &body);
		ask(&a, method, expand(&a, target), body);
		arena_reset(&a);
	}
	arena_release(&a);
	return 0;
}
