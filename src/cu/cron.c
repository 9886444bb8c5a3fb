/* SPDX-License-Identifier: MIT
 *
 * cron: messages that nobody sent. A process's tags ask for them (ao-units 5.11):
 *
 *   Cron-Interval: 10-seconds   Cron-Tag-Action: Tick      every ten seconds since the process began
 *   Cron-Interval: 5-blocks     Cron-Tag-Action: Mine      every five blocks
 *
 * They have no assignment: they follow from the process's own timestamp, the timestamps of its messages, and the
 * blocks of the weave, so that everybody computes the same ones. Between two messages time is
 * walked in steps of one second from the first one's timestamp; at each step the blocks that have passed come before the clock.
 */
#include "cu/unit.h"
#include "flow/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SECOND_MS = 1000, BLOCKS_PAGE = 1000 };

/* Seconds in a unit; 0 when it is none. */
static double unit_seconds(struct bytes unit)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {
		{"millisecond", 0.001},
		{"ms", 0.001},
		{"second", 1},
		{"sec", 1},
		{"s", 1},
		{"minute", 60},
		{"min", 60},
		{"m", 60},
		{"hour", 3600},
		{"hr", 3600},
		{"h", 3600},
		{"day", 86400},
		{"d", 86400},
		{"week", 604800},
		{"w", 604800},
		{"year", 31557600},
		{"yr", 31557600},
		{"y", 31557600},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].name);
		if (unit.len >= len && memcmp(unit.ptr, units[i].name, len) == 0 &&
		    (unit.len == len || (len > 1 && unit.len == len + 1 && unit.ptr[len] == 's')))
			return units[i].seconds;
	}
	return 0;
}

static enum err parse_interval(struct cron *c, struct bytes text, struct note *note)
{
	struct bytes unit, number = bytes_cut(text, '-', &unit);
	uint64_t count;
	double seconds;

	if (!bytes_u64(number, &count))
		return note_err(note, E_FORMAT, "the process's Cron-Interval is not of the form 10-seconds: \"%.*s\"",
				BYTES_FMT(text));
	c->by_block = bytes_eq_str(unit, "block") || bytes_eq_str(unit, "blocks");
	if (c->by_block) {
		c->every = count;
		return OK;
	}
	/* An unknown unit (months) never fires in the reference; nor here. */
	seconds = (double)count * unit_seconds(unit);
	c->every = (uint64_t)seconds;
	if (unit_seconds(unit) > 0 && c->every == 0)
		return note_err(note, E_FORMAT, "time-based cron cannot be less than 1 second: \"%.*s\"",
				BYTES_FMT(text));
	return OK;
}

/* Those by block come first, in the order of the tags; those by time after them, by their length. */
static bool before(const struct cron *a, const struct cron *b)
{
	return a->by_block ? !b->by_block : !b->by_block && a->every < b->every;
}

enum err crons_parse(struct live *p, struct note *note)
{
	struct tags tags = p->info.message.tags;
	struct cron *list = arena_new_array(&p->arena, tags.count + 1, struct cron);
	struct tag_list *own = arena_new_array(&p->arena, tags.count + 1, struct tag_list);
	struct bytes *texts = arena_new_array(&p->arena, tags.count + 1, struct bytes);
	size_t count = 0, blocks = 0;
	enum err e;

	for (size_t i = 0; i < tags.count; i++) {
		const struct tag *t = &tags.list[i];
		if (bytes_eq_str(t->name, "Cron-Interval")) {
			if ((e = parse_interval(&list[count], t->value, note)) < 0)
				return e;
			own[count] = tag_list_on(&p->arena);
			texts[count] = t->value;
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
	for (size_t i = 1; i < count; i++) { /* stable, and short */
		struct cron c = list[i];
		size_t at = i;
		for (; at > 0 && before(&c, &list[at - 1]); at--)
			list[at] = list[at - 1];
		list[at] = c;
	}
	while (blocks < count && list[blocks].by_block)
		blocks++;
	for (size_t i = 0; i < count; i++) {
		char interval[sizeof(list[i].name)];
		memcpy(interval, list[i].name, sizeof(interval));
		snprintf(list[i].name, sizeof(list[i].name), "%zu-%.50s", i < blocks ? i : i - blocks, interval);
	}
	p->crons = list;
	p->cron_count = count;
	return OK;
}

void crons_start(struct live *p)
{
	p->tip.tick_ms = p->tip.timestamp_ms;
	p->tip.tick_block_height = p->tip.block_height;
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
		advance_keep(p, &b);
		p->tip.timestamp_ms = timestamp_ms;
		p->tip.block_height = block_height;
	}
	buf_release(&text);
	arena_release(&a);
	return e;
}

/* The blocks after the one at hand whose time has come before `until_ms`. */
struct blocks {
	struct arena arena;
	const struct weave_block *list;
	size_t count, at;
	bool needed;
};

static enum err next_block(struct live *p, struct blocks *b, const struct weave_block **out, struct note *note)
{
	enum err e;

	*out = NULL;
	if (!b->needed)
		return OK;
	if (b->at == b->count) {
		uint64_t after = b->count ? b->list[b->count - 1].height : p->tip.tick_block_height;
		arena_reset(&b->arena);
		b->at = 0;
		e = weave_blocks_wait(&p->cu->options.weave, &b->arena, after + 1, BLOCKS_PAGE, &b->list, &b->count,
				      note);
		if (e < 0)
			return e;
	}
	if (b->at < b->count)
		*out = &b->list[b->at];
	return OK;
}

static bool due(uint64_t now, uint64_t origin, uint64_t every)
{
	uint64_t apart = now > origin ? now - origin : origin - now;

	return every && apart && apart % every == 0;
}

enum err crons_run(struct live *p, uint64_t until_ms, struct note *note)
{
	uint64_t origin_s = p->info.timestamp_ms / SECOND_MS, origin_height = p->info.block_height;
	struct blocks blocks = {.needed = p->cron_count && p->crons[0].by_block};
	const struct weave_block *block;
	enum err e = OK;

	if (p->cron_count == 0 || p->tip.tick_ms == 0)
		return OK;
	e = next_block(p, &blocks, &block, note);
	while (e == OK && p->tip.tick_ms < until_ms) {
		uint64_t t = p->tip.tick_ms;
		/* Blocks older than the interval belong to an earlier one. */
		while (e == OK && block && block->timestamp * SECOND_MS <= p->tip.timestamp_ms &&
		       block->timestamp < t / SECOND_MS) {
			blocks.at++;
			e = next_block(p, &blocks, &block, note);
		}
		if (e == OK && block && t / SECOND_MS >= block->timestamp && block->timestamp * SECOND_MS < until_ms) {
			p->tip.tick_block_height = block->height;
			for (size_t i = 0; e == OK && i < p->cron_count && p->crons[i].by_block; i++)
				if (due(block->height, origin_height, p->crons[i].every))
					e = fire(p, &p->crons[i], block->timestamp * SECOND_MS, block->height, note);
			blocks.at++;
			if (e == OK)
				e = next_block(p, &blocks, &block, note);
		}
		for (size_t i = 0; e == OK && i < p->cron_count; i++)
			if (!p->crons[i].by_block && due(t / SECOND_MS, origin_s, p->crons[i].every))
				e = fire(p, &p->crons[i], t, p->tip.tick_block_height, note);
		if (e == OK)
			p->tip.tick_ms = t + SECOND_MS;
	}
	arena_release(&blocks.arena);
	return e;
}
