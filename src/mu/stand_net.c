/* SPDX-License-Identifier: MIT
 *
 * stand_net: the network of the test stand. Each call of a port is a job of its pool.
 */
#include "mu/stand.h"

#include "base/clock.h"
#include "base/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct net net;

void net_open(void)
{
	must(pthread_mutex_init(&net.lock, NULL) == 0);
	net.pool = pool_open("net", 2, SIZE_MAX);
	net.error = E_PEER;
}

void net_close(void)
{
	pool_close(net.pool);
	arena_release(&net.arena);
	memset(&net, 0, sizeof(net));
}

/* ---- calls, which are answered later ---- */

struct net_call {
	enum {
		CALL_SCHEDULE,
		CALL_ASSIGN,
		CALL_ASSIGNMENT,
		CALL_PROCESS,
		CALL_RESULT,
		CALL_CRON,
		CALL_PUT,
		CALL_FIND
	} what;
	struct bytes item, id;
	const struct assign *assign;
	const struct weave_query *query;
	struct id process;
	void *done, *ctx;
};

static void net_run(void *arg);

static void net_later(struct net_call call)
{
	struct net_call *copy = malloc(sizeof(*copy));

	must(copy != NULL);
	*copy = call;
	must(pool_put_always(net.pool, net_run, copy) == OK);
}

static struct placed *net_find(struct id process, struct id id)
{
	for (size_t i = 0; i < net.count; i++)
		if (id_eq(net.list[i].process, process) &&
		    (id_eq(net.list[i].id, id) || id_eq(net.list[i].assigned, id)))
			return &net.list[i];
	return NULL;
}

struct placed *net_add(struct id process, struct id id)
{
	struct placed *e = &net.list[net.count++];
	uint64_t nonce = 0;

	must(net.count < NET_PLACES_MAX);
	for (size_t i = 0; i + 1 < net.count; i++)
		nonce += id_eq(net.list[i].process, process);
	*e = (struct placed){.process = process, .id = id, .nonce = nonce};
	return e;
}

static bool failing(atomic_int *n)
{
	return atomic_fetch_sub(n, 1) > 0 || (atomic_fetch_add(n, 1), false);
}

static void net_do_schedule(const struct net_call *c)
{
	schedule_done *done = (schedule_done *)c->done;
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct receipt receipt = {0};
	struct item item;
	struct id_text text;
	bool lose = failing(&net.lose);
	enum err e = item_parse(&item, &a, c->item, &note);

	if (e == OK)
		e = item_verify(&item, &note);
	if (e == OK && failing(&net.refuse))
		e = note_err(&note, net.error, "the scheduler is made to fail");
	pthread_mutex_lock(&net.lock);
	if (e == OK) {
		struct id process = item.id;
		if (!bytes_eq_str(tags_get(item.tags, "Type"), "Process") && item.target.len == 32)
			memcpy(process.b, item.target.ptr, 32);
		struct placed *seen = net_find(process, item.id);
		if (seen) {
			e = note_err(&note, E_EXISTS, "Message already exists: %s", id_text(item.id).s);
		} else {
			seen = net_add(process, item.id);
			seen->item = arena_copy(&net.arena, c->item);
			receipt.nonce = seen->nonce;
		}
		if (e == OK && lose)
			e = note_err(&note, E_PEER, "the scheduler's answer is lost");
	}
	pthread_mutex_unlock(&net.lock);
	text = id_text(item.id);
	receipt.id = bytes_str(text.s);
	done(c->ctx, e, e < 0 ? &note : NULL, &receipt);
	arena_release(&a);
}

