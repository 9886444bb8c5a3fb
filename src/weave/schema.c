/* SPDX-License-Identifier: MIT
 *
 * The cursor, base64url of 14 bytes: 'T' (transactions) or 'B' (blocks), 1 when oldest first, the
 * sequence or height as 8 bytes big endian, the first 4 bytes of the weave's nonce.
 */
#include "weave/schema.h"

#include "base/text.h"
#include "weave/find.h"

#include <stdlib.h>
#include <string.h>

enum { CURSOR_SIZE = 14, WINSTON_DIGITS = 12 };

static struct gql_answer text_of(const struct gql_call *call, struct bytes b)
{
	return gql_text(text_b64url(call->arena, b));
}

/* ---- cursors ---- */

static struct bytes cursor_text(const struct gql_call *call, char kind, bool oldest_first, uint64_t at)
{
	const struct looking *l = call->ctx;
	uint8_t raw[CURSOR_SIZE] = {(uint8_t)kind, oldest_first};

	set_u64be(raw + 2, at);
	memcpy(raw + 10, l->nonce.b, 4);
	return text_b64url(call->arena, bytes_of(raw, CURSOR_SIZE));
}

/* Reads `after`; *present is false when it is absent, null or empty: from the start. */
static enum err read_cursor(const struct gql_call *call, char kind, bool oldest_first, bool *present, uint64_t *at)
{
	const struct gql_value *after = gql_argument(call, "after");
	const struct looking *l = call->ctx;
	uint8_t raw[CURSOR_SIZE];
	size_t len;

	*present = after && after->kind == GQL_STRING && after->text.len;
	if (!*present)
		return OK;
	if (b64url_decode(raw, sizeof(raw), &len, after->text) < 0 || len != CURSOR_SIZE || raw[0] != (uint8_t)kind ||
	    raw[1] != oldest_first || memcmp(raw + 10, l->nonce.b, 4) != 0)
		return note_err(call->note, E_ARGUMENT, "Invalid %s cursor", kind == 'T' ? "transaction" : "block");
	*at = get_u64be(raw + 2);
	return OK;
}

/* ---- arguments ---- */

static struct find_list read_list(const struct gql_call *call, const char *name)
{
	const struct gql_value *value = gql_argument(call, name);
	struct find_list list = {0};
	struct bytes *texts;

	if (!value || value->kind != GQL_LIST)
		return list;
	texts = arena_new_array(call->arena, value->count, struct bytes);
	for (const struct gql_value *v = value->first; v; v = v->next)
		if (v->kind == GQL_STRING)
			texts[list.count++] = v->text;
	list.asked = true;
	list.list = texts;
	return list;
}

static bool read_int(const struct gql_value *value, int64_t *out)
{
	uint64_t n;
	bool negative;

	if (!value || value->kind != GQL_INT || value->text.len == 0)
		return false;
	negative = value->text.ptr[0] == '-';
	if (!bytes_u64(bytes_from(value->text, negative), &n))
		return false;
	*out = negative ? -(int64_t)n : (int64_t)n;
	return true;
}

/* How many are asked for: none for a negative number, at most PAGE_MAX. */
static size_t read_first(const struct gql_call *call)
{
	int64_t first = PAGE_DEFAULT;

	read_int(gql_argument(call, "first"), &first);
	return first < 0 ? 0 : first > PAGE_MAX ? PAGE_MAX : (size_t)first;
}

static bool read_oldest_first(const struct gql_call *call)
{
	const struct gql_value *sort = gql_argument(call, "sort");

	return sort && sort->kind == GQL_NAME && bytes_ends(sort->text, "_ASC");
}

/* ---- tags ---- */

static enum find_match read_match(const struct gql_value *filter)
{
	const struct gql_value *match = gql_member(filter, "match");

	if (!match || match->kind != GQL_NAME || bytes_eq_str(match->text, "EXACT"))
		return MATCH_EXACT;
	if (bytes_eq_str(match->text, "WILDCARD"))
		return MATCH_WILDCARD;
	return bytes_eq_str(match->text, "FUZZY_AND") ? MATCH_ALL_WORDS : MATCH_ANY_WORD;
}

