/* SPDX-License-Identifier: MIT
 *
 * Real modules, translated by weft-compile and run in weft-worker.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "reader/reader.h"
#include "reader/wasm/crew.h"
#include "test/test.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FORMAT "wasm64-unknown-emscripten-draft_2024_02_15"
#define ENVIRONMENT                                                                                                    \
	"{\"Process\":{\"Id\":\"P\",\"Owner\":\"O\",\"Tags\":[]},\"Module\":{\"Id\":\"M\",\"Owner\":\"O\",\"Tags\":[]" \
	"}}"

static struct arena arena;
static struct readers *readers;
static struct program *program;
static char cache[200];

static void open_readers(void)
{
	struct note note = {0};
	const char *compile = getenv("WEFT_COMPILE"), *worker = getenv("WEFT_WORKER");

	if (!compile || !worker)
		t_fail("WEFT_COMPILE and WEFT_WORKER name the programs to test");
	snprintf(cache, sizeof(cache), "%s/cache", t_dir());
	t_ok(readers_open(&readers, &(struct readers_options){.compile = compile, .worker = worker, .cache = cache},
			  &note));
}

/* A module that answers each message with how many it has seen: {"ok":true,"response":{"Output":"<n>"}}, n being
 * one digit. It fails on request: a message that begins with E traps, with L loops for ever. */
static struct bytes counter_wasm(void)
{
	static struct buf wasm;

	if (wasm.len == 0) {
		const char *path = getenv("WEFT_COUNTER");
		if (!path)
			t_fail("WEFT_COUNTER names the module to test with");
		wasm = t_file(path);
	}
	return buf_bytes(&wasm);
}

static void open_counter(void)
{
	struct note note = {0};

	open_readers();
	if (program_open(&program, readers, BYTES(FORMAT), counter_wasm(), &note) < 0)
		t_fail("%s", note.text);
}

static struct instance *open_on(struct image *image)
{
	struct instance *i;
	struct note note = {0};

	if (instance_open(&i, program, image, 16 << 20, &note) < 0)
		t_fail("%s", note.text);
	return i;
}

/* The image has it at once. */
static void keep(struct instance *i)
{
	struct note note = {0};

	if (instance_commit(i, &note) < 0 || instance_settle(i, &note) < 0)
		t_fail("%s", note.text);
}

static struct outcome turn(struct instance *i, const char *message)
{
	struct outcome o;
	struct note note = {0};

	if (instance_turn(i, &arena, bytes_str(message), BYTES(ENVIRONMENT), 1000000, &o, &note) < 0)
		t_fail("%s", note.text);
	return o;
}

static void close_counter(void)
{
	program_close(program);
	readers_close(readers);
}

TEST(a_committed_turn_stays_and_a_rolled_back_one_does_not)
{
	struct image *image;
	struct instance *i;
	struct note note = {0};

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	t_u64(image_size(image), 1 << 16);
	t_text(turn(i, "m").response, "{\"Output\":\"1\"}");
	keep(i);
	t_text(turn(i, "m").response, "{\"Output\":\"2\"}");
	t_ok(instance_rollback(i, &note));
	t_text(turn(i, "m").response, "{\"Output\":\"2\"}");
	keep(i);
	instance_close(i);

	/* Another worker on the same image goes on from there. */
	i = open_on(image);
	t_text(turn(i, "m").response, "{\"Output\":\"3\"}");
	instance_close(i);
	image_release(image);
	close_counter();
}

TEST(failures_of_the_guest_are_outcomes)
{
	struct image *image;
	struct instance *i;
	struct outcome o;
	struct note note = {0};

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	o = turn(i, "E");
	t_text(o.error, "\"RuntimeError: unreachable\"");
	t_ok(instance_rollback(i, &note));
	o = turn(i, "L");
	t_text(o.error, "\"Error: out of gas!\"");
	t_u64(o.gas_used, 1000000);
	t_ok(instance_rollback(i, &note));
	t_text(turn(i, "m").response, "{\"Output\":\"1\"}");
	t_u64(turn(i, "m").gas_used, turn(i, "m").gas_used);
	instance_close(i);
	image_release(image);
	close_counter();
}

