/* SPDX-License-Identifier: MIT
 *
 * Files that a turn is lent, read by a real guest (drive_guest.c) in a real worker.
 */
#include "base/clock.h"
#include "reader/reader.h"
#include "test/test.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "wasm32-unknown-emscripten4"
enum { BIG = 3 << 20 };

static struct arena arena;
static struct readers *readers;
static struct program *program;
static struct image *image;
static struct instance *instance;
static uint8_t big[BIG];

/* ---- a drive of the test's own ---- */

struct shelf {
	struct drive drive;
	struct drive_file big, tx, none, refused;
	unsigned opens, reads;
	enum err fails; /* from the second read on */
	bool kills;     /* the worker, instead of the second read */
};

static bool is_worker(int pid)
{
	char path[100], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%31s", name) != 1)
		name[0] = 0;
	if (f)
		fclose(f);
	return strcmp(name, "weft-worker") == 0;
}

/* The child that is a weft-worker; others compile. */
static pid_t child_of(pid_t parent)
{
	char path[100];
	pid_t found = 0;
	int pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	f = fopen(path, "re");
	while (f && !found && fscanf(f, "%d", &pid) == 1)
		if (is_worker(pid))
			found = pid;
	if (f)
		fclose(f);
	return found;
}

/* The worker is the child of the module's own process, which is ours. */
static void kill_worker(void)
{
	pid_t parent = child_of(getpid()), worker = child_of(parent);

	t_check(parent > 0 && worker > 0);
	kill(worker, SIGKILL);
	while (kill(worker, 0) == 0)
		clock_sleep_ms(1);
}

static enum err open_file(struct drive *d, const struct drive_file **out, struct bytes path, struct note *note)
{
	struct shelf *s = (struct shelf *)d;

	(void)note;
	s->opens++;
	*out = bytes_eq_str(path, "/data/big")    ? &s->big
	       : bytes_eq_str(path, "/tx/t")      ? &s->tx
	       : bytes_eq_str(path, "/data/gone") ? &s->refused
						  : &s->none;
	return OK;
}

static enum err read_file(struct drive *d, const struct drive_file *f, uint8_t *out, uint64_t at, size_t len,
			  struct note *note)
{
	struct shelf *s = (struct shelf *)d;

	t_check(at + len <= f->size && len > 0);
	s->reads++;
	if (s->fails && s->reads > 1)
		return note_err(note, s->fails, "the weave is away");
	if (s->kills && s->reads > 1)
		kill_worker();
	memcpy(out, f == &s->tx ? (const uint8_t *)"{\"id\":\"t\"}" : big + at, len);
	return OK;
}

static struct shelf shelf(void)
{
	return (struct shelf){.drive = {open_file, read_file},
			      .big = {.answer = DRIVE_FILE, .size = BIG},
			      .tx = {.answer = DRIVE_FILE, .size = 10},
			      .none = {.answer = DRIVE_NO_FILE},
			      .refused = {.answer = DRIVE_FAILURE, .failure = "HALT: FILE NOT FOUND"}};
}

/* ---- */

static void open_all(void)
{
	const char *compile = getenv("WEFT_COMPILE"), *worker = getenv("WEFT_WORKER"), *guest = getenv("WEFT_DRIVE");
	static char cache[200];
	struct note note = {0};
	struct buf wasm;

	if (!compile || !worker || !guest)
		t_fail("WEFT_COMPILE, WEFT_WORKER and WEFT_DRIVE name what to test with");
	snprintf(cache, sizeof(cache), "%s/cache", t_dir());
	for (size_t i = 0; i < BIG; i++)
		big[i] = (uint8_t)('a' + i % 26 + (i / 4096) % 5);
	wasm = t_file(guest);
	t_ok(readers_open(&readers, &(struct readers_options){.compile = compile, .worker = worker, .cache = cache},
			  &note));
	if (program_open(&program, readers, BYTES(FORMAT), buf_bytes(&wasm), &note) < 0)
		t_fail("%s", note.text);
	t_ok(image_new(&image, &note));
	t_ok(instance_open(&instance, program, image, 64 << 20, &note));
	buf_release(&wasm);
}

static void close_all(void)
{
	instance_close(instance);
	image_release(image);
	program_close(program);
	readers_close(readers);
}

static enum err turn(const char *data, struct outcome *o, struct note *note)
{
	struct bytes message = arena_printf(&arena, "{\"Data\":\"%s\"}", data);

	note_reset(note);
	return instance_turn(instance, &arena, message, BYTES("{}"), 2000000000, o, note);
}

static void gives(const char *data, const char *want)
{
	char response[300];
	struct note note = {0};
	struct outcome o;

	if (turn(data, &o, &note) < 0)
		t_fail("%s", note.text);
	snprintf(response, sizeof(response), "{\"Output\":\"%s\"}", want);
	t_text(o.response, response);
	t_ok(instance_rollback(instance, &note));
}

static uint64_t hash_of_big(void)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < BIG; i++)
		h = (h ^ big[i]) * 1099511628211u;
	return h;
}

