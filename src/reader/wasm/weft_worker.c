/* SPDX-License-Identifier: MIT
 *
 * weft-worker: where guests live. The first process loads one module and forks a worker per instance, which
 * costs a tenth of a millisecond and shares the code; wire.h has the conversation. No keys,
 * no network, no files (base/sandbox.h). When the units process goes away its sockets end, and so does all this.
 */
#include "base/file.h"
#include "base/sandbox.h"
#include "engine/wasm/artefact.h"
#include "reader/wasm/guest.h"
#include "reader/wasm/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* An ask and what follows it: of a TURN the message and the environment. */
struct asked {
	struct wire_ask ask;
	uint8_t *text;
};

struct worker {
	struct wasm_module module;
	struct wasm_code code;
	uint32_t *counts; /* shared by all workers of the module */
	struct arena arena;
	/* of a child */
	struct wire_ask ask;
	int fds[OPEN_FDS];
	sem_t keeper_runs;
	struct guest *guest;
	struct asked next; /* what came before its time; no text: nothing did */
};

static bool answer(int fd, struct wire_answer a, struct bytes text)
{
	a.text_len = text.len;
	return wire_write_parts(fd, (struct bytes[]){bytes_of(&a, sizeof(a)), text}, 2);
}

static bool answer_err(int fd, enum err e, const struct note *note)
{
	return answer(fd, (struct wire_answer){.err = e}, bytes_str(e < 0 ? note_text(note, e) : ""));
}

/* ---- a worker ---- */

static struct worker *self;

static bool read_asked(struct asked *in)
{
	size_t len;

	*in = (struct asked){.text = NULL};
	if (!wire_read(self->fds[OPEN_SOCKET], &in->ask, sizeof(in->ask)))
		return false;
	if (in->ask.op != WIRE_TURN)
		return true;
	len = in->ask.message_len + in->ask.environment_len;
	in->text = malloc(len + 1);
	must(in->text != NULL);
	return wire_read(self->fds[OPEN_SOCKET], in->text, len);
}

/* In the middle of something: the other side gives what we need, or gives up and ends us. How many bytes follow. */
static uint64_t need(struct wire_answer what, struct bytes text)
{
	struct asked in;
	bool alive = answer(self->fds[OPEN_SOCKET], what, text) && read_asked(&in);

	if (alive && in.text && !self->next.text) {
		self->next = in;
		alive = read_asked(&in);
	}
	if (!alive || in.ask.op != WIRE_GO_ON)
		_exit(1);
	return in.ask.message_len;
}

static void missing(struct wasm_instance *i, uint32_t function)
{
	(void)i;
	(void)need((struct wire_answer){.need = NEED_CODE, .function = function}, bytes_of(NULL, 0));
}

/* Asks the other side for a file of the drive or for bytes of one; how many bytes of answer are to be read. */
static uint64_t borrow(enum wire_need what, struct bytes text)
{
	return need((struct wire_answer){.need = what}, text);
}

static void take(void *out, uint64_t len)
{
	if (!wire_read(self->fds[OPEN_SOCKET], out, len))
		_exit(1);
}

static void open_far(struct bytes path, struct drive_found *out)
{
	uint64_t len = borrow(NEED_FILE, path);
	struct wire_lent lent;

	must(len >= sizeof(lent) && len - sizeof(lent) < sizeof(out->failure));
	take(&lent, sizeof(lent));
	*out = (struct drive_found){.answer = lent.answer, .file = lent.file, .size = lent.size};
	take(out->failure, len - sizeof(lent));
}

static void read_far(uint32_t file, uint64_t at, uint8_t *out, size_t len)
{
	while (len) {
		struct wire_read ask = {.at = at, .len = len < WIRE_READ_MAX ? len : WIRE_READ_MAX, .file = file};

		must(borrow(NEED_BYTES, bytes_of(&ask, sizeof(ask))) == ask.len);
		take(out, ask.len);
		out += ask.len;
		at += ask.len;
		len -= ask.len;
	}
}