static void read_tag(const struct gql_call *call, const struct gql_value *filter, struct find_tag *tag)
{
	const struct gql_value *name = gql_member(filter, "name"), *values = gql_member(filter, "values"),
			       *op = gql_member(filter, "op");
	struct bytes *texts = arena_new_array(call->arena, values ? values->count : 0, struct bytes);

	*tag = (struct find_tag){.values = texts, .match = read_match(filter)};
	if (name && name->kind == GQL_STRING)
		tag->name = name->text;
	tag->any_value = !values || values->kind == GQL_NULL;
	for (const struct gql_value *v = values ? values->first : NULL; v; v = v->next)
		if (v->kind == GQL_STRING)
			texts[tag->value_count++] = v->text;
	tag->negated = op && op->kind == GQL_NAME && bytes_eq_str(op->text, "NEQ");
}

static void read_tags(const struct gql_call *call, struct find *find)
{
	const struct gql_value *tags = gql_argument(call, "tags");
	struct find_tag *list;

	if (!tags || tags->kind != GQL_LIST)
		return;
	list = arena_new_array(call->arena, tags->count, struct find_tag);
	for (const struct gql_value *v = tags->first; v; v = v->next)
		if (v->kind == GQL_OBJECT)
			read_tag(call, v, &list[find->tag_count++]);
	find->tags = list;
}

/* ---- transactions ---- */

/* What a connection's fields are answered from. */
struct connection {
	struct find find; /* without the cursor: what `count` counts */
	struct record *list;
	size_t count;
	bool more, oldest_first;
};

/* `min: 0` is no bound (weave 4.4): it leaves what is pending in. */
static enum err read_blocks(const struct gql_call *call, struct find *find)
{
	const struct gql_value *block = gql_argument(call, "block");
	struct looking *l = call->ctx;
	int64_t min = 0, max = INT64_MAX;
	bool has_min = read_int(gql_member(block, "min"), &min) && min > 0,
	     has_max = read_int(gql_member(block, "max"), &max);

	if (!has_min && !has_max)
		return OK;
	if (max < 0) {
		find->sequence_end = 0;
		return OK;
	}
	return find_blocks(l->store, find, has_min ? (uint64_t)min : 0, (uint64_t)max);
}

static void read_ingested(const struct gql_call *call, struct find *find)
{
	const struct gql_value *range = gql_argument(call, "ingested_at");
	int64_t min, max;

	if (read_int(gql_member(range, "min"), &min) && min > 0)
		find->received_first_ms = (uint64_t)min * 1000;
	if (read_int(gql_member(range, "max"), &max))
		find->received_last_ms = max < 0 ? 0 : (uint64_t)max * 1000 + 999;
}

static enum err read_find(const struct gql_call *call, struct find *find)
{
	const struct gql_value *bundled = gql_argument(call, "bundledIn");

	if (!bundled)
		bundled = gql_argument(call, "parent");
	*find = FIND_EVERYTHING;
	find->ids = read_list(call, "ids");
	find->owners = read_list(call, "owners");
	find->recipients = read_list(call, "recipients");
	find->bundled_in = read_list(call, gql_argument(call, "bundledIn") ? "bundledIn" : "parent");
	find->not_bundled = bundled && bundled->kind == GQL_NULL;
	find->oldest_first = read_oldest_first(call);
	find->limit = read_first(call);
	read_tags(call, find);
	read_ingested(call, find);
	return read_blocks(call, find);
}

static enum err get_transactions(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	struct connection *c = arena_new(call->arena, struct connection);
	struct looking *l = call->ctx;
	struct find page;
	bool has_after;
	uint64_t after;
	enum err e = read_find(call, &c->find);

	(void)object;
	if (e < 0)
		return note_err(call->note, e, "the weave's blocks cannot be read");
	page = c->find;
	c->oldest_first = page.oldest_first;
	e = read_cursor(call, 'T', page.oldest_first, &has_after, &after);
	if (e < 0)
		return e;
	if (has_after && page.oldest_first && after >= page.sequence_first)
		page.sequence_first = after < UINT64_MAX ? after + 1 : after;
	if (has_after && !page.oldest_first && after < page.sequence_end)
		page.sequence_end = after;
	e = find_run(l->store, call->arena, &page, &l->steps, &c->list, &c->count, &c->more, call->note);
	*answer = gql_object(c);
	return e;
}