static void net_do_assign(const struct net_call *c)
{
	schedule_done *done = (schedule_done *)c->done;
	struct note note = {0};
	struct receipt receipt = {0};
	struct id message, id = {{0}};
	struct id_text text;
	bool lose = failing(&net.lose);
	enum err e = id_parse(&message, c->assign->message);

	if (e == OK && failing(&net.refuse))
		e = note_err(&note, net.error, "the scheduler is made to fail");
	pthread_mutex_lock(&net.lock);
	if (e == OK && net_find(c->assign->process, message))
		e = note_err(&note, E_EXISTS, "Deep hash already exists");
	if (e == OK) {
		random_bytes(id.b, 32);
		struct placed *seen = net_add(c->assign->process, id);
		seen->assigned = message;
		seen->assign = *c->assign;
		seen->assign.exclude = arena_copy(&net.arena, c->assign->exclude);
		receipt.nonce = seen->nonce;
		if (lose)
			e = note_err(&note, E_PEER, "the scheduler's answer is lost");
	}
	pthread_mutex_unlock(&net.lock);
	text = id_text(id);
	receipt.id = bytes_str(text.s);
	done(c->ctx, e, e < 0 ? &note : NULL, &receipt);
}

static void net_do_assignment(const struct net_call *c)
{
	assignment_done *done = (assignment_done *)c->done;
	struct assignment assignment = {.process = c->process};
	struct message message = {.has_data = true};
	struct note note = {0};
	struct placed *seen;
	struct id_text text;
	struct id id;
	enum err e = id_parse(&id, c->id);

	pthread_mutex_lock(&net.lock);
	seen = e == OK ? net_find(c->process, id) : NULL;
	if (seen) {
		text = id_text(seen->id);
		assignment.id = bytes_str(text.s);
		assignment.nonce = seen->nonce;
		assignment.message = seen->item.len ? &message : NULL;
	} else {
		e = note_err(&note, E_NOT_FOUND, "Message or Process not found");
	}
	pthread_mutex_unlock(&net.lock);
	done(c->ctx, e, e < 0 ? &note : NULL, &assignment);
}

static void net_do_process(const struct net_call *c)
{
	process_done *done = (process_done *)c->done;
	struct arena a = ARENA_EMPTY;
	struct process_info info = {0};
	struct note note = {0};
	struct placed *seen;
	struct item item;
	struct bytes raw = {0};
	enum err e = OK;

	pthread_mutex_lock(&net.lock);
	seen = net_find(c->process, c->process);
	if (seen)
		raw = seen->item;
	pthread_mutex_unlock(&net.lock);
	if (!raw.len || item_parse(&item, &a, raw, &note) < 0) {
		e = note_err(&note, E_NOT_FOUND, "Process not found");
	} else {
		info.message.tags = item.tags;
		info.message.owner_address = arena_copy(&a, bytes_str(id_text(id_of_sha256(item.owner)).s));
	}
	done(c->ctx, e, e < 0 ? &note : NULL, &info);
	arena_release(&a);
}

static void put_ball(struct buf *out, const struct item *item)
{
	unsigned n = (unsigned)strtoul((const char *)item->data.ptr + 5, NULL, 10);
	struct bytes from = tags_get(item->tags, "From-Process");

	if (n > 0 && from.len)
		buf_printf(out,
			   "{\"Messages\":[{\"Target\":\"%.*s\",\"Data\":\"ball %u \",\"Tags\":[{\"name\":\"Action\","
			   "\"value\":\"Ball\"}],\"Anchor\":\"%032u\"}]}",
			   BYTES_FMT(from), n - 1, n);
}

static void net_answer_result(struct id process, struct id id, result_done *done, void *ctx)
{
	struct arena a = ARENA_EMPTY;
	struct buf out = BUF_EMPTY;
	struct placed *seen;
	struct note note = {0};
	struct item item;
	enum err e = OK;

	pthread_mutex_lock(&net.lock);
	seen = net_find(process, id);
	if (!seen)
		e = note_err(&note, E_NOT_FOUND, "the computer finds no such message");
	else
		seen->evaluated++;
	pthread_mutex_unlock(&net.lock);
	if (e == OK && seen->item.len && item_parse(&item, &a, seen->item, &note) == OK) {
		if (item.data.len && item.data.ptr[0] == '{')
			buf_put_bytes(&out, item.data);
		else if (bytes_starts(item.data, "ball "))
			put_ball(&out, &item);
	}
	if (out.len == 0)
		buf_put_str(&out, "{\"Messages\":[],\"Assignments\":[],\"Spawns\":[],\"Output\":\"\"}");
	done(ctx, e, e < 0 ? &note : NULL, buf_bytes(&out));
	buf_release(&out);
	arena_release(&a);
}