TEST(a_dry_run_sees_the_image_and_leaves_it)
{
	struct image *image;
	struct instance *i, *view;
	struct outcome o;
	struct note note = {0};

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	view = open_on(image);
	for (int k = 1; k < 5; k++) {
		char want[40];
		turn(i, "m");
		keep(i);
		snprintf(want, sizeof(want), "{\"Output\":\"%d\"}", k + 1);
		t_ok(instance_try(view, &arena, BYTES("m"), BYTES(ENVIRONMENT), 1000000, &o, &note));
		t_text(o.response, want);
		t_ok(instance_try(view, &arena, BYTES("m"), BYTES(ENVIRONMENT), 1000000, &o, &note));
		t_text(o.response, want);
		t_u64(o.commits, image_commits(image));
	}
	instance_close(view);
	instance_close(i);
	image_release(image);
	close_counter();
}

struct attempt {
	struct instance *view;
	enum err e;
};

static void *try_for_ever(void *ctx)
{
	struct attempt *t = ctx;
	struct arena a = ARENA_EMPTY;
	struct outcome o;

	t->e = instance_try(t->view, &a, BYTES("L"), BYTES(ENVIRONMENT), UINT64_MAX / 2, &o, NULL);
	arena_release(&a);
	return NULL;
}

TEST(a_dry_run_without_an_end_keeps_no_commit_waiting_and_can_be_stopped)
{
	struct image *image;
	struct instance *i;
	struct attempt t = {.e = OK};
	struct note note = {0};
	pthread_t thread;

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	t.view = open_on(image);
	t_check(pthread_create(&thread, NULL, try_for_ever, &t) == 0);
	clock_sleep_ms(20);
	turn(i, "m");
	keep(i);
	turn(i, "m");
	keep(i);
	t_u64(image_commits(image), 2);
	instance_stop(t.view);
	pthread_join(thread, NULL);
	t_err(t.e, E_WORKER);
	instance_close(t.view);
	t_text(turn(i, "m").response, "{\"Output\":\"3\"}");
	t_check(instance_memory(i) > 4096 && instance_memory(i) < 64 << 20);
	t_check(image_memory(image) > 0 && image_memory(image) <= 1 << 16);
	instance_close(i);
	image_release(image);
	close_counter();
}

struct dry_runs {
	struct instance *view;
	int done, failed;
};

static void *many_dry_runs(void *ctx)
{
	struct dry_runs *d = ctx;
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct outcome o;

	for (d->done = 0; d->done < 40; d->done++) {
		if (instance_try(d->view, &a, BYTES("S"), BYTES(ENVIRONMENT), 100000000, &o, &note) < 0 || o.error.len)
			d->failed++;
		arena_reset(&a);
	}
	arena_release(&a);
	return NULL;
}

TEST(dry_runs_go_on_beside_commits_and_see_none_of_them)
{
	struct dry_runs runs[2] = {{.done = 0}};
	struct image *image;
	struct instance *i;
	struct bytes content;
	struct note note = {0};
	pthread_t threads[2];
	uint8_t before[32], after[32];
	int turns = 0;

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	for (int k = 0; k < 2; k++) {
		runs[k].view = open_on(image);
		t_check(pthread_create(&threads[k], NULL, many_dry_runs, &runs[k]) == 0);
	}
	t_ok(image_map(image, &content, &note));
	sha256(before, content);
	for (; turns < 50 || runs[0].done < 40 || runs[1].done < 40; turns++) {
		turn(i, "m");
		keep(i);
		arena_reset(&arena);
	}
	sha256(after, content);
	image_unmap(image, content);
	for (int k = 0; k < 2; k++) {
		pthread_join(threads[k], NULL);
		t_u64(runs[k].failed, 0);
		instance_close(runs[k].view);
	}
	t_check(memcmp(before, after, 32) == 0);
	instance_close(i);
	image_release(image);
	close_counter();
}

