/* SPDX-License-Identifier: MIT
 *
 * migrate: a process goes on with another module, in place. Its owner asks for it by a message of its history
 * (docs/formats/migration.md), so that everybody who evaluates the history comes to the same state:
 *
 *   Action: Migrate.Module     the old module takes a turn for it, and answers {"Migration":"<its state>", ...}
 *   Module: <id>               an empty image under the new module:
 *                                1. the process's own message, as a new process gets it
 *                                2. the message again, as Action: Migrate.Import, with the state as its Data,
 *                                   which is answered with {"Migration":true, ...}
 *
 * Then the new image is the process's, and the result is the answer to 2, with "Module" added to it. Until then nothing of
 * the process has changed; whatever goes wrong on the way is the result's Error, and the old module goes on with its memory.
 * An old module that answers no Migration has taken an ordinary turn.
 *
 * What must not become a result is a failure of ours: a gateway that is away, a limit of this unit, a dead worker. Those are
 * errors, and the message is taken again. The one hard question is whether a module is there, because tomorrow it may
 * be. It is there when a block of the weave has it that comes at most PATIENCE_BLOCKS after the message's own; until the weave is
 * so high, a module that is not seen is waited for, and one that is seen but in no block is taken.
 */
#include "base/text.h"
#include "cu/drive.h"
#include "flow/wait.h"

#include <inttypes.h>
#include <string.h>

enum { PATIENCE_BLOCKS = 100, STATE_MAX = 32 << 20, TRIES = 2 };

/* What is to become the process's. */
struct successor {
	struct live *live;
	struct arena *arena; /* of the turn */
	struct bytes id;     /* of the module, as text */
	struct module *module;
	struct image *image;
	struct instance *instance;
	struct bytes environment;
	struct limits limits;
	uint64_t gas_used;
	struct result_key at; /* the message's place */
	struct result reads;  /* only those: what all turns of it have read of the weave */
	struct bytes why;     /* the migration has failed: the result's words for it */
};

/* ---- what asks for it ---- */

bool migrate_asked(const struct live *p, const struct assignment *assignment)
{
	const struct message *m = assignment->message;

	/* Only what was sent to this process, by its owner's own hand. */
	return m && bytes_eq_str(tags_get(m->tags, "Action"), "Migrate.Module") && tags_has(m->tags, "Module") &&
	       !tags_has(m->tags, "From-Process") && bytes_eq_str(m->target, id_text(p->process).s) &&
	       bytes_eq(m->owner_address, p->info.message.owner_address);
}

/* The state that the old module gave; false when it does not know of migrations. */
static bool exported(struct bytes *state, struct arena *a, const struct outcome *outcome)
{
	const struct json *response = NULL, *migration;

	if (json_parse(&response, a, outcome->response, NULL) < 0)
		return false;
	migration = json_get(response, "Migration");
	if (!migration || migration->kind != JSON_STRING)
		return false;
	*state = json_text(a, migration);
	return true;
}

/* ---- failing ---- */

/* The migration fails by a fault of its own: OK, with `why` set, which ends the way. */
static enum err refuse(struct successor *s, struct bytes why)
{
	s->why = arena_copy(s->arena, why);
	return OK;
}

static enum err refuse_noted(struct successor *s, const char *what, struct note *note)
{
	s->why = arena_printf(s->arena, "%s: %s", what, note->text);
	note_reset(note);
	return OK;
}

/* ---- the module ---- */

static enum err find_module(struct successor *s, uint64_t message_height, struct weave_meta *meta, struct note *note)
{
	const struct weave *weave = &s->live->cu->options.weave;
	uint64_t last = message_height + PATIENCE_BLOCKS, height = 0;
	/* First the height: what is not there afterwards was not there then. */
	enum err e = weave_height_wait(weave, &height, note);

