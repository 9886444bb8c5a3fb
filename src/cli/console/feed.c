/* SPDX-License-Identifier: MIT */
#include "cli/console/feed.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/print.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The unit is asked to wait for a result. One that does not know how is asked again after a moment. */
enum { WAIT_MS = 20000, POLL_MS = 500, POLL_FAILED_MS = 3000, OWN_ERRORS_MAX = 16 };

struct text {
	struct buf text, prompt;
	bool is_error;
};

struct feed {
	struct console *console;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_mutex_t turn; /* held while a message of the console's own is evaluated */
	int ready;            /* an eventfd: its count is that of the queue */
	int wake;             /* an eventfd: the thread is to look whether it shall end */
	volatile sig_atomic_t stop;
	bool paused;
	size_t first, count;
	struct text queue[FEED_QUEUE_MAX];
	size_t own_count;
	struct buf own[OWN_ERRORS_MAX];
	struct buf cursor; /* the thread's */
};

/* ---- the answer ---- */

static void read_entry(struct feed_entry *entry, struct arena *a, const struct json *node)
{
	const struct json *output = json_get(node, "Output"), *error = json_get(node, "Error");

	*entry = (struct feed_entry){.prompt = json_get_text(a, output, "prompt")};
	if (json_truthy(error)) {
		entry->error = json_whole(error);
		entry->text = error->kind == JSON_STRING ? json_text(a, error) : json_whole(error);
	} else if (json_truthy(json_get(output, "print"))) {
		entry->text = result_output(a, node);
	}
}

enum err feed_read(struct feed_page *page, struct arena *a, struct bytes json)
{
	const struct json *answer, *edges;
	enum err e = json_parse(&answer, a, json, NULL);

	page->count = 0;
	page->cursor = bytes_of(NULL, 0);
	if (e < 0)
		return e;
	edges = json_get(answer, "edges");
	if (!edges || edges->kind != JSON_ARRAY)
		return E_FORMAT;
	for (const struct json *edge = edges->first; edge && page->count < FEED_PAGE; edge = edge->next) {
		read_entry(&page->entries[page->count++], a, json_get(edge, "node"));
		page->cursor = json_get_text(a, edge, "cursor");
	}
	return OK;
}

/* ---- the queue ---- */

static void signal_fd(int fd)
{
	uint64_t one = 1;

	must(write(fd, &one, sizeof(one)) == sizeof(one));
}

static bool is_own(struct feed *f, struct bytes error)
{
	for (size_t i = 0; i < f->own_count; i++) {
		if (!bytes_eq(buf_bytes(&f->own[i]), error))
			continue;
		buf_release(&f->own[i]);
		f->own[i] = f->own[--f->own_count];
		f->own[f->own_count] = BUF_EMPTY;
		return true;
	}
	return false;
}

static void release_text(struct text *t)
{
	buf_release(&t->text);
	buf_release(&t->prompt);
}

/* The oldest goes when the queue is full: somebody left the console paused. */
static void queue_entry(struct feed *f, const struct feed_entry *entry)
{
	struct text *t;

	if (entry->error.len && is_own(f, entry->error))
		return;
	if (entry->text.len == 0)
		return;
	if (f->count == FEED_QUEUE_MAX) {
		release_text(&f->queue[f->first]);
		f->first = (f->first + 1) % FEED_QUEUE_MAX;
		f->count--;
	}
	t = &f->queue[(f->first + f->count++) % FEED_QUEUE_MAX];
	*t = (struct text){.is_error = entry->error.len > 0};
	buf_put_bytes(&t->text, entry->text);
	buf_put_bytes(&t->prompt, entry->prompt);
	if (!f->paused)
		signal_fd(f->ready);
}

bool feed_take(struct feed *f, struct buf *text, struct buf *prompt, bool *is_error)
{
	struct text t = {.is_error = false};
	uint64_t ignored;

	if (!f)
		return false;
	pthread_mutex_lock(&f->lock);
	if (!f->paused && f->count) {
		t = f->queue[f->first];
		f->queue[f->first] = (struct text){.is_error = false};
		f->first = (f->first + 1) % FEED_QUEUE_MAX;
		f->count--;
	}
	if (f->paused || f->count == 0)
		(void)!read(f->ready, &ignored, sizeof(ignored)); /* resets it; nothing to read is fine */
	pthread_mutex_unlock(&f->lock);
	if (t.text.len == 0)
		return false;
	buf_release(text);
	buf_release(prompt);
	*text = t.text;
	*prompt = t.prompt;
	*is_error = t.is_error;
	return true;
}

void feed_pause(struct feed *f, bool paused)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->paused = paused;
	if (!paused && f->count)
		signal_fd(f->ready);
	pthread_mutex_unlock(&f->lock);
}

void feed_hold(struct feed *f)
{
	if (f)
		pthread_mutex_lock(&f->turn);
}

void feed_release(struct feed *f)
{
	if (f)
		pthread_mutex_unlock(&f->turn);
}

void feed_own_error(struct feed *f, struct bytes error)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	if (f->own_count == OWN_ERRORS_MAX) { /* a CU that does not list it would let them pile up */
		buf_release(&f->own[0]);
		memmove(f->own, f->own + 1, (OWN_ERRORS_MAX - 1) * sizeof(f->own[0]));
		f->own_count--;
	}
	f->own[f->own_count] = BUF_EMPTY;
	buf_put_bytes(&f->own[f->own_count++], error);
	pthread_mutex_unlock(&f->lock);
}