TEST(an_image_tells_which_pages_changed)
{
	struct image *image, *again;
	struct instance *i;
	struct buf numbers = BUF_EMPTY, pages = BUF_EMPTY;
	struct note note = {0};
	struct bytes content;
	uint64_t size;

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	turn(i, "m");
	keep(i);
	image_take(image, true, &numbers, &pages, &size);
	t_u64(size, 1 << 16);
	t_u64(pages.len, numbers.len / 4 * IMAGE_PAGE);
	t_ok(image_new(&again, &note));
	for (size_t k = 0; k < numbers.len / 4; k++)
		t_ok(image_write(again, (uint64_t)get_u32le(numbers.ptr + 4 * k) * IMAGE_PAGE,
				 bytes_of(pages.ptr + k * IMAGE_PAGE, IMAGE_PAGE), &note));
	t_ok(image_write(again, size, bytes_of(NULL, 0), &note));
	/* The answer is in page 0, the cells in 2 and 14, the stack in 7; nothing else changes. Whether somebody looks on
	 * makes no difference. */
	t_ok(image_map(image, &content, &note));
	turn(i, "m");
	keep(i);
	image_unmap(image, content);
	buf_clear(&numbers);
	buf_clear(&pages);
	image_take(image, false, &numbers, &pages, &size);
	t_check(numbers.len >= 12 && numbers.len <= 16);
	t_u64(get_u32le(numbers.ptr), 0);
	t_u64(get_u32le(numbers.ptr + 4), 2);
	t_u64(get_u32le(numbers.ptr + numbers.len - 4), 14);
	instance_close(i);
	i = open_on(again);
	t_text(turn(i, "m").response, "{\"Output\":\"2\"}");
	instance_close(i);
	buf_release(&numbers);
	buf_release(&pages);
	image_release(image);
	image_release(again);
	close_counter();
}

TEST(an_image_can_be_kept_as_bytes)
{
	struct image *image, *again;
	struct instance *i;
	struct bytes content, copy;
	struct note note = {0};

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	turn(i, "m");
	keep(i);
	t_ok(image_map(image, &content, &note));
	copy = arena_copy(&arena, content);
	image_unmap(image, content);
	t_ok(image_of_bytes(&again, copy, &note));
	instance_close(i);
	i = open_on(again);
	t_text(turn(i, "m").response, "{\"Output\":\"2\"}");
	instance_close(i);
	image_release(image);
	image_release(again);
	close_counter();
}

static bool runs(int pid, const char *what)
{
	char path[100], name[40] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "r");
	if (f && !fgets(name, sizeof(name), f))
		name[0] = 0;
	if (f)
		fclose(f);
	return strncmp(name, what, strlen(what)) == 0;
}

/* The child of ours that runs weft-worker is the parent of workers; its only child is the worker. */
static pid_t child_of(pid_t parent)
{
	char path[100];
	FILE *f;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	f = fopen(path, "r");
	t_check(f != NULL);
	while (fscanf(f, "%d", &pid) == 1 && !runs(pid, "weft-worker"))
		pid = 0;
	fclose(f);
	return pid;
}

TEST(a_worker_that_dies_costs_its_own_turn)
{
	struct image *image;
	struct instance *i;
	struct outcome o;
	struct note note = {0};
	pid_t nursery, worker;

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	turn(i, "m");
	keep(i);
	nursery = child_of(getpid());
	worker = child_of(nursery);
	t_check(worker > 0);
	kill(worker, SIGKILL);
	t_err(instance_turn(i, &arena, BYTES("m"), BYTES(ENVIRONMENT), 1000, &o, &note), E_WORKER);
	instance_close(i);
	i = open_on(image);
	t_text(turn(i, "m").response, "{\"Output\":\"2\"}");
	instance_close(i);
	/* And so does their parent. */
	kill(nursery, SIGKILL);
	clock_sleep_ms(20);
	i = open_on(image);
	t_text(turn(i, "m").response, "{\"Output\":\"2\"}");
	instance_close(i);
	image_release(image);
	close_counter();
}

