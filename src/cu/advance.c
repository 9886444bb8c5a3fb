/* SPDX-License-Identifier: MIT
 *
 * advance: steps 5 to 7 of the picture. Assignments are taken one after the other, each becomes a message for the
 * module, the module's turn a result, and the result a batch on its way to the disk (keep.c), while the next turn
 * already runs.
 */
#include "base/clock.h"
#include "base/text.h"
#include "cu/drive.h"
#include "flow/nouns.h"
#include "msg/avro.h"
#include "msg/item.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Chains are checked from here on (ao-units 5.9), and below the first height that the public network ever gave a process:
 * there only networks of one's own are. */
enum { CHAIN_HEIGHT = 1440000, PUBLIC_HEIGHT = 1350000 };

/* How long an assigned message is awaited: 50 ms, twice as long each time, some six seconds in all. */
enum { AWAIT_MS = 50, AWAIT_MS_MAX = 3200 };

/* ---- one turn ---- */

static enum err try_turn(struct live *p, struct arena *a, struct bytes message, struct outcome *outcome,
			 struct note *note)
{
	enum err e = load_instance(p, note);

	if (e < 0)
		return e;
	instance_lend(p->instance, reading_drive(p->reading));
	instance_foresee(p->instance, buf_bytes(&p->foreseen));
	return instance_turn(p->instance, a, message, p->environment, p->gas_limit, outcome, note);
}

enum err advance_settle(struct live *p, struct note *note)
{
	enum err e = p->instance ? instance_settle(p->instance, note) : OK;

	p->broken |= e < 0;
	return e;
}

enum err advance_show(struct live *p, struct note *note)
{
	enum err e = load_instance(p, note);

	return e == OK ? advance_settle(p, note) : e;
}

static void end_reading(struct live *p)
{
	if (p->instance)
		instance_lend(p->instance, NULL);
	reading_end(p->reading);
	free(p->reading);
	p->reading = NULL;
}

enum err advance_try(struct live *p, struct arena *a, struct bytes message, struct outcome *outcome, struct note *note)
{
	uint64_t began_ns = clock_ns(); /* counts towards the next checkpoint, not towards the result */
	enum err e;

	p->reading = calloc(1, sizeof(*p->reading));
	must(p->reading != NULL);
	reading_begin(p->reading, p, message, false);
	e = try_turn(p, a, message, outcome, note);
	if (e == E_WORKER && !p->cu->closing) { /* once more, in a new worker, on the memory as it was */
		log_event(p->cu->options.log, LOG_ODD, "cu.worker", "process=%s nonce=%" PRId64 " %s",
			  id_text(p->process).s, p->tip.nonce + 1, note->text);
		note_reset(note);
		e = try_turn(p, a, message, outcome, note);
	}
	if (e < 0)
		end_reading(p);
	p->unsaved_ns += clock_ns() - began_ns;
	return e;
}

void advance_result(const struct live *p, struct arena *a, const struct outcome *outcome, struct result *out)
{
	result_of_outcome(out, a, outcome);
	reading_list(p->reading, a, out);
}

enum err advance_end(struct live *p, const struct result *result, struct note *note)
{
	uint64_t began_ns = clock_ns();
	enum err e = result->keeps_memory ? instance_commit(p->instance, note) : instance_rollback(p->instance, note);

	end_reading(p);
	p->broken = e < 0; /* the image may be half written: start over from the checkpoint */
	p->unsaved_turns++;
	p->unsaved_ns += clock_ns() - began_ns;
	p->turns_unmeasured++;
	p->unsaved_gas += result->gas_used;
	p->unsent_gas += result->gas_used;
	return e;
}

enum err advance_turn(struct live *p, struct arena *a, struct bytes message, struct result *out, struct note *note)
{
	struct outcome outcome;
	enum err e = advance_try(p, a, message, &outcome, note);

	if (e < 0)
		return e;
	advance_result(p, a, &outcome, out);
	return advance_end(p, out, note);
}

/* ---- what is taken a turn for ---- */

static bool is_process_itself(const struct assignment *a)
{
	return a->message && bytes_eq_str(tags_get(a->message->tags, "Type"), "Process");
}

static enum err broken_chain(const struct assignment *a, const char *why, struct note *note)
{
	struct bytes id = a->message ? a->message->id : a->message_id;

	return note_err(note, E_CHAIN, "HashChain invalid on message %.*s: %s", BYTES_FMT(id), why);
}

static enum err check_chain(const struct live *p, const struct assignment *a, struct note *note)
{
	const struct tip *tip = &p->tip;
	uint8_t both[64];

