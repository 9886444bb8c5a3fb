/* SPDX-License-Identifier: MIT
 *
 * engine FILE CACHE NAME: takes the turns of one workload through the reader, as a compute unit does (a worker process,
 * every check on, each message committed), and prints one line of JSON: times in milliseconds. The image follows the commits
 * every so many messages; so that the median has its part of that, short messages are timed by blocks of twenty.
 *
 * With -a the next message is foreseen, as a compute unit does, and only the mean and the processor time say something.
 *
 * FILE is made by bench/engine.mjs: {"module", "format", "env", "first", "workloads": [{"name", "setup": [...],
 * "messages": [...], "count", "warm"}]}; messages are taken round and round. -1 waits until all code is translated as well
 * as it gets, -0 never improves it.
 */
#include "base/clock.h"
#include "base/json.h"
#include "reader/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct bench {
	struct arena arena, turn;
	const struct json *file, *workload;
	struct bytes environment;
	struct readers *readers;
	struct program *program;
	struct image *image;
	struct instance *instance;
	uint64_t gas;
	bool ahead;
};

static void fail(const char *what, const struct note *note)
{
	fprintf(stderr, "engine: %s: %s\n", what, note->text);
	exit(1);
}

static struct bytes read_file(struct arena *a, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct note note = {0};
	struct stat st;
	uint8_t *at;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		fail(path, &note);
	at = arena_alloc(a, (size_t)st.st_size + 1);
	while (n < (size_t)st.st_size) {
		ssize_t k = read(fd, at + n, (size_t)st.st_size - n);
		if (k <= 0)
			fail(path, &note);
		n += (size_t)k;
	}
	close(fd);
	return bytes_of(at, n);
}

static double ms_since(uint64_t start)
{
	return (double)(clock_ns() - start) / 1e6;
}

static double take(struct bench *b, struct bytes message, struct outcome *o)
{
	struct note note = {0};
	uint64_t start = clock_ns();

	arena_reset(&b->turn);
	if (instance_turn(b->instance, &b->turn, message, b->environment, 9000000000000, o, &note) < 0 ||
	    instance_commit(b->instance, &note) < 0)
		fail("turn", &note);
	if (o->error.len) {
		fprintf(stderr, "engine: the module failed: %.*s\n", BYTES_FMT(o->error));
		exit(1);
	}
	b->gas += o->gas_used;
	return ms_since(start);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void find_workload(struct bench *b, const char *name)
{
	const struct json *w = json_get(b->file, "workloads")->first;
	struct note note = {0};

	while (w && !bytes_eq_str(json_get_text(&b->arena, w, "name"), name))
		w = w->next;
	if (!w)
		fail("no such workload", &note);
	b->workload = w;
}

static size_t number(const struct json *o, const char *key)
{
	uint64_t n = 0;

	(void)json_u64(json_get(o, key), &n);
	return (size_t)n;
}

/* Nanoseconds on a processor of this process and of all below it, compilers left out: what the turns cost, whoever else
 * uses the machine. */
static uint64_t cpu_ns(int pid)
{
	char path[100], name[40] = "";
	struct timespec t;
	clockid_t clock;
	uint64_t sum = 0;
	int child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(name, sizeof(name), f) || strncmp(name, "weft-compile", 12) == 0) {
		fclose(f);
		return 0;
	}
	fclose(f);
	if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0)
		sum = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "r");
	while (f && fscanf(f, "%d", &child) == 1)
		sum += cpu_ns(child);
	if (f)
		fclose(f);
	return sum;
}

enum { BLOCK = 20, BLOCKS_FROM = 200 };

/* Each block becomes its mean. */
static size_t by_blocks(double *times, size_t count)
{
	size_t blocks = count / BLOCK;

	if (count < BLOCKS_FROM)
		return count;
	for (size_t k = 0; k < blocks; k++) {
		double sum = 0;
		for (size_t i = 0; i < BLOCK; i++)
			sum += times[k * BLOCK + i];
		times[k] = sum / BLOCK;
	}
	return blocks;
}

