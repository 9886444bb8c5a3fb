/* SPDX-License-Identifier: MIT */
#include "weave/find.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX_MAX = 32, FETCH_MIN = 4, FETCH_MAX = 64 };

/* ---- postings: the rows under one index key ---- */

/* Holds a window of the run, in the direction of the walk. A list that is known beforehand (ids)
 * is one window that is the whole run. */
struct posting {
	enum weave_table table;
	uint8_t prefix[PREFIX_MAX];
	size_t prefix_len;
	uint64_t *window;
	size_t at, count, fetch;
	bool whole; /* nothing follows the window */
};

struct term {
	struct posting *list;
	size_t count;
};

struct walk {
	struct store *store;
	struct arena *arena;
	const struct find *find;
	struct term terms[4 + FIND_TAGS_MAX];
	size_t term_count;
	size_t *steps;
	bool backward, ended;
	uint64_t at; /* where to go on */
	enum err e;
};

/* Whether b comes before a in the direction of the walk. */
static bool is_before(const struct walk *w, uint64_t b, uint64_t a)
{
	return w->backward ? b > a : b < a;
}

static bool see_key(void *ctx, struct bytes key, struct bytes value)
{
	struct posting *p = ctx;

	(void)value;
	if (key.len >= 8)
		p->window[p->count++] = get_u64be(key.ptr + key.len - 8);
	return true;
}

static void fetch(struct walk *w, struct posting *p, uint64_t target)
{
	uint8_t from[PREFIX_MAX + 8], to[PREFIX_MAX + 8];
	struct store_range range = {.backward = w->backward, .limit = p->fetch};
	size_t len = p->prefix_len;
	enum err e;

	memcpy(from, p->prefix, len);
	memcpy(to, p->prefix, len);
	set_u64be(from + len, w->backward ? 0 : target);
	set_u64be(to + len, w->backward && target < UINT64_MAX ? target + 1 : UINT64_MAX);
	range.from = bytes_of(from, len + 8);
	range.to = bytes_of(to, len + 8);
	p->at = p->count = 0;
	e = store_scan(w->store, p->table, &range, see_key, p);
	if (e < 0)
		w->e = e;
	p->whole = e < 0 || p->count < p->fetch;
	*w->steps += p->count + 1;
}

/* The first row at or after the target, in the direction of the walk. */
static bool posting_seek(struct walk *w, struct posting *p, uint64_t target, uint64_t *found)
{
	size_t from = p->at;

	while (p->at < p->count && is_before(w, p->window[p->at], target))
		p->at++;
	if (p->at == p->count && !p->whole) {
		/* A window that was jumped over was too long, one that was used up too short. */
		if (p->at - from > p->count / 2)
			p->fetch = p->fetch > 2 * FETCH_MIN ? p->fetch / 2 : FETCH_MIN;
		else
			p->fetch = p->fetch < FETCH_MAX ? 2 * p->fetch : FETCH_MAX;
		fetch(w, p, target);
	}
	if (p->at == p->count)
		return false;
	*found = p->window[p->at];
	return true;
}

static bool term_seek(struct walk *w, struct term *t, uint64_t target, uint64_t *found)
{
	bool any = false;
	uint64_t best = 0, here;

	for (size_t i = 0; i < t->count; i++) {
		if (posting_seek(w, &t->list[i], target, &here) && (!any || is_before(w, here, best))) {
			best = here;
			any = true;
		}
	}
	*found = best;
	*w->steps += 1 + t->count;
	return any;
}

/* ---- conditions into terms ---- */

static struct term *add_term(struct walk *w, size_t postings)
{
	struct term *t = &w->terms[w->term_count++];

	t->list = arena_new_array(w->arena, postings, struct posting);
	t->count = 0;
	return t;
}

static void add_posting(struct walk *w, struct term *t, enum weave_table table, const uint8_t *prefix, size_t len)
{
	struct posting *p = &t->list[t->count++];

	p->table = table;
	memcpy(p->prefix, prefix, len);
	p->prefix_len = len;
	p->fetch = FETCH_MIN / 2;
	p->window = arena_new_array(w->arena, FETCH_MAX, uint64_t);
}

static void add_list(struct walk *w, const struct find_list *list, enum weave_table table)
{
	struct term *t;
	struct id id;

	if (!list->asked)
		return;
	t = add_term(w, list->count);
	for (size_t i = 0; i < list->count; i++)
		if (id_parse(&id, list->list[i]) == OK)
			add_posting(w, t, table, id.b, 32);
}

