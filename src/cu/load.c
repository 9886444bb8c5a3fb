/* SPDX-License-Identifier: MIT
 *
 * load: a process becomes live: what it is, from its scheduler; its module, from the weave; its limits; and
 * the newest memory of it that is at hand.
 */
#include "base/text.h"
#include "cu/unit.h"
#include "flow/nouns.h"
#include "flow/wait.h"
#include "msg/address.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- modules ---- */

/* Fetched once, a module stays at hand: its meta in a row, its bytes in a blob. */
static enum err module_from_store(struct cu *cu, struct module *m, struct bytes *data)
{
	const struct json *json;
	struct bytes row;
	struct id id, blob;
	enum err e = id_parse(&id, bytes_str(m->id));

	if (e == OK)
		e = store_get(cu->options.store, TABLE_MODULE, bytes_of(id.b, 32), &m->arena, &row);
	if (e == OK)
		e = json_parse(&json, &m->arena, row, NULL);
	if (e == OK)
		e = id_parse(&blob, json_get_text(&m->arena, json, "blob"));
	if (e == OK)
		e = tags_of_json(&m->tags, &m->arena, json_get(json, "tags"), NULL);
	if (e == OK)
		e = store_blob_get(cu->options.store, blob, &m->arena, data);
	if (e == OK)
		m->owner = json_get_text(&m->arena, json, "owner");
	return e;
}

static void module_to_store(struct cu *cu, const struct module *m, struct bytes data)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);
	struct id id, blob;
	enum err e = store_blob_put(cu->options.store, &blob, data);

	if (e == OK && id_parse(&id, bytes_str(m->id)) == OK) {
		jw_object(&w);
		jw_member(&w, "owner", m->owner);
		jw_key(&w, "tags");
		tags_json(&w, m->tags);
		jw_member(&w, "blob", bytes_str(id_text(blob).s));
		jw_object_end(&w);
		store_put(&b, TABLE_MODULE, bytes_of(id.b, 32), buf_bytes(&json));
		e = store_commit_wait(cu->options.store, &b);
	}
	buf_release(&json);
	if (e < 0)
		log_event(cu->options.log, LOG_ODD, "cu.module", "id=%s not kept: %s", m->id, err_sentence(e));
}

static enum err module_from_weave(struct cu *cu, struct module *m, struct bytes *data, struct note *note)
{
	struct weave_meta meta;
	struct bytes id = bytes_str(m->id);
	enum err e = weave_meta_wait(&cu->options.weave, &m->arena, id, &meta, note);

	if (e == E_NOT_FOUND) {
		note_reset(note);
		note_err(note, e, "TransactionNotFound: the module %s is not on the weave", m->id);
		note_hint(note, "publish it (weft module publish), or wait until the gateway has indexed it");
	}
	if (e == OK)
		e = weave_data_wait(&cu->options.weave, &m->arena, id, data, note);
	if (e < 0)
		return e;
	m->owner = address_for_module(&m->arena, meta.owner_address, meta.owner_key);
	m->tags = meta.tags;
	return OK;
}

static enum err check_module(struct module *m, struct note *note)
{
	struct bytes extension;

	if (!tags_find(m->tags, "Module-Format", &m->format) || !reader_known(m->format)) {
		note_err(note, E_UNSUPPORTED, "Module-Format for module \"%s\" is not supported: \"%.*s\"", m->id,
			 BYTES_FMT(m->format));
		return E_UNSUPPORTED;
	}
	if (!tags_has(m->tags, "Input-Encoding"))
		return note_err(note, E_UNSUPPORTED, "Input-Encoding for module \"%s\" is not supported: it has none",
				m->id);
	if (!tags_has(m->tags, "Output-Encoding"))
		return note_err(note, E_UNSUPPORTED, "Output-Encoding for module \"%s\" is not supported: it has none",
				m->id);
	if (tags_find(m->tags, "Extension", &extension))
		return note_err(note, E_UNSUPPORTED, "Module Extensions for module \"%s\" are not supported: %.*s",
				m->id, BYTES_FMT(extension));
	return OK;
}

static enum err module_load(struct cu *cu, struct module *m, struct note *note)
{
	struct bytes data;
	enum err e = module_from_store(cu, m, &data);
	bool fresh = e < 0;

	if (fresh)
		e = module_from_weave(cu, m, &data, note);
	if (e == OK)
		e = check_module(m, note);
	if (e == OK)
		e = program_open(&m->program, cu->options.readers, m->format, data, note);
	if (e == OK && fresh)
		module_to_store(cu, m, data);
	if (e < 0) {
		arena_reset(&m->arena);
		m->program = NULL;
	}
	return e;
}

static enum err module_get(struct cu *cu, struct module **out, struct bytes id, struct note *note)
{
	struct module *m;
	enum err e = OK;

