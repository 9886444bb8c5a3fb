/* SPDX-License-Identifier: MIT
 *
 * A weave over a store in memory or on disk, asked through its port and through a port made of URLs.
 */
#include "base/clock.h"
#include "flow/wait.h"
#include "weave/contract.h"
#include "weave/query.h"
#include "weave/remote.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

TEST(the_port_keeps_its_contract)
{
	start(store_open_memory(), NO_BLOCKS);
	serve();
	check_port();
	stop();
	start(open_local(t_dir()), NO_BLOCKS);
	serve();
	check_port();
	stop();
}

TEST(the_port_made_of_urls_keeps_the_same)
{
	struct weave remote;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	remote = port = remote_to(gateway_port, uploader_port);
	check_port();
	remote_weave_free(remote);
	/* The gateway takes items, too. */
	remote = port = remote_to(gateway_port, 0);
	check_port();
	remote_weave_free(remote);
	stop();
}

TEST(long_lists_come_in_pages)
{
	struct bytes owner;
	struct weave_query query = {.owners = &owner, .owner_count = 1, .first = 250, .oldest_first = true};
	const struct weave_meta *list;
	const struct weave_block *blocks;
	struct note note = {0};
	struct id ids[230];
	struct weave remote;
	size_t count;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	owner = text(key_address(sender));
	for (int i = 0; i < 230; i++) {
		char number[8];
		snprintf(number, sizeof(number), "%d", i);
		put(make(&ids[i], bytes_str(number), NULL));
	}
	t_u64(status_of(get("/mine/230")), 200);
	remote = port = remote_to(gateway_port, uploader_port);
	t_ok(weave_find_wait(&port, &arena, &query, &list, &count, &note));
	t_u64(count, 230);
	for (size_t i = 0; i < count; i++)
		t_bytes(list[i].id, text(ids[i]));
	query.first = 101;
	t_ok(weave_find_wait(&port, &arena, &query, &list, &count, &note));
	t_u64(count, 101);
	t_ok(weave_blocks_wait(&port, &arena, 3, 205, &blocks, &count, &note));
	t_u64(count, 205);
	t_u64(blocks[204].height, 207);
	remote_weave_free(remote);
	stop();
}

/* ---- a gateway that misbehaves ---- */

static atomic_int asked;

static void answer_500(void *ctx, struct http_request *r)
{
	(void)ctx;
	atomic_fetch_add(&asked, 1);
	http_answer(r, 500, HTTP_TEXT, BYTES("boom"));
}

static void answer_nonsense(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, HTTP_JSON, BYTES("{\"data\":[}"));
}

static void answer_empty(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, HTTP_JSON, BYTES("{\"data\":{}}"));
}

static void answer_errors(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, HTTP_JSON, BYTES("{\"errors\":[{\"message\":\"the index sleeps\"}],\"data\":null}"));
}

/* The first two times nothing, then what is wanted. */
static void answer_third(void *ctx, struct http_request *r)
{
	(void)ctx;
	if (atomic_fetch_add(&asked, 1) < 2)
		http_answer(r, asked == 1 ? 503 : 429, HTTP_TEXT, BYTES("later"));
	else
		http_answer(r, 200, HTTP_JSON, BYTES("{\"height\":77}"));
}

static enum err ask_bad(http_handler *handle, enum err *find, enum err *status, enum err *puts, struct note *note)
{
	struct http_options options = {.address = "127.0.0.1",
				       .name = "bad",
				       .routes = &(const struct http_route){"GET", "/-", handle},
				       .route_count = 1,
				       .fallback = handle,
				       .body_max = 1 << 20,
				       .threads = 2,
				       .connections_max = 20};
	struct id id = key_address(key);
	struct bytes ids = text(id);
	struct weave_query query = {.ids = &ids, .id_count = 1, .first = 1};
	const struct weave_meta *list;
	struct http_server *server;
	struct weave remote;
	struct note ignored = {0};
	uint64_t number;
	size_t count;
	enum err e;

	atomic_store(&asked, 0);
	t_ok(http_serve(&server, &options, &ignored));
	remote = remote_to(http_server_port(server), 0);
	note_reset(note);
	e = weave_height_wait(&remote, &number, &ignored);
	if (find) {
		*find = weave_find_wait(&remote, &arena, &query, &list, &count, note);
		*status = weave_status_wait(&remote, ids, &number, &ignored);
		*puts = weave_put_wait(&remote, make(&id, BYTES("x"), NULL), &ignored);
	}
	remote_weave_free(remote);
	http_stop(server, 1000);
	return e;
}

