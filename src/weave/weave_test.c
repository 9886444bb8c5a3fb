/* SPDX-License-Identifier: MIT
 *
 * A weave over a store in memory or on disk, asked through its port and over HTTP.
 */
#include "base/clock.h"
#include "flow/wait.h"
#include "http/http.h"
#include "msg/bundle.h"
#include "msg/item.h"
#include "msg/key.h"
#include "store/store.h"
#include "test/test.h"
#include "weave/local.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct store *store;
static struct key *key, *sender;
static struct local_weave *weave;
static struct weave port;

static void start(struct store *on, uint64_t block_ms)
{
	struct note note = {0};

	store = on;
	if (!key) {
		t_ok(key_new(&key, SIGN_ED25519, &note));
		t_ok(key_new(&sender, SIGN_ED25519, &note));
	}
	t_ok(local_weave_open(&weave, &(struct local_weave_options){.store = store, .key = key, .block_ms = block_ms},
			      &note));
	port = local_weave_port(weave);
}

static void stop(void)
{
	local_weave_close(weave);
	store_close(store);
}

static struct bytes make(struct id *id, struct tags tags, struct bytes data)
{
	struct item_fields fields = {.tags = tags, .data = data};
	struct buf raw = BUF_EMPTY;
	struct bytes copy;

	t_ok(item_create(&raw, id, sender, &fields, NULL));
	copy = arena_copy(&arena, buf_bytes(&raw));
	buf_release(&raw);
	return copy;
}

TEST(an_item_is_kept_and_found)
{
	struct tag_list tags = tag_list_on(&arena);
	struct weave_meta meta;
	struct note note = {0};
	struct bytes data;
	struct id id;

	start(store_open_memory(), 3600000);
	tag_list_add_str(&tags, "Type", "Message");
	t_ok(weave_put_wait(&port, make(&id, tag_list_tags(&tags), BYTES("hello")), &note));
	t_ok(weave_data_wait(&port, &arena, bytes_str(id_text(id).s), &data, &note));
	t_text(data, "hello");
	t_ok(weave_meta_wait(&port, &arena, bytes_str(id_text(id).s), &meta, &note));
	t_check(!meta.mined);
	t_text(tags_get(meta.tags, "Type"), "Message");
	stop();
}

TEST_MAIN
