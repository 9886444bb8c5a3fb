/* SPDX-License-Identifier: MIT */
#include "mu/gate.h"

#include "base/json.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { HOUR_MS = 3600 * 1000, COUNTS_MAX = 200000 }; /* some 25 MB; past that the counting starts over */

/* What a file says of an id. */
struct named {
	struct id id;
	double allowance, divide, subtract;
	UT_hash_handle hh;
};

struct count {
	struct id key[2]; /* wallet, process */
	uint64_t from_ms, posts;
	UT_hash_handle hh;
};

struct gate {
	struct arena arena;
	bool has_whitelist, has_rates;
	struct named *whitelist, *addresses, *processes;
	double allowance; /* of everybody */
	const struct json *ips;
	pthread_mutex_t lock;
	struct count *counts;
};

/* ---- the files ---- */

static enum err not_so(const char *what, struct note *note, const char *how, struct bytes text)
{
	return note_err(note, E_FORMAT, "%s: %s: %.*s", what, how, BYTES_FMT(text));
}

static enum err parse(const struct json **out, struct gate *g, struct bytes text, const char *what, struct note *note)
{
	struct note why = {0};

	if (json_parse(out, &g->arena, arena_copy(&g->arena, text), &why) < 0)
		return not_so(what, note, "this is no JSON", bytes_str(why.text));
	return OK;
}

static bool read_number(double *out, const struct json *value, double fallback)
{
	*out = fallback;
	return !value || json_number(value, out);
}

static enum err read_named(struct gate *g, struct named **table, const struct json *object, const char *what,
			   struct note *note)
{
	for (const struct json *m = object && object->kind == JSON_OBJECT ? object->first : NULL; m; m = m->next) {
		struct named *n = arena_new(&g->arena, struct named);
		bool rule = m->kind == JSON_OBJECT;
		if (id_parse(&n->id, m->key) < 0)
			return not_so(what, note, "this is no id of 43 characters", m->key);
		if (!read_number(&n->allowance, rule || m->kind != JSON_NUMBER ? NULL : m, 0) ||
		    !read_number(&n->divide, json_get(m, "divide"), 1) || n->divide <= 0 ||
		    !read_number(&n->subtract, json_get(m, "subtract"), 0))
			return not_so(what, note, "divide (above 0) and subtract are numbers", json_whole(m));
		HASH_ADD(hh, *table, id, sizeof(n->id), n);
	}
	return OK;
}

static enum err read_whitelist(struct gate *g, struct bytes text, struct note *note)
{
	static const char what[] = "the whitelist";
	const struct json *file, *processes;
	enum err e = parse(&file, g, text, what, note);

	if (e < 0)
		return e;
	g->has_whitelist = true;
	processes = json_get(file, "processes");
	if (!processes || processes->kind != JSON_OBJECT)
		return not_so(what, note, "it has an object \"processes\"", json_whole(file));
	return read_named(g, &g->whitelist, processes, what, note);
}

static enum err read_rates(struct gate *g, struct bytes text, struct note *note)
{
	static const char what[] = "the rate limits";
	const struct json *file;
	enum err e = parse(&file, g, text, what, note);

	if (e < 0)
		return e;
	g->has_rates = true;
	g->ips = json_get(file, "ips");
	if (!json_number(json_get(file, "default"), &g->allowance))
		return not_so(what, note, "they have a number \"default\"", json_whole(file));
	e = read_named(g, &g->addresses, json_get(file, "addresses"), what, note);
	return e < 0 ? e : read_named(g, &g->processes, json_get(file, "processes"), what, note);
}

enum err gate_open(struct gate **out, struct bytes whitelist, struct bytes rates, struct note *note)
{
	struct gate *g = calloc(1, sizeof(*g));
	enum err e = OK;

	must(g != NULL && pthread_mutex_init(&g->lock, NULL) == 0);
	*out = g;
	if (whitelist.len)
		e = read_whitelist(g, whitelist, note);
	if (e == OK && rates.len)
		e = read_rates(g, rates, note);
	return e;
}

static void forget_counts(struct gate *g)
{
	struct count *c, *next;

	HASH_ITER(hh, g->counts, c, next)
	{
		HASH_DEL(g->counts, c);
		free(c);
	}
}

void gate_close(struct gate *g)
{
	if (!g)
		return;
	forget_counts(g);
	HASH_CLEAR(hh, g->whitelist);
	HASH_CLEAR(hh, g->addresses);
	HASH_CLEAR(hh, g->processes);
	arena_release(&g->arena);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* ---- the question ---- */

static const struct named *find(struct named *const *table, struct id id)
{
	struct named *n;

	HASH_FIND(hh, *table, &id, sizeof(id), n);
	return n;
}

enum err gate_process(const struct gate *g, struct id process, struct note *note)
{
	if (!g->has_whitelist || find(&g->whitelist, process))
		return OK;
	return note_err(note, E_DENIED, "Forbidden, process not whitelisted: %s", id_text(process).s);
}

static double allowance_of(const struct gate *g, struct id wallet, struct id process)
{
	const struct named *own = find(&g->addresses, wallet), *rule = find(&g->processes, process);
	double all = g->allowance + (own ? own->allowance : 0);

	return rule ? all / rule->divide - rule->subtract : all;
}

static bool is_exempt(const struct gate *g, struct bytes ip)
{
	double weight;

	for (const struct json *m = g->ips && g->ips->kind == JSON_OBJECT ? g->ips->first : NULL; m; m = m->next)
		if (bytes_eq(m->key, ip))
			return json_number(m, &weight) && weight > 1;
	return false;
}

/* With the lock held. */
static struct count *count_of(struct gate *g, struct id wallet, struct id process, uint64_t now_ms)
{
	struct id key[2] = {wallet, process};
	struct count *c;

	HASH_FIND(hh, g->counts, key, sizeof(key), c);
	if (!c) {
		if (HASH_COUNT(g->counts) >= COUNTS_MAX)
			forget_counts(g);
		c = calloc(1, sizeof(*c));
		must(c != NULL);
		memcpy(c->key, key, sizeof(key));
		HASH_ADD(hh, g->counts, key, sizeof(c->key), c);
		c->from_ms = now_ms;
	}
	if (now_ms - c->from_ms >= HOUR_MS) {
		c->from_ms = now_ms;
		c->posts = 0;
	}
	return c;
}

enum err gate_count(struct gate *g, struct id wallet, struct id process, struct bytes ip, uint64_t now_ms,
		    struct note *note)
{
	struct count *c;
	uint64_t left_ms;
	bool more;

	if (!g->has_rates || is_exempt(g, ip))
		return OK;
	pthread_mutex_lock(&g->lock);
	c = count_of(g, wallet, process, now_ms);
	more = (double)c->posts < allowance_of(g, wallet, process);
	c->posts += more;
	left_ms = c->from_ms + HOUR_MS - now_ms;
	pthread_mutex_unlock(&g->lock);
	if (more)
		return OK;
	note_err(note, E_RATE, "Rate limit exceeded: %s has posted as much as it may within an hour",
		 id_text(wallet).s);
	note_hint(note, "again in %" PRIu64 " minutes", left_ms / 60000 + 1);
	return E_RATE;
}