/* The module answers the last digit. */
static void turn_of(struct instance *i, int number)
{
	char want[40];

	snprintf(want, sizeof(want), "{\"Output\":\"%d\"}", number % 10);
	t_text(turn(i, "m").response, want);
}

/* Turns that are committed and that the image has not: more and more of them, and none is lost. */
TEST(the_image_falls_behind_and_nothing_is_lost)
{
	struct image *image;
	struct instance *i, *view;
	struct outcome o;
	struct note note = {0};
	uint64_t commits;
	int k = 1;

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	for (; k <= 100; k++) {
		turn_of(i, k);
		t_ok(instance_commit(i, &note));
	}
	t_u64(image_commits(image), 1);
	/* A turn that fails takes the worker back to the image; what was committed is there again. */
	for (int fails = 0; fails < 3; fails++) {
		t_text(turn(i, "E").error, "\"RuntimeError: unreachable\"");
		t_ok(instance_rollback(i, &note));
	}
	turn_of(i, k++);
	t_ok(instance_commit(i, &note));
	/* Who looks on sees what is settled. */
	view = open_on(image);
	t_ok(instance_try(view, &arena, BYTES("m"), BYTES(ENVIRONMENT), 1000000, &o, &note));
	t_text(o.response, "{\"Output\":\"2\"}");
	turn_of(i, k++);
	t_ok(instance_commit(i, &note));
	commits = image_commits(image);
	t_ok(instance_try(view, &arena, BYTES("m"), BYTES(ENVIRONMENT), 1000000, &o, &note));
	t_text(o.response, "{\"Output\":\"2\"}");
	t_u64(o.commits, commits);
	t_ok(instance_settle(i, &note));
	t_ok(instance_settle(i, &note));
	t_u64(image_commits(image), commits + 1);
	t_ok(instance_try(view, &arena, BYTES("m"), BYTES(ENVIRONMENT), 1000000, &o, &note));
	t_text(o.response, "{\"Output\":\"3\"}");
	instance_close(view);
	instance_close(i);
	image_release(image);
	close_counter();
}

/* Signals are taken when their time comes: waits until it stands still. */
static void stop_worker(pid_t worker)
{
	char path[100], state = 0;
	FILE *f;

	t_check(worker > 0 && kill(worker, SIGSTOP) == 0);
	snprintf(path, sizeof(path), "/proc/%d/stat", worker);
	while (state != 'T') {
		f = fopen(path, "r");
		t_check(f != NULL && fscanf(f, "%*d (%*[^)]) %c", &state) == 1);
		fclose(f);
	}
}

static void end_worker(pid_t worker)
{
	t_check(worker > 0);
	kill(worker, SIGKILL);
	while (kill(worker, 0) == 0)
		clock_sleep_ms(1);
}

/* Each time that the worker goes, wherever in a batch that is. */
TEST(a_worker_that_dies_takes_no_committed_turn_with_it)
{
	struct image *image;
	struct instance *i;
	struct outcome o;
	struct note note = {0};

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	for (int k = 1; k <= 40; k++) {
		turn_of(i, k);
		t_ok(instance_commit(i, &note));
		if (k % 7)
			continue;
		end_worker(child_of(child_of(getpid())));
		if (k % 2 == 0)
			t_err(instance_turn(i, &arena, BYTES("m"), BYTES(ENVIRONMENT), 1000, &o, &note), E_WORKER);
		else /* it is missed when the image is wanted */
			t_ok(instance_settle(i, &note));
		note_reset(&note);
	}
	t_ok(instance_settle(i, &note));
	instance_close(i);
	i = open_on(image);
	turn_of(i, 41);
	instance_close(i);
	image_release(image);
	close_counter();
}

/* ---- foreseen turns ---- */

