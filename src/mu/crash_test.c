/* SPDX-License-Identifier: MIT
 *
 * The unit is stopped, or its disk is, at every moment; then it goes on over what is there.
 */
#include "base/clock.h"
#include "mu/stand.h"
#include "store/store.h"
#include "test/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct store *open_disk(const char *directory)
{
	struct store *disk;
	struct note note = {0};

	if (store_open_local(&disk, directory, NULL, &note) < 0)
		t_fail("%s", note.text);
	return disk;
}

TEST(what_was_answered_is_cranked_after_a_restart)
{
	char directory[256];
	struct id p, q, child;

	snprintf(directory, sizeof(directory), "%s/mu", t_dir());
	stand_start(open_disk(directory));
	p = net_spawn("p");
	q = net_spawn("q");
	net.hold = true;
	stand_send(p, stand_messages(q, 5));
	stand_send(p, "{\"Spawns\":[{\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}]}]}");
	stand_stop();
	net_release();
	stand_start(open_disk(directory));
	WAIT_FOR(net_count(q) == 6 && net_count(p) == 4);
	stand_wait();
	net_numbers(q, 1, 5);
	t_ok(id_parse(&child, tags_get(net_item(p, 3).tags, "Process")));
	t_u64(net_count(child), 1);
	stand_stop();
	stand_start(open_disk(directory)); /* nothing is left to do */
	t_check(stand_idle());
	stand_wait();
	t_u64(net_count(q), 6);
	t_u64(net_count(p), 4);
	stand_stop();
}

/* One run of everything over a disk that refuses from the n-th write on; then a good one. */
static bool run_with_crash(uint64_t writes)
{
	char directory[256];
	struct id p, q, r, message, first, second;
	struct bytes items[2], answer;
	int status[2];

	snprintf(directory, sizeof(directory), "%s/mu%" PRIu64, t_dir(), writes);
	net.count = 0;
	memset(message.b, 9, 32);
	stand_start(store_open_faulty(open_disk(directory), writes));
	p = net_spawn("p");
	q = net_spawn("q");
	r = net_spawn("r");
	items[0] = stand_message(
		&first, p,
		stand_text("{\"Messages\":[{\"Target\":\"%s\",\"Tags\":[],\"Data\":\"ball 3 \"},{\"Target\":\"%s\","
			   "\"Tags\":[],\"Data\":\"1\"}],\"Spawns\":[{\"Tags\":[{\"name\":\"Module\",\"value\":\"m\"}"
			   "]}],\"Assignments\":[{\"Processes\":[\"%s\"],\"Message\":\"%s\"}]}",
			   stand_id(q), stand_id(r), stand_id(r), stand_id(message)));
	items[1] = stand_message(&second, p, stand_messages(r, 2));
	for (int i = 0; i < 2; i++)
		status[i] = stand_ask("POST", "/", items[i], &answer);
	clock_sleep_ms(writes * 2); /* the later the write, the further it should get */
	stand_stop();

	stand_start(open_disk(directory));
	stand_wait();
	for (int i = 0; i < 2; i++) {
		if (status[i] != 202)
			stand_post(items[i], 202); /* its sender tries again */
	}
	stand_wait();
	/* Whatever broke, each thing was sent once, and all of it. */
	t_u64(net_count(p), 1 + 2 + 1 + 2);
	t_u64(net_count(q), 1 + 2);
	t_u64(net_count(r), 1 + 2 + 2);
	t_u64(net.count, 6 + 3 + 5 + 1);
	stand_stop();
	return status[0] == 202 && status[1] == 202;
}

TEST_TIMEOUT(a_disk_that_fails_at_any_write_loses_and_doubles_nothing, 120)
{
	bool whole = false;

	for (uint64_t writes = 0; writes < 30; writes++)
		whole = run_with_crash(writes);
	t_check(whole); /* the later ones got through both posts */
}

/* An outbox that is written in several pieces, none of which may be sent before the last one is
 * there. */
static size_t run_large_with_crash(uint64_t writes)
{
	enum { COUNT = 150 };
	char directory[256];
	struct id p, q, id;
	struct bytes item;
	size_t arrived;

	snprintf(directory, sizeof(directory), "%s/large%" PRIu64, t_dir(), writes);
	net.count = 0;
	stand_start(store_open_faulty(open_disk(directory), writes));
	p = net_spawn("p");
	q = net_spawn("q");
	item = stand_message(&id, p, stand_messages(q, COUNT));
	stand_post(item, 202);
	for (int i = 0; i < 20 && net_count(q) < 1 + COUNT; i++)
		clock_sleep_ms(5);
	arrived = net_count(q) - 1;
	stand_stop();
	stand_start(open_disk(directory));
	stand_wait();
	t_u64(net_count(q), 1 + COUNT);
	net_numbers(q, 1, COUNT);
	t_u64(stand_traces(stand_text("process=%s&page-size=1000", stand_id(q)))->count, COUNT);
	stand_stop();
	return arrived;
}

TEST_TIMEOUT(a_large_outbox_is_sent_whole_or_not_at_all, 120)
{
	size_t most = 0, least = SIZE_MAX;

	for (uint64_t writes = 1; writes < 24; writes++) {
		size_t arrived = run_large_with_crash(writes);
		most = arrived > most ? arrived : most;
		least = arrived < least ? arrived : least;
	}
	t_u64(least, 0); /* some of the crashes were in the middle of writing it, and some after */
	t_check(most > 0);
}

TEST(crons_go_on_after_a_restart)
{
	char directory[256];
	struct tags none = {0};
	struct id p, q, ignored;
	struct bytes body;

	snprintf(directory, sizeof(directory), "%s/mu", t_dir());
	stand.options.monitor_ms = 1;
	stand_start(open_disk(directory));
	p = net_spawn("p");
	q = net_spawn("q");
	snprintf(net.cron[0], sizeof(net.cron[0]), "{\"cursor\":\"1\",\"node\":%s}", stand_messages(q, 2));
	net.cron_pages = 1;
	t_u64(stand_ask("POST", stand_text("/monitor/%s", stand_id(p)),
			stand_make(&ignored, bytes_of(p.b, 32), none, " "), &body),
	      200);
	WAIT_FOR(net_count(q) == 3);
	stand_stop();
	pthread_mutex_lock(&net.lock);
	snprintf(net.cron[1], sizeof(net.cron[1]), "{\"cursor\":\"2\",\"node\":%s}", stand_messages(q, 1));
	net.cron_pages = 2;
	pthread_mutex_unlock(&net.lock);
	stand_start(open_disk(directory));
	WAIT_FOR(net_count(q) == 4);
	stand_wait();
	t_u64(net_count(q), 4);
	stand_stop();
}

TEST_MAIN
