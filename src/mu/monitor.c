/* SPDX-License-Identifier: MIT
 *
 * monitor: what crons send is pushed for the processes that somebody asked it for (ao-units
 * 4.11).
 *
 *   table     key          value
 *   MONITOR   process 32   version 1, active 1, wallet that asked 32, cursor
 *
 * Every now and then the computer is asked for the process's cron results after the cursor.
 * Their outboxes become tasks in the same batch that moves the cursor, so each result is pushed
 * exactly once, from the process's beginning (the reference skips what was evaluated before it
 * looked the first time, and loses what it was pushing when it dies). A process that is no
 * longer monitored keeps its cursor: monitored again, it goes on there.
 */
#include "base/pool.h"
#include "base/timer.h"
#include "msg/item.h"
#include "mu/gate.h"
#include "mu/unit.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { MONITORS_MAX = 10000, SENDING_MAX = 1000, CURSOR_MAX = 512, ROW_VERSION = 1, ROW_HEAD = 34 };

struct monitor {
	struct id process;
	struct id wallet;
	bool active;
	bool looking; /* a look or a timer is under way: there is never a second */
	size_t cursor_len;
	char cursor[CURSOR_MAX];
	UT_hash_handle hh;
};

struct monitors {
	pthread_mutex_t lock;
	struct monitor *list;
	size_t active;
};

/* ---- the table ---- */

static struct monitor *find(struct monitors *m, struct id process)
{
	struct monitor *found;

	HASH_FIND(hh, m->list, &process, sizeof(process), found);
	return found;
}

static struct monitor *add(struct monitors *m, struct id process)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	must(monitor != NULL);
	monitor->process = process;
	HASH_ADD(hh, m->list, process, sizeof(monitor->process), monitor);
	return monitor;
}

static void put_row(struct store_batch *b, const struct monitor *monitor)
{
	uint8_t value[ROW_HEAD + CURSOR_MAX];

	value[0] = ROW_VERSION;
	value[1] = monitor->active;
	memcpy(value + 2, monitor->wallet.b, 32);
	memcpy(value + ROW_HEAD, monitor->cursor, monitor->cursor_len);
	store_put(b, TABLE_MONITOR, bytes_of(monitor->process.b, 32), bytes_of(value, ROW_HEAD + monitor->cursor_len));
}

static bool read_row(void *ctx, struct bytes key, struct bytes value)
{
	struct monitors *m = ctx;
	struct monitor *monitor;
	struct id process;

	if (key.len != 32 || value.len < ROW_HEAD || value.len > ROW_HEAD + CURSOR_MAX || value.ptr[0] != ROW_VERSION)
		return true;
	memcpy(process.b, key.ptr, 32);
	monitor = add(m, process);
	monitor->active = value.ptr[1];
	memcpy(monitor->wallet.b, value.ptr + 2, 32);
	monitor->cursor_len = value.len - ROW_HEAD;
	memcpy(monitor->cursor, value.ptr + ROW_HEAD, monitor->cursor_len);
	m->active += monitor->active;
	return true;
}

/* ---- looking ---- */

struct glance {
	struct mu *mu;
	struct id process;
};

static void look(struct mu *mu, struct id process);

static void on_time(void *ctx, bool closing)
{
	struct glance *glance = ctx;

	if (!closing && mu_enter(glance->mu)) {
		look(glance->mu, glance->process);
		mu_leave(glance->mu);
	}
	free(glance);
}

static void look_in(struct mu *mu, struct id process, uint64_t ms)
{
	struct glance *glance = malloc(sizeof(*glance));

	must(glance != NULL);
	*glance = (struct glance){mu, process};
	timer_after(mu->timer, ms, on_time, glance);
}

/* The end of a look, which leads to the next: at once when there is more, unless what was found
 * is still being sent. */
static void looked(struct run *run, bool more)
{
	struct mu *mu = run->mu;
	struct id process = run->record.to;

	run_end(run);
	more = more && queue_count_of(mu->queues[STAGE_SEND], process) < SENDING_MAX;
	look_in(mu, process, more ? 0 : mu->options.monitor_ms);
}

struct moved {
	struct run *run;
	struct fan *fan;
	bool more;
};

static void on_moved(void *ctx, enum err e)
{
	struct moved *moved = ctx;
	struct mu *mu = moved->run->mu;

	fan_start(moved->fan, e);
	if (e == OK)
		looked(moved->run, moved->more);
	else
		run_end(moved->run);
	free(moved);
	mu_leave(mu);
}

/* Moves the cursor, in memory and in the batch that ends the fan. Within the lock, so that the
 * rows of a process are written in the order of its changes. */
