/* SPDX-License-Identifier: MIT */
#include "node/location.h"

#include "base/clock.h"
#include "node/own_item.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { MOMENT_MS = 2000, RETRY_MS = 1000 };

static struct tags location_tags(struct arena *a, const struct location *location)
{
	struct tag_list tags = tag_list_on(a);
	struct bytes rest = location->stands_for;

	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Variant", "ao.TN.1");
	tag_list_add_str(&tags, "Type", "Scheduler-Location");
	tag_list_add(&tags, BYTES("Url"), location->url);
	tag_list_add(&tags, BYTES("Time-To-Live"), arena_printf(a, "%" PRIu64, location->time_to_live_ms));
	while (rest.len) {
		struct bytes address = bytes_cut(rest, ',', &rest);
		struct id id;
		while (address.len && isspace(address.ptr[0]))
			address = bytes_from(address, 1);
		while (address.len && isspace(address.ptr[address.len - 1]))
			address.len--;
		must(id_parse(&id, address) == OK); /* the setting was checked */
		tag_list_add(&tags, BYTES("Stands-For"), address);
	}
	return tag_list_tags(&tags);
}

struct location_keeper {
	const struct weave *weave;
	const struct key *key;
	struct location location;
	struct log *log;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool there, leaving;
};

/* With the lock held: until one of the two, or for ms. */
static void sleep_or_wake(struct location_keeper *k, uint64_t ms)
{
	uint64_t at_ns = clock_ns() + ms * 1000000;
	struct timespec until = {(time_t)(at_ns / 1000000000), (long)(at_ns % 1000000000)};

	while (!k->there && !k->leaving && pthread_cond_timedwait(&k->wake, &k->lock, &until) != ETIMEDOUT)
		;
}

static enum err try_once(struct location_keeper *k)
{
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct id id;
	bool published;
	enum err e = own_item_put(k->weave, k->key, location_tags(&a, &k->location), BYTES(" "), &id, &published,
				  &note);

	if (e < 0)
		log_event(k->log, LOG_ODD, "node.location", "url=%.*s error=\"%s\"", BYTES_FMT(k->location.url),
			  note_text(&note, e));
	else
		log_event(k->log, LOG_INFO, "node.location", "url=%.*s published=%d", BYTES_FMT(k->location.url),
			  published);
	arena_release(&a);
	return e;
}

static void *keep(void *ctx)
{
	struct location_keeper *k = ctx;

	for (bool over = false; !over;) {
		enum err e = try_once(k);
		pthread_mutex_lock(&k->lock);
		k->there = e == OK;
		pthread_cond_broadcast(&k->wake);
		sleep_or_wake(k, RETRY_MS);
		over = k->there || k->leaving;
		pthread_mutex_unlock(&k->lock);
	}
	return NULL;
}

struct location_keeper *location_keep(const struct weave *weave, const struct key *key, const struct location *location,
				      struct log *log)
{
	struct location_keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t steady;

	must(k != NULL);
	*k = (struct location_keeper){.weave = weave, .key = key, .location = *location, .log = log};
	must(pthread_condattr_init(&steady) == 0 && pthread_condattr_setclock(&steady, CLOCK_MONOTONIC) == 0 &&
	     pthread_mutex_init(&k->lock, NULL) == 0 && pthread_cond_init(&k->wake, &steady) == 0);
	pthread_condattr_destroy(&steady);
	must(pthread_create(&k->thread, NULL, keep, k) == 0);
	pthread_mutex_lock(&k->lock);
	sleep_or_wake(k, MOMENT_MS);
	pthread_mutex_unlock(&k->lock);
	return k;
}

void location_leave(struct location_keeper *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	k->leaving = true;
	pthread_cond_broadcast(&k->wake);
	pthread_mutex_unlock(&k->lock);
	pthread_join(k->thread, NULL);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
