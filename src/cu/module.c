/* SPDX-License-Identifier: MIT
 *
 * module: what processes have in common. A module is fetched and translated once, on threads of its own, while those
 * that want it wait without one; its bytes are kept in the store. A module that no live process uses stays at
 * hand for a while, with the parent of its workers, and goes when there are many such.
 */
#include "base/clock.h"
#include "base/text.h"
#include "cu/unit.h"
#include "flow/nouns.h"
#include "flow/wait.h"
#include "msg/address.h"

#include <stdlib.h>
#include <string.h>

enum { IDLE_MODULES_MAX = 16 };

/* ---- one module, from the store or the weave ---- */

/* Fetched once, a module stays at hand: its meta in a row, its bytes in a blob. */
static enum err module_from_store(struct cu *cu, struct module *m, struct arena *a, struct bytes *data)
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
		e = store_blob_get(cu->options.store, blob, a, data);
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

static enum err module_from_weave(struct cu *cu, struct module *m, struct arena *a, struct bytes *data,
				  struct note *note)
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
		e = weave_data_wait(&cu->options.weave, a, id, data, note);
	if (e < 0)
		return e;
	m->owner = address_for_module(&m->arena, meta.owner_address, meta.owner_key);
	m->tags = meta.tags;
	return OK;
}

static enum err check_module(struct module *m, struct note *note)
{
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
	for (size_t i = 0; i < m->tags.count; i++)
		if (bytes_eq_str(m->tags.list[i].name, "Extension") &&
		    !bytes_eq_str(m->tags.list[i].value, "WeaveDrive"))
			return note_err(note, E_UNSUPPORTED,
					"Module Extensions for module \"%s\" are not supported: %.*s", m->id,
					BYTES_FMT(m->tags.list[i].value));
	return OK;
}

static enum err module_load(struct cu *cu, struct module *m, struct program **program, struct note *note)
{
	struct arena a = ARENA_EMPTY; /* the bytes are not needed afterwards */
	struct bytes data;
	enum err e = module_from_store(cu, m, &a, &data);
	bool fresh = e < 0;

	if (fresh)
		e = module_from_weave(cu, m, &a, &data, note);
	if (e == OK)
		e = check_module(m, note);
	if (e == OK)
		e = program_open(program, cu->options.readers, m->format, data, note);
	if (e == OK && fresh)
		module_to_store(cu, m, data);
	if (e < 0)
		arena_reset(&m->arena);
	arena_release(&a);
	return e;
}

/* ---- the table ---- */

struct coming {
	struct cu *cu;
	struct module *module;
};

/* How it went is told to those that wait for it with a thread, and to those that wait without. */
static void end_coming(struct cu *cu, struct module *m, struct program *program, enum err e, const struct note *note)
{
	struct live *waiting, *next;

	pthread_mutex_lock(&cu->lock);
	m->program = program;
	m->loading = false;
	m->error = e;
	m->note = *note;
	waiting = m->waiting;
	m->waiting = NULL;
	pthread_cond_broadcast(&cu->module_came);
	pthread_mutex_unlock(&cu->lock);
	for (; waiting; waiting = next) {
		next = waiting->next_waiting;
		waiting->load_error = e;
		waiting->load_note = *note;
		must(pool_put_always(cu->loads, load_rest, waiting) == OK);
	}
}

static void run_coming(void *ctx)
{
	struct coming *c = ctx;
	struct cu *cu = c->cu;
	struct module *m = c->module;
	struct program *program = NULL;
	struct note note = {0};
	enum err e = module_load(cu, m, &program, &note);

	free(c);
	end_coming(cu, m, program, e, &note);
}

/* Under cu->lock. */
static struct module *find_or_add(struct cu *cu, struct bytes id)
{
	struct module *m;

	HASH_FIND(hh, cu->modules, id.ptr, ID_TEXT_LEN, m);
	if (!m) {
		m = calloc(1, sizeof(*m));
		must(m != NULL);
		memcpy(m->id, id.ptr, ID_TEXT_LEN);
		HASH_ADD(hh, cu->modules, id, ID_TEXT_LEN, m);
	}
	return m;
}

static void start(struct cu *cu, struct module *m)
{
	struct coming *c = malloc(sizeof(*c));
	struct note note = {0};
	enum err e;

	must(c != NULL);
	*c = (struct coming){cu, m};
	e = pool_put(cu->translations, run_coming, c);
	if (e == OK)
		return;
	free(c);
	end_coming(cu, m, NULL, note_err(&note, e, "too many modules are being loaded"), &note);
}

bool module_want(struct live *p, struct bytes id)
{
	struct cu *cu = p->cu;
	struct module *m;
	bool ready, first = false;

	p->load_error = OK;
	pthread_mutex_lock(&cu->lock);
	p->module = m = find_or_add(cu, id);
	m->users++;
	ready = m->program != NULL;
	if (!ready) {
		p->next_waiting = m->waiting;
		m->waiting = p;
		first = !m->loading;
		m->loading = true;
	}
	pthread_mutex_unlock(&cu->lock);
	if (first)
		start(cu, m);
	return ready;
}

enum err module_await(struct cu *cu, struct bytes id, struct module **out, struct note *note)
{
	struct module *m;
	bool first;
	enum err e;

	pthread_mutex_lock(&cu->lock);
	m = find_or_add(cu, id);
	m->users++;
	first = !m->program && !m->loading;
	if (first)
		m->loading = true;
	pthread_mutex_unlock(&cu->lock);
	if (first)
		start(cu, m);
	pthread_mutex_lock(&cu->lock);
	while (m->loading)
		pthread_cond_wait(&cu->module_came, &cu->lock);
	e = m->program ? OK : m->error;
	if (e < 0 && note)
		*note = m->note;
	pthread_mutex_unlock(&cu->lock);
	if (e < 0)
		module_release(cu, m);
	else
		*out = m;
	return e;
}

void module_hold(struct cu *cu, struct module *m)
{
	pthread_mutex_lock(&cu->lock);
	m->users++;
	pthread_mutex_unlock(&cu->lock);
}

static void free_module(struct module *m)
{
	program_close(m->program);
	arena_release(&m->arena);
	free(m);
}

/* Under cu->lock: takes one out of the table that need not stay. */
static struct module *pick_superfluous(struct cu *cu)
{
	struct module *m, *next, *idlest = NULL;
	size_t idle = 0;

	HASH_ITER(hh, cu->modules, m, next)
	{
		if (m->users)
			continue;
		idle++;
		if (!m->program || !idlest || (idlest->program && m->last_use < idlest->last_use))
			idlest = m;
	}
	if (!idlest || (idlest->program && idle <= IDLE_MODULES_MAX))
		return NULL;
	HASH_DEL(cu->modules, idlest);
	return idlest;
}

void module_release(struct cu *cu, struct module *m)
{
	struct module *gone;

	if (!m)
		return;
	pthread_mutex_lock(&cu->lock);
	m->users--;
	m->last_use = clock_ns();
	gone = pick_superfluous(cu);
	pthread_mutex_unlock(&cu->lock);
	if (gone)
		free_module(gone);
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
		free_module(m);
	}
}