static enum err get_transaction(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	struct record *r = arena_new(call->arena, struct record);
	const struct gql_value *text = gql_argument(call, "id");
	struct looking *l = call->ctx;
	struct id id;
	enum err e;

	(void)object;
	if (!text || text->kind != GQL_STRING || id_parse(&id, text->text) < 0)
		return OK;
	e = record_find(l->store, call->arena, id, r);
	if (e == E_NOT_FOUND)
		return OK;
	*answer = gql_object(r);
	return e < 0 ? note_err(call->note, e, "the weave's index cannot be read") : OK;
}

static enum err connection_count(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct connection *c = object;
	struct looking *l = call->ctx;
	uint64_t count;
	enum err e = find_count(l->store, &c->find, &l->steps, &count, call->note);

	*answer = gql_text(arena_printf(call->arena, "%llu", (unsigned long long)count));
	return e;
}

static enum err connection_page(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_object(&((const struct connection *)object)->more);
	return OK;
}

static enum err page_has_next(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_boolean(*(const bool *)object);
	return OK;
}

struct edge {
	const void *node;
	uint64_t at;
	bool oldest_first;
};

static enum err connection_edges(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct connection *c = object;
	struct edge *edges = arena_new_array(call->arena, c->count, struct edge);
	struct gql_answer *list = arena_new_array(call->arena, c->count, struct gql_answer);

	for (size_t i = 0; i < c->count; i++) {
		edges[i] = (struct edge){&c->list[i], c->list[i].sequence, c->oldest_first};
		list[i] = gql_object(&edges[i]);
	}
	*answer = (struct gql_answer){.kind = GQL_IS_LIST, .list = list, .count = c->count};
	return OK;
}

static enum err edge_cursor(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct edge *edge = object;

	*answer = gql_text(cursor_text(call, 'T', edge->oldest_first, edge->at));
	return OK;
}

static enum err edge_node(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_object(((const struct edge *)object)->node);
	return OK;
}

/* ---- a transaction ---- */

static enum err tx_id(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = text_of(call, bytes_of(((const struct record *)object)->id.b, 32));
	return OK;
}

static enum err tx_anchor(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = text_of(call, ((const struct record *)object)->anchor);
	return OK;
}

static enum err tx_signature(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = text_of(call, ((const struct record *)object)->signature);
	return OK;
}

static enum err tx_signature_type(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_number(((const struct record *)object)->signature_type);
	return OK;
}

static enum err tx_recipient(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = text_of(call, ((const struct record *)object)->target);
	return OK;
}

/* Owner and data are views of the same record. */
static enum err tx_itself(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_object(object);
	return OK;
}

static enum err owner_address(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = text_of(call, bytes_of(((const struct record *)object)->owner_address.b, 32));
	return OK;
}

static enum err owner_key(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = text_of(call, ((const struct record *)object)->owner);
	return OK;
}

static enum err tx_fee(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_object(&((const struct record *)object)->reward);
	return OK;
}

static enum err tx_quantity(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_object(&((const struct record *)object)->quantity);
	return OK;
}

static enum err amount_winston(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct bytes *winston = object;

	(void)call;
	*answer = gql_text(winston->len ? *winston : BYTES("0"));
	return OK;
}

/* The same with the point twelve digits from the right. */
static enum err amount_ar(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	struct bytes winston = *(const struct bytes *)object;
	size_t whole = winston.len > WINSTON_DIGITS ? winston.len - WINSTON_DIGITS : 0;
	struct bytes rest = bytes_from(winston, whole);

	*answer = gql_text(arena_printf(call->arena, "%.*s.%.*s%.*s", whole ? (int)whole : 1,
					whole ? (const char *)winston.ptr : "0", (int)(WINSTON_DIGITS - rest.len),
					"000000000000", BYTES_FMT(rest)));
	return OK;
}

static enum err data_size(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct record *r = object;

	*answer = gql_text(arena_printf(call->arena, "%llu", (unsigned long long)r->data_size));
	return OK;
}

static enum err data_type(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct record *r = object;

	(void)call;
	for (size_t i = 0; i < r->tags.count && answer->kind == GQL_IS_NULL; i++)
		if (bytes_case_eq(r->tags.list[i].name, "content-type"))
			*answer = gql_text(r->tags.list[i].value);
	return OK;
}

