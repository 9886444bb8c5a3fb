/* SPDX-License-Identifier: MIT
 *
 * Any bytes as an upload: raw, as a transaction, and as the plan of a signed tree of bundles, so
 * that what is behind the signatures is reached. Afterwards every row names bytes that are there.
 *
 * The plan, one byte a step: 0 an item whose payload is the rest, cut at the next byte's length; 1
 * the same bytes without a signature; 2 a bundle of what follows, with as many entries as the next
 * byte says; 3 a bundle that says it is one and is not.
 */
#include "msg/bundle.h"
#include "msg/item.h"
#include "weave/unit.h"

#include <pthread.h>
#include <string.h>

enum { ENTRIES_MAX = 6, LEVELS_MAX = 12 };

static struct key *key;
static const struct tag bundle_tags[] = {{BYTES("Bundle-Format"), BYTES("binary")},
					 {BYTES("Bundle-Version"), BYTES("2.0.0")}};

struct plan {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct plan *p)
{
	if (p->left == 0)
		return 0;
	p->left--;
	return *p->at++;
}

static struct bytes take_some(struct plan *p)
{
	size_t len = take(p);
	struct bytes some;

	len = len < p->left ? len : p->left;
	some = bytes_of(p->at, len);
	p->at += len;
	p->left -= len;
	return some;
}

static struct bytes sign(struct arena *a, struct bytes data, bool tagged, struct id *id)
{
	struct item_fields fields = {.data = data, .tags = {bundle_tags, tagged ? 2 : 0}};
	struct buf raw = BUF_EMPTY;
	struct bytes copy;

	must(item_create(&raw, id, key, &fields, NULL) == OK);
	copy = arena_copy(a, buf_bytes(&raw));
	buf_release(&raw);
	return copy;
}

static struct bytes build(struct arena *a, struct plan *p, int level, struct id *id)
{
	struct bundle_entry entries[ENTRIES_MAX];
	struct buf data = BUF_EMPTY;
	struct bytes item;
	size_t count;

	memset(id, 7, sizeof(*id));
	switch (take(p) % 4) {
	case 0:
		return sign(a, take_some(p), false, id);
	case 1:
		return take_some(p);
	case 2:
		count = level < LEVELS_MAX ? take(p) % (ENTRIES_MAX + 1) : 0;
		for (size_t i = 0; i < count; i++)
			entries[i].item = build(a, p, level + 1, &entries[i].id);
		bundle_create(&data, entries, count);
		item = sign(a, buf_bytes(&data), true, id);
		buf_release(&data);
		return item;
	default:
		return sign(a, take_some(p), true, id);
	}
}

/* ---- waiting ---- */

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
};

static void on_done(void *ctx, enum err e, const struct note *note, const struct accepted *accepted)
{
	struct waiting *w = ctx;

	must((e == OK) == (accepted != NULL));
	must(e == OK || note->text[0]);
	pthread_mutex_lock(&w->lock);
	w->done = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static void ingest(struct local_weave *weave, struct bytes raw,
		   void (*how)(struct local_weave *, struct bytes, ingest_done *, void *))
{
	struct waiting w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

	how(weave, raw, on_done, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.wake, &w.lock);
	pthread_mutex_unlock(&w.lock);
}

static void check_rows(struct store *s)
{
	struct arena a = ARENA_EMPTY;
	struct bytes data;
	struct record r;
	struct block block;
	uint64_t end;

	must(record_sequence_end(s, &end) == OK);
	for (uint64_t i = 0; i < end; i++) {
		must(record_get(s, &a, i, &r) == OK);
		must(bytes_read(s, &a, r.upload, r.data_at, r.data_size, &data) == OK);
		must(id_eq(id_of_sha256(data), r.data_hash));
		must(block_of(s, i, &block) == OK && block.height == 1);
		arena_reset(&a);
	}
	arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct local_weave weave = {.store = store_open_memory()};
	struct plan plan = {data, size};
	struct arena a = ARENA_EMPTY;
	struct id id;

	if (!key)
		must(key_new(&key, SIGN_ED25519, NULL) == OK);
	must(chain_open(&weave.chain, weave.store, NULL, NULL) == OK);
	ingest(&weave, bytes_of(data, size), ingest_item);
	ingest(&weave, bytes_of(data, size), ingest_transaction);
	ingest(&weave, build(&a, &plan, 0, &id), ingest_item);
	must(chain_mine(weave.chain) == OK);
	check_rows(weave.store);
	chain_close(weave.chain);
	store_close(weave.store);
	arena_release(&a);
	return 0;
}