int feed_fd(const struct feed *f)
{
	return f ? f->ready : -1;
}

/* ---- the thread ---- */

static void put_query(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_printf(out, "%%%02X", text.ptr[i]);
}

/* A cursor says in which direction it was read, and that wins over the question: the one to begin with is turned around. */
static void turn_around(struct buf *turned, struct arena *a, struct bytes cursor)
{
	uint8_t *text = arena_alloc(a, cursor.len);
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);
	const struct json *object;
	size_t len;

	if (b64_decode(text, cursor.len, &len, cursor) < 0 || json_parse(&object, a, bytes_of(text, len), NULL) < 0 ||
	    object->kind != JSON_OBJECT) {
		buf_put_bytes(turned, cursor); /* somebody else's kind of cursor */
		return;
	}
	jw_object(&w);
	for (const struct json *member = object->first; member; member = member->next) {
		if (bytes_eq_str(member->key, "sort"))
			continue;
		jw_key_bytes(&w, member->key);
		jw_raw(&w, json_whole(member));
	}
	jw_member(&w, "sort", BYTES("ASC"));
	jw_object_end(&w);
	buf_put_b64(turned, buf_bytes(&json));
	buf_release(&json);
}

/* Whether it is another one. */
static bool keep_cursor(struct buf *kept, struct arena *a, struct bytes cursor)
{
	struct buf turned = BUF_EMPTY;
	bool moved;

	if (cursor.len)
		turn_around(&turned, a, cursor);
	moved = cursor.len && !bytes_eq(buf_bytes(&turned), buf_bytes(kept));
	if (moved) {
		buf_clear(kept);
		buf_put_bytes(kept, buf_bytes(&turned));
	}
	buf_release(&turned);
	return moved;
}

/* One page, newest first to find where to begin; *moved when it led further. */
static enum err look(struct feed *f, bool begin, bool *moved)
{
	struct call call = *f->console->call;
	struct net net = f->console->net;
	struct feed_page *page;
	struct buf path = BUF_EMPTY;
	struct bytes answer;
	enum err e;

	call.arena = ARENA_EMPTY;
	note_reset(&call.note);
	net.call = &call;
	net.stop = &f->stop;
	page = arena_new(&call.arena, struct feed_page);
	buf_printf(&path, "/results/%s?sort=%s&limit=%d", f->console->id.s, begin ? "DESC" : "ASC",
		   begin ? 1 : FEED_PAGE);
	if (!begin)
		buf_printf(&path, "&wait-ms=%d", WAIT_MS);
	if (f->cursor.len) {
		buf_put_str(&path, "&from=");
		put_query(&path, buf_bytes(&f->cursor));
	}
	e = net_ask_raw(&net, &answer, UNIT_CU, "GET", buf_str(&path), NULL, bytes_of(NULL, 0));
	if (e == OK)
		e = feed_read(page, &call.arena, answer);
	*moved = e == OK && keep_cursor(&f->cursor, &call.arena, page->cursor);
	if (e == OK && !begin && page->count) {
		pthread_mutex_lock(&f->turn);
		pthread_mutex_lock(&f->lock);
		for (size_t i = 0; i < page->count; i++)
			queue_entry(f, &page->entries[i]);
		pthread_mutex_unlock(&f->lock);
		pthread_mutex_unlock(&f->turn);
	}
	buf_release(&path);
	arena_release(&call.arena);
	return e;
}

static void *feed_thread(void *arg)
{
	struct feed *f = arg;
	bool begin = true, moved;

	while (!f->stop) {
		struct pollfd wake = {.fd = f->wake, .events = POLLIN};
		uint64_t began_ns = clock_ns();
		enum err e = look(f, begin, &moved);
		bool at_once = moved || begin || clock_ns() - began_ns >= POLL_MS * UINT64_C(1000000);
		begin = begin && e < 0;
		if (e < 0 || !at_once)
			poll(&wake, 1, e < 0 ? POLL_FAILED_MS : POLL_MS); /* feed_stop wakes it */
	}
	return NULL;
}

struct feed *feed_start(struct console *c)
{
	struct feed *f = calloc(1, sizeof(*f));

	must(f != NULL);
	f->console = c;
	f->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->wake = eventfd(0, EFD_CLOEXEC);
	must(f->ready >= 0 && f->wake >= 0);
	must(pthread_mutex_init(&f->lock, NULL) == 0 && pthread_mutex_init(&f->turn, NULL) == 0);
	must(pthread_create(&f->thread, NULL, feed_thread, f) == 0);
	return f;
}

void feed_stop(struct feed *f)
{
	if (!f)
		return;
	f->stop = 1;
	signal_fd(f->wake);
	pthread_join(f->thread, NULL);
	while (f->count) {
		release_text(&f->queue[f->first]);
		f->first = (f->first + 1) % FEED_QUEUE_MAX;
		f->count--;
	}
	for (size_t i = 0; i < f->own_count; i++)
		buf_release(&f->own[i]);
	buf_release(&f->cursor);
	close(f->ready);
	close(f->wake);
	pthread_mutex_destroy(&f->lock);
	pthread_mutex_destroy(&f->turn);
	free(f);
}