static enum err tx_tags(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct record *r = object;
	struct gql_answer *list = arena_new_array(call->arena, r->tags.count, struct gql_answer);

	for (size_t i = 0; i < r->tags.count; i++)
		list[i] = gql_object(&r->tags.list[i]);
	*answer = (struct gql_answer){.kind = GQL_IS_LIST, .list = list, .count = r->tags.count};
	return OK;
}

static enum err tag_name(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_text(((const struct tag *)object)->name);
	return OK;
}

static enum err tag_value(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_text(((const struct tag *)object)->value);
	return OK;
}

/* Neighbours in a list are mostly in one block. */
static enum err tx_block(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct record *r = object;
	struct looking *l = call->ctx;
	struct block *copy;
	enum err e = OK;

	if (!l->has_block || r->sequence < l->block.sequence_first || r->sequence >= l->block.sequence_end) {
		e = block_of(l->store, r->sequence, &l->block);
		l->has_block = e == OK;
	}
	if (e == E_NOT_FOUND)
		return OK;
	if (e < 0)
		return note_err(call->note, e, "the weave's blocks cannot be read");
	copy = arena_new(call->arena, struct block);
	*copy = l->block;
	*answer = gql_object(copy);
	return OK;
}

static enum err tx_bundle(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct record *r = object;

	(void)call;
	*answer = gql_object(id_is_zero(r->parent) ? NULL : &r->parent);
	return OK;
}

static enum err bundle_id(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = text_of(call, bytes_of(((const struct id *)object)->b, 32));
	return OK;
}

static enum err tx_ingested(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_number((int64_t)(((const struct record *)object)->received_ms / 1000));
	return OK;
}

/* ---- blocks ---- */

struct block_connection {
	struct block *list;
	size_t count;
	uint64_t total;
	bool more, oldest_first;
};

/* Heights from `at` on, in the direction of the list, up to the last; or those of a list. */
struct heights {
	uint64_t min, max; /* inclusive */
	bool none;
	uint64_t *list; /* rising; NULL: all of them */
	size_t count;
};