static int rising(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int falling(const void *a, const void *b)
{
	return rising(b, a);
}

static void add_ids(struct walk *w, const struct find_list *ids)
{
	struct posting *p;
	struct term *t;

	if (!ids->asked)
		return;
	t = add_term(w, 1);
	p = &t->list[t->count++];
	p->whole = true;
	p->window = arena_new_array(w->arena, ids->count, uint64_t);
	for (size_t i = 0; i < ids->count; i++) {
		struct id id;
		enum err e = id_parse(&id, ids->list[i]);
		if (e == OK)
			e = record_sequence(w->store, id, &p->window[p->count]);
		if (e == OK)
			p->count++;
		else if (e != E_NOT_FOUND && e != E_FORMAT)
			w->e = e;
	}
	if (p->count)
		qsort(p->window, p->count, sizeof(*p->window), w->backward ? falling : rising);
	*w->steps += ids->count;
}

static void add_tag(struct walk *w, const struct find_tag *tag)
{
	struct term *t;

	if (tag->negated || tag->any_value || tag->match != MATCH_EXACT)
		return;
	t = add_term(w, tag->value_count);
	for (size_t i = 0; i < tag->value_count; i++) {
		uint8_t key[TAG_KEY_SIZE];
		tag_key(key, tag->name, tag->values[i]);
		add_posting(w, t, TABLE_TAG, key, TAG_KEY_SIZE);
	}
}

static enum err check_sizes(const struct find *f, struct note *note)
{
	const struct find_list *lists[] = {&f->ids, &f->owners, &f->recipients, &f->bundled_in};
	size_t total = 0;

	if (f->tag_count > FIND_TAGS_MAX)
		return note_err(note, E_ARGUMENT, "a query has at most %d tag filters, this one has %zu", FIND_TAGS_MAX,
				f->tag_count);
	for (size_t i = 0; i < 4; total += lists[i++]->count)
		if (lists[i]->count > FIND_VALUES_MAX)
			return note_err(note, E_ARGUMENT, "a list in a query has at most %d elements, one has %zu",
					FIND_VALUES_MAX, lists[i]->count);
	for (size_t i = 0; i < f->tag_count; total += f->tags[i++].value_count)
		if (f->tags[i].value_count > FIND_VALUES_MAX)
			return note_err(note, E_ARGUMENT, "a tag filter has at most %d values, one has %zu",
					FIND_VALUES_MAX, f->tags[i].value_count);
	if (total > FIND_WORDS_MAX)
		return note_err(note, E_ARGUMENT, "a query has at most %d values in all, this one has %zu",
				FIND_WORDS_MAX, total);
	return OK;
}

static enum err walk_begin(struct walk *w, struct store *s, struct arena *a, const struct find *f, size_t *steps,
			   struct note *note)
{
	enum err e = check_sizes(f, note);

	*w = (struct walk){.store = s, .arena = a, .find = f, .steps = steps, .backward = !f->oldest_first};
	if (e < 0)
		return e;
	w->ended = f->sequence_first >= f->sequence_end;
	w->at = f->oldest_first ? f->sequence_first : f->sequence_end - 1;
	add_ids(w, &f->ids);
	add_list(w, &f->owners, TABLE_OWNER);
	add_list(w, &f->recipients, TABLE_RECIPIENT);
	add_list(w, &f->bundled_in, TABLE_BUNDLED);
	for (size_t i = 0; i < f->tag_count; i++)
		add_tag(w, &f->tags[i]);
	if (w->term_count == 0)
		add_posting(w, add_term(w, 1), TABLE_RECORD, (const uint8_t *)"", 0);
	return w->e < 0 ? note_err(note, w->e, "the weave's index cannot be read") : OK;
}

/* ---- conditions on the record ---- */

/* '*' stands for any run of bytes. */
static bool wildcard_matches(struct bytes pattern, struct bytes text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

static bool contains_word(struct bytes text, struct bytes word)
{
	for (size_t at = 0; word.len <= text.len && at <= text.len - word.len; at++) {
		size_t i = 0;
		while (i < word.len && tolower(text.ptr[at + i]) == tolower(word.ptr[i]))
			i++;
		if (i == word.len)
			return true;
	}
	return false;
}

static bool words_match(struct bytes words, struct bytes text, bool all)
{
	bool any = false;

	while (words.len) {
		struct bytes word = bytes_cut(words, ' ', &words);
		if (word.len == 0)
			continue;
		any = contains_word(text, word);
		if (any != all)
			return any;
	}
	return any;
}

static bool value_matches(const struct find_tag *tag, struct bytes wanted, struct bytes value)
{
	switch (tag->match) {
	case MATCH_EXACT:
		return bytes_eq(wanted, value);
	case MATCH_WILDCARD:
		return wildcard_matches(wanted, value);
	case MATCH_ALL_WORDS:
		return words_match(wanted, value, true);
	case MATCH_ANY_WORD:
		return words_match(wanted, value, false);
	}
	return false;
}

static bool tag_matches(const struct find_tag *tag, struct tags tags)
{
	for (size_t i = 0; i < tags.count; i++) {
		if (!bytes_eq(tags.list[i].name, tag->name))
			continue;
		if (tag->any_value)
			return !tag->negated;
		for (size_t k = 0; k < tag->value_count; k++)
			if (value_matches(tag, tag->values[k], tags.list[i].value))
				return !tag->negated;
	}
	return tag->negated;
}

static bool record_matches(const struct find *f, const struct record *r)
{
	if (f->not_bundled && !id_is_zero(r->parent))
		return false;
	if (r->received_ms < f->received_first_ms || r->received_ms > f->received_last_ms)
		return false;
	for (size_t i = 0; i < f->tag_count; i++)
		if (!tag_matches(&f->tags[i], r->tags))
			return false;
	return true;
}

/* ---- the walk ---- */

/* The first row at or after *at that every term has. */
static bool leapfrog(struct walk *w, uint64_t *at)
{
	uint64_t candidate = *at, found;
	size_t agreed = 0;

	for (size_t i = 0; agreed < w->term_count; i = (i + 1) % w->term_count) {
		if (!term_seek(w, &w->terms[i], candidate, &found) || w->e < 0)
			return false;
		if (*w->steps > FIND_STEPS_MAX) {
			w->e = E_LIMIT;
			return false;
		}
		agreed = found == candidate ? agreed + 1 : 1;
		candidate = found;
	}
	*at = candidate;
	return candidate >= w->find->sequence_first && candidate < w->find->sequence_end;
}

/* The next row that matches, from w->at on; moves w->at past it. False at the end, or with w->e
 * set. */
static bool walk_next(struct walk *w, uint64_t *sequence)
{
	struct arena row = ARENA_EMPTY;
	struct record r;
	bool matches = false;

	while (!matches && !w->ended && leapfrog(w, &w->at)) {
		*sequence = w->at;
		w->ended = w->backward && *sequence == 0;
		w->at = w->backward ? *sequence - 1 : *sequence + 1;
		arena_reset(&row);
		w->e = record_get(w->store, &row, *sequence, &r);
		if (w->e < 0)
			break;
		matches = record_matches(w->find, &r);
	}
	arena_release(&row);
	return matches;
}

static enum err explain(enum err e, struct note *note)
{
	if (e == E_LIMIT) {
		note_err(note, E_LIMIT, "the query looks at more than %d rows of the weave", FIND_STEPS_MAX);
		note_hint(note, "narrow it: add ids, owners, recipients, tags, or a range of blocks");
		return e;
	}
	return e < 0 ? note_err(note, e, "the weave's index cannot be read") : OK;
}

enum err find_run(struct store *s, struct arena *a, const struct find *f, size_t *steps, struct record **list,
		  size_t *count, bool *more, struct note *note)
{
	struct walk w;
	size_t cap = 0;
	uint64_t sequence;
	enum err e = walk_begin(&w, s, a, f, steps, note);

	*list = NULL;
	*count = 0;
	if (more)
		*more = false;
	if (e < 0)
		return e;
	while (walk_next(&w, &sequence)) {
		if (*count == f->limit) {
			if (more)
				*more = true;
			break;
		}
		if (*count == cap) {
			struct record *wider = arena_new_array(a, cap ? 2 * cap : 8, struct record);
			if (cap)
				memcpy(wider, *list, cap * sizeof(*wider));
			*list = wider;
			cap = cap ? 2 * cap : 8;
		}
		w.e = record_get(s, a, sequence, &(*list)[*count]);
		if (w.e < 0)
			break;
		++*count;
	}
	return explain(w.e, note);
}

enum err find_count(struct store *s, const struct find *f, size_t *steps, uint64_t *count, struct note *note)
{
	struct arena terms = ARENA_EMPTY;
	struct walk w;
	uint64_t sequence;
	enum err e = walk_begin(&w, s, &terms, f, steps, note);

	*count = 0;
	while (e == OK && walk_next(&w, &sequence))
		++*count;
	arena_release(&terms);
	return e < 0 ? e : explain(w.e, note);
}

enum err find_blocks(struct store *s, struct find *f, uint64_t min, uint64_t max)
{
	struct block tip, block;
	enum err e = block_last(s, &tip);

	if (e < 0)
		return e;
	f->sequence_end = tip.sequence_end;
	if (max < tip.height) {
		e = block_get(s, max, &block);
		if (e < 0)
			return e;
		f->sequence_end = block.sequence_end;
	}
	if (min > tip.height || min > max) {
		f->sequence_first = f->sequence_end;
	} else if (min > 0) {
		e = block_get(s, min, &block);
		if (e < 0)
			return e;
		if (block.sequence_first > f->sequence_first)
			f->sequence_first = block.sequence_first;
	}
	return OK;
}