TEST(a_guest_reads_what_it_is_lent)
{
	struct shelf s = shelf();
	struct note note = {0};
	struct outcome o;
	char want[100];

	open_all();
	gives("w/data/big", "no file"); /* nothing is lent */
	instance_lend(instance, &s.drive);
	snprintf(want, sizeof(want), "%d %" PRIu64, BIG, hash_of_big());
	gives("w/data/big", want);
	t_u64(s.reads, BIG / (16 << 10)); /* 5,000 bytes at a time are not asked for one by one */
	gives("f/data/big", want);
	s.reads = 0;
	gives("b/data/big", want);
	t_u64(s.reads, 3); /* a mebibyte each */
	snprintf(want, sizeof(want), "%.10s|%.5s|20", big + 5, big + 15);
	gives("p/data/big", want);
	snprintf(want, sizeof(want), "%.5s|5|%d", big, BIG);
	gives("e/data/big", want);
	gives("o/data/big", "34300");
	/* Documents are read from the beginning, and as much as was asked for is said to be there. */
	gives("t/tx/t", "18|{'id':'t'}--------|0");
	gives("p/tx/t", "{'id':'t'}|{'id'|5");
	s.opens = 0;
	gives("w/elsewhere", "no file");
	gives("w", "no file");
	t_u64(s.opens, 0);
	gives("w/data/other", "no file");
	t_u64(s.opens, 1);
	t_ok(turn("w/data/gone", &o, &note));
	t_text(o.error, "\"HALT: FILE NOT FOUND\"");
	t_ok(instance_rollback(instance, &note));
	gives("m", "1");
	/* Whoever looks on reads too. */
	t_ok(instance_try(instance, &arena, BYTES("{\"Data\":\"t/tx/t\"}"), BYTES("{}"), 2000000000, &o, &note));
	t_text(o.response, "{\"Output\":\"18|{'id':'t'}--------|0\"}");
	close_all();
}

/* It may have asked already, and waits for the drive of its own turn. */
TEST(a_foreseen_turn_reads_what_it_is_lent_itself)
{
	struct shelf s = shelf(), other = shelf();
	struct note note = {0};
	struct outcome o;

	open_all();
	for (int k = 0; k < 3; k++) {
		instance_lend(instance, &other.drive);
		instance_foresee(instance, BYTES("{\"Data\":\"t/tx/t\"}"));
		t_ok(turn("w", &o, &note));
		t_text(o.response, "{\"Output\":\"no file\"}");
		t_ok(instance_commit(instance, &note));
		instance_lend(instance, &s.drive);
		instance_foresee(instance, BYTES("{\"Data\":\"p/tx/t\"}"));
		t_ok(turn("t/tx/t", &o, &note));
		t_text(o.response, "{\"Output\":\"18|{'id':'t'}--------|0\"}");
		t_ok(instance_commit(instance, &note));
		t_u64(other.opens, 0);
		for (int n = 0; n < 70; n++) {
			t_ok(turn("w", &o, &note));
			t_ok(instance_commit(instance, &note));
		}
	}
	t_check(s.opens >= 3);
	close_all();
}

TEST(a_drive_that_is_away_is_an_error_of_ours)
{
	struct shelf s = shelf();
	struct note note = {0};
	struct outcome o;

	open_all();
	s.fails = E_PEER;
	instance_lend(instance, &s.drive);
	t_err(turn("w/data/big", &o, &note), E_PEER);
	t_str(note.text, "the weave is away");
	close_all();
}

TEST(a_worker_killed_while_it_reads_is_one_that_died)
{
	struct shelf s = shelf();
	struct note note = {0};
	struct outcome o;

	open_all();
	s.kills = true;
	instance_lend(instance, &s.drive);
	t_err(turn("w/data/big", &o, &note), E_WORKER);
	instance_close(instance);
	s.kills = false;
	t_ok(instance_open(&instance, program, image, 64 << 20, &note));
	instance_lend(instance, &s.drive);
	gives("p/tx/t", "{'id':'t'}|{'id'|5");
	close_all();
}

/* The image follows a turn that has read at once, as long as it is lent what it read. */
TEST(a_worker_killed_after_it_has_read_reads_again)
{
	struct shelf s = shelf();
	struct note note = {0};
	struct outcome o;
	unsigned before;

	open_all();
	instance_lend(instance, &s.drive);
	t_ok(turn("w/data/big", &o, &note));
	before = s.opens;
	kill_worker();
	t_ok(instance_commit(instance, &note));
	t_u64(s.opens, before + 1);
	instance_lend(instance, NULL);
	kill_worker();
	t_err(turn("m", &o, &note), E_WORKER);
	gives("m", "2");
	close_all();
}

TEST(reading_costs_gas_by_the_byte)
{
	struct shelf s = shelf();
	struct note note = {0};
	struct outcome o;
	uint64_t with, without;

	open_all();
	instance_lend(instance, &s.drive);
	t_ok(turn("m", &o, &note));
	without = o.gas_used;
	t_ok(turn("t/tx/t", &o, &note));
	with = o.gas_used;
	t_check(with > without + 10000 && with < without + 25000);
	t_ok(instance_turn(instance, &arena, BYTES("{\"Data\":\"b/data/big\"}"), BYTES("{}"), 50000, &o, &note));
	t_text(o.error, "\"Error: out of gas!\"");
	close_all();
}

TEST_MAIN