static uint64_t cpu_ns(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	t_check(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

TEST(the_worker_goes_on_with_what_is_foreseen)
{
	uint64_t gas = 300000000;
	struct image *image;
	struct instance *i;
	struct outcome o;
	struct note note = {0};
	pid_t worker;

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	instance_foresee(i, BYTES("L"));
	t_ok(instance_turn(i, &arena, BYTES("m"), BYTES(ENVIRONMENT), gas, &o, &note));
	t_text(o.response, "{\"Output\":\"1\"}");
	t_ok(instance_commit(i, &note));
	worker = child_of(child_of(getpid()));
	for (uint64_t began = cpu_ns(worker); cpu_ns(worker) - began < 20000000;) /* nobody has asked for it yet */
		clock_sleep_ms(1);
	t_ok(instance_turn(i, &arena, BYTES("L"), BYTES(ENVIRONMENT), gas, &o, &note));
	t_text(o.error, "\"Error: out of gas!\"");
	t_u64(o.gas_used, gas);
	t_ok(instance_rollback(i, &note));
	t_check(child_of(child_of(getpid())) == worker);
	/* With another limit it is another turn, and with nothing foreseen nothing is begun. */
	for (int k = 2; k < 70; k++) {
		turn_of(i, k);
		t_ok(instance_commit(i, &note));
	}
	instance_foresee(i, BYTES("L"));
	t_ok(instance_turn(i, &arena, BYTES("m"), BYTES(ENVIRONMENT), gas, &o, &note));
	t_ok(instance_commit(i, &note));
	t_text(turn(i, "L").error, "\"Error: out of gas!\"");
	t_ok(instance_rollback(i, &note));
	t_check(child_of(child_of(getpid())) != worker);
	turn_of(i, 71);
	instance_close(i);
	image_release(image);
	close_counter();
}

enum end { COMMITTED, ROLLED_BACK, SETTLED, DIED, ENDS };

/* One turn with another foreseen, what becomes of it, and then a turn, foreseen or not. `count`: the module's. */
static void foresee_and_take(struct instance *i, const char *foreseen, enum end end, const char *next, int *count)
{
	struct outcome o;
	struct note note = {0};
	char want[40];

	instance_foresee(i, bytes_str(foreseen));
	turn_of(i, *count + 1);
	*count += end != ROLLED_BACK;
	if (end == ROLLED_BACK)
		t_ok(instance_rollback(i, &note));
	else
		t_ok(instance_commit(i, &note));
	if (end == SETTLED)
		t_ok(instance_settle(i, &note));
	if (end == DIED) {
		end_worker(child_of(child_of(getpid())));
		if (instance_turn(i, &arena, BYTES("another"), BYTES(ENVIRONMENT), 1000000, &o, &note) == OK)
			t_ok(instance_rollback(i, &note));
	}
	o = turn(i, next);
	if (*next == 'E' || *next == 'L') {
		t_text(o.error, *next == 'E' ? "\"RuntimeError: unreachable\"" : "\"Error: out of gas!\"");
		t_ok(instance_rollback(i, &note));
		return;
	}
	snprintf(want, sizeof(want), "{\"Output\":\"%d\"}", ++*count % 10);
	t_text(o.response, want);
	t_ok(instance_commit(i, &note));
}

TEST(what_is_foreseen_never_shows)
{
	static const char *const foreseen[] = {"next", "E", "L", "S"};
	struct image *image;
	struct instance *i;
	struct note note = {0};
	int count = 0;

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	for (int f = 0; f < 4; f++)
		for (int end = 0; end < ENDS; end++)
			for (int same = 0; same < 2; same++) {
				const char *next = same && f < 3 ? foreseen[f] : "m";
				foresee_and_take(i, foreseen[f], (enum end)end, next, &count);
				for (int k = 0; k < 130; k++) { /* until it dares again */
					turn_of(i, ++count);
					t_ok(instance_commit(i, &note));
				}
			}
	foresee_and_take(i, "next", SETTLED, "next", &count);
	t_ok(instance_settle(i, &note));
	instance_close(i);
	i = open_on(image);
	turn_of(i, count + 1);
	instance_close(i);
	image_release(image);
	close_counter();
}

static void *settle(void *ctx)
{
	struct note note = {0};

	t_err(instance_settle(ctx, &note), E_WORKER);
	return NULL;
}

/* The worker stands still when it is told to write, and then goes: nobody knows how much of it was written. */
TEST(an_image_that_may_be_half_written_is_shown_to_nobody)
{
	struct image *image;
	struct instance *i, *view;
	struct outcome o;
	struct bytes content;
	struct note note = {0};
	pthread_t thread;
	uint64_t commits;
	pid_t worker;

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	turn_of(i, 1);
	t_ok(instance_commit(i, &note));
	turn_of(i, 2);
	t_ok(instance_commit(i, &note));
	worker = child_of(child_of(getpid()));
	stop_worker(worker);
	view = NULL;
	commits = image_commits(image);
	t_check(pthread_create(&thread, NULL, settle, i) == 0);
	while (image_commits(image) == commits)
		clock_sleep_ms(1);
	end_worker(worker);
	pthread_join(thread, NULL);
	t_err(image_map(image, &content, &note), E_BUSY);
	t_err(instance_turn(i, &arena, BYTES("m"), BYTES(ENVIRONMENT), 1000, &o, &note), E_BUSY);
	t_err(instance_open(&view, program, image, 16 << 20, &note), E_BUSY);
	instance_close(i);
	image_release(image);
	close_counter();
}

static int compilers(void)
{
	char path[100];
	FILE *f;
	int pid, count = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", getpid(), getpid());
	f = fopen(path, "r");
	t_check(f != NULL);
	while (fscanf(f, "%d", &pid) == 1)
		count += runs(pid, "weft-compile");
	fclose(f);
	return count;
}

/* Modules that are the same but for a section of no meaning. None of them ever has all its code. */
TEST(few_modules_have_a_compiler_at_hand)
{
	struct program *programs[CREW_MAX + 3];
	struct image *images[CREW_MAX + 3];
	struct instance *instances[CREW_MAX + 3];
	struct note note = {0};
	struct outcome o;

	t_ok(readers_open(&readers,
			  &(struct readers_options){.compile = getenv("WEFT_COMPILE"),
						    .worker = getenv("WEFT_WORKER"),
						    .cache = t_dir(),
						    .first_tier_only = true},
			  &note));
	for (uint8_t k = 0; k < CREW_MAX + 3; k++) {
		struct buf wasm = BUF_EMPTY;

		buf_put_bytes(&wasm, counter_wasm());
		buf_put(&wasm, (uint8_t[]){0, 3, 1, 'k', k}, 5);
		t_ok(program_open(&programs[k], readers, BYTES(FORMAT), buf_bytes(&wasm), &note));
		t_ok(image_new(&images[k], &note));
		t_ok(instance_open(&instances[k], programs[k], images[k], 16 << 20, &note));
		turn_of(instances[k], 1);
		t_ok(instance_commit(instances[k], &note));
		t_check(compilers() <= CREW_MAX);
		buf_release(&wasm);
	}
	t_u64(compilers(), CREW_MAX);
	/* One that has lost its own starts another for a function that it has not reached yet. */
	t_ok(instance_turn(instances[0], &arena, BYTES("S"), BYTES(ENVIRONMENT), 100000000, &o, &note));
	t_text(o.response, "{\"Output\":\"1\"}");
	t_u64(compilers(), CREW_MAX);
	for (int k = 0; k < CREW_MAX + 3; k++) {
		instance_close(instances[k]);
		image_release(images[k]);
		program_close(programs[k]);
	}
	t_u64(compilers(), 0);
	readers_close(readers);
}

/* Time and randomness come from the message, so the answer is the same in a worker that knows nothing else. */
TEST(a_wasi_command_lives_in_a_worker)
{
	static const char world[] = "{\"Timestamp\":1735689600123,\"Data\":\"world\"}";
	struct buf wasm = t_file(getenv("WEFT_WASI"));
	struct image *image;
	struct instance *i;
	struct outcome first;
	struct note note = {0};

	if (wasm.len == 0) {
		printf("skipped: clang-19, lld-19 or wasi-libc is not here\n");
		return;
	}
	open_readers();
	if (program_open(&program, readers, BYTES("wasm32-unknown-wasi-preview1"), buf_bytes(&wasm), &note) < 0)
		t_fail("%s", note.text);
	t_ok(image_new(&image, &note));
	i = open_on(image);
	first = turn(i, world);
	if (!first.response.len)
		t_fail("%.*s", BYTES_FMT(first.error));
	t_check(bytes_starts(first.response, "{\"Output\":\"time 1735689600.123 random "));
	t_ok(instance_rollback(i, &note));
	t_text(turn(i, "{\"Data\":\"a\"}").response, "{\"Output\":\"1 11 a;\"}");
	keep(i);
	instance_close(i);
	i = open_on(image);
	t_text(turn(i, "{\"Data\":\"b\"}").response, "{\"Output\":\"2 11 a;b;\"}");
	t_ok(instance_rollback(i, &note));
	t_bytes(turn(i, world).response, first.response);
	instance_close(i);
	image_release(image);
	buf_release(&wasm);
	close_counter();
}

TEST(what_is_no_module_is_refused_with_its_cause)
{
	struct note note = {0};

	open_readers();
	t_err(program_open(&program, readers, BYTES("evm"), counter_wasm(), &note), E_UNSUPPORTED);
	t_check(strstr(note.text, "evm"));
	note_reset(&note);
	t_err(program_open(&program, readers, BYTES(FORMAT), BYTES("not wasm"), &note), E_FORMAT);
	t_check(note.text[0] != 0);
	t_check(!reader_known(BYTES("evm")));
	t_check(reader_known(BYTES(FORMAT)));
	readers_close(readers);
}

static uint64_t cache_size(void)
{
	uint64_t size = 0;
	char path[500];
	struct dirent *d;
	struct stat st;
	DIR *dir = opendir(cache);

	t_check(dir != NULL);
	while ((d = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", cache, d->d_name);
		if (strstr(d->d_name, ".code") && stat(path, &st) == 0)
			size += (uint64_t)st.st_size;
	}
	closedir(dir);
	return size;
}

/* One worker all along: it begins with no code at all, goes on with T0, and takes over T1 between two turns. */
TEST(better_code_is_taken_over_between_messages)
{
	struct image *image;
	struct instance *i;
	struct outcome first, later;
	struct note note = {0};
	uint64_t grown, compact;

	open_counter();
	grown = cache_size();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	first = turn(i, "m");
	t_text(first.response, "{\"Output\":\"1\"}");
	t_ok(instance_rollback(i, &note));
	t_check(cache_size() > grown);
	program_settle(program);
	later = turn(i, "m");
	t_text(later.response, "{\"Output\":\"1\"}");
	t_u64(later.gas_used, first.gas_used);
	t_text(turn(i, "L").error, "\"Error: out of gas!\"");
	t_ok(instance_rollback(i, &note));
	instance_close(i);
	compact = cache_size();
	close_counter();

	/* Who opens it again needs no compiler. */
	t_ok(readers_open(&readers,
			  &(struct readers_options){
				  .compile = "/nowhere/weft-compile", .worker = getenv("WEFT_WORKER"), .cache = cache},
			  &note));
	t_ok(program_open(&program, readers, BYTES(FORMAT), counter_wasm(), &note));
	i = open_on(image);
	later = turn(i, "m");
	t_text(later.response, "{\"Output\":\"1\"}");
	t_u64(later.gas_used, first.gas_used);
	t_u64(cache_size(), compact);
	instance_close(i);
	image_release(image);
	close_counter();
}

/* The file was cut in the middle of a record: what is before it is used, the rest made again. */
TEST(a_cache_that_was_not_written_to_its_end_is_gone_on_with)
{
	struct image *image;
	struct instance *i;
	struct note note = {0};
	struct dirent *d;
	char path[500];
	DIR *dir;

	open_counter();
	t_ok(image_new(&image, &note));
	i = open_on(image);
	turn(i, "m");
	instance_close(i);
	close_counter();
	dir = opendir(cache);
	t_check(dir != NULL);
	while ((d = readdir(dir)) && !strstr(d->d_name, ".code"))
		;
	t_check(d != NULL);
	snprintf(path, sizeof(path), "%s/%s", cache, d->d_name);
	closedir(dir);
	t_check(truncate(path, (off_t)cache_size() - 20) == 0);
	open_counter();
	i = open_on(image);
	t_text(turn(i, "m").response, "{\"Output\":\"1\"}");
	program_settle(program);
	t_text(turn(i, "m").response, "{\"Output\":\"2\"}");
	instance_close(i);
	image_release(image);
	close_counter();
}

TEST(a_damaged_cache_is_made_again)
{
	char path[500];
	struct dirent *d;
	DIR *dir;
	FILE *f;

	open_counter();
	program_close(program);
	dir = opendir(cache);
	t_check(dir != NULL);
	while ((d = readdir(dir)) && !strstr(d->d_name, ".code"))
		;
	t_check(d != NULL);
	snprintf(path, sizeof(path), "%s/%s", cache, d->d_name);
	closedir(dir);
	f = fopen(path, "r+");
	t_check(f != NULL && fseek(f, 200, SEEK_SET) == 0);
	fputc('!', f);
	fclose(f);
	readers_close(readers);
	open_counter();
	close_counter();
}

/* ---- code that the build made ---- */

static char built[220];

/* Puts `code` into the directory of built code, under some name, and opens readers that know it. */
static void open_built(struct bytes code, const char *compile)
{
	char path[240];
	struct note note = {0};
	FILE *f;

	snprintf(cache, sizeof(cache), "%s/cache", t_dir());
	snprintf(built, sizeof(built), "%s/built", t_dir());
	snprintf(path, sizeof(path), "%s/anything.code", built);
	t_check(mkdir(built, 0777) == 0 || access(built, F_OK) == 0);
	f = fopen(path, "w");
	t_check(f != NULL && fwrite(code.ptr, 1, code.len, f) == code.len && fclose(f) == 0);
	t_ok(readers_open(&readers,
			  &(struct readers_options){
				  .compile = compile, .worker = getenv("WEFT_WORKER"), .cache = cache, .built = built},
			  &note));
}

static struct buf built_code(void)
{
	const char *path = getenv("WEFT_COUNTER_CODE");

	if (!path)
		t_fail("WEFT_COUNTER_CODE names what weft-compile made of the counter");
	return t_file(path);
}

static void take_one_turn(void)
{
	struct image *image;
	struct instance *i;
	struct note note = {0};

	t_ok(image_new(&image, &note));
	i = open_on(image);
	t_text(turn(i, "m").response, "{\"Output\":\"1\"}");
	program_settle(program);
	t_text(turn(i, "m").response, "{\"Output\":\"2\"}");
	instance_close(i);
	image_release(image);
}

TEST(code_that_the_build_made_needs_neither_a_compiler_nor_the_cache)
{
	struct buf code = built_code();
	struct note note = {0};

	open_built(buf_bytes(&code), "/nowhere/weft-compile");
	t_ok(program_open(&program, readers, BYTES(FORMAT), counter_wasm(), &note));
	take_one_turn();
	t_u64(cache_size(), 0);
	close_counter();
	buf_release(&code);
}

/* Damaged in its last record, cut short, of another version of the runtime, or of another module. */
TEST(built_code_that_is_not_whole_or_of_something_else_is_made_anew)
{
	for (int kind = 0; kind < 4; kind++) {
		struct buf code = built_code();
		struct note note = {0};

		if (kind == 0)
			code.ptr[code.len - 9] ^= 1;
		else if (kind == 1)
			code.len -= 8;
		else
			code.ptr[kind == 2 ? 8 : 20] ^= 1;
		open_built(buf_bytes(&code), getenv("WEFT_COMPILE"));
		t_ok(program_open(&program, readers, BYTES(FORMAT), counter_wasm(), &note));
		take_one_turn();
		t_check(cache_size() > 0);
		close_counter();
		buf_release(&code);
	}
}

TEST_MAIN