TEST(a_gateway_that_fails_is_an_error_with_a_cause)
{
	struct note note = {0};
	struct weave remote;
	enum err find, status, puts;
	uint64_t number;
	struct id id;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	t_err(ask_bad(answer_500, &find, &status, &puts, &note), E_PEER);
	t_err(find, E_PEER);
	t_err(status, E_PEER);
	t_err(puts, E_PEER);
	t_u64((unsigned)atomic_load(&asked), 20); /* each five times */
	t_str(note.text, "boom");
	t_err(ask_bad(answer_nonsense, &find, &status, &puts, &note), E_PEER);
	t_err(find, E_PEER);
	t_err(status, E_PEER);
	t_err(puts, OK); /* a bundler need not say anything */
	t_err(ask_bad(answer_empty, &find, &status, &puts, &note), E_PEER);
	t_err(find, E_PEER);
	t_check(strstr(note.text, "without a list of transactions"));
	t_err(ask_bad(answer_errors, &find, &status, &puts, &note), E_PEER);
	t_err(find, E_PEER);
	t_str(note.text, "the gateway's GraphQL says: the index sleeps");
	t_err(ask_bad(answer_third, NULL, NULL, NULL, &note), OK);
	t_u64((unsigned)atomic_load(&asked), 3);

	/* Nobody there at all. */
	local_weave_close(weave);
	remote = remote_to(gateway_port, uploader_port);
	t_err(weave_height_wait(&remote, &number, &note), E_PEER);
	note_reset(&note);
	t_err(weave_put_wait(&remote, make(&id, BYTES("x"), NULL), &note), E_PEER);
	t_check(note.text[0]);
	remote_weave_free(remote);
	http_client_close(client);
	client = NULL;
	store_close(store);
}

/* ---- stand-ins ---- */

/* Whose location the network answers for `owner`, or nothing. */
static struct bytes location_of(struct bytes owner)
{
	struct bytes type = BYTES("Scheduler-Location");
	struct weave_tag_filter filter = {BYTES("Type"), &type, 1};
	struct weave_query query = {.owners = &owner, .owner_count = 1, .tags = &filter, .tag_count = 1, .first = 1};
	const struct weave_meta *list;
	struct note note = {0};
	size_t count;

	t_ok(weave_find_wait(&port, &arena, &query, &list, &count, &note));
	return count ? tags_get(list[0].tags, "Url") : bytes_of(NULL, 0);
}

static struct bytes location_by(struct key *owner, const char *url, const char *stands_for)
{
	struct key *other = sender;
	struct bytes item;
	struct id id;

	sender = owner;
	item = make(&id, BYTES(" "), "Type", "Scheduler-Location", "Url", url, "Stands-For", "nonsense", "Stands-For",
		    stands_for, NULL);
	sender = other;
	return item;
}

TEST(only_the_node_itself_stands_in_for_others)
{
	struct id elsewhere = {{7}};
	struct bytes address = text(elsewhere), own;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	own = text(key_address(key));
	put(location_by(sender, "http://liar", id_text(elsewhere).s));
	t_u64(location_of(address).len, 0);
	put(location_by(key, "http://here", id_text(elsewhere).s));
	t_text(location_of(address), "http://here");
	t_text(location_of(own), "http://here");
	put(location_by(key, "http://moved", id_text(elsewhere).s));
	t_text(location_of(address), "http://moved");
	/* Only locations: what else the node signs is not found by an owner that it does not have. */
	t_bytes(body_of(post(gateway_port, "/graphql", HTTP_JSON,
			     arena_printf(&arena, "{\"query\":\"{transactions(owners:[\\\"%s\\\"]){count}}\"}",
					  id_text(elsewhere).s))),
		BYTES("{\"data\":{\"transactions\":{\"count\":\"2\"}}}"));
	/* Who has the address has the last word. */
	put(location_by(key, "http://here", id_text(key_address(sender)).s));
	t_text(location_of(text(key_address(sender))), "http://here");
	put(location_by(sender, "http://my-own", id_text(elsewhere).s));
	t_text(location_of(text(key_address(sender))), "http://my-own");
	t_text(location_of(address), "http://moved");
	stop();
}

