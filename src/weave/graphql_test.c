/* SPDX-License-Identifier: MIT
 *
 * GraphQL: what real clients send over the data set of the weave vectors, whose answers were made
 * by graphql-js over a reference resolver; then what no client should send.
 */
#include "base/text.h"
#include "store/store.h"
#include "test/test.h"
#include "weave/query.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct store *store;
static const struct id nonce = {{1, 2, 3, 4}};

/* ---- the data set ---- */

/* Some values of the set are random characters, with bits set beyond the last byte. */
static struct bytes un64(struct bytes text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t spare = text.len * 6 % 8, len;
	char *copy = arena_cstr(&arena, text);
	uint8_t *out = arena_alloc(&arena, text.len);

	if (text.len) {
		long last = strchr(alphabet, copy[text.len - 1]) - alphabet;
		copy[text.len - 1] = alphabet[last >> spare << spare];
	}
	t_ok(b64url_decode(out, text.len, &len, bytes_of(copy, text.len)));
	return bytes_of(out, len);
}

static struct bytes text_of(const struct json *object, const char *key)
{
	return json_get_text(&arena, object, key);
}

static uint64_t number_of(const struct json *object, const char *key)
{
	uint64_t n = 0;

	json_u64(json_get(object, key), &n);
	return n;
}

static void read_id(struct id *out, struct bytes text)
{
	if (text.len)
		memcpy(out->b, un64(text).ptr, 32);
}

static void load_transaction(struct store_batch *b, const struct json *t, uint64_t sequence)
{
	struct record r = {.kind = RECORD_ITEM,
			   .sequence = sequence,
			   .received_ms = number_of(t, "ingested_at") * 1000,
			   .signature_type = (uint16_t)number_of(t, "signatureType"),
			   .signature = un64(text_of(t, "signature")),
			   .owner = un64(text_of(t, "owner_key")),
			   .target = un64(text_of(t, "recipient")),
			   .anchor = un64(text_of(t, "anchor")),
			   .quantity = text_of(t, "quantity"),
			   .reward = text_of(t, "fee")};
	uint64_t size;

	t_check(bytes_u64(text_of(t, "data_size"), &size));
	r.data_size = size;
	read_id(&r.id, text_of(t, "id"));
	read_id(&r.owner_address, text_of(t, "owner_address"));
	read_id(&r.parent, text_of(t, "bundledIn"));
	t_ok(tags_of_json(&r.tags, &arena, json_get(t, "tags"), NULL));
	record_put(b, &r);
}

/* The transactions stand in the order of their heights and places, the pending one last. */
static void load(const struct json *dataset)
{
	const struct json *t = json_get(dataset, "transactions")->first;
	struct store_batch b = STORE_BATCH_EMPTY;
	uint64_t sequence = 0;

	store = store_open_memory();
	for (const struct json *j = json_get(dataset, "blocks")->first; j; j = j->next) {
		struct block block = {.height = number_of(j, "height"),
				      .timestamp = number_of(j, "timestamp"),
				      .sequence_first = sequence};
		memcpy(block.id, un64(text_of(j, "id")).ptr, BLOCK_ID_SIZE);
		if (block.height)
			memcpy(block.previous, un64(text_of(j, "previous")).ptr, BLOCK_ID_SIZE);
		for (; t && json_get(t, "height")->kind == JSON_NUMBER && number_of(t, "height") == block.height;
		     t = t->next)
			load_transaction(&b, t, sequence++);
		block.sequence_end = sequence;
		block_put(&b, &block);
	}
	for (; t; t = t->next)
		load_transaction(&b, t, sequence++);
	t_u64(sequence, json_get(dataset, "transactions")->count);
	t_ok(store_commit_wait(store, &b));
}

static const struct json *vectors(void)
{
	static struct buf file;
	const char *path = t_data("golden/weave-vectors.json");
	const struct json *all, *graphql;

	if (!path)
		return NULL;
	file = t_file(path);
	t_ok(json_parse(&all, &arena, buf_bytes(&file), NULL));
	graphql = json_get(all, "graphql");
	load(json_get(graphql, "dataset"));
	return graphql;
}

/* ---- comparing ---- */