static const struct drive_source drive = {.open = open_far, .read = read_far};

/* Before a commit while others look at the image. */
static void announce(struct worker *w)
{
	uint64_t *pages = NULL;
	size_t count = guest_changes(w->guest, &pages);

	(void)need((struct wire_answer){.need = NEED_KEEP}, bytes_of(pages, count * sizeof(*pages)));
	free(pages);
}

/* The other socket, on a thread of its own: pages that are to be the guest's own before another changes the image. */
static void *keep_pages(void *ctx)
{
	struct worker *w = ctx;
	uint64_t pages[256], left;

	sem_post(&w->keeper_runs);
	while (wire_read(w->fds[OPEN_SIDE], &left, sizeof(left))) {
		struct wasm_memory *m = wasm_memory(guest_instance(w->guest));
		while (left) {
			size_t count = left < 256 ? (size_t)left : 256;
			if (!wire_read(w->fds[OPEN_SIDE], pages, count * sizeof(*pages)))
				return NULL;
			memory_keep(m, pages, count);
			left -= count;
		}
		if (!wire_write(w->fds[OPEN_SIDE], "k", 1))
			return NULL;
	}
	return NULL;
}

static bool take_turn(struct worker *w, const struct wire_ask *ask, const uint8_t *text)
{
	struct turn turn;
	bool alive;

	guest_turn(w->guest, bytes_of(text, ask->message_len), bytes_of(text + ask->message_len, ask->environment_len),
		   ask->gas_limit, &turn);
	alive = answer(w->fds[OPEN_SOCKET], (struct wire_answer){.failed = turn.failed, .gas_used = turn.gas_used},
		       buf_bytes(&turn.text));
	buf_release(&turn.text);
	return alive;
}

static bool commit(struct worker *w, bool viewed)
{
	struct buf pages = BUF_EMPTY;
	uint64_t size;
	bool alive;

	if (viewed)
		announce(w);
	size = guest_commit(w->guest, &pages);
	alive = answer(w->fds[OPEN_SOCKET], (struct wire_answer){.image_size = size}, buf_bytes(&pages));
	buf_release(&pages);
	return alive;
}

static bool obey(struct worker *w, const struct wire_ask *ask, const uint8_t *text)
{
	switch ((enum wire_op)ask->op) {
	case WIRE_TURN:
		return take_turn(w, ask, text);
	case WIRE_COMMIT:
		return commit(w, ask->viewed);
	case WIRE_ROLLBACK:
		guest_rollback(w->guest, ask->image_size);
		return answer(w->fds[OPEN_SOCKET], (struct wire_answer){0}, bytes_of(NULL, 0));
	case WIRE_OPEN:
	case WIRE_GO_ON:
		break;
	}
	return false;
}

/* The next ask in its turn. */
static bool obey_next(struct worker *w)
{
	struct asked in = w->next;
	bool alive = in.text || read_asked(&in);

	w->next = (struct asked){.text = NULL};
	alive = alive && obey(w, &in.ask, in.text);
	free(in.text);
	return alive;
}

/* Against a guest that got out of its memory: what it could take of the machine's. Files are the image. */
static void limit_self(uint64_t memory_max)
{
	rlim_t spare = (rlim_t)3 << 30; /* the deep stack, messages and answers */
	struct rlimit files = {memory_max, memory_max}, data = {memory_max + spare, memory_max + spare};

	(void)setrlimit(RLIMIT_FSIZE, &files);
#ifndef __SANITIZE_ADDRESS__
	(void)setrlimit(RLIMIT_DATA, &data);
#else
	(void)data;
#endif
}

