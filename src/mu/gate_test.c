/* SPDX-License-Identifier: MIT
 *
 * Whom the unit takes messages from, when its operator says so, and what the others are told.
 */
#include "base/clock.h"
#include "mu/gate.h"
#include "mu/stand.h"
#include "store/store.h"
#include "test/test.h"

#include <string.h>

static void says(const struct json *answer, const char *code, const char *text)
{
	struct bytes error = json_get_text(&stand.arena, answer, "error");

	t_text(json_get_text(&stand.arena, answer, "code"), code);
	if (!memmem(error.ptr, error.len, text, strlen(text)))
		t_fail("\"%.*s\" does not say \"%s\"", BYTES_FMT(error), text);
}

TEST(only_processes_on_the_whitelist_are_posted_to)
{
	struct id process, stranger, child;
	struct bytes item;

	stand_start(store_open_memory());
	process = net_spawn("p");
	stranger = net_spawn("q");
	stand_stop();
	stand.options.whitelist = bytes_str(stand_text("{\"processes\":{\"%s\":{\"su\":\"x\"}}}", stand_id(process)));
	stand_start(store_open_memory());
	stand_send(process, "m");
	item = stand_message(&child, stranger, "m");
	says(stand_post(item, 403), "E_DENIED", "Forbidden, process not whitelisted");
	says(stand_json("POST", stand_text("/?process-id=%s&assign=" MODULE, stand_id(stranger)), bytes_of(NULL, 0),
			403),
	     "E_DENIED", "not whitelisted");
	says(stand_json("POST", stand_text("/monitor/%s", stand_id(stranger)), item, 403), "E_DENIED",
	     "not whitelisted");
	stand_post(stand_process(&child, "spawns are not asked about"), 202);
	stand_wait();
	/* What processes send each other goes on. */
	stand_send(process, stand_messages(stranger, 2));
	stand_wait();
	t_u64(net_count(stranger), 3);
	stand_stop();
}

TEST(a_wallet_posts_as_much_as_it_may_within_an_hour)
{
	struct id process, other, id;
	const struct json *answer;
	struct bytes item;

	stand_start(store_open_memory());
	process = net_spawn("p");
	other = net_spawn("q");
	stand_stop();
	stand.options.rate_limits = bytes_str(
		stand_text("{\"default\":3,\"processes\":{\"%s\":{\"divide\":2,\"subtract\":1}}}", stand_id(other)));
	stand_start(store_open_memory());
	for (int i = 0; i < 3; i++)
		stand_send(process, stand_text("m%d", i));
	item = stand_message(&id, process, "m3");
	answer = stand_post(item, 429);
	stand_post(stand_message(&id, process, "m0"), 202); /* it has been taken */
	says(answer, "E_RATE", "Rate limit exceeded");
	t_check(bytes_starts(json_get_text(&stand.arena, answer, "hint"), "again in "));
	stand_send(other, stand_messages(process, 3)); /* 3 / 2 - 1: one; and what it sends is not the wallet's */
	says(stand_post(stand_message(&id, other, "m"), 429), "E_RATE", "Rate limit exceeded");
	for (int i = 0; i < 3; i++)
		stand_post(stand_process(&id, stand_text("p%d", i)), 202);
	says(stand_post(stand_process(&id, "p3"), 429), "E_RATE", "Rate limit exceeded");
	stand_wait();
	t_u64(net_count(process), 1 + 3 + 3);
	stand_stop();
}

TEST(an_hour_later_it_may_again)
{
	struct id a = {{1}}, b = {{2}}, process = {{3}};
	struct note note = {0};
	struct gate *g;

	t_ok(gate_open(
		&g, bytes_of(NULL, 0),
		bytes_str(stand_text("{\"default\":1,\"addresses\":{\"%s\":1},\"ips\":{\"1.2.3.4\":2,\"5.6.7.8\":1}}",
				     stand_id(b))),
		&note));
	t_ok(gate_count(g, a, process, BYTES("9.9.9.9"), 1000, &note));
	t_err(gate_count(g, a, process, BYTES("9.9.9.9"), 1000 + 3599999, &note), E_RATE);
	t_err(gate_count(g, a, process, BYTES("5.6.7.8"), 2000, &note), E_RATE);
	t_ok(gate_count(g, a, process, BYTES("1.2.3.4"), 2000, &note)); /* everybody behind this proxy */
	t_ok(gate_count(g, a, process, BYTES("9.9.9.9"), 1000 + 3600000, &note));
	t_ok(gate_count(g, b, process, BYTES("9.9.9.9"), 1000, &note));
	t_ok(gate_count(g, b, process, BYTES("9.9.9.9"), 1000, &note)); /* its own, and everybody's */
	t_err(gate_count(g, b, process, BYTES("9.9.9.9"), 1000, &note), E_RATE);
	t_ok(gate_process(g, process, &note));
	gate_close(g);
}

TEST(what_is_not_of_its_shape_is_named)
{
	static const char *const whitelists[] = {"x", "[]", "{\"processes\":[]}", "{\"processes\":{\"x\":1}}"};
	static const char *const rates[] = {"{}", "{\"default\":\"1\"}", "{\"default\":1,\"addresses\":{\"x\":1}}",
					    "{\"default\":1,\"processes\":{\"" MODULE "\":{\"divide\":0}}}"};
	struct note note = {0};
	struct gate *g;

	for (size_t i = 0; i < 4; i++) {
		note_reset(&note);
		t_err(gate_open(&g, bytes_str(whitelists[i]), bytes_of(NULL, 0), &note), E_FORMAT);
		t_check(strstr(note.text, "the whitelist: ") != NULL);
		gate_close(g);
		note_reset(&note);
		t_err(gate_open(&g, bytes_of(NULL, 0), bytes_str(rates[i]), &note), E_FORMAT);
		t_check(strstr(note.text, "the rate limits: ") != NULL);
		gate_close(g);
	}
}

TEST_MAIN