static void move_cursor(struct moved *moved, struct bytes cursor)
{
	struct mu *mu = moved->run->mu;
	struct store_batch *b = fan_end(moved->fan);
	struct monitor *monitor;

	pthread_mutex_lock(&mu->monitors->lock);
	monitor = find(mu->monitors, moved->run->record.to);
	memcpy(monitor->cursor, cursor.ptr, cursor.len);
	monitor->cursor_len = cursor.len;
	put_row(b, monitor);
	mu_commit(mu, b, on_moved, moved);
	pthread_mutex_unlock(&mu->monitors->lock);
}

static struct bytes cursor_of(struct arena *a, const struct json *edge)
{
	return json_get_text(a, edge, "cursor");
}

/* All edges, and the cursor with them. That the process may be monitored no longer does not
 * matter: the results were asked for when it was. */
static void push_page(struct run *run)
{
	struct mu *mu = run->mu;
	struct moved *moved;
	struct bytes cursor = {0};

	if (run->e < 0 || !mu_enter(mu)) {
		looked(run, false);
		return;
	}
	moved = calloc(1, sizeof(*moved));
	must(moved != NULL);
	*moved = (struct moved){.run = run, .fan = fan_new(mu), .more = run->number != 0};
	for (const struct json *edge = run->page->first; edge; edge = edge->next) {
		struct fan_source source = {.process = run->record.to, .wallet = run->facts.owner};
		struct outbox outbox;
		cursor = cursor_of(&run->arena, edge);
		source.seed = id_of_sha256(cursor);
		if (outbox_read(&outbox, &run->arena, json_get(edge, "node"), NULL) == OK && outbox.count)
			fan_out(moved->fan, &source, &run->facts, &outbox);
	}
	move_cursor(moved, cursor);
}

static enum err read_page(struct run *run, struct note *note)
{
	const struct json *answer;
	enum err e = json_parse(&answer, &run->arena, run->answer, note);

	if (e < 0)
		return e;
	run->page = json_get(answer, "edges");
	run->number = json_truthy(json_get(json_get(answer, "pageInfo"), "hasNextPage"));
	if (!run->page || run->page->kind != JSON_ARRAY)
		return note_err(note, E_FORMAT, "a page of cron results has no edges");
	for (const struct json *edge = run->page->first; edge; edge = edge->next) {
		struct bytes cursor = cursor_of(&run->arena, edge);
		if (cursor.len == 0 || cursor.len > CURSOR_MAX)
			return note_err(note, E_FORMAT, "a cron result has no cursor, or none that can be kept");
	}
	return OK;
}

static void computed(struct run *run)
{
	struct note note = {0};
	enum err e = run->e;

	if (e == OK)
		e = read_page(run, &note);
	if (e < 0)
		log_event(run->mu->log, LOG_ODD, "mu.monitor", "process=%s error=\"%s\"", id_text(run->record.to).s,
			  note_text(run->e < 0 ? &run->note : &note, e));
	if (e < 0 || run->page->count == 0)
		looked(run, false);
	else
		run_facts(run, run->record.to, push_page);
}

static void look(struct mu *mu, struct id process)
{
	const struct computer *computer = &mu->options.computer;
	struct monitors *m = mu->monitors;
	struct run *run = run_new(mu, NULL);
	struct monitor *monitor;
	bool active;

	run->record.to = process;
	run->step = computed;
	pthread_mutex_lock(&m->lock);
	monitor = find(m, process);
	active = monitor->active;
	if (active)
		run->asked = arena_copy(&run->arena, bytes_of(monitor->cursor, monitor->cursor_len));
	else
		monitor->looking = false;
	pthread_mutex_unlock(&m->lock);
	if (active && !atomic_load(&mu->broken))
		computer->cron(computer->self, process, run->asked, run_computed, run);
	else
		run_end(run);
}

/* ---- POST and DELETE /monitor/{pid} ---- */

static void refuse(struct run *run, enum err e, const struct note *note)
{
	http_answer_err(run->request, e, note);
	run->request = NULL;
	run_end(run);
}

/* The row is durable. */
static void on_changed(void *ctx, enum err e)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;
	bool look_now = run->number != 0;
	struct id process = run->record.to;

	if (e < 0) {
		refuse(run, e, NULL);
	} else {
		http_answer(run->request, 200, HTTP_TEXT, run->asked);
		run->request = NULL;
		run_end(run);
		if (look_now)
			look_in(mu, process, 0);
	}
	mu_leave(mu);
}

static enum err begin(struct monitors *m, struct run *run, struct store_batch *b, struct note *note)
{
	struct monitor *monitor = find(m, run->record.to);