	if (p->info.block_height >= PUBLIC_HEIGHT && p->info.block_height < CHAIN_HEIGHT)
		return OK;
	if (!a->has_hash_chain)
		return broken_chain(a, "there is none", note);
	if (tip->has_chain) {
		memcpy(both, tip->assignment.b, 32);
		memcpy(both + 32, tip->hash_chain.b, 32);
		if (!id_eq(id_of_sha256(bytes_of(both, sizeof(both))), a->hash_chain))
			return broken_chain(a, "it does not continue what came before", note);
	} else if (tip->nonce < 0 && a->nonce == 0 && is_process_itself(a)) {
		if (!id_eq(id_of_sha256(bytes_of(p->process.b, 32)), a->hash_chain))
			return broken_chain(a, "it does not begin with the process", note);
	}
	return OK;
}

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
	return check_chain(p, a, note);
}

/* The scheduler vouches for the message, so it is on its way to the weave if it is not there: wait for it a while. */
static enum err await_meta(const struct cu *cu, struct arena *a, struct bytes id, struct weave_meta *out,
			   struct note *note)
{
	const struct weave *weave = &cu->options.weave;
	enum err e = weave_meta_wait(weave, a, id, out, note);

	for (uint64_t ms = AWAIT_MS; e == E_NOT_FOUND && ms <= AWAIT_MS_MAX && !cu->closing; ms *= 2) {
		clock_sleep_ms(ms);
		note_reset(note);
		e = weave_meta_wait(weave, a, id, out, note);
	}
	return e;
}

/* A message that is only assigned is on the weave (ao-units 5.10). */
static enum err fetch_assigned(struct live *p, struct arena *a, const struct assignment *assignment,
			       struct message *out, struct note *note)
{
	const struct weave *weave = &p->cu->options.weave;
	struct bytes id = assignment->message_id, data;
	struct weave_meta meta;
	struct buf text = BUF_EMPTY;
	enum err e = await_meta(p->cu, a, id, &meta, note);

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
				.has_anchor = true,
				.tags = meta.tags,
				.has_data = !tags_includes(assignment->tags, "Exclude", "Data")};
	if (out->has_data)
		out->data = data;
	return OK;
}

/* The deep hash of what was forwarded, without who signed it: the same message pushed twice. */
static void forwarded_hash(uint8_t out[SIGNED_HASH_SIZE], const struct message *m)
{
	struct bytes target = m->target;
	struct buf tags = BUF_EMPTY;
	struct id id;

	if (id_parse(&id, target) == OK)
		target = bytes_of(id.b, 32);
	avro_encode(&tags, m->tags);
	item_signed_hash(out, SIGN_ARWEAVE, bytes_of(NULL, 0), target, m->anchor, buf_bytes(&tags), m->data);
	buf_release(&tags);
}

static void move_tip(struct live *p, const struct assignment *a)
{
	p->tip.nonce = (int64_t)a->nonce;
	p->tip.epoch = a->epoch;
	p->tip.timestamp_ms = a->timestamp_ms;
	p->tip.block_height = a->block_height;
	p->tip.has_chain = a->has_hash_chain && id_parse(&p->tip.assignment, a->id) == OK;
	p->tip.hash_chain = a->hash_chain;
	crons_start(p);
}

static enum err keep(struct live *p, const struct assignment *assignment, const struct result *result,
		     const struct seen *seen, struct note *note)
{
	struct result_key key = {.timestamp_ms = assignment->timestamp_ms, .ordinate = assignment->nonce};
	struct store_batch b = STORE_BATCH_EMPTY;
	struct id id;

	result_put(&b, p->process, &key, result);
	if (id_parse(&id, assignment->id) == OK)
		result_put_id(&b, p->process, id, &key);
	result_put_id(&b, p->process, seen->message, &key);
	if (result->unlisted) /* a double: what was seen is the first */
		return keep_put(p, &b, NULL, note);
	seen_put(&b, p->process, SEEN_MESSAGE, bytes_of(seen->message.b, 32), seen->nonce);
	if (seen->forwarded)
		seen_put(&b, p->process, SEEN_DEEPHASH, bytes_of(seen->hash, SIGNED_HASH_SIZE), seen->nonce);
	return keep_put(p, &b, seen, note);
}

/* What will be evaluated next, where nothing comes between and the message is all that it takes. A checkpoint would have the
 * worker go back to where the turn before ended. */
static void foresee(struct live *p, struct arena *a, const struct assignment *next)
{
	if (next && next->message && p->cron_count == 0 && !migrate_asked(p, next) && !checkpoint_near(p))
		message_for_module(&p->foreseen, a, p, next, next->message, false);
}

/* `next`: what follows, as far as it is known and wanted, or NULL. */
static enum err evaluate(struct live *p, struct arena *a, const struct assignment *assignment, const struct message *m,
			 const struct assignment *next, struct result *result, struct note *note)
{
	struct buf text = BUF_EMPTY;
	enum err e;

	message_for_module(&text, a, p, assignment, m, assignment->message == NULL);
	if (migrate_asked(p, assignment)) {
		e = migrate_turn(p, a, assignment, buf_bytes(&text), result, note);
	} else {
		foresee(p, a, next);
		e = advance_turn(p, a, buf_bytes(&text), result, note);
		buf_clear(&p->foreseen);
	}
	buf_release(&text);
	return e;
}

