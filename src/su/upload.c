/* SPDX-License-Identifier: MIT */
#include "su/upload.h"

#include "base/clock.h"
#include "flow/wait.h"
#include "msg/bundle.h"
#include "msg/item.h"
#include "su/record.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TASKS_MAX = 256, BUNDLE_BYTES = 4 << 20, RETRY_MS = 1000, RETRY_MS_MAX = 32000 };

struct upload {
	struct store *store;
	const struct weave *weave;
	const struct key *key;
	struct log *log;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool closing;
	uint64_t from; /* no task before it waits; UINT64_MAX: none at all. Under `lock` */
	uint64_t sequence;
};

struct task {
	uint64_t sequence;
	struct id process;
	uint64_t nonce;
};

struct tasks {
	struct task list[TASKS_MAX];
	size_t count;
};

static bool see_task(void *ctx, struct bytes key, struct bytes value)
{
	struct tasks *t = ctx;
	struct task *task = &t->list[t->count];

	if (key.len != 8 || value.len != 40)
		return true;
	task->sequence = get_u64be(key.ptr);
	memcpy(task->process.b, value.ptr, 32);
	task->nonce = get_u64be(value.ptr + 32);
	return ++t->count < TASKS_MAX;
}

static void add_entry(struct bundle_entry *entries, size_t *count, struct arena *a, struct bytes raw)
{
	struct item item;

	if (raw.len && item_parse(&item, a, raw, NULL) == OK)
		entries[(*count)++] = (struct bundle_entry){item.id, raw};
}

/* Makes one signed bundle of the first tasks, as many as fit; *taken says how many. */
static enum err make_bundle(struct upload *u, struct arena *a, const struct tasks *t, size_t *taken, struct buf *out,
			    struct note *note)
{
	struct bundle_entry *entries = arena_new_array(a, 2 * t->count, struct bundle_entry);
	struct tag_list tags = tag_list_on(a);
	struct buf bundle = BUF_EMPTY;
	size_t count = 0, bytes = 0;
	struct su_record r;
	struct id id;
	enum err e;

	for (*taken = 0; *taken < t->count && (*taken == 0 || bytes < BUNDLE_BYTES); (*taken)++) {
		e = su_record_get(u->store, a, t->list[*taken].process, t->list[*taken].nonce, &r);
		if (e < 0)
			return note_err(note, e, "a record that is to be uploaded cannot be read");
		add_entry(entries, &count, a, r.assignment);
		add_entry(entries, &count, a, r.message);
		bytes += r.assignment.len + r.message.len;
	}
	bundle_create(&bundle, entries, count);
	tag_list_add_str(&tags, "Bundle-Format", "binary");
	tag_list_add_str(&tags, "Bundle-Version", "2.0.0");
	tag_list_add_str(&tags, "Data-Protocol", "ao");
	tag_list_add_str(&tags, "Variant", "ao.TN.1");
	struct item_fields fields = {.tags = tag_list_tags(&tags), .data = buf_bytes(&bundle)};
	e = item_create(out, &id, u->key, &fields, note);
	buf_release(&bundle);
	return e;
}

static struct bytes task_key(uint8_t out[8], uint64_t sequence)
{
	set_u64be(out, sequence);
	return bytes_of(out, 8);
}

static enum err strike_off(struct upload *u, const struct task *tasks, size_t count)
{
	struct store_batch done = STORE_BATCH_EMPTY;
	uint8_t key[8];

	for (size_t i = 0; i < count; i++)
		store_del(&done, TABLE_UPLOAD, task_key(key, tasks[i].sequence));
	return store_commit_lazy_wait(u->store, &done); /* at worst the weave gets the same items again */
}

/* Tasks from *from on, as many as go into one bundle; *from is then where the next may be. What is struck off leaves
 * traces that a walk from the beginning would meet. */