static void net_do_result(const struct net_call *c)
{
	result_done *done = (result_done *)c->done;
	struct note note = {0};
	struct id id;
	bool held = false;

	must(id_parse(&id, c->id) == OK);
	if (failing(&net.fail_result)) {
		note_err(&note, net.error, "the computer is made to fail");
		done(c->ctx, net.error, &note, bytes_of(NULL, 0));
		return;
	}
	pthread_mutex_lock(&net.lock);
	if (net.hold) {
		must(net.held_count < NET_HELD_MAX);
		net.held[net.held_count++] = (struct held){done, c->ctx, c->process, id};
		held = true;
	}
	pthread_mutex_unlock(&net.lock);
	if (!held)
		net_answer_result(c->process, id, done, c->ctx);
}

static void net_do_cron(const struct net_call *c)
{
	result_done *done = (result_done *)c->done;
	size_t n = c->id.len ? (size_t)strtoul((const char *)c->id.ptr, NULL, 10) : 0;
	char page[4200] = "{\"pageInfo\":{\"hasNextPage\":false},\"edges\":[]}";

	pthread_mutex_lock(&net.lock);
	net.cron_asked++;
	if (n < net.cron_pages)
		snprintf(page, sizeof(page), "{\"pageInfo\":{\"hasNextPage\":%s},\"edges\":[%s]}",
			 n + 1 < net.cron_pages ? "true" : "false", net.cron[n]);
	pthread_mutex_unlock(&net.lock);
	done(c->ctx, OK, NULL, bytes_str(page));
}

static void net_do_put(const struct net_call *c)
{
	weave_put_done *done = (weave_put_done *)c->done;
	struct note note = {0};
	enum err e = failing(&net.fail_put) ? note_err(&note, E_PEER, "the weave is away") : OK;

	pthread_mutex_lock(&net.lock);
	if (e == OK && net.put_count < NET_PUT_MAX)
		net.put[net.put_count++] = arena_copy(&net.arena, c->item);
	pthread_mutex_unlock(&net.lock);
	done(c->ctx, e, e < 0 ? &note : NULL, bytes_of(NULL, 0));
}

static void net_do_find(const struct net_call *c)
{
	weave_find_done *done = (weave_find_done *)c->done;
	struct weave_meta meta = {0};
	struct id id;
	size_t count = 0;

	pthread_mutex_lock(&net.lock);
	for (size_t i = 0; c->query->id_count && id_parse(&id, c->query->ids[0]) == OK && i < net.known_count; i++)
		count |= id_eq(net.known[i], id);
	pthread_mutex_unlock(&net.lock);
	done(c->ctx, OK, NULL, &meta, count);
}

static void net_run(void *arg)
{
	struct net_call *c = arg;

	switch (c->what) {
	case CALL_SCHEDULE:
		net_do_schedule(c);
		break;
	case CALL_ASSIGN:
		net_do_assign(c);
		break;
	case CALL_ASSIGNMENT:
		net_do_assignment(c);
		break;
	case CALL_PROCESS:
		net_do_process(c);
		break;
	case CALL_RESULT:
		net_do_result(c);
		break;
	case CALL_CRON:
		net_do_cron(c);
		break;
	case CALL_PUT:
		net_do_put(c);
		break;
	case CALL_FIND:
		net_do_find(c);
		break;
	}
	free(c);
}

/* ---- the ports ---- */

static void net_schedule(void *self, struct bytes item, schedule_done *done, void *ctx)
{
	net_later((struct net_call){.what = CALL_SCHEDULE, .item = item, .done = (void *)done, .ctx = ctx});
}

static void net_assign(void *self, const struct assign *assign, schedule_done *done, void *ctx)
{
	net_later((struct net_call){.what = CALL_ASSIGN, .assign = assign, .done = (void *)done, .ctx = ctx});
}