	if (id.len != ID_TEXT_LEN)
		return note_err(note, E_FORMAT, "the process's Module tag is not an id: \"%.*s\"", BYTES_FMT(id));
	pthread_mutex_lock(&cu->lock);
	HASH_FIND(hh, cu->modules, id.ptr, ID_TEXT_LEN, m);
	if (!m) {
		m = calloc(1, sizeof(*m));
		must(m != NULL && pthread_mutex_init(&m->lock, NULL) == 0);
		memcpy(m->id, id.ptr, ID_TEXT_LEN);
		HASH_ADD(hh, cu->modules, id, ID_TEXT_LEN, m);
	}
	pthread_mutex_unlock(&cu->lock);
	/* Who needs the same module waits here; others do not. */
	pthread_mutex_lock(&m->lock);
	if (!m->program)
		e = module_load(cu, m, note);
	pthread_mutex_unlock(&m->lock);
	*out = m;
	return e;
}

void modules_stop(struct cu *cu)
{
	struct module *m, *next;

	pthread_mutex_lock(&cu->lock);
	HASH_ITER(hh, cu->modules, m, next)
	if (m->program)
		program_stop(m->program);
	pthread_mutex_unlock(&cu->lock);
}

void modules_close(struct cu *cu)
{
	struct module *m, *next;

	HASH_ITER(hh, cu->modules, m, next)
	{
		HASH_DEL(cu->modules, m);
		program_close(m->program);
		arena_release(&m->arena);
		pthread_mutex_destroy(&m->lock);
		free(m);
	}
}

/* ---- limits (ao-units 5.7) ---- */

uint64_t size_parse(struct bytes text)
{
	static const struct {
		const char *name;
		int shift;
	} units[] = {{"b", 0}, {"kb", 10}, {"mb", 20}, {"gb", 30}, {"tb", 40}, {"pb", 50}};
	char number[32];
	double value;
	size_t n = 0, at = 0;

	while (at < text.len && n < sizeof(number) - 1 &&
	       ((text.ptr[at] >= '0' && text.ptr[at] <= '9') || text.ptr[at] == '.'))
		number[n++] = (char)text.ptr[at++];
	number[n] = 0;
	if (n == 0)
		return 0;
	value = strtod(number, NULL);
	while (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == ' '))
		at++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (bytes_case_eq(bytes_from(text, at), units[i].name))
			value *= (double)((uint64_t)1 << units[i].shift);
	return value >= 1 && value < 1e18 ? (uint64_t)value : 0;
}

static struct bytes either_tag(const struct live *p, const char *name)
{
	struct bytes value;

	if (tags_find(p->info.message.tags, name, &value))
		return value;
	return tags_get(p->module->tags, name);
}

static enum err load_limits(struct live *p, struct note *note)
{
	const struct cu_options *o = &p->cu->options;
	struct bytes text = either_tag(p, "Memory-Limit");

	p->memory_max = size_parse(text);
	if (p->memory_max == 0 || p->memory_max > o->memory_max)
		return note_err(
			note, E_LIMIT,
			"Memory-Limit for process \"%s\" exceeds supported limit: \"%.*s\", here at most %" PRIu64
			" bytes",
			id_text(p->process).s, BYTES_FMT(text), o->memory_max);
	text = either_tag(p, "Compute-Limit");
	p->gas_limit = size_parse(text);
	if (p->gas_limit == 0 || p->gas_limit > o->gas_max)
		return note_err(
			note, E_LIMIT,
			"Compute-Limit for process \"%s\" exceeds supported limit: \"%.*s\", here at most %" PRIu64,
			id_text(p->process).s, BYTES_FMT(text), o->gas_max);
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
	return OK;
}

enum err load_process(struct cu *cu, struct live *p, struct note *note)
{
	enum err e;

	if (p->loaded)
		return OK;
	e = locate_process_wait(cu->options.locate, &p->arena, p->process, &p->scheduler, NULL, note);
	if (e == OK)
		e = process_wait(&p->scheduler, &p->arena, p->process, &p->info, note);
	if (e == OK)
		e = check_process(p, note);
	if (e == OK)
		e = module_get(cu, &p->module, tags_get(p->info.message.tags, "Module"), note);
	if (e == OK)
		e = load_limits(p, note);
	if (e == OK) {
		const struct message *m = &p->info.message;
		p->owner = address_for_module(&p->arena, m->owner_address, m->owner_key);
		p->environment = environment_for_module(&p->arena, p);
		e = crons_parse(p, note);
	}
	if (e == OK)
		e = checkpoint_load(p, note);
	if (e == OK && !p->image)
		e = image_new(&p->image, note);
	if (e < 0)
		unload(p);
	p->loaded = e == OK;
	return e;
}

enum err load_instance(struct live *p, struct note *note)
{
	if (p->instance)
		return OK;
	return instance_open(&p->instance, p->module->program, p->image, p->memory_max, note);
}

void unload(struct live *p)
{
	pthread_mutex_lock(&p->dry_lock);
	instance_close(p->dry);
	p->dry = NULL;
	pthread_mutex_unlock(&p->dry_lock);
	instance_close(p->instance);
	image_release(p->image);
	p->instance = NULL;
	p->image = NULL;
	p->tip = (struct tip){.nonce = -1};
	p->unsaved_turns = p->unsaved_gas = 0;
	p->crons = NULL;
	p->cron_count = 0;
	p->loaded = false;
	arena_release(&p->arena);
}
