/* SPDX-License-Identifier: MIT
 *
 * fetch: beginning from a checkpoint on the weave (ao-units 5.13). Only those of trusted owners are looked at,
 * newest place first, and none is believed beyond what can be seen:
 *
 *   its tags      name this process, a module, and the very assignment that the scheduler has at that place
 *   its memory    has the hash that its tags say
 *   other ones    at the same place have the same hash
 *   the one before, when it is near, leads to the same memory when the messages between are evaluated
 *
 * One that fails is passed over, and so is the one that it failed against; when none is left the process begins anew.
 * The module is another one than the process began with when it has migrated (migrate.c); only memories of one module are
 * compared, because a migration between them is evaluated with both.
 */
#include "base/text.h"
#include "cu/unit.h"
#include "flow/wait.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CANDIDATES = 50, REHEARSAL_MAX = 200, GZIP_OR_ZLIB = 47, WASM_PAGE_SIZE = 65536 };

struct candidate {
	const struct weave_meta *meta;
	struct tip tip;
	struct bytes sum; /* hex */
	struct bytes module;
	bool gzip, refused;
	struct image *image;
};

static void refuse(struct live *p, struct candidate *c, const char *why)
{
	c->refused = true;
	log_event(p->cu->options.log, LOG_ODD, "cu.fetch", "process=%s nonce=%" PRId64 " checkpoint=%.*s refused: %s",
		  id_text(p->process).s, c->tip.nonce, BYTES_FMT(c->meta->id), why);
}

/* ---- what its tags say ---- */

static bool number(struct tags tags, const char *name, uint64_t *out)
{
	return bytes_u64(tags_get(tags, name), out);
}

static bool read_candidate(struct live *p, struct candidate *c, const struct weave_meta *meta)
{
	struct bytes encoding = tags_get(meta->tags, "Content-Encoding");
	uint64_t nonce = 0;

	*c = (struct candidate){.meta = meta, .sum = tags_get(meta->tags, "SHA-256")};
	c->gzip = bytes_eq_str(encoding, "gzip");
	if (!number(meta->tags, "Nonce", &nonce) || nonce > INT64_MAX ||
	    !number(meta->tags, "Timestamp", &c->tip.timestamp_ms) ||
	    !number(meta->tags, "Block-Height", &c->tip.block_height))
		return false;
	(void)number(meta->tags, "Epoch", &c->tip.epoch);
	c->tip.nonce = (int64_t)nonce;
	c->tip.has_chain = id_parse(&c->tip.assignment, tags_get(meta->tags, "Assignment")) == OK &&
			   id_parse(&c->tip.hash_chain, tags_get(meta->tags, "Hash-Chain")) == OK;
	/* One that was made between two messages stands at a tick that its tags do not say. */
	c->module = tags_get(meta->tags, "Module");
	return c->sum.len == 2 * SHA256_SIZE && (encoding.len == 0 || c->gzip) &&
	       !tags_has(meta->tags, "Cron-Interval") && c->module.len == ID_TEXT_LEN && nonce < p->claims_end;
}

static bool is_at_hand(const struct live *p, const struct candidate *c)
{
	return bytes_eq_str(c->module, p->module->id);
}

static int newest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->tip.nonce < y->tip.nonce ? 1 : x->tip.nonce > y->tip.nonce ? -1 : 0;
}

static enum err find(struct live *p, struct arena *a, struct candidate *list, size_t *count, struct note *note)
{
	const struct cu_options *o = &p->cu->options;
	struct bytes own = arena_copy(a, bytes_str(id_text(key_address(o->key)).s)), ao = BYTES("ao");
	struct bytes process = arena_copy(a, bytes_str(id_text(p->process).s)), type = BYTES("Checkpoint");
	struct weave_tag_filter tags[] = {
		{BYTES("Data-Protocol"), &ao, 1}, {BYTES("Type"), &type, 1}, {BYTES("Process"), &process, 1}};
	struct weave_query query = {.owners = o->trusted_count ? o->trusted : &own,
				    .owner_count = o->trusted_count ? o->trusted_count : 1,
				    .tags = tags,
				    .tag_count = 3,
				    .first = CANDIDATES};
	const struct weave_meta *metas;
	size_t found = 0;
	enum err e = weave_find_wait(&o->weave, a, &query, &metas, &found, note);

	*count = 0;
	for (size_t i = 0; e == OK && i < found && i < CANDIDATES; i++)
		*count += read_candidate(p, &list[*count], &metas[i]);
	qsort(list, *count, sizeof(*list), newest_first);
	return e;
}

/* Checkpoints of the same place that differ are all refused: somebody is wrong. */
static void compare_all(struct live *p, struct candidate *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count && list[k].tip.nonce == list[i].tip.nonce; k++)
			if (!bytes_eq(list[i].sum, list[k].sum) || !bytes_eq(list[i].module, list[k].module)) {
				refuse(p, &list[i], "another one of the same place differs");
				refuse(p, &list[k], "another one of the same place differs");
			}
}

/* The scheduler has the same assignment at that place. */
static bool has_place(struct live *p, const struct candidate *c)
{
	struct arena a = ARENA_EMPTY;
	struct page page = {0};
	struct range range = {c->tip.nonce - 1, (uint64_t)c->tip.nonce, 1};
	const struct assignment *it;
	struct id id;
	bool same = false;

	if (page_wait(&p->scheduler, &a, p->process, range, &page, NULL) == OK && page.count == 1) {
		it = &page.list[0];
		same = it->nonce == (uint64_t)c->tip.nonce && it->timestamp_ms == c->tip.timestamp_ms &&
		       it->block_height == c->tip.block_height && it->has_hash_chain == c->tip.has_chain;
		if (same && c->tip.has_chain)
			same = id_parse(&id, it->id) == OK && id_eq(id, c->tip.assignment) &&
			       id_eq(it->hash_chain, c->tip.hash_chain);
	}
	arena_release(&a);
	return same;
}