static void net_assignment(void *self, struct id process, struct bytes id, assignment_done *done, void *ctx)
{
	net_later((struct net_call){
		.what = CALL_ASSIGNMENT, .process = process, .id = id, .done = (void *)done, .ctx = ctx});
}

static void net_process(void *self, struct id process, process_done *done, void *ctx)
{
	net_later((struct net_call){.what = CALL_PROCESS, .process = process, .done = (void *)done, .ctx = ctx});
}

static void net_result(void *self, struct id process, struct bytes id, result_done *done, void *ctx)
{
	net_later(
		(struct net_call){.what = CALL_RESULT, .process = process, .id = id, .done = (void *)done, .ctx = ctx});
}

static void net_cron(void *self, struct id process, struct bytes cursor, result_done *done, void *ctx)
{
	net_later((struct net_call){
		.what = CALL_CRON, .process = process, .id = cursor, .done = (void *)done, .ctx = ctx});
}

static void net_put(void *self, struct bytes item, weave_put_done *done, void *ctx)
{
	net_later((struct net_call){.what = CALL_PUT, .item = item, .done = (void *)done, .ctx = ctx});
}

static void net_weave_find(void *self, const struct weave_query *query, weave_find_done *done, void *ctx)
{
	net_later((struct net_call){.what = CALL_FIND, .query = query, .done = (void *)done, .ctx = ctx});
}

const struct scheduler net_scheduler = {.self = &net,
					.schedule = net_schedule,
					.assign = net_assign,
					.assignment = net_assignment,
					.process = net_process};
const struct computer net_computer = {.self = &net, .result = net_result, .cron = net_cron};
const struct weave net_weave = {.self = &net, .put = net_put, .find = net_weave_find};

/* ---- looking at it ---- */

void net_release(void)
{
	struct held *list = malloc(sizeof(net.held));
	size_t count;

	must(list != NULL);
	pthread_mutex_lock(&net.lock);
	net.hold = false;
	count = net.held_count;
	memcpy(list, net.held, count * sizeof(*list));
	net.held_count = 0;
	pthread_mutex_unlock(&net.lock);
	for (size_t i = 0; i < count; i++)
		net_answer_result(list[i].process, list[i].id, list[i].done, list[i].ctx);
	free(list);
}

size_t net_count(struct id process)
{
	size_t n = 0;

	pthread_mutex_lock(&net.lock);
	for (size_t i = 0; i < net.count; i++)
		n += id_eq(net.list[i].process, process);
	pthread_mutex_unlock(&net.lock);
	return n;
}

size_t net_read(const size_t *number)
{
	size_t n;

	pthread_mutex_lock(&net.lock);
	n = *number;
	pthread_mutex_unlock(&net.lock);
	return n;
}

struct placed *net_at(struct id process, size_t n)
{
	struct placed *found = NULL;

	pthread_mutex_lock(&net.lock);
	for (size_t i = 0; !found && i < net.count; i++)
		if (id_eq(net.list[i].process, process) && net.list[i].nonce == n)
			found = &net.list[i];
	pthread_mutex_unlock(&net.lock);
	if (!found)
		stand_fail("the process has no entry %zu", n);
	return found;
}

struct item net_item(struct id process, size_t n)
{
	struct note note = {0};
	struct item item;

	if (item_parse(&item, &stand.arena, net_at(process, n)->item, &note) < 0 || item_verify(&item, &note) < 0)
		stand_fail("entry %zu: %s", n, note.text);
	return item;
}

void net_numbers(struct id process, size_t first, int count)
{
	for (int i = 0; i < count; i++)
		if (!bytes_eq_str(net_item(process, first + (size_t)i).data, stand_text("%d", i)))
			stand_fail("entry %zu is not the %dth that was sent", first + (size_t)i, i);
}

struct id net_spawn(const char *data)
{
	struct bytes raw;
	struct id id;

	raw = stand_process(&id, data);
	pthread_mutex_lock(&net.lock);
	net_add(id, id)->item = arena_copy(&net.arena, raw);
	pthread_mutex_unlock(&net.lock);
	return id;
}
