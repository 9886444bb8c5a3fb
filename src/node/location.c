/* SPDX-License-Identifier: MIT */
#include "node/location.h"

#include "base/clock.h"
#include "flow/wait.h"
#include "msg/item.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { MOMENT_MS = 2000, RETRY_MS = 1000 };

/* Does the newest location say just this? */
static enum err is_there(const struct weave *weave, struct arena *a, const struct key *key, struct tags tags,
			 bool *there, struct note *note)
{
	struct id_text address = id_text(key_address(key));
	struct bytes owner = bytes_str(address.s), type = BYTES("Scheduler-Location");
	struct weave_tag_filter filter = {BYTES("Type"), &type, 1};
	struct weave_query query = {.owners = &owner, .owner_count = 1, .tags = &filter, .tag_count = 1, .first = 1};
	const struct weave_meta *list;
	size_t count;
	enum err e = weave_find_wait(weave, a, &query, &list, &count, note);

	*there = e == OK && count > 0 && list[0].tags.count == tags.count;
	for (size_t i = 0; *there && i < tags.count; i++)
		*there = bytes_eq(list[0].tags.list[i].name, tags.list[i].name) &&
			 bytes_eq(list[0].tags.list[i].value, tags.list[i].value);
	return e;
}

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

static enum err publish(const struct weave *weave, const struct key *key, const struct location *location,
			bool *published, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct tags tags = location_tags(&a, location);
	struct buf item = BUF_EMPTY;
	uint8_t anchor[32];
	struct id id;
	bool there;
	enum err e = is_there(weave, &a, key, tags, &there, note);

	*published = false;
	if (e < 0 || there)
		goto out;
	/* Back to an URL of earlier: without an anchor it would be the same item, and not the newest. */
	random_bytes(anchor, sizeof(anchor));
	e = item_create(
		&item, &id, key,
		&(struct item_fields){.anchor = bytes_of(anchor, sizeof(anchor)), .tags = tags, .data = BYTES(" ")},
		note);
	if (e == OK)
		e = weave_put_wait(weave, buf_bytes(&item), note);
	*published = e == OK;
out:
	buf_release(&item);
	arena_release(&a);
	return e;
}

/* ---- until it is there ---- */

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
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	while (!k->there && !k->leaving && pthread_cond_timedwait(&k->wake, &k->lock, &until) != ETIMEDOUT)
		;
}

static enum err try_once(struct location_keeper *k)
{
	struct note note = {0};
	bool published;
	enum err e = publish(k->weave, k->key, &k->location, &published, &note);

	if (e < 0)
		log_event(k->log, LOG_ODD, "node.location", "url=%.*s error=\"%s\"", BYTES_FMT(k->location.url),
			  note_text(&note, e));
	else
		log_event(k->log, LOG_INFO, "node.location", "url=%.*s published=%d", BYTES_FMT(k->location.url),
			  published);
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