/* A node of the real network knows no items; its gateway's index does. */
TEST(the_index_speaks_for_items_that_no_node_knows)
{
	const struct http_route routes[] = {{"POST", "/graphql", query_post}};
	struct http_options options = {.address = "127.0.0.1",
				       .name = "index",
				       .routes = routes,
				       .route_count = 1,
				       .body_max = 1 << 20,
				       .threads = 2,
				       .connections_max = 20};
	struct bytes here, there;
	struct http_server *server;
	struct weave remote;
	struct note note = {0};
	struct id id, nobody = {{7}};

	start(store_open_memory(), NO_BLOCKS);
	serve();
	options.ctx = weave;
	t_ok(http_serve(&server, &options, &note));
	remote = remote_to(http_server_port(server), 0);
	put(make(&id, BYTES("data"), "Name", "value", NULL));
	t_ok(weave_transaction_wait(&port, &arena, text(id), &here, &note));
	t_ok(weave_transaction_wait(&remote, &arena, text(id), &there, &note));
	t_bytes(there, here);
	t_err(weave_transaction_wait(&remote, &arena, text(nobody), &there, &note), E_NOT_FOUND);
	remote_weave_free(remote);
	http_stop(server, 1000);
	stop();
}

/* ---- bundles ---- */

TEST(what_is_bundled_is_found)
{
	struct bytes items[4], again;
	struct id ids[4], inner, outer, beside, lost = {{9}};
	struct note note = {0};
	struct weave_meta meta;
	const struct json *node;

	start(store_open_memory(), NO_BLOCKS);
	serve();
	items[0] = make(&ids[0], BYTES("one"), "Type", "Message", NULL);
	items[1] = make(&ids[1], BYTES("two"), "Type", "Message", NULL);
	items[2] = make_bundle(&inner, items, ids, 2);
	ids[2] = inner;
	beside = ids[1];
	again = items[1];
	items[1] = make(&ids[1], BYTES("three"), NULL);
	/* Something broken, and something under another's id, are passed over. */
	items[0] = make(&ids[0], BYTES("bad"), NULL);
	((uint8_t *)(uintptr_t)items[0].ptr)[items[0].len - 1] ^= 1;
	items[3] = make(&ids[3], BYTES("liar"), NULL);
	ids[3] = lost;
	put(make_bundle(&outer, items, ids, 4));

	t_text(data_of(ids[1]), "three");
	t_text(data_of(beside), "two");
	t_bytes(meta_of(inner).id, text(inner));
	t_err(weave_meta_wait(&port, &arena, text(ids[0]), &meta, &note), E_NOT_FOUND);
	note_reset(&note);
	t_err(weave_meta_wait(&port, &arena, text(lost), &meta, &note), E_NOT_FOUND);
	node = json_of(post(gateway_port, "/graphql", HTTP_JSON,
			    arena_printf(&arena, "{\"query\":\"{transaction(id:\\\"%s\\\"){bundledIn{id}}}\"}",
					 id_text(beside).s)));
	node = json_get(json_get(json_get(node, "data"), "transaction"), "bundledIn");
	t_bytes(json_get_text(&arena, node, "id"), text(inner));
	/* The same item in another bundle stays where it was; alone it is accepted again. */
	put(make_bundle(&outer, &again, &beside, 1));
	put(again);
	node = json_of(post(
		gateway_port, "/graphql", HTTP_JSON,
		BYTES("{\"query\":\"{transactions(tags:[{name:\\\"Type\\\",values:[\\\"Message\\\"]}]){count}}\"}")));
	t_bytes(json_get_text(&arena, json_get(json_get(node, "data"), "transactions"), "count"), BYTES("2"));
	stop();
}

static struct bytes bundle_in_bundle(struct id *id, struct bytes item, struct id item_id, int levels)
{
	for (int i = 0; i < levels; i++) {
		item = make_bundle(id, &item, &item_id, 1);
		item_id = *id;
	}
	return item;
}