static enum err send_some(struct upload *u, uint64_t *from)
{
	struct arena a = ARENA_EMPTY;
	struct tasks *t = arena_new(&a, struct tasks);
	uint8_t key[8];
	struct store_range range = {.from = task_key(key, *from)};
	struct buf bundle = BUF_EMPTY;
	struct note note = {0};
	size_t taken = 0;
	enum err e = store_scan(u->store, TABLE_UPLOAD, &range, see_task, t);

	if (e == OK && t->count) {
		e = make_bundle(u, &a, t, &taken, &bundle, &note);
		if (e == OK)
			e = weave_put_wait(u->weave, buf_bytes(&bundle), &note);
		if (e == OK)
			e = strike_off(u, t->list, taken);
	}
	if (e < 0)
		log_event(u->log, LOG_ODD, "su.upload", "tasks=%zu error=\"%s\"", t->count, note_text(&note, e));
	else if (taken < t->count)
		*from = t->list[taken].sequence;
	else if (t->count == TASKS_MAX)
		*from = t->list[taken - 1].sequence + 1;
	else
		*from = UINT64_MAX;
	buf_release(&bundle);
	arena_release(&a);
	return e;
}

static void lower(struct upload *u, uint64_t from)
{
	pthread_mutex_lock(&u->lock);
	if (from < u->from)
		u->from = from;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
}

/* Sleeps until there is work, and for ms before, or until closing. *from is where the work begins. */
static bool wait_for_work(struct upload *u, uint64_t ms, uint64_t *from)
{
	struct timespec until;
	bool closing;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(ms / 1000);
	pthread_mutex_lock(&u->lock);
	while (!u->closing && (ms || u->from == UINT64_MAX)) {
		if (ms == 0)
			pthread_cond_wait(&u->wake, &u->lock);
		else if (pthread_cond_timedwait(&u->wake, &u->lock, &until) == ETIMEDOUT)
			break;
	}
	*from = u->from;
	u->from = UINT64_MAX;
	closing = u->closing;
	pthread_mutex_unlock(&u->lock);
	return !closing;
}

static void *upload_thread(void *ctx)
{
	struct upload *u = ctx;
	uint64_t retry_ms = 0, from;

	while (wait_for_work(u, retry_ms, &from)) {
		if (send_some(u, &from) < 0) {
			retry_ms = retry_ms ? 2 * retry_ms : RETRY_MS;
			retry_ms = retry_ms > RETRY_MS_MAX ? RETRY_MS_MAX : retry_ms;
		} else {
			retry_ms = 0;
		}
		lower(u, from);
	}
	return NULL;
}

static bool take_last(void *ctx, struct bytes key, struct bytes value)
{
	if (key.len == 8)
		*(uint64_t *)ctx = get_u64be(key.ptr) + 1;
	return false;
}

enum err upload_open(struct upload **out, struct store *store, const struct weave *weave, const struct key *key,
		     struct log *log)
{
	struct store_range last = {.backward = true, .limit = 1};
	struct upload *u = calloc(1, sizeof(*u));
	enum err e;

	must(u != NULL);
	u->store = store;
	u->weave = weave;
	u->key = key;
	u->log = log;
	u->from = 0;
	e = store_scan(store, TABLE_UPLOAD, &last, take_last, &u->sequence);
	if (e < 0) {
		free(u);
		return e;
	}
	must(pthread_mutex_init(&u->lock, NULL) == 0 && pthread_cond_init(&u->wake, NULL) == 0);
	must(pthread_create(&u->thread, NULL, upload_thread, u) == 0);
	*out = u;
	return OK;
}

uint64_t upload_sequence(struct upload *u)
{
	return __atomic_fetch_add(&u->sequence, 1, __ATOMIC_RELAXED);
}

void upload_wake(struct upload *u, uint64_t sequence)
{
	lower(u, sequence);
}

void upload_close(struct upload *u)
{
	pthread_mutex_lock(&u->lock);
	u->closing = true;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	pthread_join(u->thread, NULL);
	pthread_mutex_destroy(&u->lock);
	pthread_cond_destroy(&u->wake);
	free(u);
}
