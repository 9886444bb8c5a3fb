/* SPDX-License-Identifier: MIT
 *
 * schedule: an item or an assign gets its place, and its sender an answer (ao-units 3.4).
 */
#include "base/clock.h"
#include "base/text.h"
#include "flow/nouns.h"
#include "flow/wait.h"
#include "msg/item.h"
#include "su/dedupe.h"
#include "su/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SETTLEMENT_DEPTH = 20 };

/* What is to be scheduled, checked. */
struct candidate {
	struct id process;
	struct id message;    /* what the assignment names; zero for a process */
	struct bytes item;    /* the signed message or process; empty for an assign */
	struct bytes exclude; /* of an assign */
	bool is_process, is_assign;
	struct deephash dedupe;
	bool has_dedupe;
};

/* An append on its way to the disk. */
struct append {
	struct flight flight;
	struct su *su;
	struct head *head;
	struct id process, answer; /* answer: what the sender is told */
	uint64_t nonce, upload;    /* upload: the place of its upload task */
	schedule_done *done;
	void *ctx;
};

/* On the store's thread. */
static void on_durable(void *ctx, enum err e)
{
	struct append *append = ctx;
	struct su *su = append->su;
	struct note note = {0};
	struct id_text id = id_text(append->answer);

	head_landed(su->heads, append->head, &append->flight, e);
	if (e == OK) {
		struct receipt receipt = {bytes_str(id.s), clock_ms(), append->nonce};
		upload_wake(su->upload, append->upload);
		log_event(su->log, LOG_DEBUG, "su.assign", "process=%s nonce=%" PRIu64 " id=%s",
			  id_text(append->process).s, append->nonce, id.s);
		append->done(append->ctx, OK, NULL, &receipt);
	} else {
		note_err(&note, e, "the message could not be written down and has no place: %s", err_sentence(e));
		note_hint(&note, "look at the disk of the scheduler, restart it, and send again");
		append->done(append->ctx, e, &note, NULL);
	}
	free(append);
	atomic_fetch_sub(&su->under_way, 1);
}

static enum err refuse_doubles(struct su *su, const struct head *head, const struct candidate *c, struct note *note)
{
	struct bytes hash = bytes_of(c->dedupe.b, sizeof(c->dedupe.b));

	if (c->is_process)
		return head_exists(head) ? note_err(note, E_EXISTS, "Message already exists: the process %s",
						    id_text(c->process).s)
					 : OK;
	if (!head_exists(head)) {
		note_err(note, E_NOT_FOUND, "Process not found: %s has no history on this scheduler",
			 id_text(c->process).s);
		note_hint(note, "spawn it first, or send to the scheduler that its Scheduler tag names");
		return E_NOT_FOUND;
	}
	if (!c->is_assign && head_has_message(su->heads, head, c->message))
		return note_err(note, E_EXISTS, "Message already exists: %s", id_text(c->message).s);
	if (c->has_dedupe && head_has_dedupe(su->heads, head, hash))
		return note_err(note, E_EXISTS, "Deep hash already exists: the same message was scheduled before");
	return OK;
}

/* Makes and signs the assignment for `link`, whose id it fills in. */
static enum err sign_assignment(struct su *su, const struct candidate *c, struct link *link, struct buf *out,
				struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct tag_list tags = tag_list_on(&a);
	struct assignment assignment = {
		.process = c->process,
		.nonce = link->nonce,
		.hash_chain = link->hash_chain,
		.timestamp_ms = link->timestamp_ms,
	};
	uint8_t anchor[32];
	struct id_text message = id_text(c->message);
	enum err e = su_height(su, &assignment.block_height, note);

	if (e < 0)
		return e;
	if (!c->is_process)
		assignment.message_id = bytes_str(message.s);
	assignment_write_tags(&tags, &assignment, c->exclude);
	random_bytes(anchor, sizeof(anchor));
	struct item_fields fields = {.anchor = bytes_of(anchor, sizeof(anchor)), .tags = tag_list_tags(&tags)};
	e = item_create(out, &link->assignment, su->key, &fields, note);
	arena_release(&a);
	return e;
}

/* Steps 2 and 3 of the picture: the place is taken, signed and handed to the store under the lock of the
 * process, and answered by on_durable. */