/* On the deep stack, in the child. */
static void work(void *ctx)
{
	struct worker *w = ctx;
	struct note note = {0};
	struct wire_ask ask;
	uint64_t size = w->ask.image_size;
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	enum err e;

	limit_self(w->ask.memory_max);
	e = sandbox_enter(SANDBOX_WORKER, &note);

	self = w;
	if (!wire_greet(w->fds[OPEN_SOCKET]))
		return;
	if (e == OK)
		e = guest_open(&w->guest,
			       &(struct guest_options){.abi = abi_of((unsigned)w->ask.abi),
						       .module = &w->module,
						       .code = &w->code,
						       .memory_max = w->ask.memory_max,
						       .image = w->fds[OPEN_IMAGE],
						       .image_size = size,
						       .pagemap = pagemap,
						       .missing = missing,
						       .counts = w->counts,
						       .drive = &drive},
			       &note);
	if (e < 0) { /* stays to be met: who looks for a process that has gone takes it for one that died */
		if (answer_err(w->fds[OPEN_SOCKET], e, &note))
			(void)wire_read(w->fds[OPEN_SOCKET], &ask, sizeof(ask));
		return;
	}
	if (size == 0)
		size = guest_commit(w->guest, NULL);
	if (!answer(w->fds[OPEN_SOCKET], (struct wire_answer){.image_size = size}, bytes_of(NULL, 0)))
		return;
	while (obey_next(w))
		;
}

/* A child of the fork. A thread makes system calls as it begins that the sandbox has no place for: wait until it did. */
static void live(struct worker *w)
{
	pthread_t keeper;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(WIRE_CONTROL);
	must(sem_init(&w->keeper_runs, 0, 0) == 0 && pthread_create(&keeper, NULL, keep_pages, w) == 0);
	while (sem_wait(&w->keeper_runs) != 0)
		;
	wasm_run_deep(work, w);
}

/* ---- their parent ---- */

static enum err map_counts(struct worker *w, struct note *note)
{
	size_t size = ((size_t)w->module.function_count + 1) * sizeof(*w->counts);
	struct stat st;
	void *at;

	if (fstat(WIRE_PROFILE, &st) != 0 || (size_t)st.st_size < size)
		return note_err(note, E_CORRUPT, "the profile is of another module");
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, WIRE_PROFILE, 0);
	if (at == MAP_FAILED)
		return note_err(note, E_IO, "mmap: %s", strerror(errno));
	w->counts = at;
	return OK;
}

static enum err load(struct worker *w, struct note *note)
{
	struct bytes wasm;
	enum err e = file_map(WIRE_MODULE, &wasm) ? OK : note_err(note, E_IO, "the module: %s", strerror(errno));

	if (e == OK)
		e = wasm_decode(&w->module, &w->arena, wasm, note);
	if (e == OK)
		e = wasm_validate(&w->module, note);
	if (e == OK)
		e = wasm_code_map(&w->code, WIRE_CODE, &w->module, note);
	if (e == OK)
		e = map_counts(w, note);
	return e;
}

int main(void)
{
	struct worker *w = calloc(1, sizeof(*w));
	struct note note = {0};
	enum err e;

	must(w != NULL);
	signal(SIGINT, SIG_IGN); /* the terminal's Ctrl-C is for the units process, which ends us in its time */
	signal(SIGCHLD, SIG_IGN);
	e = sandbox_enter(SANDBOX_NURSERY, &note);
	if (e == OK)
		e = load(w, &note);
	if (!answer_err(WIRE_CONTROL, e, &note) || e < 0)
		return 1;
	while (wire_take_open(WIRE_CONTROL, &w->ask, w->fds)) {
		pid_t child = fork();

		if (child == 0) {
			live(w);
			_exit(0);
		}
		note_reset(&note);
		if (child < 0) {
			e = note_err(&note, E_IO, "fork: %s", strerror(errno));
			answer_err(w->fds[OPEN_SOCKET], e, &note);
		}
		for (int k = 0; k < OPEN_FDS; k++)
			close(w->fds[k]);
	}
	return 0;
}
