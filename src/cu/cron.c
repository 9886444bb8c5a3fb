/* SPDX-License-Identifier: MIT
 *
 * cron: messages that nobody sent. A process's tags ask for them (ao-units 5.11):
 *
 *   Cron-Interval: 10-seconds   Cron-Tag-Action: Tick      every ten seconds since the process began
 *   Cron-Interval: 5-blocks     Cron-Tag-Action: Mine      every five blocks
 *
 * They have no assignment: they follow from the process's own timestamp, the timestamps of its messages, and the
 * blocks of the weave, so that everybody computes the same ones. Time between two messages is a row of ticks, one second apart,
 * beginning with the first message's timestamp. A tick takes up at most one block whose time has come, which makes the crons by
 * block due; then those by time. Ticks at which nothing can happen are skipped by arithmetic.
 */
#include "cu/unit.h"
#include "flow/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND_MS = 1000, BLOCKS_PAGE = 1000 };

/* ---- what the tags say ---- */

/* Milliseconds in a unit; 0 when it is none. The words are those that the reference's parser knows. */
static uint64_t unit_ms(struct bytes unit)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{"ms", 1},           {"msec", 1},        {"millisecond", 1},  {"s", 1000},           {"sec", 1000},
		{"second", 1000},    {"m", 60000},       {"min", 60000},      {"minute", 60000},     {"h", 3600000},
		{"hr", 3600000},     {"hour", 3600000},  {"d", 86400000},     {"day", 86400000},     {"w", 604800000},
		{"week", 604800000}, {"y", 31557600000}, {"yr", 31557600000}, {"year", 31557600000},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].name);
		bool plural = len > 2 || units[i].name[len - 1] == 'r';
		if (bytes_case_eq(unit, units[i].name) ||
		    (plural && unit.len == len + 1 && bytes_case_eq(bytes_of(unit.ptr, len), units[i].name) &&
		     (unit.ptr[len] | 32) == 's'))
			return units[i].ms;
	}
	return 0;
}

static enum err parse_interval(struct cron *c, struct bytes text, struct note *note)
{
	struct bytes unit, number = bytes_cut(text, '-', &unit);
	uint64_t count, ms;

	if (!bytes_u64(number, &count))
		return note_err(note, E_FORMAT, "the process's Cron-Interval is not of the form 10-seconds: \"%.*s\"",
				BYTES_FMT(text));
	c->by_block = bytes_eq_str(unit, "block") || bytes_eq_str(unit, "blocks");
	if (c->by_block) {
		c->every = count;
		return OK;
	}
	/* An unknown unit (months) never fires in the reference; nor here. */
	if (__builtin_mul_overflow(count, unit_ms(unit), &ms))
		ms = UINT64_MAX;
	c->every = ms / SECOND_MS;
	if (unit_ms(unit) && c->every == 0)
		return note_err(note, E_FORMAT, "time-based cron cannot be less than 1 second: \"%.*s\"",
				BYTES_FMT(text));
	return OK;
}

/* Those by block come first, in the order of the tags; those by time after them, by their length. */
static bool before(const struct cron *a, const struct cron *b)
{
	return a->by_block ? !b->by_block : !b->by_block && a->every < b->every;
}

static void sort(struct cron *list, size_t count)
{
	for (size_t i = 1; i < count; i++) { /* stable, and short */
		struct cron c = list[i];
		size_t at = i;
		for (; at > 0 && before(&c, &list[at - 1]); at--)
			list[at] = list[at - 1];
		list[at] = c;
	}
}

/* The place among its kind goes before the interval. */
static void name_all(struct cron *list, size_t count)
{
	size_t blocks = 0;

	while (blocks < count && list[blocks].by_block)
		blocks++;
	for (size_t i = 0; i < count; i++) {
		char interval[sizeof(list[i].name)];
		memcpy(interval, list[i].name, sizeof(interval));
		snprintf(list[i].name, sizeof(list[i].name), "%zu-%.40s", i < blocks ? i : i - blocks, interval);
	}
}

enum err crons_parse(const struct cron **out, size_t *count_out, struct arena *a, struct tags tags, struct note *note)
{
	struct cron *list = arena_new_array(a, tags.count + 1, struct cron);
	struct tag_list *own = arena_new_array(a, tags.count + 1, struct tag_list);
	size_t count = 0;
	enum err e;

