/* SPDX-License-Identifier: MIT
 *
 * drive: a turn's files: found in the record, or asked of the weave; and their bytes.
 */
#include "cu/drive.h"

#include "base/clock.h"
#include "base/file.h"
#include "flow/nouns.h"
#include "flow/wait.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_FOUND "HALT: FILE NOT FOUND"
#define LIBRARY "This WeaveDrive implementation does not support Library attestations yet!"
#define TOO_MANY "HALT: TOO MANY FILES"

/* Contents up to IN_MEMORY are held, larger ones read from their blob's file. */
enum { IN_MEMORY = 1 << 20, PIECE = 1 << 20 };

/* How long the index is awaited: 50 ms, twice as long each time, some six seconds in all. */
enum { AWAIT_MS = 50, AWAIT_MS_MAX = 3200 };

struct reading_file {
	struct drive_file base; /* what the reader sees */
	struct read read;       /* what is recorded; texts in `arena` */
	struct arena arena;
	struct bytes content;
	int fd; /* of the blob; -1: the content is at hand */
};

/* ---- contents ---- */

/* What the disk holds is read once for its hash before any of it is believed. */
static enum err check_blob(int fd, const struct read *read)
{
	uint8_t *piece = malloc(PIECE);
	struct hasher *h = sha256_open();
	struct id sum;
	bool whole = true;

	must(piece != NULL);
	for (uint64_t at = 0; whole && at < read->size; at += PIECE) {
		size_t len = read->size - at < PIECE ? (size_t)(read->size - at) : PIECE;
		whole = file_read_at(fd, piece, len, at);
		hasher_add(h, piece, len);
	}
	hasher_end(h, sum.b);
	free(piece);
	return whole && id_eq(sum, read->content) ? OK : E_CORRUPT;
}

/* A damaged blob goes, or it would stand in for the one that is fetched instead. */
static enum err open_content(struct reading *r, struct reading_file *f)
{
	struct store *s = r->live->cu->options.store;
	int fd = -1;
	enum err e = f->read.size > IN_MEMORY ? store_blob_open(s, f->read.content, &fd) : E_UNSUPPORTED;

	if (e == OK) {
		e = check_blob(fd, &f->read);
	} else if (e == E_UNSUPPORTED) {
		fd = -1;
		e = store_blob_get(s, f->read.content, &f->arena, &f->content);
		if (e == OK && f->content.len != f->read.size)
			e = E_CORRUPT;
	}
	if (e == E_CORRUPT) {
		store_blob_del(s, f->read.content);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	f->fd = fd;
	return e;
}

/* The content is here: it becomes a blob, or, in a dry run, stays in memory. A large one leaves it, with `a`, where it is. */
static enum err keep_content(struct reading *r, struct reading_file *f, struct arena *a, struct bytes content,
			     struct note *note)
{
	struct store *s = r->live->cu->options.store;
	enum err e = OK;

	f->read.size = content.len;
	if (r->dry)
		f->read.content = id_of_sha256(content);
	else
		e = store_blob_put(s, &f->read.content, content);
	if (e == OK && a && !r->dry && content.len > IN_MEMORY) {
		arena_release(a);
		e = open_content(r, f);
	} else if (e == OK) {
		f->content = arena_copy(&f->arena, content);
	}
	return e < 0 ? note_err(note, e, "what was read of the weave cannot be kept: %s", err_sentence(e)) : OK;
}

static enum err check_size(struct reading *r, uint64_t size, struct note *note)
{
	uint64_t most = r->live->cu->options.drive_bytes_max;

	if (size > most || r->bytes > most - size) {
		note_err(note, E_LIMIT,
			 "the message reads more of the weave than this unit allows: at most %" PRIu64 " bytes", most);
		note_hint(note, "the setting is drive-bytes-max");
		return E_LIMIT;
	}
	return OK;
}

/* ---- asking the weave ---- */

static void halt(struct reading_file *f, const char *words)
{
	f->read.answer = DRIVE_FAILURE;
	f->read.failure = bytes_str(words);
	f->read.size = 0;
	f->read.content = (struct id){{0}};
}

static enum err away(struct note *note, const char *what, struct bytes id)
{
	note_reset(note);
	note_err(note, E_PEER, "%s %.*s is not to be had from the weave", what, BYTES_FMT(id));
	note_hint(note, "ask again, until the gateway has it; nothing was recorded");
	return E_PEER;
}

/* Until the index has the block that the message knows of, it cannot say that something is not there. In a dry run it may: the height
 * is whatever the client says, and nothing is kept. */
static enum err await_index(struct reading *r, struct note *note)
{
	const struct cu *cu = r->live->cu;
	const struct weave_block *list;
	size_t count = 0;
	enum err e = OK;