/* ---- its memory ---- */

static bool gunzip(struct buf *out, struct bytes in, uint64_t most)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len};
	int r = Z_OK;

	if (in.len > UINT32_MAX || inflateInit2(&z, GZIP_OR_ZLIB) != Z_OK)
		return false;
	while (r == Z_OK && out->len <= most) {
		buf_reserve(out, 1 << 20);
		z.next_out = out->ptr + out->len;
		z.avail_out = 1 << 20;
		r = inflate(&z, Z_NO_FLUSH);
		out->len += (1 << 20) - z.avail_out;
	}
	inflateEnd(&z);
	return r == Z_STREAM_END && out->len <= most;
}

static bool has_sum(struct bytes memory, struct bytes sum)
{
	uint8_t own[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	sha256(own, memory);
	hex_encode(hex, bytes_of(own, sizeof(own)));
	return bytes_eq_str(sum, hex);
}

static void load_memory(struct live *p, struct candidate *c)
{
	struct arena a = ARENA_EMPTY;
	struct buf plain = BUF_EMPTY;
	struct bytes data, memory;

	if (weave_data_wait(&p->cu->options.weave, &a, c->meta->id, &data, NULL) < 0) {
		refuse(p, c, "its data is not to be had");
		goto end;
	}
	memory = data;
	if (c->gzip) {
		if (!gunzip(&plain, data, p->memory_max)) {
			refuse(p, c, "its data does not unpack within the memory limit");
			goto end;
		}
		memory = buf_bytes(&plain);
	}
	if (!has_sum(memory, c->sum))
		refuse(p, c, "its memory has another hash than it says");
	else if (memory.len == 0 || memory.len > p->memory_max || memory.len % WASM_PAGE_SIZE)
		refuse(p, c, "its memory has an impossible size");
	else if (image_of_bytes(&c->image, memory, NULL) < 0)
		refuse(p, c, "there is no memory for it");
end:
	buf_release(&plain);
	arena_release(&a);
}

/* Takes all the steps that need nobody else. */
static bool holds_up(struct live *p, struct candidate *c)
{
	if (c->refused || c->image)
		return !c->refused;
	if (!has_place(p, c)) {
		refuse(p, c, "the scheduler has another assignment at its place");
		return false;
	}
	load_memory(p, c);
	return !c->refused;
}

/* ---- the way from one to the next ---- */

static void stand_at(struct live *p, struct candidate *c)
{
	p->image = c->image;
	c->image = NULL;
	p->tip = c->tip;
	crons_start(p);
}

/* Evaluates from `older` to `newer`, of which nothing is kept, and compares. */
static bool leads_to(struct live *p, struct candidate *older, struct candidate *newer)
{
	struct note note = {0};
	struct migrate_mark mark;
	struct bytes memory;
	bool same = false;
	enum err e;

	migrate_mark(&mark, p);
	stand_at(p, older);
	p->rehearsal = true;
	e = advance_to(p, (struct bound){(uint64_t)newer->tip.nonce, UINT64_MAX}, &note);
	if (e == OK && advance_settle(p, &note) == OK && image_map(p->image, &memory, &note) == OK) {
		same = has_sum(memory, newer->sum);
		image_unmap(p->image, memory);
	}
	p->rehearsal = false;
	instance_close(p->instance);
	image_release(p->image);
	p->instance = NULL;
	p->image = NULL;
	p->tip = (struct tip){.nonce = -1};
	p->broken = false;
	history_reset(p);
	crons_forget(p); /* it has passed blocks that are still to come for who begins earlier */
	migrate_back(&mark, p);
	return same;
}

static bool confirmed(struct live *p, struct candidate *list, size_t count, size_t at)
{
	for (size_t i = at + 1; i < count; i++) {
		if (list[i].tip.nonce == list[at].tip.nonce || !is_at_hand(p, &list[i]))
			continue;
		if (list[at].tip.nonce - list[i].tip.nonce > REHEARSAL_MAX)
			break;
		if (!holds_up(p, &list[i]))
			continue;
		if (leads_to(p, &list[i], &list[at]))
			return true;
		refuse(p, &list[at], "the one before it leads elsewhere");
		refuse(p, &list[i], "it leads elsewhere than the one after it");
		return false;
	}
	return true;
}

enum err fetch_checkpoint(struct live *p, struct bytes *other, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct candidate *list = arena_new_array(&a, CANDIDATES, struct candidate);
	size_t count;
	enum err e = find(p, &a, list, &count, note), found = E_NOT_FOUND;

	if (e < 0)
		log_event(p->cu->options.log, LOG_ODD, "cu.fetch", "process=%s the weave was not asked: %s",
			  id_text(p->process).s, note_text(note, e));
	compare_all(p, list, count);
	for (size_t i = 0; found < 0 && i < count; i++)
		if (!list[i].refused && !is_at_hand(p, &list[i])) {
			p->claims_end = (uint64_t)list[i].tip.nonce + 1;
			*other = arena_copy(&p->arena, list[i].module);
			found = OK;
		} else if (holds_up(p, &list[i]) && confirmed(p, list, count, i)) {
			stand_at(p, &list[i]);
			found = OK;
			log_event(p->cu->options.log, LOG_INFO, "cu.fetch",
				  "process=%s nonce=%" PRId64 " checkpoint=%.*s", id_text(p->process).s, p->tip.nonce,
				  BYTES_FMT(list[i].meta->id));
		}
	if (found < 0)
		p->claims_end = 0;
	for (size_t i = 0; i < count; i++)
		image_release(list[i].image);
	arena_release(&a);
	return found;
}