static void append(struct su *su, const struct candidate *c, schedule_done *done, void *ctx)
{
	struct store_batch batch = STORE_BATCH_EMPTY;
	struct buf assignment = BUF_EMPTY;
	struct note note = {0};
	struct append *append = NULL;
	struct head *head;
	struct link link;
	enum err e = head_lock(su->heads, c->process, &head);

	if (e < 0) {
		note_err(&note, e, "the history of %s cannot be read", id_text(c->process).s);
		done(ctx, e, &note, NULL);
		return;
	}
	e = refuse_doubles(su, head, c, &note);
	if (e == OK) {
		link = head_next(head, clock_ms());
		e = sign_assignment(su, c, &link, &assignment, &note);
	}
	if (e == OK) {
		struct su_record record = {.process = c->process,
					   .nonce = link.nonce,
					   .timestamp_ms = link.timestamp_ms,
					   .assignment = buf_bytes(&assignment),
					   .message = c->item};
		struct bytes hash = bytes_of(c->dedupe.b, c->has_dedupe ? DEDUPE_SIZE : 0);
		append = calloc(1, sizeof(*append));
		must(append != NULL);
		*append = (struct append){.su = su,
					  .head = head,
					  .process = c->process,
					  .answer = c->is_assign    ? link.assignment
						    : c->is_process ? c->process
								    : c->message,
					  .nonce = link.nonce,
					  .done = done,
					  .ctx = ctx};
		append->flight.message = c->is_assign ? (struct id){{0}} : c->message;
		append->flight.has_dedupe = c->has_dedupe;
		memcpy(append->flight.dedupe, c->dedupe.b, DEDUPE_SIZE);
		append->upload = upload_sequence(su->upload);
		su_record_put(&batch, &record, link.assignment, c->is_process ? c->process : c->message, hash,
			      append->upload);
		head_advance(su->heads, head, &link, &append->flight);
		atomic_fetch_add(&su->under_way, 1);
		store_commit(su->store, &batch, on_durable, append);
	}
	head_unlock(su->heads, head);
	buf_release(&assignment);
	if (e < 0)
		done(ctx, e, &note, NULL);
}

/* ---- items ---- */

static bool find_either(struct tags tags, const char *name, const char *lower, struct bytes *value)
{
	return tags_find(tags, name, value) || tags_find(tags, lower, value);
}

static enum err check_process(const struct item *item, struct note *note)
{
	if (!tags_has(item->tags, "Module") || !tags_has(item->tags, "Scheduler")) {
		note_err(note, E_ARGUMENT, "Required Module and Scheduler tags for Process type not present");
		note_hint(note,
			  "add a Module tag with the module's id and a Scheduler tag with the scheduler's address");
		return E_ARGUMENT;
	}
	return OK;
}

static enum err check_item(struct candidate *c, const struct item *item, struct note *note)
{
	struct bytes type, value;

	if (!find_either(item->tags, "Type", "type", &type))
		return note_err(note, E_ARGUMENT, "Type tag not present");
	c->is_process = bytes_eq_str(type, "Process");
	if (!c->is_process && !bytes_eq_str(type, "Message"))
		return note_err(note, E_ARGUMENT, "Unsupported Type tag value: %.*s", BYTES_FMT(type));
	if (!find_either(item->tags, "Data-Protocol", "data-protocol", &value))
		return note_err(note, E_ARGUMENT, "Data-Protocol tag not present");
	for (size_t i = 0; i < item->tags.count; i++)
		if (bytes_ends(item->tags.list[i].name, "+link") || bytes_ends(item->tags.list[i].value, "+link"))
			return note_err(note, E_ARGUMENT, "Tag %.*s cannot contain +link",
					BYTES_FMT(item->tags.list[i].name));
	c->item = item->raw;
	if (c->is_process) {
		c->process = item->id;
		return check_process(item, note);
	}
	if (item->target.len != 32)
		return note_err(note, E_ARGUMENT, "Process not found: the message has no target");
	memcpy(c->process.b, item->target.ptr, 32);
	c->message = item->id;
	if (tags_has(item->tags, "From-Process")) {
		c->dedupe = dedupe_hash(item->target, item->anchor, item->tags, item->data);
		c->has_dedupe = true;
	}
	return OK;
}

/* A message that was scheduled here a moment ago may not be on the weave yet, but will be. */
static enum err find_own(struct su *su, struct arena *a, struct id id, struct item *item)
{
	struct su_record record;
	struct id process;
	uint64_t nonce;
	enum err e = su_record_find(su->store, (struct id){{0}}, id, &process, &nonce);

	if (e == OK)
		e = su_record_get(su->store, a, process, nonce, &record);
	if (e == OK)
		e = item_parse(item, a, record.message, NULL);
	return e < 0 || !id_eq(item->id, id) ? E_NOT_FOUND : OK;
}

/* What a process boots from is its own data, or has to be there (ao-units 3.4.2). */
static enum err check_boot(struct su *su, struct arena *a, const struct item *process, struct note *note)
{
	struct bytes boot;
	struct weave_meta meta;
	struct item own;
	struct id id;
	enum err e = OK;

