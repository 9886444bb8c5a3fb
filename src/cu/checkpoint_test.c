/* SPDX-License-Identifier: MIT
 *
 * Memory that outlives its worker: on this disk, on the weave, and not at all.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "cu/result.h"
#include "cu/stage.h"
#include "cu/unit.h"
#include "msg/item.h"
#include "test/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define NONE ((struct tags){NULL, 0})

static struct id spawn_with(struct tags tags)
{
	static struct id module;
	const char *probe = getenv("WEFT_PROBE");

	if (!probe)
		t_fail("WEFT_PROBE names the module to test with");
	if (id_is_zero(module))
		module = stage_module(probe, NONE);
	return stage_spawn(module, tags, 0);
}

static struct id spawn(void)
{
	return spawn_with(NONE);
}

static void send_some(struct id process, int count)
{
	for (int i = 0; i < count; i++)
		stage_send(process, i % 7 == 3 ? "G" : i % 5 == 4 ? "E" : "a", NONE);
}

static void restart(void)
{
	stage_stop();
	stage_start();
}

/* ---- on this disk ---- */

struct rows {
	size_t count, blobs;
	struct id newest_blob;
};

static bool see_row(void *ctx, struct bytes key, struct bytes value)
{
	struct rows *r = ctx;

	if (r->count++ == 0) {
		r->blobs = value.ptr[3];
		memcpy(r->newest_blob.b, value.ptr + value.len - 32, 32);
	}
	return true;
}

static struct rows rows(struct id process)
{
	uint8_t end[32];
	struct store_range range = {.from = bytes_of(process.b, 32),
				    .to = store_prefix_end(end, bytes_of(process.b, 32)),
				    .backward = true};
	struct rows r = {0};

	t_ok(store_scan(stage.store, TABLE_CHECKPOINT, &range, see_row, &r));
	return r;
}

TEST(checkpoints_grow_by_what_changed_and_two_are_kept)
{
	struct id p, sum;
	size_t pages;

	stage.options.checkpoint_turns = 4;
	stage_open(store_open_memory(), t_dir());
	p = spawn();
	for (int i = 0; i < 12; i++) {
		send_some(p, 5);
		sum = stage_state(p);
		if (i % 4 == 3) {
			restart();
			pages = stage.pages;
			t_check(id_eq(stage_state(p), sum));
			t_u64(stage.pages - pages, 1);
		}
	}
	stage_stop();
	t_u64(rows(p).count, 2);
	t_check(rows(p).blobs > 1);
	stage_start();
	stage_close();
}

TEST(a_damaged_checkpoint_is_passed_over)
{
	struct id p, sum;

	stage.options.checkpoint_turns = 4;
	stage_open(store_open_memory(), t_dir());
	p = spawn();
	for (int i = 0; i < 6; i++) {
		send_some(p, 5);
		sum = stage_state(p);
	}
	stage_stop();
	t_u64(rows(p).count, 2);
	store_blob_del(stage.store, rows(p).newest_blob);
	stage_start();
	t_check(id_eq(stage_state(p), sum));
	stage_stop();
	/* And both: from the beginning. */
	for (int i = 0; i < 2; i++) {
		store_blob_del(stage.store, rows(p).newest_blob);
		stage_start();
		t_check(id_eq(stage_state(p), sum));
		stage_stop();
	}
	stage_start();
	stage_close();
}

/* Alters one byte of a blob's file, or cuts the file there. */
static void damage(const char *directory, struct id blob, bool cut)
{
	char path[500], hex[65];
	struct stat st;
	uint8_t byte;
	int fd;

	hex_encode(hex, bytes_of(blob.b, 32));
	snprintf(path, sizeof(path), "%s/blobs/%.2s/%s", directory, hex, hex + 2);
	fd = open(path, O_RDWR);
	t_check(fd >= 0 && fstat(fd, &st) == 0);
	t_check(pread(fd, &byte, 1, st.st_size / 2) == 1);
	byte ^= 1;
	t_check(cut ? ftruncate(fd, st.st_size / 2) == 0 : pwrite(fd, &byte, 1, st.st_size / 2) == 1);
	close(fd);
}