	for (uint64_t ms = AWAIT_MS; e == OK && !r->reached && !r->dry; ms *= 2) {
		e = weave_blocks_wait(&cu->options.weave, &r->arena, r->height, 1, &list, &count, note);
		r->reached = e == OK && count > 0;
		if (r->reached || e < 0)
			break;
		if (ms > AWAIT_MS_MAX || cu->closing)
			return note_err(note, E_PEER,
					"the weave's index has not come to block %" PRIu64 ", which the message knows",
					r->height);
		clock_sleep_ms(ms);
	}
	return e;
}

static enum err fetch_payload(struct reading *r, struct reading_file *f, struct bytes id, const struct weave_meta *meta,
			      struct note *note)
{
	struct store *s = r->live->cu->options.store;
	struct arena a = ARENA_EMPTY;
	struct bytes content;
	struct id item;
	enum err e = check_size(r, meta->data_size, note);

	if (e == OK) {
		e = weave_data_wait(&r->live->cu->options.weave, &a, id, &content, note);
		if (e == E_NOT_FOUND)
			e = away(note, "the payload of", id);
	}
	if (e == OK && meta->data_size && content.len != meta->data_size)
		e = away(note, "the whole payload of", id);
	if (e == OK)
		e = check_size(r, content.len, note);
	if (e == OK)
		e = keep_content(r, f, &a, content, note);
	if (e == OK && !r->dry && id_parse(&item, id) == OK)
		payload_put(s, item, f->read.content, f->read.size);
	arena_release(&a);
	return e;
}

/* A payload never changes, so one that was fetched for any process is here for all. */
static bool payload_at_hand(struct reading *r, struct reading_file *f, struct id item)
{
	struct store *s = r->live->cu->options.store;

	return payload_get(s, item, &f->read.content, &f->read.size) == OK && check_size(r, f->read.size, NULL) == OK &&
	       open_content(r, f) == OK;
}

static enum err ask_data(struct reading *r, struct reading_file *f, struct bytes id, struct note *note)
{
	enum availability availability;
	struct weave_meta meta;
	struct id item;
	enum err e;

	if (id_parse(&item, id) < 0) {
		halt(f, NOT_FOUND);
		return OK;
	}
	e = available(r->live, r->module, &f->arena, id, r->height, &availability, note);
	if (e < 0)
		return e;
	if (availability == WITHHELD || availability == NO_LIBRARY) {
		halt(f, availability == WITHHELD ? NOT_FOUND : LIBRARY);
		return OK;
	}
	if (payload_at_hand(r, f, item))
		return OK;
	e = weave_meta_wait(&r->live->cu->options.weave, &f->arena, id, &meta, note);
	if (e == OK)
		return fetch_payload(r, f, id, &meta, note);
	if (e != E_NOT_FOUND)
		return e;
	if (availability == BOOT_ITEM)
		return away(note, "the item that the process boots from,", id);
	halt(f, NOT_FOUND);
	return OK;
}

static enum err ask_transaction(struct reading *r, struct reading_file *f, struct bytes id, struct note *note)
{
	const struct weave *weave = &r->live->cu->options.weave;
	struct buf text = BUF_EMPTY;
	struct weave_meta meta;
	struct bytes json;
	struct id ignored;
	enum err e = id_parse(&ignored, id);

