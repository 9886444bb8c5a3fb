/* SPDX-License-Identifier: MIT
 *
 * hot FILE CACHE COUNT: what many hot processes of one module cost in memory, and how long it takes to begin. FILE is made by
 * bench/engine.mjs; its first workload's messages are taken. Prints one line of JSON:
 *
 *   cold_cpu_ms   processor time, all processes together, until the first result of a module that the cache may not know
 *   cold_ms       the same by the clock
 *   resume_ms     from the bytes of a memory of `image` bytes to the result of the next message, code being there
 *   pss_mb        memory of COUNT processes that have each taken messages: shared pages counted once (Pss of smaps)
 *   rss_mb        the same with shared pages counted for each who maps them
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

enum { PROCESSES_MAX = 1000 };

struct process {
	struct image *image;
	struct instance *instance;
};

static struct arena arena, scratch;
static struct bytes environment;
static struct program *program;
static struct process processes[PROCESSES_MAX];

static void fail(const char *what, const struct note *note)
{
	fprintf(stderr, "hot: %s: %s\n", what, note->text);
	exit(1);
}

static struct bytes read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct note note = {0};
	struct stat st;
	uint8_t *at;

	if (fd < 0 || fstat(fd, &st) != 0)
		fail(path, &note);
	at = arena_alloc(&arena, (size_t)st.st_size + 1);
	if (read(fd, at, (size_t)st.st_size) != st.st_size)
		fail(path, &note);
	close(fd);
	return bytes_of(at, (size_t)st.st_size);
}

/* This process and all below it; compilers only when they count. */
static void each_process(int pid, bool compilers, void (*visit)(int pid, void *ctx), void *ctx)
{
	char path[100], name[40] = "";
	FILE *f;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "r");
	if (!f || !fgets(name, sizeof(name), f))
		name[0] = 0;
	if (f)
		fclose(f);
	if (compilers || strncmp(name, "weft-compile", 12) != 0)
		visit(pid, ctx);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "r");
	while (f && fscanf(f, "%d", &child) == 1)
		each_process(child, compilers, visit, ctx);
	if (f)
		fclose(f);
}

static void add_cpu(int pid, void *ctx)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0)
		*(double *)ctx += (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void add_memory(int pid, void *ctx)
{
	unsigned long kb, *sums = ctx;
	char path[100], line[200];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Pss: %lu", &kb) == 1)
			sums[0] += kb;
		if (sscanf(line, "Rss: %lu", &kb) == 1)
			sums[1] += kb;
	}
	if (f)
		fclose(f);
}

static void open_process(struct process *p)
{
	struct note note = {0};

	if (instance_open(&p->instance, program, p->image, (uint64_t)1 << 34, &note) < 0)
		fail("instance", &note);
}

static void take(struct process *p, struct bytes message)
{
	struct note note = {0};
	struct outcome o;

	arena_reset(&scratch);
	if (instance_turn(p->instance, &scratch, message, environment, 9000000000000, &o, &note) < 0 ||
	    instance_commit(p->instance, &note) < 0)
		fail("turn", &note);
	if (o.error.len) {
		fprintf(stderr, "hot: the module failed: %.*s\n", BYTES_FMT(o.error));
		exit(1);
	}
}

static double resume(struct bytes next, uint64_t *size)
{
	struct process p = {0};
	struct bytes content, copy;
	struct note note = {0};
	uint64_t start;
	double ms;

	if (image_map(processes[0].image, &content, &note) < 0)
		fail("map", &note);
	copy = arena_copy(&arena, content);
	image_unmap(processes[0].image, content);
	start = clock_ns();
	if (image_of_bytes(&p.image, copy, &note) < 0)
		fail("image", &note);
	open_process(&p);
	take(&p, next);
	ms = (double)(clock_ns() - start) / 1e6;
	*size = copy.len;
	instance_close(p.instance);
	image_release(p.image);
	return ms;
}

int main(int argc, char **argv)
{
	const char *compile = getenv("WEFT_COMPILE"), *worker = getenv("WEFT_WORKER");
	struct note note = {0};
	struct readers *readers;
	const struct json *file, *workload;
	uint64_t count = 0, size = 0, start;
	unsigned long memory[2] = {0, 0};
	double cpu = 0, cold_ms = 0, resume_ms;

	if (argc != 4 || !compile || !worker || !bytes_u64(bytes_str(argv[3]), &count) || count < 1 ||
	    count > PROCESSES_MAX) {
		fputs("usage: WEFT_COMPILE=... WEFT_WORKER=... hot FILE CACHE COUNT\n", stderr);
		return 2;
	}
	if (json_parse(&file, &arena, read_file(argv[1]), &note) < 0)
		fail("parse", &note);
	workload = json_get(file, "workloads")->first;
	environment = json_get_text(&arena, file, "env");
	struct bytes module = read_file(arena_cstr(&arena, json_get_text(&arena, file, "module")));
	struct bytes first = json_get_text(&arena, file, "first");
	struct bytes next = json_text(&arena, json_get(workload, "messages")->first);

	start = clock_ns();
	if (readers_open(&readers, &(struct readers_options){.compile = compile, .worker = worker, .cache = argv[2]},
			 &note) < 0 ||
	    program_open(&program, readers, json_get_text(&arena, file, "format"), module, &note) < 0)
		fail("open", &note);
	for (uint64_t i = 0; i < count; i++) {
		if (image_new(&processes[i].image, &note) < 0)
			fail("image", &note);
		open_process(&processes[i]);
		take(&processes[i], first);
		if (i == 0) {
			cold_ms = (double)(clock_ns() - start) / 1e6;
			each_process(getpid(), true, add_cpu, &cpu);
			program_settle(program);
		}
		for (int k = 0; k < 3; k++)
			take(&processes[i], next);
	}
	each_process(getpid(), false, add_memory, memory);
	resume_ms = resume(next, &size);
	printf("{\"cold_cpu_ms\":%.0f,\"cold_ms\":%.0f,\"resume_ms\":%.1f,\"image\":%llu,\"processes\":%llu,\"pss_mb\":"
	       "%lu,"
	       "\"rss_mb\":%lu}\n",
	       cpu, cold_ms, resume_ms, (unsigned long long)size, (unsigned long long)count, memory[0] / 1024,
	       memory[1] / 1024);
	for (uint64_t i = 0; i < count; i++) {
		instance_close(processes[i].instance);
		image_release(processes[i].image);
	}
	program_close(program);
	readers_close(readers);
	arena_release(&arena);
	arena_release(&scratch);
	return 0;
}
