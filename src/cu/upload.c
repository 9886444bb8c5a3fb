/* SPDX-License-Identifier: MIT
 *
 * upload: a checkpoint on the weave, exactly as the reference makes them (ao-units 2.7, 5.14), so that every
 * compute unit that trusts this one can begin there.
 */
#include "base/clock.h"
#include "base/text.h"
#include "cu/unit.h"
#include "flow/wait.h"
#include "msg/item.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP = 31, LEVEL = 9 };

struct upload {
	struct live *live;
	struct tip tip;
	char module[ID_TEXT_LEN + 1];
	struct buf memory;
};

static bool gzip(struct buf *out, struct bytes in)
{
	z_stream z = {0};
	bool done = false;

	if (deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	buf_reserve(out, in.len / 4 + 4096);
	while (!done) { /* zlib counts in 32 bits */
		uInt piece = in.len > 1u << 30 ? 1u << 30 : (uInt)in.len;
		z.next_in = (Bytef *)(uintptr_t)in.ptr;
		z.avail_in = piece;
		bool last = piece == in.len;
		do {
			buf_reserve(out, 1 << 20);
			z.next_out = out->ptr + out->len;
			z.avail_out = 1 << 20;
			done = deflate(&z, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_END;
			out->len += (1 << 20) - z.avail_out;
		} while (!done && z.avail_out == 0);
		in = bytes_from(in, piece);
	}
	deflateEnd(&z);
	return true;
}

static void add_number(struct tag_list *tags, const char *name, uint64_t value)
{
	tag_list_add(tags, bytes_str(name), arena_printf(tags->arena, "%" PRIu64, value));
}

static struct tags write_tags(struct arena *a, const struct upload *u, struct bytes memory)
{
	struct tag_list tags = tag_list_on(a);
	const struct tip *tip = &u->tip;
	uint8_t sum[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	sha256(sum, memory);
	hex_encode(hex, bytes_of(sum, sizeof(sum)));
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Variant", "ao.TN.1");
	tag_list_add_str(&tags, "Type", "Checkpoint");
	tag_list_add(&tags, BYTES("Module"), bytes_str(u->module));
	tag_list_add(&tags, BYTES("Process"), arena_copy(a, bytes_str(id_text(u->live->process).s)));
	add_number(&tags, "Nonce", (uint64_t)tip->nonce);
	add_number(&tags, "Timestamp", tip->timestamp_ms);
	add_number(&tags, "Block-Height", tip->block_height);
	tag_list_add_str(&tags, "Content-Type", "application/octet-stream");
	tag_list_add(&tags, BYTES("SHA-256"), arena_copy(a, bytes_str(hex)));
	tag_list_add_str(&tags, "Content-Encoding", "gzip");
	tag_list_add(&tags, BYTES("Unit-Identifier"), bytes_str(u->live->cu->boot));
	add_number(&tags, "Ordinate", (uint64_t)tip->nonce);
	if (tip->has_chain) {
		tag_list_add(&tags, BYTES("Assignment"), arena_copy(a, bytes_str(id_text(tip->assignment).s)));
		tag_list_add(&tags, BYTES("Hash-Chain"), arena_copy(a, bytes_str(id_text(tip->hash_chain).s)));
	}
	if (tip->epoch)
		add_number(&tags, "Epoch", tip->epoch);
	return tag_list_tags(&tags);
}

/* Whether this unit has sent the same one before. */
static bool is_there(const struct upload *u, struct arena *a)
{
	struct cu *cu = u->live->cu;
	struct bytes owner = arena_copy(a, bytes_str(id_text(key_address(cu->options.key)).s));
	struct bytes process = arena_copy(a, bytes_str(id_text(u->live->process).s)), type = BYTES("Checkpoint");
	struct bytes nonce = arena_printf(a, "%" PRId64, u->tip.nonce);
	struct weave_tag_filter tags[] = {
		{BYTES("Type"), &type, 1}, {BYTES("Process"), &process, 1}, {BYTES("Nonce"), &nonce, 1}};
	struct weave_query query = {.owners = &owner, .owner_count = 1, .tags = tags, .tag_count = 3, .first = 1};
	const struct weave_meta *list;
	size_t count = 0;

	return weave_find_wait(&cu->options.weave, a, &query, &list, &count, NULL) == OK && count > 0;
}

static enum err send(struct upload *u, struct arena *a, struct id *id, struct note *note)
{
	struct cu *cu = u->live->cu;
	struct buf packed = BUF_EMPTY, item = BUF_EMPTY;
	struct item_fields fields = {.tags = write_tags(a, u, buf_bytes(&u->memory))};
	enum err e = gzip(&packed, buf_bytes(&u->memory)) ? OK : note_err(note, E_IO, "gzip");

	buf_release(&u->memory);
	fields.data = buf_bytes(&packed);
	if (e == OK)
		e = item_create(&item, id, cu->options.key, &fields, note);
	buf_release(&packed);
	if (e == OK)
		e = weave_put_wait(&cu->options.weave, buf_bytes(&item), note);
	buf_release(&item);
	return e;
}

static void run_upload(void *ctx)
{
	struct upload *u = ctx;
	struct live *p = u->live;
	struct cu *cu = p->cu;
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct id id = {{0}};
	enum err e = OK;

	if (!is_there(u, &a)) {
		e = send(u, &a, &id, &note);
		log_event(cu->options.log, e < 0 ? LOG_ODD : LOG_INFO, "cu.upload",
			  "process=%s nonce=%" PRId64 " id=%s%s%s", id_text(p->process).s, u->tip.nonce, id_text(id).s,
			  e < 0 ? " error=" : "", note.text);
	}
	buf_release(&u->memory);
	arena_release(&a);
	free(u);
	live_release(p);
	cu_end(cu);
}

void upload_checkpoint(struct live *p)
{
	struct cu *cu = p->cu;
	uint64_t now = clock_ns();
	struct bytes content;
	struct upload *u;

	p->unsent_gas = 0;
	if (!p->loaded || p->tip.nonce < 0 || (p->sent_ns && now - p->sent_ns < cu->options.upload_ms * 1000000))
		return;
	if (advance_settle(p, NULL) < 0 || image_map(p->image, &content, NULL) < 0)
		return;
	p->sent_ns = now;
	u = calloc(1, sizeof(*u));
	must(u != NULL);
	buf_put_bytes(&u->memory, content);
	image_unmap(p->image, content);
	u->live = live_hold(cu, p->process);
	u->tip = p->tip;
	memcpy(u->module, p->module->id, sizeof(u->module));
	pthread_mutex_lock(&cu->lock);
	cu->under_way++;
	pthread_mutex_unlock(&cu->lock);
	must(pool_put_always(cu->keeper, run_upload, u) == OK);
}
