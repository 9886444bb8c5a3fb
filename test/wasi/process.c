/* SPDX-License-Identifier: MIT
 *
 * A process in plain C for wasi-libc, for the tests: keeps a count in a global and a history on the heap, and does what
 * the message's Data says. Built by test/wasi/build.sh.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int count;
static char *history;
static int started;

__attribute__((constructor)) static void begin(void)
{
	started = 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	started += 10 + argc;
	return 0;
}

/* The text after "Data":" up to the next quotation mark: enough for a test. */
static const char *data_of(const char *message)
{
	static char data[100];
	const char *at = strstr(message, "\"Data\":\"");
	size_t n;

	if (!at)
		return "";
	at += strlen("\"Data\":\"");
	n = strcspn(at, "\"");
	n = n < sizeof(data) - 1 ? n : sizeof(data) - 1;
	memcpy(data, at, n);
	data[n] = '\0';
	return data;
}

static const char *answer(const char *output)
{
	static char text[2000];

	snprintf(text, sizeof(text), "{\"ok\":true,\"response\":{\"Output\":\"%s\"}}", output);
	return text;
}

static const char *remember(const char *data)
{
	static char output[500];
	size_t had = history ? strlen(history) : 0;

	history = realloc(history, had + strlen(data) + 2);
	snprintf(history + had, strlen(data) + 2, "%s;", data);
	snprintf(output, sizeof(output), "%d %d %s", ++count, started, history);
	return answer(output);
}

static const char *world(void)
{
	static char output[500];
	struct timespec now;
	unsigned char noise[4];
	char input[10];
	FILE *f = fopen("/etc/passwd", "r");
	int file_errno = errno;

	clock_gettime(CLOCK_REALTIME, &now);
	if (getentropy(noise, sizeof(noise)) != 0)
		abort();
	snprintf(output, sizeof(output), "time %lld.%03ld random %02x%02x%02x%02x home %s file %s stdin %zu sqrt %.17g",
		 (long long)now.tv_sec, now.tv_nsec / 1000000, noise[0], noise[1], noise[2], noise[3],
		 getenv("HOME") ? "set" : "none",
		 f                                                                          ? "open"
		 : file_errno == ENOENT || file_errno == EBADF || file_errno == ENOTCAPABLE ? "none"
											    : strerror(file_errno),
		 fread(input, 1, sizeof(input), stdin), sqrt(2));
	return answer(output);
}

const char *handle(const char *message, const char *environment)
{
	const char *data = data_of(message);

	if (!strstr(environment, "\"Process\""))
		return answer("no environment");
	if (strcmp(data, "world") == 0)
		return world();
	if (strcmp(data, "print") == 0) {
		printf("{\"ok\":true,\"response\":{\"Output\":\"printed\"}}");
		fflush(stdout);
		return NULL;
	}
	if (strcmp(data, "exit 0") == 0) {
		printf("%s", answer("left"));
		count += 100;
		exit(0);
	}
	if (strcmp(data, "exit 3") == 0)
		exit(3);
	if (strcmp(data, "abort") == 0) {
		fprintf(stderr, "it went wrong");
		abort();
	}
	return remember(data);
}
