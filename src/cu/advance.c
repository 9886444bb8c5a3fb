/* SPDX-License-Identifier: MIT
 *
 * advance: steps 5 to 7 of the picture. A page of assignments is taken one after the other, each becomes a
 * message for the module, the module's turn a result, and the result a row of the store, while the next turn
 * already runs. What is promised to be durable is waited for at the end.
 */
#include "base/text.h"
#include "cu/unit.h"
#include "flow/nouns.h"
#include "flow/wait.h"
#include "msg/avro.h"
#include "msg/item.h"

#include <inttypes.h>
#include <string.h>

enum { PAGE = 1000, CHECKPOINT_TURNS = 10000, HASH_CHAIN_HEIGHT = 1440000 };
#define CHECKPOINT_GAS ((uint64_t)300000000000000)

/* ---- results on their way to the disk ---- */

static void on_kept(void *ctx, enum err e)
{
	struct live *p = ctx;

	pthread_mutex_lock(&p->lock);
	p->in_flight--;
	if (e < 0)
		p->flight_error = e;
	pthread_cond_signal(&p->landed);
	pthread_mutex_unlock(&p->lock);
}

void advance_keep(struct live *p, struct store_batch *b)
{
	pthread_mutex_lock(&p->lock);
	p->in_flight++;
	pthread_mutex_unlock(&p->lock);
	store_commit(p->cu->options.store, b, on_kept, p);
}

enum err advance_land(struct live *p, struct note *note)
{
	enum err e;

	pthread_mutex_lock(&p->lock);
	while (p->in_flight)
		pthread_cond_wait(&p->landed, &p->lock);
	e = p->flight_error;
	pthread_mutex_unlock(&p->lock);
	if (e < 0)
		note_err(note, e, "results cannot be written down: %s", err_sentence(e));
	return e;
}

/* ---- one turn ---- */

enum err advance_turn(struct live *p, struct arena *a, struct bytes message, struct result *out, struct note *note)
{
	struct outcome outcome;
	enum err e = load_instance(p, note);

	if (e == OK)
		e = instance_turn(p->instance, a, message, p->environment, p->gas_limit, &outcome, note);
	if (e == E_WORKER && !p->cu->closing) { /* once more, in a new worker, on the memory as it was */
		instance_close(p->instance);
		p->instance = NULL;
		note_reset(note);
		e = load_instance(p, note);
		if (e == OK)
			e = instance_turn(p->instance, a, message, p->environment, p->gas_limit, &outcome, note);
	}
	if (e < 0) {
		instance_close(p->instance);
		p->instance = NULL;
		return e;
	}
	result_of_outcome(out, a, &outcome);
	if (out->keeps_memory)
		e = instance_commit(p->instance, note);
	else
		e = instance_rollback(p->instance, note);
	if (e < 0) /* the image may be half written: start over from the checkpoint */
		unload(p);
	p->unsaved_turns++;
	p->unsaved_gas += out->gas_used;
	return e;
}

/* ---- what is taken a turn for ---- */

static enum err check_place(const struct live *p, const struct assignment *a, struct note *note)
{
	const struct tip *tip = &p->tip;
	struct bytes id = a->message ? a->message->id : a->message_id;

	if (!id_eq(a->process, p->process))
		return note_err(note, E_CHAIN, "the scheduler gave an assignment of another process: %.*s",
				BYTES_FMT(a->id));
	if (tip->nonce >= 0 && a->nonce != (uint64_t)tip->nonce + 1)
		return note_err(note, E_CHAIN,
				"Nonce gap on message %.*s: %" PRIu64 " follows %" PRId64
				". The scheduler has lost or hidden a part of the history",
				BYTES_FMT(id), a->nonce, tip->nonce);
	if (!a->has_hash_chain)
		return p->info.block_height >= HASH_CHAIN_HEIGHT
			       ? note_err(note, E_CHAIN, "HashChain invalid on message %.*s: there is none",
					  BYTES_FMT(id))
			       : OK;
	if (tip->has_chain) {
		uint8_t both[64];
		memcpy(both, tip->assignment.b, 32);
		memcpy(both + 32, tip->hash_chain.b, 32);
		if (!id_eq(id_of_sha256(bytes_of(both, sizeof(both))), a->hash_chain))
			return note_err(note, E_CHAIN,
					"HashChain invalid on message %.*s: it does not continue what came before",
					BYTES_FMT(id));
	}
	return OK;
}

