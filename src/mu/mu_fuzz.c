/* SPDX-License-Identifier: MIT
 *
 * Two ways in for strangers, by the first byte of the input:
 *
 *   even  a result, as a foreign compute unit may answer it. Whatever it says, each item that is
 *         made of its outbox must parse, verify, and be for whom it was meant
 *   odd   a request over HTTP: the second byte says which, then the query up to a newline, then
 *         the body. Every fourth is a message signed by a client whose data is the body, and so
 *         the result that is cranked. The unit must answer something that is not "our fault"
 *         (500), and come to rest
 */
#include "base/clock.h"
#include "http/http.h"
#include "mu/stand.h"
#include "mu/unit.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct id process;

static void begin(void)
{
	stand.options.tries_max = 2;
	stand.options.monitor_ms = 1000000;
	stand.options.traces_max = 1000;
	stand_start(store_open_memory());
	process = net_spawn("p");
}

/* The whole world anew, now and then: what it remembers grows. */
static void begin_again(void)
{
	stand_stop();
	net_close();
	begin();
}

/* ---- results ---- */

static void check_item(const struct outgoing *out, struct bytes raw)
{
	struct arena a = ARENA_EMPTY;
	struct item item;

	must(item_parse(&item, &a, raw, NULL) == OK && item_verify(&item, NULL) == OK);
	if (out->kind == TASK_SEND)
		must(bytes_eq(item.target, bytes_of(out->target.b, 32)) && item.data.len > 0);
	must(tags_includes(item.tags, "Data-Protocol", "ao"));
	arena_release(&a);
}

static void try_result(struct bytes text)
{
	struct store_batch batch = STORE_BATCH_EMPTY, *made;
	struct facts facts = {.module = MODULE};
	struct fan_source source = {.process = process, .root = {{1}}, .seed = {{2}}};
	struct arena a = ARENA_EMPTY;
	struct outbox outbox;
	const struct json *result;
	struct note note = {0};
	uint64_t first = atomic_load(&stand.mu->seq);

	snprintf(facts.scheduler, sizeof(facts.scheduler), "%s", id_text(stand.su_address).s);
	if (json_parse(&result, &a, text, &note) == OK && outbox_read(&outbox, &a, result, &note) == OK) {
		/* The batch is committed but not started: the store is asked what it would send. */
		struct fan *fan = fan_new(stand.mu);
		fan_out(fan, &source, &facts, &outbox);
		made = fan_end(fan);
		must(store_commit_wait(stand.store, made) == OK);
		fan_start(fan, E_IO);
		for (size_t i = 0; i < outbox.count; i++) {
			struct bytes item;
			if (!task_exists(stand.store, first + i))
				continue;
			must(outbox.list[i].refused.len == 0);
			if (outbox.list[i].kind != TASK_ASSIGN) {
				must(task_get_item(stand.store, &a, first + i, PART_ITEM, &item) == OK);
				check_item(&outbox.list[i], item);
			}
			task_del(&batch, first + i, outbox.list[i].kind);
		}
		must(store_commit_wait(stand.store, &batch) == OK);
	}
	store_batch_release(&batch);
	arena_release(&a);
}

/* ---- requests ---- */

static void rest(void)
{
	for (;;) {
		size_t busy = atomic_load(&stand.mu->commits);
		for (size_t i = 0; i < STAGE_COUNT; i++)
			busy += queue_count(stand.mu->queues[i]);
		if (busy == 0)
			return;
		clock_sleep_ms(1);
	}
}

static void request(uint8_t which, struct bytes query, struct bytes body)
{
	static const struct {
		const char *method, *path;
	} asks[] = {{"POST", "/"}, {"POST", "/monitor/"}, {"DELETE", "/monitor/"}, {"POST", "/push/"},
		    {"GET", "/"},  {"GET", "/tasks"},     {"POST", "/tasks/"}};
	const size_t n = which % (sizeof(asks) / sizeof(asks[0]));
	struct buf url = BUF_EMPTY;
	struct arena a = ARENA_EMPTY;
	struct http_reply reply;
	struct note note = {0};
	struct id id;

	buf_printf(&url, "http://127.0.0.1:%u%s", stand.bound, asks[n].path);
	for (size_t i = 0; i < query.len && i < 1000; i++)
		if (query.ptr[i] > ' ' && query.ptr[i] < 0x7f && query.ptr[i] != '#')
			buf_put_u8(&url, query.ptr[i]);
	if (which % 4 == 0)
		body = stand_message(&id, process, (const char *)arena_copy(&a, body).ptr);
	if (http_wait(stand.client, &a,
		      &(struct http_call){.method = asks[n].method, .url = buf_str(&url), .body = body}, &reply,
		      &note) == OK)
		must(reply.status != 500);
	rest();
	buf_release(&url);
	arena_release(&a);
	arena_reset(&stand.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t runs;
	struct bytes input = bytes_of(data, size), body;

	/* A ball would be thrown for ever. */
	if (size < 2 || memmem(data, size, "ball", 4))
		return 0;
	if (runs == 0)
		begin();
	else if (runs % 2000 == 0)
		begin_again();
	runs++;
	if (data[0] % 2 == 0) {
		try_result(bytes_from(input, 1));
	} else {
		struct bytes query = bytes_cut(bytes_from(input, 2), '\n', &body);
		request(data[1], query, body);
	}
	return 0;
}