static enum err take(struct live *p, struct arena *a, const struct assignment *assignment,
		     const struct assignment *next, struct note *note)
{
	const struct message *m = assignment->message;
	struct message fetched;
	struct result result = {.json = result_empty(), .unlisted = true};
	struct seen seen = {.nonce = assignment->nonce};
	bool assigned = m == NULL;
	enum err e = check_place(p, assignment, note);

	if (e == OK)
		e = crons_run(p, assignment->timestamp_ms, note);
	if (e == OK && assigned) {
		e = fetch_assigned(p, a, assignment, &fetched, note);
		m = &fetched;
	}
	if (e < 0)
		return e;
	if (id_parse(&seen.message, m->id) < 0)
		return note_err(note, E_PEER, "the scheduler gave a message whose id is not one: \"%.*s\"",
				BYTES_FMT(m->id));
	seen.forwarded = !assigned && tags_has(m->tags, "From-Process");
	if (seen.forwarded)
		forwarded_hash(seen.hash, m);
	if (!keep_seen(p, &seen, assigned))
		e = evaluate(p, a, assignment, m, next, &result, note);
	if (e < 0)
		return e;
	e = keep(p, assignment, &result, &seen, note);
	if (e < 0)
		p->broken = true; /* the memory has the message, and the tip has not */
	else
		move_tip(p, assignment);
	return e;
}

static enum err placeless_for_module(struct live *p, struct arena *a, struct buf *out, struct note *note)
{
	struct message m = p->info.message;
	enum err e = weave_data_wait(&p->cu->options.weave, a, m.id, &m.data, note);

	if (e < 0)
		return e;
	m.has_data = true;
	message_of_process(out, a, p, &m);
	return OK;
}

enum err advance_first(struct live *p, struct arena *a, struct buf *out, struct note *note)
{
	struct range range = {.nonce_after = -1, .nonce_last = UINT64_MAX, .limit = 1};
	const struct assignment *first;
	struct page page = {0};
	enum err e = page_wait(&p->scheduler, a, p->process, range, &page, note);

	if (e < 0)
		return e;
	first = page.count ? &page.list[0] : NULL;
	if (!first || !is_process_itself(first))
		return placeless_for_module(p, a, out, note);
	message_for_module(out, a, p, first, first->message, false);
	return OK;
}

/* A process without an assignment of its own (before aop6) still begins with its own message. */
static enum err take_process(struct live *p, struct arena *a, struct note *note)
{
	struct result_key key = {.timestamp_ms = p->info.timestamp_ms};
	struct store_batch b = STORE_BATCH_EMPTY;
	struct buf text = BUF_EMPTY;
	struct result result;
	enum err e = placeless_for_module(p, a, &text, note);

	if (e == OK)
		e = advance_turn(p, a, buf_bytes(&text), &result, note);
	buf_release(&text);
	if (e < 0)
		return e;
	/* The reference does not keep it, so that it can be asked for once only. Pages do not list it here either. */
	result.unlisted = true;
	result_put(&b, p->process, &key, &result);
	result_put_id(&b, p->process, p->process, &key);
	e = keep_put(p, &b, NULL, note);
	p->broken = e < 0;
	p->tip.begun = true;
	p->tip.timestamp_ms = p->info.timestamp_ms;
	p->tip.block_height = p->info.block_height;
	crons_start(p);
	return e;
}

/* ---- the way ---- */

static bool within(const struct assignment *a, struct bound bound)
{
	return a && a->nonce <= bound.nonce && a->timestamp_ms <= bound.timestamp_ms;
}

enum err advance_to(struct live *p, struct bound bound, struct note *note)
{
	struct arena turn = ARENA_EMPTY;
	const struct assignment *next = NULL, *after;
	bool fresh = true;
	enum err e = OK;

	while (e == OK && (p->tip.nonce < 0 || (uint64_t)p->tip.nonce < bound.nonce)) {
		e = history_next(p, &fresh, &next, note);
		if (e < 0 || !within(next, bound))
			break;
		history_ahead(p, bound.nonce);
		after = history_after(p);
		arena_reset(&turn);
		if (p->cu->closing)
			e = note_err(note, E_CLOSED, "the compute unit is shutting down");
		if (e == OK && p->tip.nonce < 0 && !p->tip.begun && !is_process_itself(next))
			e = take_process(p, &turn, note);
		if (e == OK)
			e = take(p, &turn, next, within(after, bound) ? after : NULL, note);
		if (e == OK)
			checkpoint_when_due(p);
	}
	if (e == OK && bound.nonce != UINT64_MAX && p->tip.nonce < (int64_t)bound.nonce)
		e = note_err(note, E_PEER, "the scheduler's history of %s ends at nonce %" PRId64 ", before %" PRIu64,
			     id_text(p->process).s, p->tip.nonce, bound.nonce);
	history_forget(p, false);
	buf_release(&p->foreseen);
	arena_release(&turn);
	return e;
}
