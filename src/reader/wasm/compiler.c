/* SPDX-License-Identifier: MIT */
#include "reader/wasm/compiler.h"

#include "base/clock.h"
#include "engine/wasm/blob.h"
#include "engine/wasm/service.h"
#include "engine/wasm/vm.h"
#include "reader/wasm/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS_MAX = 60000, SILENCE_MS_MAX = 1800000, LOOK_MS = 200, PATIENCE = 10 };

struct compiler {
	int socket;
	pid_t pid;
};

static enum err spawn(struct compiler *c, const struct readers *r, int module, enum wasm_gas gas, struct note *note)
{
	char *argv[] = {(char *)"weft-compile", (char *)(gas == WASM_GAS_METERING ? "metering" : "own"), NULL};
	char *environment[] = {NULL};
	posix_spawn_file_actions_t files;
	int pair[2], from[2], failed;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return note_err(note, E_IO, "socketpair: %s", strerror(errno));
	/* By way of high numbers, so that neither is overwritten before it is copied. */
	from[0] = fcntl(module, F_DUPFD_CLOEXEC, 10);
	from[1] = fcntl(pair[1], F_DUPFD_CLOEXEC, 10);
	close(pair[1]);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, from[0], SERVICE_MODULE);
	posix_spawn_file_actions_adddup2(&files, from[1], SERVICE_SOCKET);
	failed = posix_spawn(&c->pid, r->compile, &files, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	close(from[0]);
	close(from[1]);
	c->socket = pair[0];
	if (failed) {
		c->pid = 0;
		note_err(note, E_IO, "%s cannot be started: %s", r->compile, strerror(failed));
		note_hint(note, "weft, weft-worker and weft-compile belong in one directory");
		return E_IO;
	}
	return OK;
}

/* What it has used of a processor, in milliseconds. */
static uint64_t cpu_ms(const struct compiler *c)
{
	struct timespec t = {0, 0};
	clockid_t clock;

	if (clock_getcpuclockid(c->pid, &clock) == 0)
		(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static enum err no_answer(struct compiler *c, bool late, struct note *note)
{
	compiler_kill(c);
	if (late)
		return note_err(note, E_TIMEOUT, "translating a part of the module took too long");
	return note_err(note, E_WORKER, "weft-compile died; it may have passed its limit of memory");
}

/* Waits for the answer's first byte until the process has used that much time, or for SILENCE_MS_MAX; 0: it is
 * there, 1: too late, -1: the socket ended. */
static int await(struct compiler *c, uint64_t cpu_ms_max)
{
	uint64_t before = cpu_ms(c), end = clock_ms() + SILENCE_MS_MAX;
	struct pollfd p = {.fd = c->socket, .events = POLLIN};

	for (;;) {
		int n = poll(&p, 1, LOOK_MS);
		if (n > 0)
			return p.revents & POLLIN ? 0 : -1;
		if (n < 0 && errno != EINTR)
			return -1;
		if (cpu_ms(c) - before > cpu_ms_max || clock_ms() > end)
			return 1;
	}
}

static enum err take_answer(struct compiler *c, struct service_answer *a, struct buf *out, uint64_t cpu_ms_max,
			    struct note *note)
{
	int waited = await(c, cpu_ms_max);

	buf_clear(out);
	if (waited || !wire_read(c->socket, a, sizeof(*a)))
		return no_answer(c, waited > 0, note);
	if (a->len > BLOB_MAX || a->err > OK || !err_known(a->err))
		return note_err(note, E_WORKER, "weft-compile answered what cannot be");
	if (!wire_read(c->socket, buf_grow(out, a->len), a->len))
		return no_answer(c, false, note);
	if (a->err < 0)
		return note_err(note, (enum err)a->err, "%.*s", BYTES_FMT(buf_bytes(out)));
	return OK;
}

enum err compiler_start(struct compiler **out, const struct readers *r, int module, enum wasm_gas gas, bool patient,
			struct compiler_counts *counts, struct note *note)
{
	struct compiler *c = calloc(1, sizeof(*c));
	struct service_answer a;
	struct buf text = BUF_EMPTY;
	enum err e;

	must(c != NULL);
	e = spawn(c, r, module, gas, note);
	if (e == OK && patient)
		(void)setpriority(PRIO_PROCESS, (id_t)c->pid, PATIENCE);
	if (e == OK)
		e = take_answer(c, &a, &text, START_MS_MAX, note);
	buf_release(&text);
	if (e == OK && a.version != VM_VERSION) {
		e = note_err(note, E_IO, "%s is of another version (%u, not %u)", r->compile, a.version, VM_VERSION);
		note_hint(note, "weft, weft-worker and weft-compile belong together: install all of one build");
	}
	if (e < 0) {
		compiler_stop(c);
		return e;
	}
	*counts = (struct compiler_counts){a.function_count, a.imported_functions, a.type_count};
	*out = c;
	return OK;
}

void compiler_kill(struct compiler *c)
{
	if (c->pid)
		kill(c->pid, SIGKILL);
}

void compiler_stop(struct compiler *c)
{
	int status;

	if (!c)
		return;
	close(c->socket);
	if (c->pid) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	free(c);
}

enum err compiler_ask(struct compiler *c, enum wasm_tier tier, const uint32_t *functions, uint32_t count,
		      uint64_t cpu_ms_max, struct buf *blob, struct note *note)
{
	struct service_ask ask = {.tier = (uint32_t)tier, .count = count};
	struct service_answer a;

	if (!wire_write(c->socket, &ask, sizeof(ask)) || !wire_write(c->socket, functions, count * sizeof(*functions)))
		return no_answer(c, false, note);
	return take_answer(c, &a, blob, cpu_ms_max, note);
}
