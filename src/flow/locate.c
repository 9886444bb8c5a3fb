/* SPDX-License-Identifier: MIT */
#include "flow/locate.h"

#include "base/clock.h"
#include "flow/http_scheduler.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum {
	PROCESSES_MAX = 200000, /* about 30 MB; past that the table starts over */
	ADDRESSES_MAX = 50000,  /* likewise */
	URLS_MAX = 10000,       /* ports are handed out, so none can be forgotten */
	LOCATION_TTL_MS_MIN = 60000,
	LOCATION_TTL_MS_MAX = 24 * 3600 * 1000,
	ADDRESS_MAX = 64,
};

struct known_process {
	struct id process;
	bool at_home;
	char address[ADDRESS_MAX]; /* where it listens is asked of the weave again after the location's time */
	UT_hash_handle hh;
};

struct known_address {
	char address[ADDRESS_MAX];
	struct scheduler scheduler;
	uint64_t good_until_ns;
	UT_hash_handle hh;
};

struct known_url {
	struct scheduler scheduler;
	UT_hash_handle hh;
	char url[];
};

struct locate {
	struct locate_options options;
	char home_address[ADDRESS_MAX];
	pthread_mutex_t lock;
	struct known_process *processes;
	struct known_address *addresses;
	struct known_url *urls;
};

/* One question on its way. */
struct search {
	struct locate *locate;
	struct id process; /* zero when an address was asked for */
	char address[ADDRESS_MAX];
	located_done *done;
	void *ctx;
	/* What the weave is asked; the port borrows it until it answers. */
	struct bytes asked_id, asked_owner, asked_type;
	struct id_text asked_text;
	struct weave_tag_filter filter;
	struct weave_query query;
};

struct locate *locate_open(const struct locate_options *options)
{
	struct locate *l = calloc(1, sizeof(*l));

	must(l != NULL);
	must(options->home_address.len < ADDRESS_MAX);
	l->options = *options;
	memcpy(l->home_address, options->home_address.ptr ? options->home_address.ptr : (const uint8_t *)"",
	       options->home_address.len);
	must(pthread_mutex_init(&l->lock, NULL) == 0);
	return l;
}

static void forget_processes(struct locate *l)
{
	struct known_process *p, *next;

	HASH_ITER(hh, l->processes, p, next)
	{
		HASH_DEL(l->processes, p);
		free(p);
	}
}

static void forget_addresses(struct locate *l)
{
	struct known_address *a, *next;

	HASH_ITER(hh, l->addresses, a, next)
	{
		HASH_DEL(l->addresses, a);
		free(a);
	}
}