	if (e == OK)
		e = weave_meta_wait(weave, s->arena, s->id, meta, note);
	if (e == OK && (meta->mined ? meta->block_height <= last : height <= last))
		return OK;
	if (e < 0 && e != E_NOT_FOUND)
		return e;
	note_reset(note);
	if (height > last)
		return refuse(s, arena_printf(s->arena, "the module is not on the weave, up to block %" PRIu64, last));
	note_err(note, E_PEER, "the module %.*s, to which %s migrates, is not on the weave yet", BYTES_FMT(s->id),
		 id_text(s->live->process).s);
	note_hint(note,
		  "publish it; if no block up to %" PRIu64 " has it, the migration has failed and the process goes on",
		  last);
	return E_PEER;
}

/* What everybody sees in its tags. Formats that come to be known later do not let earlier migrations succeed. */
static enum err check_tags(struct successor *s, struct tags tags)
{
	struct bytes format = tags_get(tags, "Module-Format");

	if (!tags_includes(tags, "Type", "Module"))
		return refuse(s, BYTES("it is not a module: its Type tag is not Module"));
	if (!bytes_starts(format, "wasm") || !reader_known(format))
		return refuse(s, arena_printf(s->arena, "its Module-Format is none that can be migrated to: \"%.*s\"",
					      BYTES_FMT(format)));
	if (!tags_has(tags, "Input-Encoding") || !tags_has(tags, "Output-Encoding"))
		return refuse(s, BYTES("it has no Input-Encoding or no Output-Encoding"));
	return OK;
}

static bool is_modules_fault(enum err e)
{
	return e == E_FORMAT || e == E_LIMIT || e == E_UNSUPPORTED;
}

static enum err get_module(struct successor *s, uint64_t message_height, struct note *note)
{
	struct weave_meta meta;
	struct id id;
	enum err e;

	if (id_parse(&id, s->id) < 0 || !bytes_eq_str(s->id, id_text(id).s))
		return refuse(s, BYTES("the Module tag is not an id"));
	e = find_module(s, message_height, &meta, note);
	if (e == OK && !s->why.len)
		e = check_tags(s, meta.tags);
	if (e < 0 || s->why.len)
		return e;
	e = module_await(s->live->cu, s->id, &s->module, note);
	if (is_modules_fault(e) && !tags_has(meta.tags, "Extension"))
		return refuse_noted(s, "it cannot be used", note);
	return e == E_NOT_FOUND ? E_PEER : e; /* the index has it, its data are late */
}

/* ---- the new memory ---- */

static enum err open_image(struct successor *s, struct note *note)
{
	struct live *p = s->live;
	enum err e = load_limits(p, s->module, &s->limits, note);

	if (e < 0 && (s->limits.memory_max == 0 || s->limits.gas == 0)) {
		note_reset(note);
		return refuse(s, BYTES("neither it nor the process has a Memory-Limit and a Compute-Limit"));
	}
	if (e == OK)
		e = image_new(&s->image, note);
	if (e < 0)
		return e;
	s->environment = environment_for_module(s->arena, p, s->module);
	e = instance_open(&s->instance, s->module->program, s->image, s->limits.memory_max, note);
	return is_modules_fault(e) ? refuse_noted(s, "it does not start", note) : e;
}

enum step { STEP_FIRST = 1, STEP_IMPORT };

static enum err take_with(struct successor *s, struct bytes text, struct outcome *outcome, struct result *result,
			  struct note *note)
{
	enum err e = instance_turn(s->instance, s->arena, text, s->environment, s->limits.gas, outcome, note);

	if (e < 0)
		return e;
	s->gas_used += outcome->gas_used;
	outcome->gas_used = s->gas_used; /* a migration is one message */
	result_of_outcome(result, s->arena, outcome);
	return result->keeps_memory ? instance_commit(s->instance, note) : instance_rollback(s->instance, note);
}

static enum err take(struct successor *s, enum step step, struct bytes text, struct outcome *outcome,
		     struct result *result, struct note *note)
{
	struct reading reading;
	enum err e;

	reading_begin_step(&reading, s->live, s->module, step, &s->at, text);
	instance_lend(s->instance, reading_drive(&reading));
	e = take_with(s, text, outcome, result, note);
	instance_lend(s->instance, NULL);
	if (e == OK)
		reading_list(&reading, s->arena, &s->reads);
	reading_end(&reading);
	return e;
}