TEST(a_checkpoint_whose_bytes_were_altered_is_passed_over)
{
	const char *directory = t_dir();
	struct store *store;
	struct note note = {0};
	struct id p, sum;

	t_ok(store_open_local(&store, directory, NULL, &note));
	stage.options.checkpoint_turns = 4;
	stage_open(store, directory);
	p = spawn();
	for (int cut = 0; cut < 2; cut++) {
		struct id damaged;
		struct bytes packed;

		for (int i = 0; i < 3; i++) {
			send_some(p, 5);
			sum = stage_state(p);
		}
		stage_stop();
		t_u64(rows(p).count, 2);
		damaged = rows(p).newest_blob;
		damage(directory, damaged, cut);
		t_err(store_blob_get(stage.store, damaged, &stage.arena, &packed), E_CORRUPT);
		stage_start();
		t_check(id_eq(stage_state(p), sum));
		stage_stop();
		t_ok(store_blob_get(stage.store, rows(p).newest_blob, &stage.arena, &packed));
		stage_start();
	}
	stage_close();
}

TEST(an_empty_store_comes_to_the_same_state)
{
	struct id p, sum;

	stage_open(store_open_memory(), t_dir());
	p = spawn();
	send_some(p, 30);
	sum = stage_state(p);
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_u64(stage_evaluated(p), 31);
	stage_close();
}

TEST(processes_are_evicted_by_what_they_hold)
{
	struct id p[6], sums[6];

	stage.options.live_memory = 3 << 20; /* of half a MiB each, and their workers */
	stage_open(store_open_memory(), t_dir());
	for (int i = 0; i < 6; i++) {
		p[i] = spawn();
		send_some(p[i], 5);
		sums[i] = stage_state(p[i]);
	}
	pthread_mutex_lock(&stage.cu->lock);
	t_check(stage.cu->live_count < 6);
	pthread_mutex_unlock(&stage.cu->lock);
	for (int i = 0; i < 6; i++)
		t_check(id_eq(stage_state(p[i]), sums[i]));
	stage_close();
}

/* ---- on the weave ---- */

static void await_shelf(size_t count)
{
	while (stage_shelf() < count)
		clock_sleep_ms(2);
}

TEST(a_checkpoint_on_the_weave_is_that_of_the_reference)
{
	static const char *const names[] = {
		"Data-Protocol", "Variant",      "Type",         "Module",  "Process",          "Nonce",
		"Timestamp",     "Block-Height", "Content-Type", "SHA-256", "Content-Encoding", "Unit-Identifier",
		"Ordinate",      "Assignment",   "Hash-Chain"};
	struct item item;
	struct id p, sum;
	struct note note = {0};
	char hex[65];

	stage.options.upload_gas = 1;
	stage_open(store_open_memory(), t_dir());
	p = spawn();
	sum = stage_state(p);
	await_shelf(1);
	t_ok(item_parse(&item, &stage.arena, stage_shelf_at(0), &note));
	t_u64(item.tags.count, sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < item.tags.count; i++)
		t_text(item.tags.list[i].name, names[i]);
	t_text(tags_get(item.tags, "Data-Protocol"), "ao");
	t_text(tags_get(item.tags, "Variant"), "ao.TN.1");
	t_text(tags_get(item.tags, "Process"), id_text(p).s);
	t_text(tags_get(item.tags, "Nonce"), "0");
	t_text(tags_get(item.tags, "Timestamp"), "1700000000000");
	t_bytes(tags_get(item.tags, "Assignment"), stage_last(p)->id);
	t_text(tags_get(item.tags, "Hash-Chain"), id_text(stage_last(p)->hash_chain).s);
	hex_encode(hex, bytes_of(sum.b, 32));
	t_text(tags_get(item.tags, "SHA-256"), hex);
	t_check(item.target.len == 0 && item.anchor.len == 0);
	t_check(item.data.len > 2 && item.data.ptr[0] == 0x1f && item.data.ptr[1] == 0x8b);
	/* The next one has to wait for half an hour. */
	send_some(p, 3);
	stage_state(p);
	t_u64(stage_shelf(), 1);
	stage_close();
}

/* A process with a checkpoint after each of `count` messages, none of them on this disk. */
static struct id uploaded(int count, struct id *sum)
{
	struct id p;

	stage.options.upload_gas = 1;
	stage.options.upload_ms = 1;
	stage_open(store_open_memory(), t_dir());
	p = spawn();
	*sum = stage_state(p);
	await_shelf(1);
	for (int i = 1; i < count; i++) {
		send_some(p, 5);
		clock_sleep_ms(2);
		*sum = stage_state(p);
		await_shelf((size_t)i + 1);
	}
	stage.options.upload_gas = 0;
	return p;
}