	*out = list;
	*count_out = 0;
	for (size_t i = 0; i < tags.count; i++) {
		const struct tag *t = &tags.list[i];
		if (bytes_eq_str(t->name, "Cron-Interval")) {
			if ((e = parse_interval(&list[count], t->value, note)) < 0)
				return e;
			own[count] = tag_list_on(a);
			snprintf(list[count].name, sizeof(list[count].name), "%.*s", BYTES_FMT(t->value));
			count++;
		} else if (bytes_starts(t->name, "Cron-Tag-")) {
			if (count == 0)
				return note_err(note, E_FORMAT,
						"Unmatched Cron-Tag with no preceding Cron-Interval: %.*s",
						BYTES_FMT(t->name));
			tag_list_add(&own[count - 1], bytes_from(t->name, strlen("Cron-Tag-")), t->value);
		}
	}
	for (size_t i = 0; i < count; i++)
		list[i].tags = tag_list_tags(&own[i]);
	sort(list, count);
	name_all(list, count);
	*count_out = count;
	return OK;
}

/* ---- blocks ---- */

void crons_forget(struct live *p)
{
	free(p->blocks.list);
	p->blocks = (struct blocks){0};
}

static void add_blocks(struct blocks *b, const struct weave_block *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (b->count == b->cap) {
			b->cap = b->cap ? 2 * b->cap : 64;
			b->list = realloc(b->list, b->cap * sizeof(*b->list));
			must(b->list != NULL);
		}
		b->list[b->count++] = (struct block){list[i].height, list[i].timestamp * SECOND_MS};
	}
}

/* Passes blocks that no interval will meet any more. */
static void pass_old(struct live *p)
{
	struct blocks *b = &p->blocks;

	while (b->at < b->count &&
	       (b->list[b->at].timestamp_ms <= p->tip.interval_ms || b->list[b->at].height < p->tip.block_next))
		b->at++;
	if (b->at > 1000 && b->at > b->count / 2 && b->at < b->count) {
		memmove(b->list, b->list + b->at, (b->count - b->at) * sizeof(*b->list));
		b->count -= b->at;
		b->at = 0;
	}
}

/* All blocks until then, as far as the weave has them. */
static enum err fetch_blocks(struct live *p, uint64_t until_ms, struct note *note)
{
	struct blocks *b = &p->blocks;
	struct arena a = ARENA_EMPTY;
	enum err e = OK;

	while (e == OK && (b->count == 0 || b->list[b->count - 1].timestamp_ms < until_ms)) {
		uint64_t from = b->count ? b->list[b->count - 1].height + 1 : p->tip.block_next;
		const struct weave_block *list;
		size_t count = 0;
		arena_reset(&a);
		e = weave_blocks_wait(&p->cu->options.weave, &a, from, BLOCKS_PAGE, &list, &count, note);
		if (e < 0 || count == 0)
			break;
		add_blocks(b, list, count);
	}
	arena_release(&a);
	return e;
}

/* The first block that the interval has not met and that lies in it. */
static const struct block *next_block(struct live *p, uint64_t until_ms)
{
	pass_old(p);
	for (size_t i = p->blocks.at; i < p->blocks.count; i++) {
		const struct block *b = &p->blocks.list[i];
		if (b->height >= p->tip.block_next && b->timestamp_ms > p->tip.interval_ms &&
		    b->timestamp_ms < until_ms)
			return b;
	}
	return NULL;
}

/* ---- the ticks ---- */

void crons_start(struct live *p)
{
	p->tip.interval_ms = p->tip.tick_ms = p->tip.timestamp_ms;
	p->tip.tick_height = p->tip.block_next = p->tip.block_height;
	p->tip.cron_count = 0;
}

static enum err fire(struct live *p, const struct cron *c, uint64_t timestamp_ms, uint64_t block_height,
		     struct note *note)
{
	struct result_key key = {.timestamp_ms = timestamp_ms,
				 .ordinate = (uint64_t)(p->tip.nonce < 0 ? 0 : p->tip.nonce)};
	struct store_batch b = STORE_BATCH_EMPTY;
	struct arena a = ARENA_EMPTY;
	struct buf text = BUF_EMPTY;
	struct result result;
	enum err e;

