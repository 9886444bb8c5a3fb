/* SPDX-License-Identifier: MIT
 *
 * Crons: what a process's tags ask for, and when (ao-units 5.11, B.4).
 */
#include "base/json.h"
#include "base/text.h"
#include "cu/stage.h"
#include "cu/unit.h"
#include "test/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NONE ((struct tags){NULL, 0})

/* ---- tags ---- */

static enum err parse(struct tags tags, const struct cron **list, size_t *count, struct note *note)
{
	static struct arena a;

	note_reset(note);
	return crons_parse(list, count, &a, tags, note);
}

TEST(intervals_are_read_as_the_reference_reads_them)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} rows[] = {
		{"10-seconds", 10},
		{"1-second", 1},
		{"2000-ms", 2},
		{"1500-milliseconds", 1},
		{"5-minutes", 300},
		{"1-m", 60},
		{"2-Hours", 7200},
		{"1-day", 86400},
		{"1-w", 604800},
		{"1-year", 31557600},
		{"3-months", 0},
		{"7-mss", 0},
		{"4-", 0},
		{"2-hrs", 7200},
		{"18446744073709551615-years", UINT64_MAX / 1000},
	};
	const struct cron *list;
	struct note note = {0};
	size_t count;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		t_ok(parse(stage_tags("Cron-Interval", rows[i].text, NULL), &list, &count, &note));
		t_u64(count, 1);
		t_check(!list[0].by_block);
		t_u64(list[0].every, rows[i].seconds);
	}
	t_err(parse(stage_tags("Cron-Interval", "500-ms", NULL), &list, &count, &note), E_FORMAT);
	t_check(strstr(note.text, "time-based cron cannot be less than 1 second"));
	t_err(parse(stage_tags("Cron-Interval", "0-seconds", NULL), &list, &count, &note), E_FORMAT);
	t_err(parse(stage_tags("Cron-Interval", "soon", NULL), &list, &count, &note), E_FORMAT);
	t_err(parse(stage_tags("Cron-Tag-Action", "x", "Cron-Interval", "1-day", NULL), &list, &count, &note),
	      E_FORMAT);
	t_check(strstr(note.text, "Unmatched Cron-Tag with no preceding Cron-Interval"));
}

TEST(crons_are_named_by_their_place_among_their_kind)
{
	const struct cron *list;
	struct note note = {0};
	size_t count;

	t_ok(parse(stage_tags("Cron-Interval", "1-minute", "Cron-Interval", "9-blocks", "Cron-Tag-Action", "b",
			      "Cron-Interval", "10-seconds", "Cron-Interval", "2-block", "Cron-Interval", "60-seconds",
			      NULL),
		   &list, &count, &note));
	t_u64(count, 5);
	t_str(list[0].name, "0-9-blocks");
	t_str(list[1].name, "1-2-block");
	t_str(list[2].name, "0-10-seconds");
	t_str(list[3].name, "1-1-minute");
	t_str(list[4].name, "2-60-seconds");
	t_u64(list[0].tags.count, 1);
	t_text(list[0].tags.list[0].name, "Action");
}

/* ---- running them ---- */

static const char *probe(void)
{
	const char *path = getenv("WEFT_PROBE");

	if (!path)
		t_fail("WEFT_PROBE names the module to test with");
	return path;
}

struct answered {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	enum err e;
	struct buf json;
	char text[400];
};

static void on_page(void *ctx, enum err e, const struct note *note, struct bytes json)
{
	struct answered *a = ctx;

	pthread_mutex_lock(&a->lock);
	a->e = e;
	a->done = true;
	buf_put_bytes(&a->json, json);
	snprintf(a->text, sizeof(a->text), "%s", note ? note->text : "");
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
}

/* The page of crons after `cursor`. */
static const struct json *crons(struct id process, const char *cursor)
{
	struct answered a = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
	const struct json *page;

	stage.port.cron(stage.port.self, process, bytes_str(cursor), on_page, &a);
	pthread_mutex_lock(&a.lock);
	while (!a.done)
		pthread_cond_wait(&a.wake, &a.lock);
	pthread_mutex_unlock(&a.lock);
	if (a.e < 0)
		t_fail("%s", a.text);
	t_ok(json_parse(&page, &stage.arena, arena_copy(&stage.arena, buf_bytes(&a.json)), NULL));
	buf_release(&a.json);
	return page;
}

