/* SPDX-License-Identifier: MIT */
#include "node/crash.h"

#include "base/log.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct log *watched_log;
static int watched_fd = -1;

static const struct {
	int number;
	const char *name;
} deaths[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGILL, "SIGILL"}, {SIGFPE, "SIGFPE"}, {SIGABRT, "SIGABRT"}};

enum { DEATHS = sizeof(deaths) / sizeof(deaths[0]) };

/* Only what signal-safety(7) allows from here on. */
static void say(int fd, const char *text)
{
	ssize_t written = write(fd, text, strlen(text));

	(void)written;
}

static void report(int fd, const char *death, const char *thread)
{
	if (fd < 0)
		return;
	say(fd, "weft " WEFT_VERSION ": a bug of ours: ");
	say(fd, death);
	say(fd, " in the thread ");
	say(fd, thread);
	say(fd, "\n");
}

static void on_death(int number)
{
	char thread[16] = "";
	const char *death = "a signal";

	for (int i = 0; i < DEATHS; i++)
		if (deaths[i].number == number)
			death = deaths[i].name;
	prctl(PR_GET_NAME, thread);
	report(watched_fd, death, thread);
	report(STDERR_FILENO, death, thread);
	say(STDERR_FILENO, "what it was given is kept; starting it again goes on. The end of its log:\n");
	log_newest(watched_log, STDERR_FILENO);
	raise(number); /* the handler was for once: this is the end */
}

void crash_watch(const struct log *log, int log_fd)
{
	watched_log = log;
	watched_fd = log_fd;
#ifndef __SANITIZE_ADDRESS__ /* which has a report of its own */
	struct sigaction act = {.sa_handler = log ? on_death : SIG_DFL, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};

	for (int i = 0; i < DEATHS; i++)
		sigaction(deaths[i].number, &act, NULL);
#else
	(void)on_death;
#endif
}