/* Setup, warm-up, and the messages that count; prints the line. */
static void run(struct bench *b, const char *name, double open_ms, double first_ms, bool settle)
{
	size_t count = number(b->workload, "count"), warm = number(b->workload, "warm"), at = 0;
	double *times = malloc((count + 1) * sizeof(*times)), total = 0;
	uint64_t cpu = 0;
	const struct json *m = NULL, *list = json_get(b->workload, "messages");
	struct outcome o;

	must(times != NULL && count > 0 && list && list->first);
	for (m = json_get(b->workload, "setup")->first; m; m = m->next)
		take(b, json_text(&b->arena, m), &o);
	for (size_t i = 0; i < warm + count; i++) {
		m = m && m->next ? m->next : list->first;
		if (b->ahead)
			instance_foresee(b->instance, json_text(&b->arena, m->next ? m->next : list->first));
		double ms = take(b, json_text(&b->arena, m), &o);
		if (i + 1 == warm && settle)
			program_settle(b->program);
		if (i < warm) {
			b->gas = 0;
			cpu = cpu_ns(getpid());
			continue;
		}
		times[at++] = ms;
		total += ms;
	}
	at = by_blocks(times, count);
	qsort(times, at, sizeof(*times), by_size);
	cpu = cpu_ns(getpid()) - cpu;
	printf("{\"name\":\"%s\",\"open\":%.1f,\"first\":%.1f,\"ms\":%.4f,\"min\":%.4f,\"mean\":%.4f,\"cpu\":%.4f,"
	       "\"count\":%zu,"
	       "\"gas\":%llu,\"gas_last\":%llu,\"image\":%llu,\"last\":%.*s}\n",
	       name, open_ms, first_ms, times[at / 2], times[0], total / (double)count,
	       (double)cpu / 1e6 / (double)count, count, (unsigned long long)(b->gas / count),
	       (unsigned long long)o.gas_used, (unsigned long long)image_size(b->image), BYTES_FMT(o.response));
	free(times);
}

int main(int argc, char **argv)
{
	struct bench b = {.gas = 0};
	struct note note = {0};
	const char *compile = getenv("WEFT_COMPILE"), *worker = getenv("WEFT_WORKER");
	bool settle = false, only_first = false;
	struct outcome o;
	int option;

	while ((option = getopt(argc, argv, "01a")) != -1) {
		only_first = only_first || option == '0';
		settle = settle || option == '1';
		b.ahead = b.ahead || option == 'a';
	}
	if (argc - optind != 3 || !compile || !worker) {
		fputs("usage: WEFT_COMPILE=... WEFT_WORKER=... engine [-0|-1] [-a] FILE CACHE NAME\n", stderr);
		return 2;
	}
	if (json_parse(&b.file, &b.arena, read_file(&b.arena, argv[optind]), &note) < 0)
		fail("parse", &note);
	find_workload(&b, argv[optind + 2]);
	b.environment = json_get_text(&b.arena, b.file, "env");
	if (readers_open(&b.readers,
			 &(struct readers_options){.compile = compile,
						   .worker = worker,
						   .cache = argv[optind + 1],
						   .first_tier_only = only_first},
			 &note) < 0)
		fail("readers", &note);
	struct bytes module = read_file(&b.arena, arena_cstr(&b.arena, json_get_text(&b.arena, b.file, "module")));
	uint64_t start = clock_ns();
	if (program_open(&b.program, b.readers, json_get_text(&b.arena, b.file, "format"), module, &note) < 0 ||
	    image_new(&b.image, &note) < 0 ||
	    instance_open(&b.instance, b.program, b.image, (uint64_t)1 << 34, &note) < 0)
		fail("open", &note);
	double open_ms = ms_since(start);
	double first_ms = take(&b, json_get_text(&b.arena, b.file, "first"), &o);
	run(&b, argv[optind + 2], open_ms, first_ms, settle);
	instance_close(b.instance);
	image_release(b.image);
	program_close(b.program);
	readers_close(b.readers);
	arena_release(&b.turn);
	arena_release(&b.arena);
	return 0;
}