	if (e == OK)
		e = weave_meta_wait(weave, &f->arena, id, &meta, note);
	else
		e = E_NOT_FOUND;
	if (e == E_NOT_FOUND || (e == OK && (!meta.mined || meta.block_height > r->height))) {
		halt(f, NOT_FOUND);
		return OK;
	}
	if (e == OK) {
		e = weave_transaction_wait(weave, &f->arena, id, &json, note);
		if (e == E_NOT_FOUND)
			e = away(note, "the document of", id);
	}
	if (e == OK)
		e = with_owner_address(&text, &f->arena, json, meta.owner_address, note);
	if (e == OK)
		e = check_size(r, text.len, note);
	if (e == OK)
		e = keep_content(r, f, NULL, buf_bytes(&text), note);
	buf_release(&text);
	return e;
}

static enum err ask_block(struct reading *r, struct reading_file *f, struct bytes number, struct note *note)
{
	uint64_t height;
	struct bytes json;
	enum err e;

	if (!bytes_u64(number, &height) || height > r->height) {
		halt(f, NOT_FOUND);
		return OK;
	}
	e = weave_block_wait(&r->live->cu->options.weave, &f->arena, height, &json, note);
	if (e == E_NOT_FOUND && r->dry) {
		note_reset(note);
		halt(f, NOT_FOUND);
		return OK;
	}
	if (e == E_NOT_FOUND)
		e = away(note, "block", number);
	if (e == OK)
		e = check_size(r, json.len, note);
	return e < 0 ? e : keep_content(r, f, NULL, json, note);
}

static enum err ask(struct reading *r, struct reading_file *f, struct note *note)
{
	struct bytes path = f->read.path;
	enum err e = await_index(r, note);

	if (e < 0)
		return e;
	f->read.answer = DRIVE_FILE;
	if (bytes_starts(path, "/data/"))
		e = ask_data(r, f, bytes_from(path, 6), note);
	else if (bytes_starts(path, "/tx/"))
		e = ask_transaction(r, f, bytes_from(path, 4), note);
	else
		e = ask_block(r, f, bytes_from(path, 7), note);
	if (e == OK)
		note_reset(note);
	return e;
}

/* ---- the record ---- */

/* Where the turn stands, by what its message says: a cron has the ordinate of the message before it. */
static void place(struct reading *r)
{
	const struct json *json;
	const struct tip *tip = &r->live->tip;
	uint64_t nonce = 0;

	r->placed = true;
	if (json_parse(&json, &r->arena, r->message, NULL) < 0)
		return;
	if (!json_u64(json_get(json, "Block-Height"), &r->height) &&
	    !bytes_u64(json_get_text(&r->arena, json, "Block-Height"), &r->height))
		r->height = 0;
	if (r->dry || r->keyed)
		return;
	(void)json_u64(json_get(json, "Timestamp"), &r->key.timestamp_ms);
	if (json_truthy(json_get(json, "Cron"))) {
		r->key.ordinate = tip->nonce < 0 ? 0 : (uint64_t)tip->nonce;
		r->key.cron = tip->cron_count + 1;
	} else if (json_u64(json_get(json, "Nonce"), &nonce)) {
		r->key.ordinate = nonce;
	}
}

static struct reading_file *file_new(struct bytes path)
{
	struct reading_file *f = calloc(1, sizeof(*f));

	must(f != NULL);
	f->fd = -1;
	f->read.path = arena_copy(&f->arena, path);
	return f;
}

static void file_free(struct reading_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	arena_release(&f->arena);
	free(f);
}

static struct drive_file *add(struct reading *r, struct reading_file *f)
{
	f->base.answer = f->read.answer;
	f->base.size = f->read.answer == DRIVE_FILE ? f->read.size : 0;
	f->base.failure = arena_cstr(&f->arena, f->read.failure);
	r->bytes += f->base.size;
	r->files[r->count++] = f;
	return &f->base;
}

/* The content of a record is damaged or lost: the weave may have it still. */
static enum err restore(struct reading *r, struct reading_file *f, struct note *note)
{
	struct weave_meta meta = {.data_size = f->read.size};
	struct bytes path = f->read.path;
	struct id content = f->read.content;
	enum err e;