static bool same_text(struct bytes got, struct bytes want)
{
	if (bytes_eq_str(want, "<opaque>"))
		return got.len > 0;
	if (want.len == 86 && got.len == 86)
		got.len = want.len = 85;
	return bytes_eq(got, want);
}

static bool same(const struct json *got, const struct json *want)
{
	const struct json *g, *w;

	if (!got || !want || got->kind != want->kind || got->count != want->count)
		return false;
	if (got->kind == JSON_STRING)
		return same_text(got->raw, want->raw);
	if (got->kind == JSON_NUMBER)
		return bytes_eq(got->raw, want->raw);
	for (g = got->first, w = want->first; g && w; g = g->next, w = w->next)
		if (!bytes_eq(g->key, w->key) || !same(g, w))
			return false;
	return !g && !w;
}

static const struct json *ask(struct bytes body, int *status)
{
	struct buf out = BUF_EMPTY;
	const struct json *answer;

	*status = query_answer(&out, &arena, store, nonce, body);
	t_ok(json_parse(&answer, &arena, arena_copy(&arena, buf_bytes(&out)), NULL));
	buf_release(&out);
	return answer;
}

static struct bytes body_of(const char *query)
{
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);
	struct bytes copy;

	jw_object(&w);
	jw_member(&w, "query", bytes_str(query));
	jw_object_end(&w);
	copy = arena_copy(&arena, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static const struct json *query(const char *text)
{
	int status;
	const struct json *answer = ask(body_of(text), &status);

	if (status != 200 || json_get(answer, "errors"))
		t_fail("%s: %d %.*s", text, status, BYTES_FMT(json_whole(answer)));
	return json_get(answer, "data");
}

/* The message of the error that a query gives. */
static const char *refused(const char *text, int want_status)
{
	int status;
	const struct json *answer = ask(body_of(text), &status);

	t_u64((unsigned)status, (unsigned)want_status);
	return arena_cstr(&arena, text_of(json_at(json_get(answer, "errors"), 0), "message"));
}

static void is(const char *text, const char *want)
{
	const struct json *got = query(text), *wanted;

	t_ok(json_parse(&wanted, &arena, bytes_str(want), NULL));
	if (!same(got, wanted))
		t_fail("%s\n gave %.*s\n want %s", text, BYTES_FMT(json_whole(got)), want);
}

/* ---- tests ---- */

TEST(clients_get_what_graphql_js_gives)
{
	const struct json *graphql = vectors();
	size_t count = 0;

	if (!graphql)
		return;
	for (const struct json *q = json_get(graphql, "queries")->first; q; q = q->next, count++) {
		int status;
		const struct json *answer = ask(json_whole(json_get(q, "body")), &status);
		if (status != 200 || !same(answer, json_get(q, "expected")))
			t_fail("%.*s: %d\n got  %.*s\n want %.*s", BYTES_FMT(text_of(q, "name")), status,
			       BYTES_FMT(json_whole(answer)), BYTES_FMT(json_whole(json_get(q, "expected"))));
	}
	t_u64(count, 51);
	store_close(store);
}

TEST(errors_are_those_of_graphql_js)
{
	const struct json *graphql = vectors();
	size_t count = 0;

	if (!graphql)
		return;
	for (const struct json *q = json_get(graphql, "errors")->first; q; q = q->next, count++) {
		const struct json *body = json_get(q, "body"), *answer, *error;
		struct bytes message = text_of(q, "message"), code = text_of(q, "code"), got;
		int status;

		answer = ask(body->kind == JSON_NULL ? bytes_of(NULL, 0) : json_whole(body), &status);
		error = json_at(json_get(answer, "errors"), 0);
		got = text_of(error, "message");
		if (message.len == 0)
			message = text_of(q, "text");
		if ((uint64_t)status != number_of(q, "status") || !bytes_eq(got, message))
			t_fail("%.*s: %d %.*s", BYTES_FMT(text_of(q, "name")), status, BYTES_FMT(json_whole(answer)));
		if (code.len)
			t_bytes(text_of(json_get(error, "extensions"), "code"), code);
	}
	t_u64(count, 16);
	store_close(store);
}

TEST(pages_follow_each_other)
{
	static const char *const sorts[] = {"HEIGHT_DESC", "HEIGHT_ASC", "INGESTED_AT_DESC", "INGESTED_AT_ASC"};
	const struct json *graphql = vectors();

	if (!graphql)
		return;
	for (size_t s = 0; s < 4; s++) {
		const char *after = "";
		const struct json *whole, *t;
		char text[300];
		bool more = true;
		size_t seen = 0;

		snprintf(text, sizeof(text), "{transactions(first:100,sort:%s){edges{node{id}}}}", sorts[s]);
		whole = json_get(json_get(query(text), "transactions"), "edges");
		t_u64(whole->count, 11);
		while (more) {
			snprintf(text, sizeof(text),
				 "{transactions(first:2,sort:%s,after:\"%s\"){pageInfo{hasNextPage}edges{cursor "
				 "node{id}}}}",
				 sorts[s], after);
			t = json_get(query(text), "transactions");
			for (const struct json *e = json_get(t, "edges")->first; e; e = e->next, seen++) {
				t_bytes(text_of(json_get(e, "node"), "id"),
					text_of(json_get(json_at(whole, seen), "node"), "id"));
				after = arena_cstr(&arena, text_of(e, "cursor"));
			}
			more = json_truthy(json_get(json_get(t, "pageInfo"), "hasNextPage"));
		}
		t_u64(seen, 11);
		/* The cursor of another direction is none. */
		snprintf(text, sizeof(text), "{transactions(sort:%s,after:\"%s\"){count}}", sorts[s ^ 1], after);
		t_str(refused(text, 200), "Invalid transaction cursor");
	}
	is("{transactions(first:0){pageInfo{hasNextPage}edges{cursor}}}",
	   "{\"transactions\":{\"pageInfo\":{\"hasNextPage\":true},\"edges\":[]}}");
	store_close(store);
}

TEST(blocks_are_paged_too)
{
	const struct json *graphql = vectors(), *b;
	char text[200];

	if (!graphql)
		return;
	b = json_get(query("{blocks(first:3,sort:HEIGHT_ASC){pageInfo{hasNextPage}edges{cursor node{height}}}}"),
		     "blocks");
	t_check(json_truthy(json_get(json_get(b, "pageInfo"), "hasNextPage")));
	snprintf(text, sizeof(text),
		 "{blocks(first:3,sort:HEIGHT_ASC,after:\"%.*s\"){pageInfo{hasNextPage}edges{node{height}}}}",
		 BYTES_FMT(text_of(json_at(json_get(b, "edges"), 2), "cursor")));
	is(text, "{\"blocks\":{\"pageInfo\":{\"hasNextPage\":false},\"edges\":[{\"node\":{\"height\":3}}]}}");
	is("{blocks(height:{min:9}){count edges{cursor}}}", "{\"blocks\":{\"count\":\"0\",\"edges\":[]}}");
	is("{blocks(ids:[\"x\"]){count edges{cursor}}}", "{\"blocks\":{\"count\":\"0\",\"edges\":[]}}");
	is("{blocks(height:{min:1,max:2}){count edges{node{height}}}}",
	   "{\"blocks\":{\"count\":\"2\",\"edges\":[{\"node\":{\"height\":2}},{\"node\":{\"height\":1}}]}}");
	store_close(store);
}

TEST(conditions_combine)
{
	if (!vectors())
		return;
	is("{transactions(ids:[]){count}}", "{\"transactions\":{\"count\":\"0\"}}");
	is("{transactions(owners:[\"\"]){count}}", "{\"transactions\":{\"count\":\"0\"}}");
	is("{transactions(tags:[]){count}}", "{\"transactions\":{\"count\":\"11\"}}");
	is("{transactions(tags:[{name:\"Data-Protocol\"}]){count}}", "{\"transactions\":{\"count\":\"9\"}}");
	is("{transactions(tags:[{name:\"Type\",values:[\"scheduler location\"],match:FUZZY_AND}]){count}}",
	   "{\"transactions\":{\"count\":\"1\"}}");
	is("{transactions(block:{min:0}){count}}", "{\"transactions\":{\"count\":\"11\"}}");
	is("{transactions(block:{min:1}){count}}", "{\"transactions\":{\"count\":\"10\"}}");
	is("{transactions(block:{max:2}){count}}", "{\"transactions\":{\"count\":\"6\"}}");
	is("{transactions(block:{min:3,max:2}){count}}", "{\"transactions\":{\"count\":\"0\"}}");
	is("{transactions(block:{min:-5,max:-1}){count}}", "{\"transactions\":{\"count\":\"0\"}}");
	is("{transactions(ingested_at:{min:1700000363}){count}}", "{\"transactions\":{\"count\":\"2\"}}");
	is("{transactions(ids:null,owners:null,tags:null,block:null,first:null,after:null){count}}",
	   "{\"transactions\":{\"count\":\"11\"}}");
	store_close(store);
}

TEST(the_schema_tells_about_itself)
{
	store = store_open_memory();
	is("{__typename __type(name:\"BlockFilter\"){kind name inputFields{name type{kind name}}}}",
	   "{\"__typename\":\"Query\",\"__type\":{\"kind\":\"INPUT_OBJECT\",\"name\":\"BlockFilter\",\"inputFields\":["
	   "{\"name\":\"min\",\"type\":{\"kind\":\"SCALAR\",\"name\":\"Int\"}},"
	   "{\"name\":\"max\",\"type\":{\"kind\":\"SCALAR\",\"name\":\"Int\"}}]}}");
	is("{__type(name:\"Bundle\"){fields{name type{kind ofType{kind name ofType{kind}}}}}}",
	   "{\"__type\":{\"fields\":[{\"name\":\"id\",\"type\":{\"kind\":\"NON_NULL\",\"ofType\":{\"kind\":\"SCALAR\","
	   "\"name\":\"ID\",\"ofType\":null}}}]}}");
	is("{__schema{queryType{name}mutationType{name}directives{name}}}",
	   "{\"__schema\":{\"queryType\":{\"name\":\"Query\"},\"mutationType\":null,\"directives\":["
	   "{\"name\":\"include\"},{\"name\":\"skip\"}]}}");
	is("{__type(name:\"Nothing\"){name}}", "{\"__type\":null}");
	store_close(store);
}

TEST(what_makes_no_sense_is_refused)
{
	store = store_open_memory();
	t_str(refused("", 400), "GraphQL operations must contain a non-empty `query`.");
	t_str(refused("#", 400), "Syntax Error: Unexpected <EOF>.");
	t_str(refused("{", 400), "Syntax Error: Expected Name, found <EOF>.");
	t_str(refused("{}", 400), "Syntax Error: Expected Name, found \"}\".");
	t_str(refused("type X{a:Int}", 400), "Syntax Error: Unexpected Name \"type\".");
	t_str(refused("{a(b:01)}", 400), "Syntax Error: Invalid number, unexpected digit after 0: \"1\".");
	t_str(refused("{a(b:\"\\q\")}", 400), "Syntax Error: Invalid character escape sequence.");
	t_str(refused("{a ? b}", 400), "Syntax Error: Unexpected character: \"?\".");
	t_str(refused("{transactions(first:99999999999){count}}", 400),
	      "Int cannot represent non 32-bit signed integer value: 99999999999");
	t_str(refused("{transactions(tags:[{name:\"a\",nope:1}]){count}}", 400),
	      "Field \"nope\" is not defined by type \"TagFilter\".");
	t_str(refused("{transaction{id}}", 400),
	      "Argument \"id\" of type \"ID!\" is required on field \"Query.transaction\", but it was not provided.");
	t_str(refused("{transactions(ids:[$x]){count}}", 400), "Variable \"$x\" is not defined.");
	t_str(refused("query A($x:[Int]){transactions(ids:$x){count}}", 400),
	      "Variable \"$x\" of type \"[Int]\" used in position expecting type \"[ID!]\".");
	t_str(refused("query($x:Block){transactions{count}}", 400),
	      "Variable \"$x\" cannot be non-input type \"Block\".");
	t_str(refused("{transactions{count @nope}}", 400), "Unknown directive \"@nope\".");
	t_str(refused("{transactions{count @skip}}", 400),
	      "Argument \"if\" of type \"Boolean!\" is required on directive \"@skip\", but it was not provided.");
	t_str(refused("{transactions{... on Block{id}}}", 400),
	      "Fragment cannot be spread here as objects of type \"TransactionConnection\" can never be of type "
	      "\"Block\".");
	t_str(refused("{transactions{...F}} fragment F on Nope{id}", 400), "Unknown type \"Nope\".");
	t_str(refused("{a:transactions(first:1){count} a:transactions(first:2){count}}", 400),
	      "Fields \"a\" conflict because they have differing arguments. Use different aliases on the fields to "
	      "fetch "
	      "both if this was intentional.");
	t_str(refused("mutation{x}", 200), "Schema is not configured to execute mutation operation.");
	t_str(refused("query A{block{id}} query A{block{id}}", 400), "There can be only one operation named \"A\".");
	store_close(store);
}

static const char *repeat(const char *open, const char *middle, const char *close, size_t times)
{
	struct buf out = BUF_EMPTY;
	const char *copy;

	for (size_t i = 0; i < times; i++)
		buf_put_str(&out, open);
	buf_put_str(&out, middle);
	for (size_t i = 0; i < times; i++)
		buf_put_str(&out, close);
	copy = arena_cstr(&arena, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static const char *around(const char *before, const char *middle, const char *after)
{
	return arena_cstr(&arena, arena_printf(&arena, "%s%s%s", before, middle, after));
}

TEST(what_costs_too_much_is_refused)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	struct buf text = BUF_EMPTY;

	store = store_open_memory();
	t_check(strstr(refused(repeat("{a", "", "}", 40), 400), "nests deeper than 32"));
	t_check(strstr(refused(around("{transactions(tags:", repeat("[", "", "]", 5000), "){count}}"), 400),
		       "nests deeper"));
	t_check(strstr(refused(around("{", repeat("a ", "", "", 20000), "}"), 400), "more than 10000 tokens"));
	t_check(strstr(refused(around("{", repeat("aaaaaaaaaaaaaaaaaaaa ", "", "", 20000), "}"), 400),
		       "at most 262144"));

	/* Fragments that double at each step: 2^30 fields out of 60 tokens a line. */
	buf_put_str(&text, "{__schema{types{...F0}}}");
	for (int i = 0; i < 13; i++)
		buf_printf(&text, " fragment F%d on __Type{a:ofType{...F%d}b:ofType{...F%d}}", i, i + 1, i + 1);
	buf_put_str(&text, " fragment F13 on __Type{name}");
	t_check(strstr(refused(buf_str(&text), 400), "selects more than 20000 fields"));

	/* A small question with a large answer: 400 times the same 200 rows. */
	for (uint64_t i = 0; i < 200; i++) {
		struct record r = {.sequence = i};
		memcpy(r.id.b, &i, sizeof(i));
		record_put(&b, &r);
	}
	t_ok(store_commit_wait(store, &b));
	buf_clear(&text);
	buf_put_str(&text, "{");
	for (int i = 0; i < 400; i++)
		buf_printf(&text, "t%d:transactions(first:200){...A}", i);
	buf_put_str(&text, "} fragment A on TransactionConnection{edges{cursor node{id anchor signature recipient "
			   "owner{address key}fee{winston ar}quantity{winston ar}data{size type}}}}");
	t_str(refused(buf_str(&text), 200), "The answer is larger than 1000000 fields or 67108864 bytes.");
	buf_release(&text);
	store_close(store);
}

TEST(a_batch_is_answered_in_order)
{
	const struct json *answer;
	int status;

	if (!vectors())
		return;
	answer = ask(BYTES("[{\"query\":\"{block(id:\\\"x\\\"){id}}\"},{\"query\":\"{transactions{count}}\"}]"),
		     &status);
	t_u64((unsigned)status, 200);
	t_u64(answer->count, 2);
	t_u64(json_get(json_get(json_at(answer, 0), "data"), "block")->kind, JSON_NULL);
	answer = ask(BYTES("[]"), &status);
	t_u64((unsigned)status, 400);
	answer = ask(BYTES("{nope"), &status);
	t_u64((unsigned)status, 400);
	t_check(bytes_starts(text_of(json_at(json_get(answer, "errors"), 0), "message"), "Bad Request"));
	answer = ask(BYTES("{\"query\":\"{block{id}}\",\"variables\":\"x\"}"), &status);
	t_u64((unsigned)status, 400);
	store_close(store);
}

TEST_MAIN