/* A page as lines "<seconds after T0> <action> <height>", read from what the module was given. */
static struct bytes lines(const struct json *page)
{
	struct buf out = BUF_EMPTY;
	struct bytes copy;

	for (const struct json *edge = json_get(page, "edges")->first; edge; edge = edge->next) {
		const struct json *m = json_get(json_get(json_get(edge, "node"), "Output"), "message");
		uint64_t ms, height;
		t_check(json_u64(json_get(m, "Timestamp"), &ms) && json_u64(json_get(m, "Block-Height"), &height));
		buf_printf(&out, "%" PRIu64 " %.*s %" PRIu64 "\n", (ms - STAGE_T0) / 1000,
			   BYTES_FMT(json_get_text(&stage.arena, json_at(json_get(m, "Tags"), 0), "value")), height);
	}
	copy = arena_copy(&stage.arena, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static struct id spawn_b4(void)
{
	struct id module = stage_module(probe(), stage_tags("Compute-Limit", "9000000000000", NULL));

	return stage_spawn(module,
			   stage_tags("Cron-Interval", "10-seconds", "Cron-Tag-Action", "Cron", "Cron-Interval",
				      "2-blocks", "Cron-Tag-Action", "BlockCron", NULL),
			   0);
}

static struct bytes want_b4(void)
{
	struct buf out = BUF_EMPTY;
	struct bytes copy;

	for (int t = 10; t <= 390; t += 10) {
		int height = t < 120 ? 1500000 : t < 240 ? 1500001 : t < 300 ? 1500002 : t < 360 ? 1500000 : 1500003;
		if (t == 240)
			buf_printf(&out, "240 BlockCron 1500002\n");
		buf_printf(&out, "%d Cron %d\n", t, height);
	}
	copy = arena_copy(&stage.arena, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static void script_b4(struct id *p, struct id *c1, struct id *c2)
{
	for (int i = 0; i < 5; i++)
		stage_block(STAGE_HEIGHT + (uint64_t)i, STAGE_T0 / 1000 + 120 * (uint64_t)i);
	*p = spawn_b4();
	*c1 = stage_send_at(*p, "a", NONE, STAGE_T0 + 35000);
	*c2 = stage_send_at(*p, "a", NONE, STAGE_T0 + 300000);
	stage.now_ms = STAGE_T0 + 400000;
}

TEST(crons_and_messages_interleave_as_in_the_reference)
{
	struct id p, c1, c2;
	const struct json *page;

	stage_open(store_open_memory(), t_dir());
	script_b4(&p, &c1, &c2);
	/* Asked for in the order of time, crons come with the message after them. */
	t_text(stage_output(p, c1), "000005");
	t_text(stage_output(p, c2), "000033");
	page = crons(p, "");
	t_bytes(lines(page), want_b4());
	t_check(bytes_starts(
		json_whole(
			json_get(json_get(json_get(json_at(json_get(page, "edges"), 0), "node"), "Output"), "message")),
		"{\"Owner\":\""));
	stage_close();
}

TEST(a_cron_gets_its_message_and_its_place)
{
	struct id p, c1, c2;
	const struct json *page, *edge;
	struct bytes cursor;
	uint8_t plain[200];
	size_t len;

	stage_open(store_open_memory(), t_dir());
	script_b4(&p, &c1, &c2);
	page = crons(p, "");
	edge = json_at(json_get(page, "edges"), 22);
	cursor = json_get_text(&stage.arena, edge, "cursor");
	t_ok(b64_decode(plain, sizeof(plain), &len, cursor));
	t_bytes(bytes_of(plain, len), arena_printf(&stage.arena,
						   "{\"timestamp\":%" PRIu64
						   ",\"ordinate\":\"1\",\"cron\":\"0-10-seconds\",\"sort\":\"ASC\"}",
						   STAGE_T0 + 230000));
	/* A cursor goes on after what it names: the block's cron, then the clock's of the same second. */
	page = crons(p, arena_cstr(&stage.arena, cursor));
	t_u64(json_get(page, "edges")->count, 17);
	cursor = json_get_text(&stage.arena, json_at(json_get(page, "edges"), 0), "cursor");
	t_ok(b64_decode(plain, sizeof(plain), &len, cursor));
	t_check(memmem(plain, len, "0-2-blocks", 10));
	page = crons(p, arena_cstr(&stage.arena, cursor));
	t_u64(json_get(page, "edges")->count, 16);
	cursor = json_get_text(&stage.arena, json_at(json_get(page, "edges"), 0), "cursor");
	t_ok(b64_decode(plain, sizeof(plain), &len, cursor));
	t_check(memmem(plain, len, "\"timestamp\":1700000240000", 25) && memmem(plain, len, "0-10-seconds", 12));
	stage_close();
}

TEST(the_message_of_a_cron_is_that_of_the_reference)
{
	struct id p, c1, c2;
	const struct json *page, *message;
	struct bytes owner;

	stage_open(store_open_memory(), t_dir());
	script_b4(&p, &c1, &c2);
	page = crons(p, "");
	owner = stage_info(p)->message.owner_address;
	message = json_get(json_get(json_get(json_at(json_get(page, "edges"), 0), "node"), "Output"), "message");
	t_bytes(json_whole(message),
		arena_printf(&stage.arena,
			     "{\"Owner\":\"%.*s\",\"Target\":\"%s\",\"From\":\"%.*s\",\"Tags\":[{\"name\":\"Action\","
			     "\"value\":\"Cron\"}],\"Timestamp\":1700000010000,\"Block-Height\":1500000,\"Cron\":true,"
			     "\"Read-Only\":false}",
			     BYTES_FMT(owner), id_text(p).s, BYTES_FMT(owner)));
	stage_close();
}

TEST(crons_are_the_same_however_they_are_asked_for)
{
	static const uint64_t steps[] = {9999,   10000,  10001,  35000,  120000, 120001,
					 299999, 300000, 300001, 359999, 360001, 400000};
	struct id p;

	stage_open(store_open_memory(), t_dir());
	for (int i = 0; i < 5; i++)
		stage_block(STAGE_HEIGHT + (uint64_t)i, STAGE_T0 / 1000 + 120 * (uint64_t)i);
	p = spawn_b4();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i] == 35000 || steps[i] == 300000)
			stage_send_at(p, "a", NONE, STAGE_T0 + steps[i]);
		stage.now_ms = STAGE_T0 + steps[i];
		(void)crons(p, "");
		if (i % 3 == 2) { /* and with a restart now and then */
			stage_stop();
			stage_start();
		}
	}
	t_bytes(lines(crons(p, "")), want_b4());
	stage_close();
}

TEST(a_long_silence_costs_what_happens_in_it)
{
	struct id p;
	uint64_t year_ms = (uint64_t)31557600 * 1000;

	stage_open(store_open_memory(), t_dir());
	p = stage_spawn(stage_module(probe(), NONE), stage_tags("Cron-Interval", "30-days", NULL), 0);
	stage.now_ms = STAGE_T0 + 100 * year_ms;
	t_u64(json_get(crons(p, ""), "edges")->count, 500);
	stage_close();
}

TEST(a_cron_that_fails_is_left_out_and_the_next_one_comes)
{
	struct id p;
	const struct json *page;

	stage_open(store_open_memory(), t_dir());
	p = stage_spawn(stage_module(probe(), stage_tags("Compute-Limit", "2000", NULL)),
			stage_tags("Cron-Interval", "10-seconds", "Cron-Tag-Action", "Cron", NULL), 0);
	stage.now_ms = STAGE_T0 + 35000;
	page = crons(p, ""); /* out of gas, each of them */
	t_u64(json_get(page, "edges")->count, 0);
	t_text(stage_output(p, p), "000001");
	stage_close();
}

TEST_MAIN