TEST(a_unit_begins_at_a_checkpoint_of_its_own_on_the_weave)
{
	struct id p, sum;

	p = uploaded(2, &sum);
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_check(stage_evaluated(p) < 6);
	t_text(stage_output(p, stage_send(p, "a", NONE)), "000006");
	stage_close();
}

/* Puts the i-th checkpoint on the weave again, changed: by another owner, with other tags or memory. */
struct forgery {
	const struct key *key;
	const char *tag, *value;
	bool other_data;   /* damaged, under the same hash */
	bool other_memory; /* another memory, whose hash it states */
};

static void forge(size_t i, const struct forgery *f)
{
	struct tag_list tags = tag_list_on(&stage.arena);
	struct buf raw = BUF_EMPTY;
	struct item item;
	struct note note = {0};
	struct id id;
	uint8_t *memory = arena_alloc(&stage.arena, 64 << 20), *packed = arena_alloc(&stage.arena, 65 << 20);
	z_stream z = {0};
	size_t len, packed_len;
	uint8_t sum[32];
	char hex[65];

	t_ok(item_parse(&item, &stage.arena, stage_shelf_at(i), &note));
	z.next_in = (Bytef *)(uintptr_t)item.data.ptr;
	z.avail_in = (uInt)item.data.len;
	z.next_out = memory;
	z.avail_out = 64 << 20;
	t_check(inflateInit2(&z, 47) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END);
	inflateEnd(&z);
	len = (64 << 20) - z.avail_out;
	if (f->other_data || f->other_memory)
		memory[1057] = '9';
	sha256(sum, bytes_of(memory, len));
	hex_encode(hex, bytes_of(sum, 32));
	z = (z_stream){.next_in = memory, .avail_in = (uInt)len, .next_out = packed, .avail_out = 65 << 20};
	t_check(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
		deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	packed_len = (65 << 20) - z.avail_out;
	for (size_t k = 0; k < item.tags.count; k++) {
		struct tag t = item.tags.list[k];
		if (f->tag && bytes_eq_str(t.name, f->tag))
			t.value = bytes_str(f->value);
		if (f->other_memory && bytes_eq_str(t.name, "SHA-256"))
			t.value = arena_copy(&stage.arena, bytes_str(hex));
		tag_list_add(&tags, t.name, t.value);
	}
	struct item_fields fields = {.tags = tag_list_tags(&tags), .data = bytes_of(packed, packed_len)};
	t_ok(item_create(&raw, &id, f->key ? f->key : stage.key, &fields, &note));
	stage_put(buf_bytes(&raw));
	buf_release(&raw);
}

/* A process with crons and a checkpoint after each of its messages, a hundred seconds apart. */
static struct id uploaded_with_crons(int count, struct id *sum)
{
	struct id p;

	stage.options.upload_gas = 1;
	stage.options.upload_ms = 1;
	stage_open(store_open_memory(), t_dir());
	for (uint64_t i = 0; i < 20; i++)
		stage_block(STAGE_HEIGHT + i, STAGE_T0 / 1000 + 30 * i);
	p = spawn_with(stage_tags("Cron-Interval", "10-seconds", "Cron-Tag-Action", "Cron", "Cron-Interval", "2-blocks",
				  "Cron-Tag-Action", "BlockCron", NULL));
	*sum = stage_state(p);
	await_shelf(1);
	for (int i = 0; i < count; i++) {
		stage_send_at(p, "a", NONE, STAGE_T0 + 100000 * (uint64_t)(i + 1) + 5000);
		clock_sleep_ms(2);
		*sum = stage_state(p);
		await_shelf((size_t)i + 2);
	}
	stage.options.upload_gas = 0;
	return p;
}

TEST(a_process_with_crons_begins_at_a_checkpoint_too)
{
	struct id p, sum;

	p = uploaded_with_crons(3, &sum);
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_u64(stage_evaluated(p), 0); /* the newest is believed: the one before it led there */
	stage_close();
}

TEST(what_strangers_put_on_the_weave_is_not_looked_at)
{
	struct key *stranger;
	struct note note = {0};
	struct id p, sum;

	p = uploaded(1, &sum);
	t_ok(key_new(&stranger, SIGN_ED25519, &note));
	forge(0, &(struct forgery){.key = stranger, .other_memory = true});
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_u64(stage_evaluated(p), 0);
	/* Trusted, it would be believed; and then the two of them contradict each other. */
	struct bytes both[] = {arena_copy(&stage.arena, bytes_str(id_text(key_address(stranger)).s)),
			       arena_copy(&stage.arena, bytes_str(id_text(key_address(stage.key)).s))};
	stage.options.trusted = both;
	stage.options.trusted_count = 2;
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_u64(stage_evaluated(p), 1);
	key_free(stranger);
	stage_close();
}

/* The place of the i-th checkpoint. */
static uint64_t place(size_t i)
{
	struct item item;
	struct note note = {0};
	uint64_t nonce = 0;

	t_ok(item_parse(&item, &stage.arena, stage_shelf_at(i), &note));
	t_check(bytes_u64(tags_get(item.tags, "Nonce"), &nonce));
	return nonce;
}

TEST(a_checkpoint_that_does_not_hold_up_is_passed_over)
{
	static const struct forgery forgeries[] = {
		{.other_data = true},
		{.tag = "Nonce", .value = NULL}, /* one less than it is, which depends on when it was taken */
		{.tag = "Timestamp", .value = "1700000000001"},
		{.tag = "Block-Height", .value = "7"},
		{.tag = "Assignment", .value = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA"},
		{.tag = "Hash-Chain", .value = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA"},
		{.tag = "Content-Encoding", .value = "br"},
		{.tag = "Module", .value = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA"},
	};
	struct key *trusted;
	struct note note = {0};
	struct bytes owner;
	struct id p, sum;

	p = uploaded(2, &sum);
	for (size_t i = 0; i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
		struct forgery f = forgeries[i];
		t_ok(key_new(&trusted, SIGN_ED25519, &note));
		f.key = trusted;
		if (f.tag && !f.value)
			f.value = (const char *)arena_printf(&stage.arena, "%" PRIu64, place(1) - 1).ptr;
		forge(1, &f);
		owner = arena_copy(&stage.arena, bytes_str(id_text(key_address(trusted)).s));
		stage.options.trusted = &owner;
		stage.options.trusted_count = 1;
		stage_restart_empty();
		t_check(id_eq(stage_state(p), sum));
		t_u64(stage_evaluated(p), 6); /* from the beginning */
		key_free(trusted);
	}
	stage_close();
}

/* Blocks that the rehearsal has passed are still to come for who begins before it. */
TEST(a_rehearsal_that_fails_leaves_the_crons_as_they_were)
{
	struct key *trusted;
	struct note note = {0};
	struct bytes owner;
	struct id p, sum;

	p = uploaded_with_crons(3, &sum);
	t_ok(key_new(&trusted, SIGN_ED25519, &note));
	owner = arena_copy(&stage.arena, bytes_str(id_text(key_address(trusted)).s));
	stage.options.trusted = &owner;
	stage.options.trusted_count = 1;
	forge(2, &(struct forgery){.key = trusted});
	forge(3, &(struct forgery){.key = trusted, .other_memory = true});
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_check(stage_evaluated(p) > 30); /* from the beginning */
	key_free(trusted);
	stage_close();
}

TEST(a_dishonest_checkpoint_is_found_out_by_the_one_before_it)
{
	struct key *trusted;
	struct note note = {0};
	struct bytes owner;
	struct id p, sum;

	p = uploaded(3, &sum);
	t_ok(key_new(&trusted, SIGN_ED25519, &note));
	owner = arena_copy(&stage.arena, bytes_str(id_text(key_address(trusted)).s));
	stage.options.trusted = &owner;
	stage.options.trusted_count = 1;
	/* Two that agree are believed; of the third, which lies, nothing is. */
	forge(0, &(struct forgery){.key = trusted});
	forge(1, &(struct forgery){.key = trusted});
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_u64(stage_evaluated(p), 10 - place(1));
	forge(2, &(struct forgery){.key = trusted, .other_memory = true});
	stage_restart_empty();
	t_check(id_eq(stage_state(p), sum));
	t_u64(stage_evaluated(p), 10 - place(0)); /* one of the last two is wrong */
	key_free(trusted);
	stage_close();
}

TEST_MAIN
