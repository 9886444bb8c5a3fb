/* SPDX-License-Identifier: MIT
 *
 * program: a module and the process that forks its workers; instances and what they are asked.
 */
#include "reader/wasm/guest.h"
#include "reader/wasm/lend.h"
#include "reader/wasm/pending.h"
#include "reader/wasm/tiers.h"
#include "reader/wasm/translated.h"
#include "reader/wasm/abi.h"
#include "reader/wasm/wasm.h"
#include "reader/wasm/wire.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a guest may answer, each byte of it replaced by a U+FFFD at worst. */
enum { TEXT_MAX = 3 * GUEST_TEXT_MAX + 1000 };
enum { KEEP_SECONDS_MAX = 10, OPEN_TRIES = 3, AHEAD_REST = 64 };
#define START_NS_MAX ((uint64_t)60 * 1000000000)

struct wasm_program {
	struct program base;
	unsigned abi; /* enum abi_id */
	struct readers *readers;
	int module; /* descriptor */
	struct translated *code;
	atomic_bool warm; /* it has had a turn, and is on the list of those to improve */
	pthread_mutex_t lock;
	pid_t pid; /* of the parent of workers; 0: not running */
	int control;
};

/* The turn that was foreseen: the worker has it besides the one at hand, or is at it already while nobody asks. */
struct ahead {
	bool begun;
	size_t rest;     /* so many turns without one first: the last was for nothing */
	struct buf text; /* message, then environment */
	size_t message_len;
	uint64_t gas_limit;
};

struct wasm_instance_far {
	struct instance base;
	struct wasm_program *program;
	struct pending pending;
	struct ahead ahead;
	uint64_t memory_max;
	uint64_t gas_used;      /* by the last turn */
	struct image_view view; /* while it takes a dry run */
	struct lent lent;       /* of the drive, in the turn at hand */
	bool asked_drive;       /* in the last turn */
	int socket, side;
	int process; /* descriptor of the worker; -1: not met yet */
	pid_t pid;   /* for /proc only: a number may have been given to somebody else */
};

static struct wasm_program *program_of(struct program *p)
{
	return (struct wasm_program *)p;
}

static struct wasm_instance_far *instance_of(struct instance *i)
{
	return (struct wasm_instance_far *)i;
}

static enum err died(struct note *note)
{
	note_err(note, E_WORKER, "the worker died in the middle of an evaluation");
	note_hint(note, "ask again: the evaluation starts over; if it keeps happening, look at the machine's memory");
	return E_WORKER;
}

static enum err nonsense(struct note *note)
{
	note_err(note, E_WORKER, "the worker answered what cannot be");
	note_hint(note, "ask again: the evaluation starts over in a new worker");
	return E_WORKER;
}

static enum err no_answer(uint64_t deadline, struct note *note)
{
	if (clock_ns() < deadline)
		return died(note);
	note_err(note, E_WORKER, "the worker did not come to an end, and was killed");
	note_hint(note, "the time that an evaluation may take is a setting; its gas should have ended it long before");
	return E_WORKER;
}

/* Reads an answer's text into `a`. */
static enum err take_answer(int fd, uint64_t deadline, struct arena *a, struct wire_answer *answer, struct bytes *text,
			    struct note *note)
{
	uint8_t *at;

	if (!wire_read_until(fd, answer, sizeof(*answer), deadline))
		return no_answer(deadline, note);
	if (answer->text_len > TEXT_MAX || answer->err > OK || !err_known(answer->err))
		return nonsense(note);
	at = arena_alloc(a, answer->text_len + 1);
	if (!wire_read_until(fd, at, answer->text_len, deadline))
		return no_answer(deadline, note);
	*text = bytes_of(at, answer->text_len);
	if (answer->err < 0)
		return note_err(note, (enum err)answer->err, "%.*s", BYTES_FMT(*text));
	return OK;
}

/* ---- the parent of workers ---- */