void locate_close(struct locate *l)
{
	struct known_url *u, *next_u;

	if (!l)
		return;
	forget_processes(l);
	forget_addresses(l);
	HASH_ITER(hh, l->urls, u, next_u)
	{
		HASH_DEL(l->urls, u);
		http_scheduler_free(u->scheduler);
		free(u);
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct search *search_new(struct locate *l, located_done *done, void *ctx)
{
	struct search *s = calloc(1, sizeof(*s));

	must(s != NULL);
	s->locate = l;
	s->done = done;
	s->ctx = ctx;
	return s;
}

void locate_remember(struct locate *l, struct id process, struct scheduler scheduler, struct bytes address)
{
	struct known_process *p;

	must(address.len < ADDRESS_MAX);
	pthread_mutex_lock(&l->lock);
	HASH_FIND(hh, l->processes, &process, sizeof(process), p);
	if (!p) {
		if (HASH_COUNT(l->processes) >= PROCESSES_MAX)
			forget_processes(l);
		p = calloc(1, sizeof(*p));
		must(p != NULL);
		p->process = process;
		HASH_ADD(hh, l->processes, process, sizeof(p->process), p);
	}
	p->at_home = scheduler.self == l->options.home.self;
	snprintf(p->address, sizeof(p->address), "%.*s", BYTES_FMT(address));
	pthread_mutex_unlock(&l->lock);
}

static void search_found(struct search *s, struct scheduler scheduler)
{
	if (!id_is_zero(s->process))
		locate_remember(s->locate, s->process, scheduler, bytes_str(s->address));
	s->done(s->ctx, OK, NULL, scheduler, bytes_str(s->address));
	free(s);
}

static void search_failed(struct search *s, enum err e, const struct note *note)
{
	s->done(s->ctx, e, note, (struct scheduler){0}, bytes_of(NULL, 0));
	free(s);
}

/* ---- address -> URL -> scheduler ---- */

/* With the lock held. E_BUSY: more schedulers than this node will know. */
static enum err scheduler_of_url(struct locate *l, struct bytes url, struct scheduler *out)
{
	struct known_url *u;

	HASH_FIND(hh, l->urls, url.ptr, url.len, u);
	if (!u && HASH_COUNT(l->urls) >= URLS_MAX)
		return E_BUSY;
	if (!u) {
		u = calloc(1, sizeof(*u) + url.len + 1);
		must(u != NULL);
		memcpy(u->url, url.ptr, url.len);
		u->scheduler = http_scheduler_new(l->options.client, url);
		HASH_ADD(hh, l->urls, url, url.len, u);
	}
	*out = u->scheduler;
	return OK;
}

static uint64_t ttl_ms(struct tags tags)
{
	uint64_t ms = 0;

	bytes_u64(tags_get(tags, "Time-To-Live"), &ms);
	return ms < LOCATION_TTL_MS_MIN ? LOCATION_TTL_MS_MIN : ms > LOCATION_TTL_MS_MAX ? LOCATION_TTL_MS_MAX : ms;
}

static enum err remember_address(struct locate *l, const char *address, const struct weave_meta *location,
				 struct scheduler *out)
{
	struct known_address *a;
	enum err e;

	pthread_mutex_lock(&l->lock);
	e = scheduler_of_url(l, tags_get(location->tags, "Url"), out);
	if (e < 0) {
		pthread_mutex_unlock(&l->lock);
		return e;
	}
	HASH_FIND_STR(l->addresses, address, a);
	if (!a) {
		if (HASH_COUNT(l->addresses) >= ADDRESSES_MAX)
			forget_addresses(l);
		a = calloc(1, sizeof(*a));
		must(a != NULL);
		snprintf(a->address, sizeof(a->address), "%s", address);
		HASH_ADD_STR(l->addresses, address, a);
	}
	a->scheduler = *out;
	a->good_until_ns = clock_ns() + ttl_ms(location->tags) * 1000000u;
	pthread_mutex_unlock(&l->lock);
	return OK;
}

static void on_location(void *ctx, enum err e, const struct note *note, const struct weave_meta *list, size_t count)
{
	struct search *s = ctx;
	struct scheduler scheduler;
	struct note ours = {0};

	if (e < 0) {
		search_failed(s, e, note);
		return;
	}
	if (count == 0 || tags_get(list[0].tags, "Url").len == 0) {
		note_err(&ours, E_NOT_FOUND, "the scheduler %s has published no Scheduler-Location", s->address);
		note_hint(&ours, "check the Scheduler tag of the process");
		search_failed(s, E_NOT_FOUND, &ours);
		return;
	}
	e = remember_address(s->locate, s->address, &list[0], &scheduler);
	if (e < 0) {
		note_err(&ours, e, "this node knows %d schedulers already, %s would be one more", URLS_MAX, s->address);
		search_failed(s, e, &ours);
		return;
	}
	search_found(s, scheduler);
}

static bool address_known(struct locate *l, const char *address, struct scheduler *out)
{
	struct known_address *a;
	bool known = false;

	if (l->options.home.self && l->home_address[0] && strcmp(address, l->home_address) == 0) {
		*out = l->options.home;
		return true;
	}
	pthread_mutex_lock(&l->lock);
	HASH_FIND_STR(l->addresses, address, a);
	if (a && a->good_until_ns > clock_ns()) {
		*out = a->scheduler;
		known = true;
	}
	pthread_mutex_unlock(&l->lock);
	return known;
}

static void search_address(struct search *s, struct bytes address)
{
	struct locate *l = s->locate;
	struct scheduler scheduler;
	struct note note = {0};

	if (address.len == 0 || address.len >= ADDRESS_MAX) {
		note_err(&note, E_ARGUMENT, "'%.*s' is not a scheduler's address", BYTES_FMT(address));
		search_failed(s, E_ARGUMENT, &note);
		return;
	}
	memmove(s->address, address.ptr, address.len);
	s->address[address.len] = 0;
	if (address_known(l, s->address, &scheduler)) {
		search_found(s, scheduler);
		return;
	}
	if (!l->options.weave.self || !l->options.client) {
		note_err(&note, E_NOT_FOUND,
			 "the scheduler %s is not this node's, and no weave is configured to find it", s->address);
		search_failed(s, E_NOT_FOUND, &note);
		return;
	}
	s->asked_owner = bytes_str(s->address);
	s->asked_type = BYTES("Scheduler-Location");
	s->filter = (struct weave_tag_filter){BYTES("Type"), &s->asked_type, 1};
	s->query = (struct weave_query){
		.owners = &s->asked_owner, .owner_count = 1, .tags = &s->filter, .tag_count = 1, .first = 1};
	l->options.weave.find(l->options.weave.self, &s->query, on_location, s);
}

void locate_address(struct locate *l, struct bytes address, located_done *done, void *ctx)
{
	search_address(search_new(l, done, ctx), address);
}

/* ---- process -> address ---- */

static void on_process_meta(void *ctx, enum err e, const struct note *note, const struct weave_meta *list, size_t count)
{
	struct search *s = ctx;
	struct note ours = {0};

	if (e < 0) {
		search_failed(s, e, note);
		return;
	}
	if (count == 0) {
		note_err(&ours, E_NOT_FOUND, "Process %s was not found", id_text(s->process).s);
		search_failed(s, E_NOT_FOUND, &ours);
		return;
	}
	if (!tags_includes(list[0].tags, "Type", "Process") || !tags_has(list[0].tags, "Scheduler")) {
		note_err(&ours, E_NOT_FOUND, "%s is not a process: it has no Type=Process or no Scheduler tag",
			 id_text(s->process).s);
		search_failed(s, E_NOT_FOUND, &ours);
		return;
	}
	search_address(s, tags_get(list[0].tags, "Scheduler"));
}

static void ask_weave(struct search *s)
{
	struct locate *l = s->locate;
	struct note note = {0};

	s->asked_text = id_text(s->process);
	s->asked_id = bytes_str(s->asked_text.s);
	if (l->options.weave.self) {
		s->query = (struct weave_query){.ids = &s->asked_id, .id_count = 1, .first = 1};
		l->options.weave.find(l->options.weave.self, &s->query, on_process_meta, s);
		return;
	}
	note_err(&note, E_NOT_FOUND, "Process %s was not found", s->asked_text.s);
	search_failed(s, E_NOT_FOUND, &note);
}

static void on_home(void *ctx, enum err e, const struct note *note, const struct process_info *process)
{
	struct search *s = ctx;
	bool has_weave = s->locate->options.weave.self != NULL;

	(void)process;
	if (e == OK) {
		memcpy(s->address, s->locate->home_address, ADDRESS_MAX);
		search_found(s, s->locate->options.home);
	} else if (e == E_NOT_FOUND || has_weave) {
		ask_weave(s);
	} else {
		search_failed(s, e, note);
	}
}

void locate_process(struct locate *l, struct id process, located_done *done, void *ctx)
{
	struct search *s = search_new(l, done, ctx);
	struct known_process *p;
	bool known, at_home;

	s->process = process;
	pthread_mutex_lock(&l->lock);
	HASH_FIND(hh, l->processes, &process, sizeof(process), p);
	known = p != NULL;
	at_home = p && p->at_home;
	if (p)
		memcpy(s->address, p->address, ADDRESS_MAX);
	pthread_mutex_unlock(&l->lock);
	if (at_home) {
		search_found(s, l->options.home);
	} else if (known) {
		search_address(s, bytes_str(s->address));
	} else if (l->options.home.self) {
		l->options.home.process(l->options.home.self, process, on_home, s);
	} else {
		ask_weave(s);
	}
}

/* ---- blocking ---- */

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	enum err e;
	struct note *note;
	struct scheduler *out;
	struct arena *arena;
	struct bytes *address;
};

static void on_located(void *ctx, enum err e, const struct note *note, struct scheduler scheduler, struct bytes address)
{
	struct waiting *w = ctx;

	if (e == OK) {
		*w->out = scheduler;
		if (w->address)
			*w->address = arena_copy(w->arena, address);
	} else if (note && w->note) {
		*w->note = *note;
	}
	pthread_mutex_lock(&w->lock);
	w->e = e;
	w->done = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

enum err locate_process_wait(struct locate *l, struct arena *a, struct id process, struct scheduler *out,
			     struct bytes *address, struct note *note)
{
	struct waiting w = {.note = note, .out = out, .arena = a, .address = address};

	must(pthread_mutex_init(&w.lock, NULL) == 0 && pthread_cond_init(&w.wake, NULL) == 0);
	locate_process(l, process, on_located, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.wake, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_mutex_destroy(&w.lock);
	pthread_cond_destroy(&w.wake);
	return w.e;
}