static int rising(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool read_block_id(uint8_t id[BLOCK_ID_SIZE], struct bytes text)
{
	size_t len;

	return b64url_decode(id, BLOCK_ID_SIZE, &len, text) == OK && len == BLOCK_ID_SIZE;
}

static enum err read_block_ids(const struct gql_call *call, struct heights *h)
{
	struct find_list ids = read_list(call, "ids");
	struct looking *l = call->ctx;

	if (!ids.asked)
		return OK;
	h->list = arena_new_array(call->arena, ids.count, uint64_t);
	for (size_t i = 0; i < ids.count; i++) {
		uint8_t id[BLOCK_ID_SIZE];
		struct block block;
		enum err e = read_block_id(id, ids.list[i]) ? block_find(l->store, id, &block) : E_NOT_FOUND;
		if (e == OK && block.height >= h->min && block.height <= h->max)
			h->list[h->count++] = block.height;
		else if (e < 0 && e != E_NOT_FOUND)
			return e;
	}
	qsort(h->list, h->count, sizeof(*h->list), rising);
	return OK;
}

static enum err read_heights(const struct gql_call *call, struct heights *h)
{
	const struct gql_value *range = gql_argument(call, "height");
	struct looking *l = call->ctx;
	struct block tip;
	int64_t bound;
	enum err e = block_last(l->store, &tip);

	if (e < 0)
		return e;
	*h = (struct heights){.max = tip.height};
	if (read_int(gql_member(range, "min"), &bound) && bound > 0)
		h->min = (uint64_t)bound;
	if (read_int(gql_member(range, "max"), &bound)) {
		h->none = bound < 0;
		if (bound >= 0 && (uint64_t)bound < h->max)
			h->max = (uint64_t)bound;
	}
	h->none |= h->min > h->max;
	return read_block_ids(call, h);
}

/* The i-th height of the list, in its direction. */
static uint64_t height_at(const struct heights *h, uint64_t i, bool oldest_first)
{
	if (h->list)
		return h->list[oldest_first ? i : h->count - 1 - i];
	return oldest_first ? h->min + i : h->max - i;
}

static uint64_t heights_total(const struct heights *h)
{
	return h->none ? 0 : h->list ? h->count : h->max - h->min + 1;
}

static enum err get_blocks(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	struct block_connection *c = arena_new(call->arena, struct block_connection);
	struct looking *l = call->ctx;
	size_t first = read_first(call);
	uint64_t after = 0, i = 0;
	struct heights h;
	bool has_after;
	enum err e = read_heights(call, &h);

	(void)object;
	if (e < 0)
		return note_err(call->note, e, "the weave's blocks cannot be read");
	c->oldest_first = read_oldest_first(call);
	c->total = heights_total(&h);
	c->list = arena_new_array(call->arena, first, struct block);
	e = read_cursor(call, 'B', c->oldest_first, &has_after, &after);
	if (e < 0)
		return e;
	if (has_after && !h.list)
		i = c->oldest_first ? (after >= h.min ? after - h.min + 1 : 0)
				    : (after <= h.max ? h.max - after + 1 : 0);
	else if (has_after)
		while (i < c->total &&
		       (c->oldest_first ? height_at(&h, i, true) <= after : height_at(&h, i, false) >= after))
			i++;
	for (; e == OK && i < c->total && c->count < first; i++) {
		e = block_get(l->store, height_at(&h, i, c->oldest_first), &c->list[c->count]);
		c->count += e == OK;
	}
	c->more = i < c->total;
	*answer = gql_object(c);
	return e < 0 ? note_err(call->note, e, "the weave's blocks cannot be read") : OK;
}

static enum err get_block(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	struct block *block = arena_new(call->arena, struct block);
	const struct gql_value *text = gql_argument(call, "id");
	struct looking *l = call->ctx;
	uint8_t id[BLOCK_ID_SIZE];
	enum err e;

	(void)object;
	if (!text || text->kind != GQL_STRING || !read_block_id(id, text->text))
		return OK;
	e = block_find(l->store, id, block);
	if (e == OK)
		*answer = gql_object(block);
	return e < 0 && e != E_NOT_FOUND ? note_err(call->note, e, "the weave's blocks cannot be read") : OK;
}

static enum err blocks_count(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct block_connection *c = object;

	*answer = gql_text(arena_printf(call->arena, "%llu", (unsigned long long)c->total));
	return OK;
}

static enum err blocks_page(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_object(&((const struct block_connection *)object)->more);
	return OK;
}

static enum err blocks_edges(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct block_connection *c = object;
	struct edge *edges = arena_new_array(call->arena, c->count, struct edge);
	struct gql_answer *list = arena_new_array(call->arena, c->count, struct gql_answer);

	for (size_t i = 0; i < c->count; i++) {
		edges[i] = (struct edge){&c->list[i], c->list[i].height, c->oldest_first};
		list[i] = gql_object(&edges[i]);
	}
	*answer = (struct gql_answer){.kind = GQL_IS_LIST, .list = list, .count = c->count};
	return OK;
}

static enum err block_edge_cursor(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct edge *edge = object;

	*answer = gql_text(cursor_text(call, 'B', edge->oldest_first, edge->at));
	return OK;
}

static enum err block_id(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = text_of(call, bytes_of(((const struct block *)object)->id, BLOCK_ID_SIZE));
	return OK;
}

static enum err block_timestamp(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_number((int64_t)((const struct block *)object)->timestamp);
	return OK;
}

static enum err block_height(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_number((int64_t)((const struct block *)object)->height);
	return OK;
}

static enum err block_previous(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct block *block = object;

	*answer = text_of(call, bytes_of(block->previous, block->height ? BLOCK_ID_SIZE : 0));
	return OK;
}

/* ---- tables ---- */

static const struct gql_input transaction_inputs[] = {{"id", GQL_MUST("ID"), NULL}, GQL_NO_INPUT};
static const struct gql_input transactions_inputs[] = {{"ids", GQL_REF_LIST("ID"), NULL},
						       {"owners", GQL_REF_LIST("String"), NULL},
						       {"recipients", GQL_REF_LIST("String"), NULL},
						       {"tags", GQL_REF_LIST("TagFilter"), NULL},
						       {"bundledIn", GQL_REF_LIST("ID"), NULL},
						       {"ingested_at", GQL_REF("RangeFilter"), NULL},
						       {"block", GQL_REF("BlockFilter"), NULL},
						       {"first", GQL_REF("Int"), "10"},
						       {"after", GQL_REF("String"), NULL},
						       {"sort", GQL_REF("SortOrder"), "HEIGHT_DESC"},
						       {"parent", GQL_REF_LIST("ID"), NULL},
						       GQL_NO_INPUT};
static const struct gql_input block_inputs[] = {{"id", GQL_REF("String"), NULL}, GQL_NO_INPUT};
static const struct gql_input blocks_inputs[] = {{"ids", GQL_REF_LIST("ID"), NULL},
						 {"height", GQL_REF("BlockFilter"), NULL},
						 {"first", GQL_REF("Int"), "10"},
						 {"after", GQL_REF("String"), NULL},
						 {"sort", GQL_REF("SortOrder"), "HEIGHT_DESC"},
						 GQL_NO_INPUT};
static const struct gql_input tag_filter[] = {{"name", GQL_REF("String"), NULL},
					      {"values", GQL_REF_LIST("String"), NULL},
					      {"op", GQL_REF("TagOperator"), "EQ"},
					      {"match", GQL_REF("TagMatch"), "EXACT"},
					      GQL_NO_INPUT};
static const struct gql_input range_filter[] = {
	{"min", GQL_REF("Int"), NULL}, {"max", GQL_REF("Int"), NULL}, GQL_NO_INPUT};

static const char *const sort_orders[] = {"HEIGHT_ASC", "HEIGHT_DESC", "INGESTED_AT_ASC", "INGESTED_AT_DESC", NULL};
static const char *const tag_operators[] = {"EQ", "NEQ", NULL};
static const char *const tag_matches[] = {"EXACT", "WILDCARD", "FUZZY_AND", "FUZZY_OR", NULL};

static const struct gql_field query_fields[] = {
	{"transaction", GQL_REF("Transaction"), get_transaction, transaction_inputs, NULL},
	{"transactions", GQL_MUST("TransactionConnection"), get_transactions, transactions_inputs, NULL},
	{"block", GQL_REF("Block"), get_block, block_inputs, NULL},
	{"blocks", GQL_MUST("BlockConnection"), get_blocks, blocks_inputs, NULL},
	GQL_NO_FIELD};
static const struct gql_field transaction_connection[] = {
	{"count", GQL_REF("String"), connection_count, NULL, NULL},
	{"pageInfo", GQL_MUST("PageInfo"), connection_page, NULL, NULL},
	{"edges", GQL_MUST_LIST("TransactionEdge"), connection_edges, NULL, NULL},
	GQL_NO_FIELD};
static const struct gql_field transaction_edge[] = {{"cursor", GQL_MUST("String"), edge_cursor, NULL, NULL},
						    {"node", GQL_MUST("Transaction"), edge_node, NULL, NULL},
						    GQL_NO_FIELD};
static const struct gql_field page_info[] = {{"hasNextPage", GQL_MUST("Boolean"), page_has_next, NULL, NULL},
					     GQL_NO_FIELD};
static const struct gql_field transaction[] = {{"id", GQL_MUST("ID"), tx_id, NULL, NULL},
					       {"anchor", GQL_MUST("String"), tx_anchor, NULL, NULL},
					       {"signature", GQL_MUST("String"), tx_signature, NULL, NULL},
					       {"signatureType", GQL_REF("Int"), tx_signature_type, NULL, NULL},
					       {"recipient", GQL_MUST("String"), tx_recipient, NULL, NULL},
					       {"owner", GQL_MUST("Owner"), tx_itself, NULL, NULL},
					       {"fee", GQL_MUST("Amount"), tx_fee, NULL, NULL},
					       {"quantity", GQL_MUST("Amount"), tx_quantity, NULL, NULL},
					       {"data", GQL_MUST("MetaData"), tx_itself, NULL, NULL},
					       {"tags", GQL_MUST_LIST("Tag"), tx_tags, NULL, NULL},
					       {"block", GQL_REF("Block"), tx_block, NULL, NULL},
					       {"parent", GQL_REF("Parent"), tx_bundle, NULL, "Use `bundledIn`"},
					       {"bundledIn", GQL_REF("Bundle"), tx_bundle, NULL, NULL},
					       {"ingested_at", GQL_REF("Int"), tx_ingested, NULL, NULL},
					       GQL_NO_FIELD};
static const struct gql_field owner[] = {{"address", GQL_MUST("String"), owner_address, NULL, NULL},
					 {"key", GQL_MUST("String"), owner_key, NULL, NULL},
					 GQL_NO_FIELD};
static const struct gql_field amount[] = {{"winston", GQL_MUST("String"), amount_winston, NULL, NULL},
					  {"ar", GQL_MUST("String"), amount_ar, NULL, NULL},
					  GQL_NO_FIELD};
static const struct gql_field meta_data[] = {{"size", GQL_MUST("String"), data_size, NULL, NULL},
					     {"type", GQL_REF("String"), data_type, NULL, NULL},
					     GQL_NO_FIELD};
static const struct gql_field tag[] = {{"name", GQL_MUST("String"), tag_name, NULL, NULL},
				       {"value", GQL_MUST("String"), tag_value, NULL, NULL},
				       GQL_NO_FIELD};
static const struct gql_field bundle[] = {{"id", GQL_MUST("ID"), bundle_id, NULL, NULL}, GQL_NO_FIELD};
static const struct gql_field block[] = {{"id", GQL_MUST("ID"), block_id, NULL, NULL},
					 {"timestamp", GQL_MUST("Int"), block_timestamp, NULL, NULL},
					 {"height", GQL_MUST("Int"), block_height, NULL, NULL},
					 {"previous", GQL_MUST("ID"), block_previous, NULL, NULL},
					 GQL_NO_FIELD};
static const struct gql_field block_connection[] = {{"count", GQL_REF("String"), blocks_count, NULL, NULL},
						    {"pageInfo", GQL_MUST("PageInfo"), blocks_page, NULL, NULL},
						    {"edges", GQL_MUST_LIST("BlockEdge"), blocks_edges, NULL, NULL},
						    GQL_NO_FIELD};
static const struct gql_field block_edge[] = {{"cursor", GQL_MUST("String"), block_edge_cursor, NULL, NULL},
					      {"node", GQL_MUST("Block"), edge_node, NULL, NULL},
					      GQL_NO_FIELD};

static const struct gql_type types[] = {
	{.name = "Query", .kind = GQL_OBJECT_TYPE, .fields = query_fields},
	{.name = "TransactionConnection", .kind = GQL_OBJECT_TYPE, .fields = transaction_connection},
	{.name = "TransactionEdge", .kind = GQL_OBJECT_TYPE, .fields = transaction_edge},
	{.name = "PageInfo", .kind = GQL_OBJECT_TYPE, .fields = page_info},
	{.name = "Transaction",
	 .kind = GQL_OBJECT_TYPE,
	 .fields = transaction,
	 .about = "A transaction of layer 1 or a data item."},
	{.name = "Owner", .kind = GQL_OBJECT_TYPE, .fields = owner},
	{.name = "Amount", .kind = GQL_OBJECT_TYPE, .fields = amount},
	{.name = "MetaData", .kind = GQL_OBJECT_TYPE, .fields = meta_data},
	{.name = "Tag", .kind = GQL_OBJECT_TYPE, .fields = tag},
	{.name = "Parent", .kind = GQL_OBJECT_TYPE, .fields = bundle},
	{.name = "Bundle", .kind = GQL_OBJECT_TYPE, .fields = bundle},
	{.name = "Block", .kind = GQL_OBJECT_TYPE, .fields = block},
	{.name = "BlockConnection", .kind = GQL_OBJECT_TYPE, .fields = block_connection},
	{.name = "BlockEdge", .kind = GQL_OBJECT_TYPE, .fields = block_edge},
	{.name = "SortOrder", .kind = GQL_ENUM_TYPE, .values = sort_orders},
	{.name = "TagOperator", .kind = GQL_ENUM_TYPE, .values = tag_operators},
	{.name = "TagMatch", .kind = GQL_ENUM_TYPE, .values = tag_matches},
	{.name = "TagFilter", .kind = GQL_INPUT_TYPE, .inputs = tag_filter},
	{.name = "BlockFilter", .kind = GQL_INPUT_TYPE, .inputs = range_filter},
	{.name = "RangeFilter", .kind = GQL_INPUT_TYPE, .inputs = range_filter},
	{.name = NULL},
};

const struct gql_schema weave_schema = {types};