static void stop_nursery(struct wasm_program *p)
{
	int status;

	if (!p->pid)
		return;
	close(p->control);
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
}

static enum err start_nursery(struct wasm_program *p, struct note *note)
{
	char *argv[] = {(char *)"weft-worker", NULL}, *environment[] = {NULL};
	posix_spawn_file_actions_t files;
	struct arena a = ARENA_EMPTY;
	struct wire_answer answer;
	struct bytes text;
	int pair[2], from[WIRE_FDS], failed;
	enum err e;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return note_err(note, E_IO, "socketpair: %s", strerror(errno));
	posix_spawn_file_actions_init(&files);
	/* By way of high numbers, so that none of them is overwritten before it is copied. */
	from[0] = fcntl(pair[1], F_DUPFD_CLOEXEC, 10);
	from[1] = fcntl(p->module, F_DUPFD_CLOEXEC, 10);
	from[2] = fcntl(translated_code(p->code), F_DUPFD_CLOEXEC, 10);
	from[3] = fcntl(translated_profile(p->code), F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < WIRE_FDS; i++)
		posix_spawn_file_actions_adddup2(&files, from[i], WIRE_CONTROL + i);
	failed = posix_spawn(&p->pid, p->readers->worker, &files, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	for (int i = 0; i < WIRE_FDS; i++)
		close(from[i]);
	close(pair[1]);
	p->control = pair[0];
	if (failed) {
		p->pid = 0;
		close(p->control);
		note_err(note, E_IO, "%s cannot be started: %s", p->readers->worker, strerror(failed));
		note_hint(note, "weft, weft-worker and weft-compile belong in one directory");
		return E_IO;
	}
	e = take_answer(p->control, clock_ns() + START_NS_MAX, &a, &answer, &text, note);
	arena_release(&a);
	if (e < 0)
		stop_nursery(p);
	return e;
}

static enum err wasm_program_open(struct program **out, struct readers *r, int variant, struct bytes module,
				  struct note *note)
{
	struct wasm_program *p;
	enum err e;
	int wasm;