TEST(bundles_are_opened_ten_deep)
{
	struct note note = {0};
	struct weave_meta meta;
	struct id id, top;
	struct bytes item;

	start(store_open_memory(), NO_BLOCKS);
	item = make(&id, BYTES("deep"), NULL);
	put(bundle_in_bundle(&top, item, id, 10));
	t_text(data_of(id), "deep");
	item = make(&id, BYTES("deeper"), NULL);
	put(bundle_in_bundle(&top, item, id, 11));
	t_err(weave_meta_wait(&port, &arena, text(id), &meta, &note), E_NOT_FOUND);
	stop();
}

/* ---- durability ---- */

static size_t count_blocks(uint64_t from)
{
	size_t linked = 0;
	struct bytes previous = {0};

	for (uint64_t h = from; h <= height(); h++, linked++) {
		const struct json *block = json_of(get("/block/height/%" PRIu64, h));
		t_u64(number_of(block, "height"), h);
		t_bytes(json_get_text(&arena, block, "previous_block"), previous);
		previous = json_get_text(&arena, block, "indep_hash");
		t_u64(previous.len, 64);
	}
	return linked;
}

TEST(what_was_accepted_is_there_after_a_restart)
{
	const char *directory = t_dir();
	struct bytes big = bytes_of(arena_alloc(&arena, 1 << 20), 1 << 20);
	struct id small, large, pending;
	struct weave_meta meta;
	uint64_t before;

	memset((void *)(uintptr_t)big.ptr, 'x', big.len);
	start(open_local(directory), NO_BLOCKS);
	serve();
	put(make(&small, BYTES("small"), "Type", "A", NULL));
	put(make(&large, big, NULL));
	mine();
	put(make(&pending, BYTES("pending"), NULL));
	before = height();
	t_u64(before, 1);
	stop();

	start(open_local(directory), NO_BLOCKS);
	serve();
	t_u64(height(), before);
	t_text(data_of(small), "small");
	t_bytes(data_of(large), big);
	meta = meta_of(large);
	t_u64(meta.block_height, 1);
	t_check(!meta_of(pending).mined);
	mine();
	t_u64(meta_of(pending).block_height, 2);
	t_u64(json_get(json_of(get("/block/height/2")), "txs")->count, 1);
	t_u64(count_blocks(0), 3);
	stop();
}

TEST(blocks_come_by_themselves)
{
	start(store_open_memory(), 5);
	serve();
	while (height() < 10)
		clock_sleep_ms(5);
	t_check(count_blocks(0) >= 11);
	stop();
}

TEST(a_disk_that_fails_accepts_nothing)
{
	struct note note = {0};
	struct weave_meta meta;
	struct id first, second;

	start(store_open_faulty(store_open_memory(), 2), NO_BLOCKS);
	serve();
	put(make(&first, BYTES("kept"), NULL));
	t_err(weave_put_wait(&port, make(&second, BYTES("lost"), NULL), &note), E_IO);
	note_reset(&note);
	t_err(weave_meta_wait(&port, &arena, text(second), &meta, &note), E_NOT_FOUND);
	t_text(data_of(first), "kept");
	t_u64(status_of(get("/mine")), 500);
	t_u64(status_of(post(uploader_port, "/tx", HTTP_BYTES, make(&second, BYTES("x"), NULL))), 500);
	stop();
}

struct crowd {
	struct bytes *items;
	size_t count, from;
};

static void *put_all(void *ctx)
{
	struct crowd *c = ctx;

	for (size_t i = 0; i < c->count; i++)
		put(c->items[(c->from + i) % c->count]);
	return NULL;
}

TEST(many_at_once_are_each_taken_once)
{
	enum { THREADS = 6, ITEMS = 60 };
	struct bytes items[ITEMS];
	struct crowd crowd[THREADS];
	pthread_t threads[THREADS];
	struct id id;
	size_t seen = 0;

	start(store_open_memory(), 2);
	serve();
	for (int i = 0; i < ITEMS; i++) {
		char number[8];
		snprintf(number, sizeof(number), "%d", i);
		items[i] = make(&id, bytes_str(number), NULL);
	}
	for (size_t i = 0; i < THREADS; i++) {
		crowd[i] = (struct crowd){items, ITEMS, i * 7};
		t_check(pthread_create(&threads[i], NULL, put_all, &crowd[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	mine();
	for (uint64_t h = 0; h <= height(); h++)
		seen += json_get(json_of(get("/block/height/%" PRIu64, h)), "txs")->count;
	t_u64(seen, ITEMS);
	stop();
}

TEST_MAIN
