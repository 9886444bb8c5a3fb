/* SPDX-License-Identifier: MIT
 *
 * load: a process becomes live: what it is, from its scheduler; its module (module.c); its limits; and the newest
 * memory of it that is at hand. In two halves, between which it may wait for its module without a thread.
 */
#include "cu/unit.h"
#include "flow/nouns.h"
#include "flow/wait.h"
#include "msg/address.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- limits (ao-units 5.7) ---- */

/* The leading digits; a number too large for the type is as large as it gets. */
static uint64_t leading_number(struct bytes text, size_t *at)
{
	uint64_t value = 0;

	for (; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9'; ++*at)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text.ptr[*at] - '0', &value))
			value = UINT64_MAX / 16;
	return value;
}

uint64_t size_parse(struct bytes text)
{
	static const struct {
		const char *name;
		int shift;
	} units[] = {{"b", 0}, {"kb", 10}, {"mb", 20}, {"gb", 30}, {"tb", 40}, {"pb", 50}};
	size_t at = 0;
	uint64_t whole = leading_number(text, &at), part = 0, scale = 1, value;

	if (at == 0)
		return 0;
	value = whole;
	if (at < text.len && text.ptr[at] == '.')
		for (at++; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
			if (scale < 1000000000) {
				part = part * 10 + (uint64_t)(text.ptr[at] - '0');
				scale *= 10;
			}
	while (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == ' '))
		at++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (bytes_case_eq(bytes_from(text, at), units[i].name)) {
			if (whole >> (62 - units[i].shift))
				return UINT64_MAX; /* beyond any limit */
			value = (whole << units[i].shift) +
				((part << (units[i].shift < 30 ? units[i].shift : 30)) / scale
				 << (units[i].shift < 30 ? 0 : units[i].shift - 30));
		}
	return value;
}

static struct bytes either_tag(const struct live *p, const struct module *m, const char *name)
{
	struct bytes value;

	if (tags_find(p->info.message.tags, name, &value))
		return value;
	return tags_get(m->tags, name);
}

enum err load_limits(const struct live *p, const struct module *m, struct limits *out, struct note *note)
{
	const struct cu_options *o = &p->cu->options;
	struct bytes memory = either_tag(p, m, "Memory-Limit"), gas = either_tag(p, m, "Compute-Limit");
	size_t at = 0;

	*out = (struct limits){.memory_max = size_parse(memory), .gas = leading_number(gas, &at)};
	if (out->memory_max == 0 || out->memory_max > o->memory_max)
		return note_err(
			note, E_LIMIT,
			"Memory-Limit for process \"%s\" exceeds supported limit: \"%.*s\", here at most %" PRIu64
			" bytes",
			id_text(p->process).s, BYTES_FMT(memory), o->memory_max);
	if (out->gas == 0 || out->gas > o->gas_max)
		return note_err(
			note, E_LIMIT,
			"Compute-Limit for process \"%s\" exceeds supported limit: \"%.*s\", here at most %" PRIu64,
			id_text(p->process).s, BYTES_FMT(gas), o->gas_max);
	return OK;
}

/* ---- processes ---- */

static enum err check_process(const struct live *p, struct note *note)
{
	struct tags tags = p->info.message.tags;

	if (!tags_includes(tags, "Data-Protocol", "ao"))
		return note_err(note, E_FORMAT, "%s is no ao process: its Data-Protocol tag is not ao",
				id_text(p->process).s);
	if (!tags_includes(tags, "Type", "Process"))
		return note_err(note, E_FORMAT, "%s is not a process: its Type tag is not Process",
				id_text(p->process).s);
	if (!tags_has(tags, "Module"))
		return note_err(note, E_FORMAT, "the process %s has no Module tag", id_text(p->process).s);
	if (tags_get(tags, "Module").len != ID_TEXT_LEN)
		return note_err(note, E_FORMAT, "the process's Module tag is not an id: \"%.*s\"",
				BYTES_FMT(tags_get(tags, "Module")));
	return OK;
}

static struct bytes own_module(const struct live *p)
{
	return tags_get(p->info.message.tags, "Module");
}

/* The newest memory (ao-units 5.13): this disk's, the weave's, or none. That of a process that has migrated may need another
 * module than the one at hand: *other, with which this is called again. */
static enum err load_memory(struct live *p, struct bytes *other, struct note *note)
{
	enum err e = checkpoint_load(p, other);

	p->claimed = false;
	if (e == E_NOT_FOUND && !p->cu->options.ignore_weave_checkpoints) {
		e = fetch_checkpoint(p, other, note);
		p->claimed = e == OK && other->len;
	}
	if (e == E_NOT_FOUND) {
		note_reset(note);
		if (!bytes_eq_str(own_module(p), p->module->id)) {
			*other = own_module(p);
			return OK;
		}
		e = image_new(&p->image, note);
	}
	p->sent_ns = 0;
	return e;
}

/* What depends on the module. */
static enum err load_for_module(struct live *p, struct bytes *other, struct note *note)
{
	struct limits limits;
	enum err e = load_limits(p, p->module, &limits, note);

	if (e < 0)
		return e;
	p->memory_max = limits.memory_max;
	p->gas_limit = limits.gas;
	p->environment = environment_for_module(&p->arena, p, p->module);
	return load_memory(p, other, note);
}

void load_begin(void *ctx)
{
	struct live *p = ctx;
	struct cu *cu = p->cu;
	struct note note = {0};
	struct bytes newest;
	enum err e;

	if (p->broken) {
		log_event(cu->options.log, LOG_ODD, "cu.reload", "process=%s", id_text(p->process).s);
		unload(p);
	}
	e = locate_process_wait(cu->options.locate, &p->arena, p->process, &p->scheduler, NULL, &note);
	if (e == OK)
		e = process_wait(&p->scheduler, &p->arena, p->process, &p->info, &note);
	if (e == OK)
		e = check_process(p, &note);
	if (e == OK) /* before its memory: checkpoints of the weave are evaluated from one to the next */
		e = crons_parse(&p->crons, &p->cron_count, &p->arena, p->info.message.tags, &note);
	if (e == OK) {
		p->rows_end = p->claims_end = UINT64_MAX;
		p->owner = address_for_module(&p->arena, p->info.message.owner_address, p->info.message.owner_key);
		newest = checkpoint_module(p);
		if (module_want(p, newest.len ? newest : own_module(p)))
			load_rest(p);
		return;
	}
	unload(p);
	live_loaded(p, e, &note);
}

void load_rest(void *ctx)
{
	struct live *p = ctx;
	struct note note;
	struct bytes other;
	enum err e;

	do {
		other = bytes_of(NULL, 0);
		note = p->load_note;
		e = p->load_error;
		if (e == OK)
			e = load_for_module(p, &other, &note);
		if (e < 0 && p->claimed) { /* what claimed it is passed over */
			p->claims_end--;
			p->claimed = false;
			p->load_note = (struct note){0};
			other = own_module(p);
			e = OK;
		}
		if (e == OK && other.len) {
			module_release(p->cu, p->module);
			if (!module_want(p, other))
				return;
		}
	} while (e == OK && other.len);
	if (e < 0)
		unload(p);
	live_loaded(p, e, &note);
}

enum err load_instance(struct live *p, struct note *note)
{
	if (p->instance)
		return OK;
	return instance_open(&p->instance, p->module->program, p->image, p->memory_max, note);
}

void load_drain(struct live *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->dry_running || p->dry_ready)
		pthread_cond_wait(&p->calm, &p->lock);
	for (; p->dry_idle_count; p->dry_idle_count--)
		instance_close(p->dry_idle[p->dry_idle_count - 1]);
	pthread_mutex_unlock(&p->lock);
}

void unload(struct live *p)
{
	load_drain(p);
	checkpoint_wait(p);
	if (keep_wait(p, NULL) < 0)
		log_event(p->cu->options.log, LOG_BROKEN, "cu.unload", "process=%s its last results are not kept",
			  id_text(p->process).s);
	instance_close(p->instance);
	image_release(p->image);
	module_release(p->cu, p->module);
	p->instance = NULL;
	p->image = NULL;
	p->module = NULL;
	p->load_note = (struct note){0};
	p->tip = (struct tip){.nonce = -1};
	p->unsaved_turns = p->unsaved_gas = p->unsaved_ns = p->unsent_gas = 0;
	p->chain.count = 0;
	p->crons = NULL;
	p->cron_count = 0;
	history_reset(p);
	crons_forget(p);
	arena_release(&p->arena);
	p->broken = false;
	pthread_mutex_lock(&p->cu->lock);
	p->loaded = false;
	pthread_mutex_unlock(&p->cu->lock);
}