	if (monitor && monitor->active)
		return note_err(note, E_EXISTS, "Process already being monitored");
	if (!monitor && HASH_COUNT(m->list) >= MONITORS_MAX)
		return note_err(note, E_BUSY, "%d processes are monitored already", MONITORS_MAX);
	if (!monitor)
		monitor = add(m, run->record.to);
	monitor->active = true;
	monitor->wallet = run->record.wallet;
	m->active++;
	put_row(b, monitor);
	run->number = !monitor->looking;
	monitor->looking = true;
	run->asked = BYTES("Monitoring process");
	return OK;
}

static void change(struct run *run,
		   enum err (*how)(struct monitors *, struct run *, struct store_batch *, struct note *))
{
	struct mu *mu = run->mu;
	struct store_batch b = STORE_BATCH_EMPTY;
	struct note note = {0};
	enum err e;

	if (run->e < 0 || !mu_enter(mu)) {
		refuse(run, run->e < 0 ? run->e : E_CLOSED, &run->note);
		return;
	}
	pthread_mutex_lock(&mu->monitors->lock);
	e = how(mu->monitors, run, &b, &note);
	if (e == OK) /* within the lock: the rows of a process are written in the order of its changes */
		mu_commit(mu, &b, on_changed, run);
	pthread_mutex_unlock(&mu->monitors->lock);
	if (e < 0) {
		refuse(run, e, &note);
		mu_leave(mu);
	}
}

static void begin_step(struct run *run)
{
	change(run, begin);
}

/* Only who asked for it, or who owns the process, may end it: the reference lets anybody. */
static enum err stop(struct monitors *m, struct run *run, struct store_batch *b, struct note *note)
{
	struct monitor *monitor = find(m, run->record.to);

	if (!monitor || !monitor->active)
		return note_err(note, E_NOT_FOUND, "Process monitor not found");
	if (!id_eq(run->record.wallet, monitor->wallet) && !id_eq(run->record.wallet, run->facts.owner))
		return note_err(note, E_DENIED, "only who began to monitor the process, or its owner, may end it");
	monitor->active = false;
	m->active--;
	put_row(b, monitor);
	run->asked = BYTES("Process deleted");
	return OK;
}

static void stop_step(struct run *run)
{
	change(run, stop);
}

static void ask(struct mu *mu, struct http_request *r, run_step *step)
{
	struct run *run = run_new(mu, NULL);
	struct note note = {0};
	struct item item;
	enum err e = OK;

	run->request = r;
	if (!mu_enter(mu)) {
		run_end(run);
		return;
	}
	if (http_body(r).len == 0)
		e = note_err(&note, E_ARGUMENT, "Signed data item is required");
	if (e == OK)
		e = accept_item(&item, r, &note);
	if (e == OK && id_parse(&run->record.to, http_segment(r, 0)) < 0)
		e = note_err(&note, E_ARGUMENT, "\"%.*s\" is not the id of a process", BYTES_FMT(http_segment(r, 0)));
	if (e == OK && !bytes_eq(item.target, bytes_of(run->record.to.b, 32)))
		e = note_err(&note, E_ARGUMENT, "the item is not for the process %s: it has another target",
			     id_text(run->record.to).s);
	if (e == OK && step == begin_step)
		e = gate_process(mu->gate, run->record.to, &note);
	if (e < 0) {
		refuse(run, e, &note);
	} else {
		run->record.wallet = id_of_sha256(item.owner);
		run_facts(run, run->record.to, step);
	}
	mu_leave(mu);
}

void monitor_post(void *ctx, struct http_request *r)
{
	ask(ctx, r, begin_step);
}

void monitor_delete(void *ctx, struct http_request *r)
{
	ask(ctx, r, stop_step);
}

/* ---- life ---- */

enum err monitors_open(struct mu *mu)
{
	struct monitors *m = calloc(1, sizeof(*m));
	struct store_range all = {0};
	struct monitor *monitor, *next;
	enum err e;

	must(m != NULL && pthread_mutex_init(&m->lock, NULL) == 0);
	mu->monitors = m;
	e = store_scan(mu->store, TABLE_MONITOR, &all, read_row, m);
	HASH_ITER(hh, m->list, monitor, next)
	{
		if (!monitor->active)
			continue;
		monitor->looking = true;
		look_in(mu, monitor->process, 0);
	}
	return e;
}

void monitors_free(struct mu *mu)
{
	struct monitors *m = mu->monitors;
	struct monitor *monitor, *next;

	if (!m)
		return;
	HASH_ITER(hh, m->list, monitor, next)
	{
		HASH_DEL(m->list, monitor);
		free(monitor);
	}
	pthread_mutex_destroy(&m->lock);
	free(m);
	mu->monitors = NULL;
}

size_t monitors_count(struct mu *mu)
{
	size_t n;

	pthread_mutex_lock(&mu->monitors->lock);
	n = mu->monitors->active;
	pthread_mutex_unlock(&mu->monitors->lock);
	return n;
}