/* A message that is only assigned is on the weave (ao-units 5.10). */
static enum err fetch_assigned(struct live *p, struct arena *a, const struct assignment *assignment,
			       struct message *out, struct note *note)
{
	const struct weave *weave = &p->cu->options.weave;
	struct bytes id = assignment->message_id, data;
	struct weave_meta meta;
	struct buf text = BUF_EMPTY;
	enum err e = weave_meta_wait(weave, a, id, &meta, note);

	if (e == OK && !tags_includes(assignment->tags, "Exclude", "Data")) {
		e = weave_data_wait(weave, a, id, &data, note);
		if (e == OK) {
			buf_put_utf8_lossy(&text, data);
			data = arena_copy(a, buf_bytes(&text));
		}
	}
	buf_release(&text);
	if (e < 0)
		return note_err(note, E_PEER, "the assigned message %.*s is not on the weave", BYTES_FMT(id));
	*out = (struct message){.id = id,
				.signature = meta.signature,
				.owner_address = meta.owner_address,
				.owner_key = meta.owner_key,
				.target = meta.recipient,
				.anchor = meta.anchor,
				.has_anchor = meta.anchor.len > 0,
				.tags = meta.tags,
				.has_data = !tags_includes(assignment->tags, "Exclude", "Data")};
	if (out->has_data)
		out->data = data;
	return OK;
}

/* The deep hash of what was forwarded, without who signed it: the same message pushed twice. */
static void forwarded_hash(uint8_t out[SIGNED_HASH_SIZE], struct arena *a, const struct message *m)
{
	struct bytes target = m->target;
	struct buf tags = BUF_EMPTY;
	struct id *id = arena_new(a, struct id);

	if (id_parse(id, target) == OK)
		target = bytes_of(id->b, 32);
	avro_encode(&tags, m->tags);
	item_signed_hash(out, SIGN_ARWEAVE, bytes_of(NULL, 0), target, m->anchor, buf_bytes(&tags), m->data);
	buf_release(&tags);
}

static void move_tip(struct live *p, const struct assignment *a)
{
	p->tip.nonce = (int64_t)a->nonce;
	p->tip.timestamp_ms = a->timestamp_ms;
	p->tip.block_height = a->block_height;
	p->tip.has_chain = a->has_hash_chain && id_parse(&p->tip.assignment, a->id) == OK;
	p->tip.hash_chain = a->hash_chain;
	crons_start(p);
}

static void keep(struct live *p, const struct assignment *assignment, const struct result *result, struct id message,
		 const uint8_t *hash)
{
	struct result_key key = {.timestamp_ms = assignment->timestamp_ms, .ordinate = assignment->nonce};
	struct store_batch b = STORE_BATCH_EMPTY;
	struct id id;

	result_put(&b, p->process, &key, result);
	if (id_parse(&id, assignment->id) == OK)
		result_put_id(&b, p->process, id, &key);
	if (!id_is_zero(message))
		result_put_id(&b, p->process, message, &key);
	if (!result->skipped) {
		seen_put(&b, p->process, SEEN_MESSAGE, bytes_of(message.b, 32), assignment->nonce);
		if (hash)
			seen_put(&b, p->process, SEEN_DEEPHASH, bytes_of(hash, SIGNED_HASH_SIZE), assignment->nonce);
	}
	advance_keep(p, &b);
}

/* Both kinds of double may still be on their way to the disk, so they are waited for. */
static bool is_double(struct live *p, uint64_t nonce, bool assigned, struct id message, const uint8_t *hash)
{
	struct store *s = p->cu->options.store;

	if (!hash && !assigned)
		return false;
	if (advance_land(p, NULL) < 0)
		return false;
	if (hash)
		return seen_before(s, p->process, SEEN_DEEPHASH, bytes_of(hash, SIGNED_HASH_SIZE), nonce);
	return seen_before(s, p->process, SEEN_MESSAGE, bytes_of(message.b, 32), nonce);
}