	if (bytes_starts(path, "/data/"))
		e = fetch_payload(r, f, bytes_from(path, 6), &meta, note);
	else
		e = ask(r, f, note);
	if (e == OK && (f->read.answer != DRIVE_FILE || !id_eq(f->read.content, content)))
		e = note_err(
			note, E_CORRUPT,
			"what the message has read of %.*s is damaged on this disk, and the weave says something else",
			BYTES_FMT(path));
	return e;
}

/* A turn that was evaluated before read these. NULL: not this one. */
static enum err recall(struct reading *r, struct bytes path, struct reading_file **out, struct note *note)
{
	struct live *p = r->live;
	struct reading_file *f = NULL;
	struct arena a = ARENA_EMPTY;
	struct read *list;
	size_t count, i = 0;
	enum err e = reads_get(p->cu->options.store, &a, p->process, &r->key, r->step, &list, &count);

	if (e < 0)
		note_err(note, e, "the record of what the message has read is damaged");
	while (e == OK && i < count && !bytes_eq(list[i].path, path))
		i++;
	if (e == OK && i < count) {
		f = file_new(path);
		f->read = list[i];
		f->read.path = arena_copy(&f->arena, list[i].path);
		f->read.failure = arena_copy(&f->arena, list[i].failure);
	}
	arena_release(&a);
	if (f && f->read.answer == DRIVE_FILE && open_content(r, f) < 0)
		e = restore(r, f, note);
	if (e < 0 && f) {
		file_free(f);
		f = NULL;
	}
	*out = f;
	return e;
}

/* ---- the port ---- */

static enum err open_file(struct drive *d, const struct drive_file **out, struct bytes path, struct note *note)
{
	static const struct drive_file too_many = {.answer = DRIVE_FAILURE, .failure = TOO_MANY};
	struct reading *r = (struct reading *)d;
	struct reading_file *f = NULL;
	enum err e = OK;

	for (size_t i = 0; i < r->count; i++)
		if (bytes_eq(r->files[i]->read.path, path)) {
			*out = &r->files[i]->base;
			return OK;
		}
	if (r->count == READ_FILES_MAX) {
		*out = &too_many;
		return OK;
	}
	if (!r->placed)
		place(r);
	if (!r->dry)
		e = recall(r, path, &f, note);
	if (e == OK && !f) {
		f = file_new(path);
		e = ask(r, f, note);
		if (e < 0)
			file_free(f);
	}
	if (e == OK)
		*out = add(r, f);
	return e;
}

static enum err read_file(struct drive *d, const struct drive_file *file, uint8_t *out, uint64_t at, size_t len,
			  struct note *note)
{
	const struct reading_file *f = (const struct reading_file *)file;

	(void)d;
	if (f->fd < 0)
		memcpy(out, f->content.ptr + at, len);
	else if (!file_read_at(f->fd, out, len, at))
		return note_err(note, E_IO, "what was read of the weave cannot be read again: %s", strerror(errno));
	return OK;
}

/* ---- a turn's reading ---- */

void reading_begin(struct reading *r, struct live *p, struct bytes message, bool dry)
{
	*r = (struct reading){
		.drive = {open_file, read_file}, .live = p, .module = p->module, .message = message, .dry = dry};
}

void reading_begin_step(struct reading *r, struct live *p, const struct module *m, unsigned step,
			const struct result_key *key, struct bytes message)
{
	reading_begin(r, p, message, false);
	r->module = m;
	r->step = step;
	r->key = *key;
	r->keyed = true;
}

void reading_end(struct reading *r)
{
	for (size_t i = 0; i < r->count; i++)
		file_free(r->files[i]);
	arena_release(&r->arena);
}

struct drive *reading_drive(struct reading *r)
{
	const struct module *m = r->module;

	return bytes_eq_str(m->format, "wasm64-unknown-emscripten-draft_2024_02_15") ||
			       tags_includes(m->tags, "Extension", "WeaveDrive")
		       ? &r->drive
		       : NULL;
}

void reading_list(const struct reading *r, struct arena *a, struct result *out)
{
	struct read *list, *read;

	if (r->count == 0)
		return;
	list = arena_new_array(a, out->read_count + r->count, struct read);
	if (out->read_count)
		memcpy(list, out->reads, out->read_count * sizeof(*list));
	for (size_t i = 0; i < r->count; i++) {
		read = &list[out->read_count + i];
		*read = r->files[i]->read;
		read->number = (uint16_t)(r->step * READ_FILES_MAX + i);
		read->path = arena_copy(a, read->path);
		read->failure = arena_copy(a, read->failure);
	}
	out->reads = list;
	out->read_count += r->count;
}