/* As with a new process, a failing first message is put back, and the next one finds an empty memory. */
static enum err take_first(struct successor *s, struct note *note)
{
	struct buf text = BUF_EMPTY;
	struct outcome outcome;
	struct result result;
	enum err e = advance_first(s->live, s->arena, &text, note);

	if (e == OK)
		e = take(s, STEP_FIRST, buf_bytes(&text), &outcome, &result, note);
	buf_release(&text);
	return e;
}

/* The message with another Action, and the state as its Data. */
static void import_for_module(struct successor *s, struct buf *out, const struct assignment *assignment,
			      struct bytes state)
{
	struct message m = *assignment->message;
	struct tag_list tags = tag_list_on(s->arena);

	for (size_t i = 0; i < m.tags.count; i++) {
		const struct tag *t = &m.tags.list[i];
		bool action = bytes_eq_str(t->name, "Action");
		tag_list_add(&tags, t->name, action ? BYTES("Migrate.Import") : t->value);
	}
	m.tags = tag_list_tags(&tags);
	m.data = state;
	m.has_data = true;
	message_for_module(out, s->arena, s->live, assignment, &m, false);
}

/* A JSON string as its text, anything else as it is. */
static struct bytes words(struct arena *a, const struct json *error)
{
	return error->kind == JSON_STRING ? json_text(a, error) : json_whole(error);
}

static enum err check_import(struct successor *s, const struct outcome *outcome, const struct result *result)
{
	const struct json *response = NULL, *error = NULL;

	if (outcome->error.len)
		(void)!json_parse(&error, s->arena, outcome->error, NULL);
	else if (json_parse(&response, s->arena, outcome->response, NULL) == OK)
		error = json_get(response, "Error");
	if (result->failed)
		s->why = arena_printf(s->arena, "it does not take the state over: %.*s",
				      BYTES_FMT(error ? words(s->arena, error) : BYTES("it failed")));
	else if (!result->keeps_memory)
		s->why = BYTES("it does not take the state over: not enough memory");
	else if (!json_truthy(json_get(response, "Migration")))
		s->why = BYTES("it does not take states over: it answered Migrate.Import like any message");
	return OK;
}

static enum err take_import(struct successor *s, const struct assignment *assignment, struct bytes state,
			    struct result *result, struct note *note)
{
	struct buf text = BUF_EMPTY;
	struct outcome outcome;
	enum err e;

	if (state.len > STATE_MAX)
		return refuse(s, arena_printf(s->arena, "the state has %zu bytes, and at most %d can move", state.len,
					      STATE_MAX));
	import_for_module(s, &text, assignment, state);
	e = take(s, STEP_IMPORT, buf_bytes(&text), &outcome, result, note);
	buf_release(&text);
	return e < 0 ? e : check_import(s, &outcome, result);
}

static enum err succeed(struct successor *s, const struct assignment *assignment, struct bytes state,
			struct result *result, struct note *note)
{
	enum err e = get_module(s, assignment->block_height, note);

	if (e == OK && !s->why.len)
		e = open_image(s, note);
	if (e == OK && !s->why.len)
		e = take_first(s, note);
	if (e == OK && !s->why.len)
		e = take_import(s, assignment, state, result, note);
	return e;
}

static void release(struct successor *s)
{
	instance_close(s->instance);
	image_release(s->image);
	module_release(s->live->cu, s->module);
	s->instance = NULL;
	s->image = NULL;
	s->module = NULL;
}

/* ---- what becomes of it ---- */

/* Nobody but who has the token looks at what is let go, once the dry runs are over and no checkpoint is being written. */
static void become(struct live *p, struct successor *s)
{
	load_drain(p);
	checkpoint_wait(p);
	instance_close(p->instance);
	image_release(p->image);
	module_release(p->cu, p->module);
	p->module = s->module;
	p->image = s->image;
	p->instance = s->instance;
	p->environment = arena_copy(&p->arena, s->environment);
	p->memory_max = s->limits.memory_max;
	p->gas_limit = s->limits.gas;
	p->chain = (struct chain){0}; /* the next checkpoint is a whole one */
}