	e = memfd_of(&wasm, "weft-module", module, note);
	if (e < 0)
		return e;
	p = calloc(1, sizeof(*p));
	must(p != NULL && pthread_mutex_init(&p->lock, NULL) == 0);
	p->base.reader = &wasm_reader;
	p->abi = (unsigned)variant;
	p->readers = r;
	p->module = wasm;
	e = translated_open(&p->code, r, module, wasm, abi_of((unsigned)variant)->gas, note);
	if (e == OK)
		e = start_nursery(p, note);
	if (e < 0) {
		program_close(&p->base);
		return e;
	}
	*out = &p->base;
	return OK;
}

static void wasm_program_stop(struct program *base)
{
	struct wasm_program *p = program_of(base);

	pthread_mutex_lock(&p->lock);
	stop_nursery(p);
	pthread_mutex_unlock(&p->lock);
	translated_stop(p->code);
}

static void wasm_program_settle(struct program *base)
{
	struct wasm_program *p = program_of(base);

	if (p->readers->tiers && p->warm)
		tiers_wait(p->readers->tiers, p->code);
}

static void wasm_program_close(struct program *base)
{
	struct wasm_program *p = program_of(base);

	stop_nursery(p);
	if (p->code)
		translated_stop(p->code);
	if (p->readers->tiers && p->code)
		tiers_remove(p->readers->tiers, p->code);
	translated_close(p->code);
	close(p->module);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Asks for a worker; a parent that has died is started again, once. */
static enum err ask_worker(struct wasm_program *p, const struct wire_ask *ask, const int fds[OPEN_FDS],
			   struct note *note)
{
	enum err e = OK;

	pthread_mutex_lock(&p->lock);
	for (int tries = 0; tries < 2; tries++) {
		if (!p->pid && (e = start_nursery(p, note)) < 0)
			break;
		if (wire_ask_open(p->control, ask, fds)) {
			e = OK;
			break;
		}
		stop_nursery(p);
		e = died(note);
	}
	pthread_mutex_unlock(&p->lock);
	return e;
}

/* ---- instances ---- */

static void kill_worker(struct wasm_instance_far *i)
{
	if (i->process >= 0)
		(void)syscall(SYS_pidfd_send_signal, i->process, SIGKILL, NULL, 0);
}

/* What the worker needs before it can answer. `committing`: we hold the image's lock, and it may change it. */
static enum err give(struct wasm_instance_far *i, const struct wire_answer *answer, struct bytes text, bool committing,
		     struct note *note)
{
	bool drive = answer->need == NEED_FILE || answer->need == NEED_BYTES;
	struct wire_ask go_on = {.op = WIRE_GO_ON};
	struct buf lent = BUF_EMPTY;
	enum err e = OK;

	i->asked_drive |= drive;
	if (answer->need == NEED_CODE)
		e = translated_need(i->program->code, answer->function, note);
	else if (answer->need == NEED_KEEP && committing && text.len % 8 == 0)
		image_keep(i->base.image, (const uint64_t *)(const void *)text.ptr, text.len / 8);
	else if (drive)
		e = lend(&i->lent, i->base.drive, answer->need, text, &lent, note);
	else
		e = nonsense(note);
	go_on.message_len = lent.len;
	if (e == OK && (!wire_write(i->socket, &go_on, sizeof(go_on)) || !wire_write(i->socket, lent.ptr, lent.len)))
		e = died(note);
	buf_release(&lent);
	return e;
}

/* What the worker says in the end. Without an answer in time it is killed. */
static enum err hear(struct wasm_instance_far *i, struct arena *a, struct wire_answer *answer, struct bytes *text,
		     bool committing, struct note *note)
{
	uint64_t deadline = clock_ns() + i->program->readers->turn_ms_max * 1000000;
	enum err e;

	while ((e = take_answer(i->socket, deadline, a, answer, text, note)) == OK && answer->need) {
		uint64_t start = clock_ns();
		e = give(i, answer, *text, committing, note);
		if (e < 0)
			break;
		deadline += clock_ns() - start; /* what it waits for has limits of its own */
	}
	if (e == E_WORKER)
		kill_worker(i);
	return e;
}

/* Shows the worker's guest the image as it is. With the image's lock held. */
static enum err show_image(struct wasm_instance_far *i, struct note *note)
{
	struct wire_ask ask = {.op = WIRE_ROLLBACK, .image_size = image_size(i->base.image)};
	struct arena a = ARENA_EMPTY;
	struct wire_answer answer;
	struct bytes text;
	enum err e = wire_write(i->socket, &ask, sizeof(ask)) ? hear(i, &a, &answer, &text, false, note) : died(note);

	arena_release(&a);
	return e;
}

/* Lets go of the worker, if there is one. It may be in the middle of a guest that never ends, so it is not left to
 * notice. */
static void drop_worker(struct wasm_instance_far *i)
{
	kill_worker(i);
	if (i->ahead.begun)
		i->ahead.rest = AHEAD_REST;
	i->ahead.begun = false;
	if (i->socket >= 0)
		close(i->socket);
	if (i->side >= 0)
		close(i->side);
	if (i->process >= 0)
		close(i->process);
	i->socket = i->side = i->process = -1;
	i->pid = 0;
}

/* Our two sockets, and what the worker gets: its own two, to be closed here, and the image. */
static enum err make_sockets(struct wasm_instance_far *i, int fds[OPEN_FDS], struct note *note)
{
	struct timeval patience = {.tv_sec = KEEP_SECONDS_MAX};
	int pair[2], side[2];

	if (!wire_pair(pair))
		return note_err(note, E_IO, "socketpair: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, side) != 0) {
		note_err(note, E_IO, "socketpair: %s", strerror(errno));
		close(pair[0]);
		close(pair[1]);
		return E_IO;
	}
	(void)setsockopt(side[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	i->socket = pair[0];
	i->side = side[0];
	fds[OPEN_SOCKET] = pair[1];
	fds[OPEN_IMAGE] = image_fd(i->base.image);
	fds[OPEN_SIDE] = side[1];
	return OK;
}

/* The new worker is met before the guest begins, so that it can be killed. */
static enum err open_worker(struct wasm_instance_far *i, const struct wire_ask *ask, uint64_t *image_size,
			    struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct wire_answer answer;
	struct bytes text;
	int fds[OPEN_FDS];
	enum err e = make_sockets(i, fds, note);

	if (e < 0)
		return e;
	e = ask_worker(i->program, ask, fds, note);
	close(fds[OPEN_SOCKET]);
	close(fds[OPEN_SIDE]);
	if (e == OK && (i->process = wire_meet(i->socket, clock_ns() + START_NS_MAX, &i->pid)) < 0)
		e = died(note);
	if (e == OK)
		e = hear(i, &a, &answer, &text, false, note);
	if (e == OK)
		*image_size = answer.image_size;
	arena_release(&a);
	return e;
}

/* An empty image becomes what the module starts with, and nobody may look at it before: the lock is held. Any other is
 * only looked at, once the guest has started. */
static enum err try_open(struct wasm_instance_far *i, const struct wire_ask *ask, struct note *note)
{
	struct image *image = i->base.image;
	uint64_t size = 0;
	enum err e = open_worker(i, ask, &size, note);

	if (e == OK && ask->image_size == 0 && !image_set_size(image, size))
		e = nonsense(note);
	if (e == OK && ask->image_size) {
		image_lock(image);
		e = show_image(i, note);
		image_unlock(image);
	}
	if (e < 0)
		drop_worker(i);
	return e;
}

static enum err begin_worker(struct wasm_instance_far *i, struct note *note)
{
	struct wire_ask ask = {.op = WIRE_OPEN, .memory_max = i->memory_max, .abi = i->program->abi};
	struct image *image = i->base.image;
	enum err e = E_WORKER;

	image_lock(image);
	if (image_whole(image, note) < 0) {
		image_unlock(image);
		return E_BUSY;
	}
	ask.image_size = image_size(image);
	if (ask.image_size)
		image_unlock(image);
	/* The parent may be dying when it is asked; the next one does not. */
	for (int tries = 0; tries < OPEN_TRIES && e == E_WORKER; tries++) {
		note_reset(note);
		e = try_open(i, &ask, note);
	}
	if (ask.image_size == 0)
		image_unlock(image);
	return e;
}

static enum err wasm_instance_open(struct instance **out, struct program *base, struct image *image,
				   uint64_t memory_max, struct note *note)
{
	struct wasm_instance_far *i = calloc(1, sizeof(*i));
	enum err e;

	must(i != NULL);
	i->base = (struct instance){.reader = &wasm_reader, .image = image_hold(image)};
	i->program = program_of(base);
	i->memory_max = memory_max;
	i->socket = i->side = i->process = -1;
	e = begin_worker(i, note);
	if (e < 0) {
		instance_close(&i->base);
		return e;
	}
	*out = &i->base;
	return OK;
}

static void wasm_instance_stop(struct instance *base)
{
	kill_worker(instance_of(base));
}

static void wasm_instance_close(struct instance *base)
{
	drop_worker(instance_of(base));
	pending_release(&instance_of(base)->pending);
	buf_release(&instance_of(base)->ahead.text);
	lend_release(&instance_of(base)->lent);
	image_release(base->image);
	free(base);
}

/* Pss_Anon: pages of no file, its part of those that it has in common with its parent. What it sees of the image is the
 * image's. */
static uint64_t wasm_instance_memory(struct instance *base)
{
	char path[64], line[200];
	uint64_t sum = 0, kb;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", instance_of(base)->pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss_Anon: %" SCNu64, &kb) == 1)
			sum = kb << 10;
	fclose(f);
	return sum;
}

/* The text a module returned, as ao-loader reads it: {"ok":true,"response":{...}}, or ok is
 * false and the response is what it throws (ao-units 5.15, steps 6 and 7). */
static void read_outcome(struct outcome *out, struct arena *a, const struct wire_answer *answer, struct bytes text)
{
	const struct json *json, *response;
	struct buf quoted = BUF_EMPTY;
	struct note note = {0};
	struct jw w = jw_on(&quoted);

	*out = (struct outcome){.gas_used = answer->gas_used};
	if (!answer->failed && json_parse(&json, a, text, &note) == OK && json->kind == JSON_OBJECT) {
		response = json_get(json, "response");
		if (json_truthy(json_get(json, "ok")) && response && response->kind == JSON_OBJECT) {
			out->response = json_whole(response);
			return;
		}
		if (json_truthy(response)) {
			out->error = json_whole(response);
			return;
		}
		note_err(&note, E_FORMAT, "the module answered neither a response nor an error");
	} else if (!answer->failed && note.text[0] == 0) {
		note_err(&note, E_FORMAT, "the module's answer is not a JSON object");
	}
	if (answer->failed)
		jw_str(&w, text);
	else
		jw_str(&w, bytes_str(note.text));
	out->error = arena_copy(a, buf_bytes(&quoted));
	buf_release(&quoted);
}

static bool say_turn(struct wasm_instance_far *i, struct bytes message, struct bytes environment, uint64_t gas_limit)
{
	struct wire_ask ask = {.op = WIRE_TURN,
			       .gas_limit = gas_limit,
			       .message_len = message.len,
			       .environment_len = environment.len};

	return wire_write_parts(i->socket, (struct bytes[]){bytes_of(&ask, sizeof(ask)), message, environment}, 3);
}

/* `out` may be NULL: it is known. */
static enum err hear_turn(struct wasm_instance_far *i, struct arena *a, struct outcome *out, struct note *note)
{
	struct tiers *tiers = i->program->readers->tiers;
	struct wire_answer answer;
	struct bytes text;
	enum err e;

	lend_reset(&i->lent);
	e = hear(i, a, &answer, &text, false, note);
	if (e < 0)
		return e;
	if (out)
		read_outcome(out, a, &answer, text);
	if (tiers && !atomic_exchange(&i->program->warm, true))
		tiers_add(tiers, i->program->code);
	return OK;
}

static enum err ask_turn(struct wasm_instance_far *i, struct arena *a, struct bytes message, struct bytes environment,
			 uint64_t gas_limit, struct outcome *out, struct note *note)
{
	return say_turn(i, message, environment, gas_limit) ? hear_turn(i, a, out, note) : died(note);
}

static bool is_ahead(const struct ahead *h, struct bytes message, struct bytes environment, uint64_t gas_limit)
{
	struct bytes text = buf_bytes(&h->text);

	return h->begun && h->gas_limit == gas_limit && bytes_eq(bytes_of(text.ptr, h->message_len), message) &&
	       bytes_eq(bytes_from(text, h->message_len), environment);
}

/* Gives the worker what is foreseen beside the turn at hand. A process with which that goes wrong is spared for a
 * while. */
static bool go_ahead(struct wasm_instance_far *i, struct bytes environment, uint64_t gas_limit)
{
	struct bytes message = i->base.foreseen;
	struct ahead *h = &i->ahead;

	h->rest -= h->rest > 0;
	if (message.len == 0 || h->rest || message.len + environment.len > WIRE_AHEAD_MAX || !pending_room(&i->pending))
		return true;
	h->gas_limit = gas_limit;
	h->message_len = message.len;
	buf_clear(&h->text);
	buf_put_bytes(&h->text, message);
	buf_put_bytes(&h->text, environment);
	h->begun = say_turn(i, message, environment, gas_limit);
	return h->begun;
}

/* A worker in a dry run makes pages its own before they change. One that does not, in that time, is lost. */
static void keep_in_worker(struct image_view *v, const uint64_t *pages, size_t count)
{
	struct wasm_instance_far *i = (struct wasm_instance_far *)((char *)v -
								   offsetof(struct wasm_instance_far, view));
	uint64_t deadline = clock_ns() + (uint64_t)KEEP_SECONDS_MAX * 1000000000, number = count;
	char done;

	if (!wire_write(i->side, &number, sizeof(number)) || !wire_write(i->side, pages, count * sizeof(*pages)) ||
	    !wire_read_until(i->side, &done, 1, deadline))
		kill_worker(i);
}

static enum err begin_view(struct wasm_instance_far *i, uint64_t *commits, struct note *note)
{
	struct image *image = i->base.image;
	enum err e;

	image_lock(image);
	*commits = image_commits(image);
	e = image_whole(image, note);
	if (e == OK)
		e = show_image(i, note);
	if (e == OK) {
		i->view.keep = keep_in_worker;
		image_view_add(image, &i->view);
	}
	image_unlock(image);
	return e;
}

static void end_view(struct wasm_instance_far *i)
{
	image_lock(i->base.image);
	image_view_remove(i->base.image, &i->view);
	image_unlock(i->base.image);
}

static enum err try_dry(struct wasm_instance_far *i, struct arena *a, struct bytes message, struct bytes environment,
			uint64_t gas_limit, struct outcome *out, struct note *note)
{
	uint64_t commits;
	enum err e;

	must(!i->ahead.begun); /* it is for those that take turns */
	e = begin_view(i, &commits, note);

	if (e < 0)
		return e;
	e = ask_turn(i, a, message, environment, gas_limit, out, note);
	end_view(i);
	if (e == OK)
		out->commits = commits;
	return e;
}

/* Takes the turns again that the image does not have, in a worker that sees the image. */
static enum err catch_up(struct wasm_instance_far *i, struct note *note)
{
	const struct pending *p = &i->pending;
	struct arena a = ARENA_EMPTY;
	enum err e = OK;

	for (size_t k = 0; e == OK && k < p->count; k++) {
		arena_reset(&a);
		e = ask_turn(i, &a, pending_message(p, k), pending_environment(p, k), p->turns[k].gas_limit, NULL,
			     note);
	}
	arena_release(&a);
	pending_failed(&i->pending);
	return e;
}

/* What is to follow is not what was begun ahead: that is in the worker's memory already, or will be. */
static void drop_stray(struct wasm_instance_far *i)
{
	if (i->ahead.begun)
		drop_worker(i);
}

/* A worker that has all that was committed; the one that was there may have died. */
static enum err want_worker(struct wasm_instance_far *i, struct note *note)
{
	enum err e;

	if (i->socket >= 0)
		return OK;
	e = begin_worker(i, note);
	if (e == OK)
		e = catch_up(i, note);
	if (e < 0)
		drop_worker(i);
	return e;
}

static enum err wasm_turn(struct instance *base, struct arena *a, struct bytes message, struct bytes environment,
			  uint64_t gas_limit, bool dry, struct outcome *out, struct note *note)
{
	struct wasm_instance_far *i = instance_of(base);
	bool begun;
	enum err e;

	if (dry)
		return try_dry(i, a, message, environment, gas_limit, out, note);
	begun = is_ahead(&i->ahead, message, environment, gas_limit);
	if (!begun)
		drop_stray(i);
	e = want_worker(i, note);
	if (e < 0)
		return e;
	pending_begin(&i->pending, message, environment, gas_limit);
	i->asked_drive = i->ahead.begun = false;
	if ((begun || say_turn(i, message, environment, gas_limit)) && go_ahead(i, environment, gas_limit))
		e = hear_turn(i, a, out, note);
	else
		e = died(note);
	if (e < 0)
		drop_worker(i);
	else
		i->gas_used = out->gas_used;
	return e;
}

/* Numbers of pages, as the worker gives them. */
static enum err mark_pages(struct image *image, struct bytes pages, struct note *note)
{
	for (size_t at = 0; at + 4 <= pages.len; at += 4) {
		uint32_t page = get_u32le(pages.ptr + at);
		if (page >= image_size(image) / IMAGE_PAGE)
			return nonsense(note);
		image_mark(image, page);
	}
	return OK;
}

/* The image becomes what the worker has. `untouched`: it is what it was. */
static enum err write_image(struct wasm_instance_far *i, bool *untouched, struct note *note)
{
	struct image *image = i->base.image;
	struct wire_ask ask = {.op = WIRE_COMMIT};
	struct arena a = ARENA_EMPTY;
	struct wire_answer answer;
	struct bytes pages;
	enum err e;

	image_lock(image);
	ask.viewed = image_viewed(image);
	*untouched = !wire_write(i->socket, &ask, sizeof(ask));
	if (!*untouched)
		image_count_commit(image);
	e = *untouched ? died(note) : hear(i, &a, &answer, &pages, true, note);
	if (e == OK && !image_set_size(image, answer.image_size))
		e = nonsense(note);
	if (e == OK)
		e = mark_pages(image, pages, note);
	if (e < 0 && !*untouched)
		image_tear(image);
	image_unlock(image);
	arena_release(&a);
	if (e < 0)
		drop_worker(i);
	return e;
}

static enum err wasm_settle(struct instance *base, struct note *note)
{
	struct wasm_instance_far *i = instance_of(base);
	bool untouched = true;
	enum err e = OK;

	if (i->pending.count)
		drop_stray(i);
	/* A worker that had died before is missed only now. */
	for (int tries = 0; tries < 2 && untouched && i->pending.count; tries++) {
		note_reset(note);
		e = want_worker(i, note);
		if (e == OK)
			e = write_image(i, &untouched, note);
		if (e == OK)
			pending_settled(&i->pending);
	}
	return e;
}

static enum err wasm_commit(struct instance *base, struct note *note)
{
	struct wasm_instance_far *i = instance_of(base);
	bool full = pending_add(&i->pending, i->gas_used);

	if (i->asked_drive) { /* not to be taken again when it is lent no more */
		i->ahead.rest = AHEAD_REST;
		return wasm_settle(base, note);
	}
	/* Where the next turn is begun already, its commit is soon enough. */
	return full && !i->ahead.begun ? wasm_settle(base, note) : OK;
}

/* The worker goes back to the image, and from there to where the turn began. A process whose turns fail one after the
 * other is not taken further back each time: then the image follows at once. */
static enum err wasm_rollback(struct instance *base, struct note *note)
{
	struct wasm_instance_far *i = instance_of(base);
	enum err e;

	drop_stray(i);
	image_lock(base->image);
	e = show_image(i, note);
	image_unlock(base->image);
	if (e == OK && i->pending.count)
		e = catch_up(i, note);
	if (e < 0) { /* the image was not touched, and a new worker begins with it */
		drop_worker(i);
		return OK;
	}
	return i->pending.count ? wasm_settle(base, note) : OK;
}

const struct reader wasm_reader = {
	.program_open = wasm_program_open,
	.program_stop = wasm_program_stop,
	.program_settle = wasm_program_settle,
	.program_close = wasm_program_close,
	.instance_open = wasm_instance_open,
	.instance_close = wasm_instance_close,
	.turn = wasm_turn,
	.commit = wasm_commit,
	.rollback = wasm_rollback,
	.settle = wasm_settle,
	.stop = wasm_instance_stop,
	.memory = wasm_instance_memory,
};