	if (!tags_find(process->tags, "On-Boot", &boot) || bytes_eq_str(boot, "Data"))
		return OK;
	if (id_parse(&id, boot) < 0)
		return note_err(note, E_ARGUMENT, "Invalid tx id for On-Boot tag: \"%.*s\" is neither Data nor an id",
				BYTES_FMT(boot));
	if (find_own(su, a, id, &own) < 0)
		e = weave_meta_wait(&su->weave, a, boot, &meta, note);
	if (e != E_NOT_FOUND)
		return e;
	note_reset(note);
	note_err(note, E_ARGUMENT, "Invalid tx id for On-Boot tag: %.*s is not on the weave", BYTES_FMT(boot));
	note_hint(note, "upload it first, or wait until the gateway has indexed it");
	return E_ARGUMENT;
}

void schedule_item(struct su *su, struct bytes raw, schedule_done *done, void *ctx)
{
	struct arena a = ARENA_EMPTY;
	struct candidate c = {0};
	struct note note = {0};
	struct item item;
	enum err e = item_parse(&item, &a, raw, &note);

	if (e == OK)
		e = item_verify(&item, &note);
	if (e == OK)
		e = check_item(&c, &item, &note);
	if (e == OK && c.is_process)
		e = check_boot(su, &a, &item, &note);
	if (e == OK)
		append(su, &c, done, ctx);
	else
		done(ctx, e, &note, NULL);
	arena_release(&a);
}

/* ---- assigns (ao-units 3.4.1) ---- */

static enum err check_settled(struct su *su, struct arena *a, const struct assign *assign, struct note *note)
{
	struct process_info process;
	uint64_t confirmations = 0, wanted = SETTLEMENT_DEPTH;
	enum err e = read_process(su, a, assign->process, &process, note);
	struct bytes depth;

	if (e < 0)
		return e;
	if (tags_find(process.message.tags, "Settlement-Depth", &depth))
		bytes_u64(depth, &wanted);
	e = weave_status_wait(&su->weave, assign->message, &confirmations, note);
	if (e == E_NOT_FOUND)
		confirmations = 0;
	else if (e < 0)
		return e;
	if (confirmations < wanted) {
		note_reset(note);
		note_err(note, E_ARGUMENT,
			 "Not enough confirmations to assign: %.*s has %" PRIu64 ", the process asks for %" PRIu64,
			 BYTES_FMT(assign->message), confirmations, wanted);
		note_hint(note, "wait, or spawn the process with a smaller Settlement-Depth tag");
		return E_ARGUMENT;
	}
	return OK;
}

static struct bytes decode_32(struct arena *a, struct bytes text)
{
	struct id *id = arena_new(a, struct id);

	if (id_parse(id, text) == OK)
		return bytes_of(id->b, 32);
	return bytes_of(NULL, 0);
}

static enum err hash_own(struct su *su, struct arena *a, struct candidate *c)
{
	struct item item;
	enum err e = find_own(su, a, c->message, &item);

	if (e < 0)
		return e;
	c->dedupe = dedupe_hash(item.target, item.anchor, item.tags, item.data);
	c->has_dedupe = true;
	return OK;
}

static enum err hash_transaction(struct su *su, struct arena *a, struct candidate *c, struct bytes id,
				 struct note *note)
{
	struct weave_meta meta;
	struct bytes data, anchor;
	enum err e = weave_meta_wait(&su->weave, a, id, &meta, note);

	if (e == E_NOT_FOUND) {
		note_reset(note);
		if (hash_own(su, a, c) == OK)
			return OK;
		note_err(note, e, "Transaction not found: %.*s is not on the weave", BYTES_FMT(id));
		note_hint(note, "upload it first, or wait until the gateway has indexed it");
	}
	if (e < 0 || (e = weave_data_wait(&su->weave, a, id, &data, note)) < 0)
		return e;
	anchor = decode_32(a, meta.anchor);
	c->dedupe = dedupe_hash(decode_32(a, meta.recipient), anchor.len ? anchor : meta.anchor, meta.tags, data);
	c->has_dedupe = true;
	return OK;
}

void schedule_assign(struct su *su, const struct assign *assign, schedule_done *done, void *ctx)
{
	struct arena a = ARENA_EMPTY;
	struct candidate c = {.process = assign->process, .exclude = assign->exclude, .is_assign = true};
	struct note note = {0};
	struct process_info process;
	uint64_t height;
	enum err e = read_process(su, &a, assign->process, &process, &note);

	if (e == OK) /* without it there is no use in asking the weave for what is assigned */
		e = su_height(su, &height, &note);
	if (e == OK && id_parse(&c.message, assign->message) < 0)
		e = note_err(&note, E_ARGUMENT, "assign param must be 43 characters of base64url: \"%.*s\"",
			     BYTES_FMT(assign->message));
	if (e == OK)
		e = assign->base_layer ? check_settled(su, &a, assign, &note)
				       : hash_transaction(su, &a, &c, assign->message, &note);
	if (e == OK)
		append(su, &c, done, ctx);
	else
		done(ctx, e, &note, NULL);
	arena_release(&a);
}
