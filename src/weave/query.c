/* SPDX-License-Identifier: MIT */
#include "weave/query.h"

#include "weave/unit.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- one request ---- */

static int complain(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(struct buf *out, const char *format, ...)
{
	struct jw w = jw_on(out);
	char message[600];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);

	jw_object(&w);
	jw_key(&w, "errors");
	jw_array(&w);
	jw_object(&w);
	jw_member(&w, "message", bytes_str(message));
	jw_key(&w, "extensions");
	jw_object(&w);
	jw_member(&w, "code", BYTES("BAD_REQUEST"));
	jw_object_end(&w);
	jw_object_end(&w);
	jw_array_end(&w);
	jw_object_end(&w);
	return 400;
}

static int answer_one(struct buf *out, struct arena *a, struct store *store, struct id nonce,
		      const struct gql_request *request)
{
	struct looking looking = {.store = store, .nonce = nonce};

	if (request->query.len == 0)
		return complain(out, "GraphQL operations must contain a non-empty `query`.");
	if (request->variables && request->variables->kind != JSON_OBJECT && request->variables->kind != JSON_NULL)
		return complain(out, "`variables` in a POST body should be provided as an object, not a recursively "
				     "JSON-encoded string.");
	return gql_execute(out, a, &weave_schema, request, &looking);
}

static int answer_object(struct buf *out, struct arena *a, struct store *store, struct id nonce,
			 const struct json *object)
{
	struct gql_request request = {.query = json_get_text(a, object, "query"),
				      .variables = json_get(object, "variables"),
				      .operation = json_get_text(a, object, "operationName")};

	if (object->kind != JSON_OBJECT || object->count == 0)
		return complain(out, "POST body missing, invalid Content-Type, or JSON object has no keys.");
	return answer_one(out, a, store, nonce, &request);
}

/* The answers of a batch are a list; the worst status is the batch's. */
static int answer_batch(struct buf *out, struct arena *a, struct store *store, struct id nonce, const struct json *list)
{
	int worst = 200;

	if (list->count == 0 || list->count > GRAPHQL_BATCH_MAX)
		return complain(out, "A batch is a list of 1 to %d requests.", GRAPHQL_BATCH_MAX);
	buf_put_str(out, "[");
	for (const struct json *one = list->first; one; one = one->next) {
		int status;
		if (one != list->first)
			buf_put_str(out, ",");
		status = answer_object(out, a, store, nonce, one);
		worst = status > worst ? status : worst;
	}
	buf_put_str(out, "]");
	return worst;
}

int query_answer(struct buf *out, struct arena *a, struct store *store, struct id nonce, struct bytes body)
{
	const struct json *json;
	struct note note = {0};

	if (body.len == 0)
		return complain(out, "POST body missing, invalid Content-Type, or JSON object has no keys.");
	if (body.len > GRAPHQL_BODY_MAX)
		return complain(out, "The request is larger than %d bytes.", GRAPHQL_BODY_MAX);
	if (json_parse(&json, a, body, &note) < 0)
		return complain(out, "Bad Request: %s", note.text);
	return json->kind == JSON_ARRAY ? answer_batch(out, a, store, nonce, json)
					: answer_object(out, a, store, nonce, json);
}

/* ---- HTTP ---- */

void query_post(void *ctx, struct http_request *r)
{
	struct local_weave *w = ctx;
	struct buf out = BUF_EMPTY;
	int status = query_answer(&out, http_arena(r), w->store, chain_nonce(w->chain), http_body(r));

	http_answer_buf(r, status, HTTP_JSON, &out);
}

static int hex_digit(uint8_t c)
{
	return isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* A parameter of a form: here, unlike in our own paths, '+' is a blank (WHATWG URL, 5.1). */
static struct bytes form_value(struct arena *a, struct bytes target, const char *name)
{
	struct bytes rest, pair, value;
	uint8_t *out;
	size_t len = 0;

	bytes_cut(target, '?', &rest);
	while (rest.len) {
		pair = bytes_cut(rest, '&', &rest);
		if (!bytes_eq_str(bytes_cut(pair, '=', &value), name))
			continue;
		out = arena_alloc(a, value.len);
		for (size_t i = 0; i < value.len; i++) {
			uint8_t c = value.ptr[i];
			if (c == '%' && i + 2 < value.len && isxdigit(value.ptr[i + 1]) && isxdigit(value.ptr[i + 2])) {
				c = (uint8_t)(hex_digit(value.ptr[i + 1]) << 4 | hex_digit(value.ptr[i + 2]));
				i += 2;
			} else if (c == '+') {
				c = ' ';
			}
			out[len++] = c;
		}
		return bytes_of(out, len);
	}
	return bytes_of(NULL, 0);
}

void query_get(void *ctx, struct http_request *r)
{
	struct local_weave *w = ctx;
	struct arena *a = http_arena(r);
	struct gql_request request = {.query = form_value(a, http_target(r), "query"),
				      .operation = form_value(a, http_target(r), "operationName")};
	struct bytes variables = form_value(a, http_target(r), "variables");
	struct buf out = BUF_EMPTY;
	int status;

	if (variables.len && json_parse(&request.variables, a, variables, NULL) < 0)
		status = complain(&out, "Variables are invalid JSON.");
	else
		status = answer_one(&out, a, w->store, chain_nonce(w->chain), &request);
	http_answer_buf(r, status, HTTP_JSON, &out);
}