static void say_failure(struct successor *s, struct result *out)
{
	struct bytes text = arena_printf(s->arena,
					 "The migration to the module %.*s has failed: %.*s. "
					 "The process goes on with the module %s.",
					 BYTES_FMT(s->id), BYTES_FMT(s->why), s->live->module->id);
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	jw_object(&w);
	jw_key(&w, "Messages");
	jw_raw(&w, BYTES("[]"));
	jw_key(&w, "Assignments");
	jw_raw(&w, BYTES("[]"));
	jw_key(&w, "Spawns");
	jw_raw(&w, BYTES("[]"));
	jw_member(&w, "Output", BYTES(""));
	jw_member_u64(&w, "GasUsed", s->gas_used);
	jw_member(&w, "Error", text);
	jw_object_end(&w);
	*out = (struct result){.json = arena_copy(s->arena, buf_bytes(&json)), .failed = true, .gas_used = s->gas_used};
	buf_release(&json);
}

/* Says in the result from where on the new module counts. */
static void say_success(struct successor *s, struct result *out)
{
	struct bytes json = out->json;

	out->json = arena_printf(s->arena, "%.*s,\"Module\":\"%.*s\"}", (int)json.len - 1, json.ptr, BYTES_FMT(s->id));
}

static void log_end(const struct successor *s, const struct assignment *assignment)
{
	const struct live *p = s->live;

	log_event(p->cu->options.log, LOG_INFO, "cu.migrate", "process=%s nonce=%" PRIu64 " from=%s to=%.*s %.*s",
		  id_text(p->process).s, assignment->nonce, p->module->id, BYTES_FMT(s->id),
		  BYTES_FMT(s->why.len ? s->why : BYTES("done")));
}

enum err migrate_turn(struct live *p, struct arena *a, const struct assignment *assignment, struct bytes text,
		      struct result *out, struct note *note)
{
	struct successor s = {.live = p,
			      .arena = a,
			      .id = tags_get(assignment->message->tags, "Module"),
			      .at = {.timestamp_ms = assignment->timestamp_ms, .ordinate = assignment->nonce}};
	struct result put_back = {0};
	struct outcome outcome;
	struct bytes state;
	enum err e = advance_try(p, a, text, &outcome, note);

	if (e < 0)
		return e;
	advance_result(p, a, &outcome, out);
	if (!out->keeps_memory || !exported(&state, a, &outcome))
		return advance_end(p, out, note);
	put_back = (struct result){.gas_used = out->gas_used, .reads = out->reads, .read_count = out->read_count};
	e = advance_end(p, &put_back, note);
	for (int tries = 0; e == OK && tries < TRIES; tries++) {
		note_reset(note);
		s.gas_used = put_back.gas_used;
		s.reads = put_back;
		e = succeed(&s, assignment, state, out, note);
		if (e == OK)
			break;
		release(&s);
		if (e == E_WORKER && !p->cu->closing && tries + 1 < TRIES)
			e = OK; /* once more, in a new worker */
	}
	if (e < 0)
		return e;
	p->unsaved_gas += s.gas_used - put_back.gas_used;
	p->unsent_gas += s.gas_used - put_back.gas_used;
	log_end(&s, assignment);
	if (s.why.len) {
		say_failure(&s, out);
		release(&s);
	} else {
		say_success(&s, out);
		become(p, &s);
	}
	out->reads = s.reads.reads;
	out->read_count = s.reads.read_count;
	return OK;
}

/* ---- and back ---- */

void migrate_mark(struct migrate_mark *mark, struct live *p)
{
	*mark = (struct migrate_mark){p->module, p->environment, p->memory_max, p->gas_limit};
	module_hold(p->cu, p->module);
}

void migrate_back(struct migrate_mark *mark, struct live *p)
{
	module_release(p->cu, p->module);
	p->module = mark->module;
	p->environment = mark->environment;
	p->memory_max = mark->memory_max;
	p->gas_limit = mark->gas_limit;
}