static enum err take(struct live *p, struct arena *a, const struct assignment *assignment, struct note *note)
{
	const struct message *m = assignment->message;
	struct message fetched;
	struct result result = {.json = result_empty(), .skipped = true};
	struct buf text = BUF_EMPTY;
	uint8_t hash[SIGNED_HASH_SIZE];
	struct id message = {{0}};
	bool assigned = m == NULL, forwarded;
	enum err e = check_place(p, assignment, note);

	if (e == OK)
		e = crons_run(p, assignment->timestamp_ms, note);
	if (e == OK && assigned) {
		e = fetch_assigned(p, a, assignment, &fetched, note);
		m = &fetched;
	}
	if (e < 0)
		return e;
	if (id_parse(&message, m->id) < 0)
		return note_err(note, E_PEER, "the scheduler gave a message whose id is not one: \"%.*s\"",
				BYTES_FMT(m->id));
	forwarded = !assigned && tags_has(m->tags, "From-Process");
	if (forwarded)
		forwarded_hash(hash, a, m);
	if (!is_double(p, assignment->nonce, assigned, message, forwarded ? hash : NULL)) {
		message_for_module(&text, a, p, assignment, m, assigned);
		result.skipped = false;
		e = advance_turn(p, a, buf_bytes(&text), &result, note);
		buf_release(&text);
	}
	if (e < 0)
		return e;
	keep(p, assignment, &result, message, forwarded ? hash : NULL);
	move_tip(p, assignment);
	return OK;
}

/* A process without an assignment of its own (before aop6) still begins with its own message. */
static enum err take_process(struct live *p, struct arena *a, struct note *note)
{
	struct assignment none = {
		.process = p->process, .block_height = p->info.block_height, .timestamp_ms = p->info.timestamp_ms};
	struct message m = p->info.message;
	struct buf text = BUF_EMPTY;
	struct result result;
	struct bytes data;
	enum err e = weave_data_wait(&p->cu->options.weave, a, m.id, &data, note);

	if (e < 0)
		return e;
	m.data = data;
	m.has_data = true;
	message_for_module(&text, a, p, &none, &m, false);
	e = advance_turn(p, a, buf_bytes(&text), &result, note);
	buf_release(&text);
	p->tip.timestamp_ms = none.timestamp_ms;
	p->tip.block_height = none.block_height;
	crons_start(p);
	return e;
}

static bool is_process_itself(const struct assignment *a)
{
	return a->message && bytes_eq_str(tags_get(a->message->tags, "Type"), "Process");
}

enum err advance_to(struct live *p, uint64_t nonce, struct note *note)
{
	struct arena page_arena = ARENA_EMPTY, turn_arena = ARENA_EMPTY;
	struct page page = {.more = true};
	enum err e = load_process(p->cu, p, note);

	while (e == OK && page.more && (p->tip.nonce < 0 || (uint64_t)p->tip.nonce < nonce)) {
		struct range range = {p->tip.nonce, nonce, PAGE};
		arena_reset(&page_arena);
		e = page_wait(&p->scheduler, &page_arena, p->process, range, &page, note);
		for (size_t i = 0; e == OK && i < page.count; i++) {
			arena_reset(&turn_arena);
			if (p->cu->closing)
				e = note_err(note, E_CLOSED, "the compute unit is shutting down");
			if (e == OK && p->tip.nonce < 0 && i == 0 && !is_process_itself(&page.list[0]))
				e = take_process(p, &turn_arena, note);
			if (e == OK)
				e = take(p, &turn_arena, &page.list[i], note);
		}
		if (page.count == 0)
			break;
		if (e == OK && (p->unsaved_turns >= CHECKPOINT_TURNS || p->unsaved_gas >= CHECKPOINT_GAS) &&
		    advance_land(p, note) == OK)
			checkpoint_save(p);
	}
	if (e == OK && nonce != UINT64_MAX && p->tip.nonce < (int64_t)nonce)
		e = note_err(note, E_PEER, "the scheduler's history of %s ends at nonce %" PRId64 ", before %" PRIu64,
			     id_text(p->process).s, p->tip.nonce, nonce);
	/* What was evaluated is kept even when what follows cannot be. */
	enum err landed = advance_land(p, note);
	arena_release(&page_arena);
	arena_release(&turn_arena);
	return e < 0 ? e : landed;
}