	cron_for_module(&text, p, c->tags, timestamp_ms, block_height);
	e = advance_turn(p, &a, buf_bytes(&text), &result, note);
	if (e == OK) {
		key.cron = ++p->tip.cron_count;
		result.cron_name = bytes_str(c->name);
		result_put(&b, p->process, &key, &result);
		e = keep_put(p, &b, NULL, note);
		p->broken = e < 0;
		p->tip.timestamp_ms = timestamp_ms;
		p->tip.block_height = block_height;
	}
	buf_release(&text);
	arena_release(&a);
	return e;
}

static bool block_cron_due(const struct cron *c, uint64_t height, uint64_t origin)
{
	uint64_t apart = height > origin ? height - origin : origin - height;

	return c->by_block && c->every && apart && apart % c->every == 0;
}

/* Seconds from `now` until a cron by time is due; 0: now. */
static uint64_t seconds_until(const struct cron *c, uint64_t now, uint64_t origin)
{
	uint64_t past;

	if (c->by_block || !c->every)
		return UINT64_MAX;
	past = now >= origin ? (now - origin) % c->every : (c->every - (origin - now) % c->every) % c->every;
	if (past == 0 && now != origin)
		return 0;
	past = c->every - past;
	return now + past == origin ? past + c->every : past;
}

/* Ticks from the one at hand until the next at which something happens; at most `most`. */
static uint64_t ticks_until(const struct live *p, const struct block *block, uint64_t most)
{
	uint64_t now = p->tip.tick_ms / SECOND_MS, origin = p->info.timestamp_ms / SECOND_MS, least = most;

	if (block) {
		uint64_t at = block->timestamp_ms / SECOND_MS;
		least = at <= now ? 0 : at - now < least ? at - now : least;
	}
	for (size_t i = 0; i < p->cron_count; i++) {
		uint64_t wait = seconds_until(&p->crons[i], now, origin);
		least = wait < least ? wait : least;
	}
	return least;
}

static enum err tick(struct live *p, const struct block *block, struct note *note)
{
	uint64_t t = p->tip.tick_ms, now = t / SECOND_MS, origin = p->info.timestamp_ms / SECOND_MS;
	struct tip before_tick = p->tip;
	enum err e = OK;

	if (block && now >= block->timestamp_ms / SECOND_MS) {
		p->tip.tick_height = block->height;
		p->tip.block_next = block->height + 1;
		for (size_t i = 0; e == OK && i < p->cron_count; i++)
			if (block_cron_due(&p->crons[i], block->height, p->info.block_height))
				e = fire(p, &p->crons[i], block->timestamp_ms, block->height, note);
	}
	for (size_t i = 0; e == OK && i < p->cron_count; i++)
		if (seconds_until(&p->crons[i], now, origin) == 0)
			e = fire(p, &p->crons[i], t, p->tip.tick_height, note);
	if (e == OK)
		p->tip.tick_ms = t + SECOND_MS;
	else if (p->tip.cron_count == before_tick.cron_count)
		p->tip = before_tick;
	else /* half a tick cannot be gone on with: some of its crons are in the memory, and would run again */
		p->broken = true;
	return e;
}

enum err crons_run(struct live *p, uint64_t until_ms, struct note *note)
{
	enum err e = OK;

	if (p->cron_count == 0 || p->tip.tick_ms == 0 || p->tip.tick_ms >= until_ms)
		return OK;
	e = fetch_blocks(p, until_ms, note);
	while (e == OK && p->tip.tick_ms < until_ms) {
		const struct block *block = next_block(p, until_ms);
		uint64_t most = (until_ms - p->tip.tick_ms + SECOND_MS - 1) / SECOND_MS,
			 skip = ticks_until(p, block, most);
		p->tip.tick_ms += skip * SECOND_MS;
		if (p->tip.tick_ms >= until_ms)
			break;
		if (p->cu->closing)
			return note_err(note, E_CLOSED, "the compute unit is shutting down");
		e = tick(p, block, note);
		if (e == OK)
			checkpoint_when_due(p);
	}
	return e;
}
