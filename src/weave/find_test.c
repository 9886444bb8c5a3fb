/* SPDX-License-Identifier: MIT
 *
 * The index against a plain look at every record, on random weaves and random questions.
 */
#include "weave/find.h"

#include "store/store.h"
#include "test/test.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 500, QUESTIONS = 400 };

static struct arena arena;
static struct store *store;
static struct record rows[ROWS];
static uint64_t walk;

static size_t below(size_t n)
{
	return (size_t)(t_random(&walk) % n);
}

static struct id numbered(char kind, size_t n)
{
	struct id id = {{0}};

	id.b[0] = (uint8_t)kind;
	set_u64be(id.b + 8, n);
	return id;
}

static struct bytes word(char kind, size_t n)
{
	return arena_printf(&arena, "%c%zu", kind, n);
}

static struct bytes text(struct id id)
{
	return arena_copy(&arena, bytes_str(id_text(id).s));
}

/* Some owners and values are common, some rare. */
static size_t skewed(size_t n)
{
	return below(4) ? below(2) : below(n);
}

static void fill_row(struct record *r, size_t i)
{
	struct tag_list tags = tag_list_on(&arena);
	struct id *target = arena_new(&arena, struct id);

	*r = (struct record){.sequence = i, .id = numbered('i', i), .received_ms = i * 10};
	r->owner_address = numbered('o', skewed(6));
	*target = numbered('t', skewed(4));
	if (below(2))
		r->target = bytes_of(target->b, 32);
	if (below(3) == 0)
		r->parent = numbered('i', below(i + 1));
	for (size_t k = below(6); k; k--)
		tag_list_add(&tags, word('n', below(3)), word('v', skewed(8)));
	r->tags = tag_list_tags(&tags);
}

static void fill(void)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	struct block block = {0};

	walk = t_seed();
	store = store_open_memory();
	for (size_t i = 0; i < ROWS; i++) {
		fill_row(&rows[i], i);
		record_put(&b, &rows[i]);
	}
	for (uint64_t h = 0; block.sequence_end < ROWS - 20; h++) {
		block.height = h;
		block.id[0] = (uint8_t)h;
		block.sequence_first = block.sequence_end;
		block.sequence_end += below(30);
		block_put(&b, &block);
	}
	t_ok(store_commit_wait(store, &b));
}

/* ---- the plain look ---- */

static bool in_list(const struct find_list *list, struct id id)
{
	for (size_t i = 0; i < list->count; i++)
		if (bytes_eq(list->list[i], text(id)))
			return true;
	return !list->asked;
}

static bool has_tag(const struct record *r, const struct find_tag *tag)
{
	for (size_t i = 0; i < r->tags.count; i++)
		for (size_t k = 0; k < tag->value_count || tag->any_value; k++) {
			if (!bytes_eq(r->tags.list[i].name, tag->name))
				break;
			if (tag->any_value || bytes_eq(r->tags.list[i].value, tag->values[k]))
				return true;
		}
	return false;
}

static bool matches(const struct record *r, const struct find *f)
{
	struct id target = {{0}};

	if (r->sequence < f->sequence_first || r->sequence >= f->sequence_end ||
	    r->received_ms < f->received_first_ms || r->received_ms > f->received_last_ms)
		return false;
	if (r->target.len)
		memcpy(target.b, r->target.ptr, 32);
	if (!in_list(&f->ids, r->id) || !in_list(&f->owners, r->owner_address) || !in_list(&f->recipients, target) ||
	    !in_list(&f->bundled_in, r->parent) || (f->not_bundled && !id_is_zero(r->parent)))
		return false;
	for (size_t i = 0; i < f->tag_count; i++)
		if (has_tag(r, &f->tags[i]) == f->tags[i].negated)
			return false;
	return true;
}

static size_t look(const struct find *f, uint64_t out[ROWS])
{
	size_t count = 0;

	for (size_t i = 0; i < ROWS; i++) {
		const struct record *r = &rows[f->oldest_first ? i : ROWS - 1 - i];
		if (matches(r, f))
			out[count++] = r->sequence;
	}
	return count;
}

/* ---- random questions ---- */

static struct find_list random_list(char kind, size_t n, size_t odds)
{
	struct find_list list = {.asked = below(odds) == 0};
	struct bytes *texts = arena_new_array(&arena, 6, struct bytes);

	list.list = texts;
	if (!list.asked)
		return list;
	list.count = below(5);
	for (size_t i = 0; i < list.count; i++)
		texts[i] = below(10) ? text(numbered(kind, below(n))) : BYTES("no id");
	return list;
}

static struct find random_question(void)
{
	struct find_tag *tags = arena_new_array(&arena, 3, struct find_tag);
	struct find f = FIND_EVERYTHING;

	f.ids = random_list('i', ROWS + 5, 6);
	f.owners = random_list('o', 7, 3);
	f.recipients = random_list('t', 5, 5);
	f.bundled_in = random_list('i', 40, 8);
	f.not_bundled = below(6) == 0;
	f.tags = tags;
	f.tag_count = below(4);
	for (size_t i = 0; i < f.tag_count; i++) {
		struct bytes *values = arena_new_array(&arena, 4, struct bytes);
		tags[i] = (struct find_tag){.name = word('n', below(4)), .values = values, .value_count = below(4)};
		for (size_t k = 0; k < tags[i].value_count; k++)
			values[k] = word('v', skewed(9));
		tags[i].negated = below(5) == 0;
		tags[i].any_value = below(6) == 0;
	}
	if (below(3) == 0)
		t_ok(find_blocks(store, &f, below(30), below(40)));
	if (below(4) == 0)
		f.received_first_ms = below(ROWS * 10);
	if (below(4) == 0)
		f.received_last_ms = below(ROWS * 10);
	f.oldest_first = below(2);
	f.limit = below(3) ? ROWS : below(20);
	return f;
}

TEST(the_index_finds_what_a_plain_look_finds)
{
	uint64_t want[ROWS];

	fill();
	for (int q = 0; q < QUESTIONS; q++) {
		struct find f = random_question();
		size_t expected = look(&f, want), count, steps = 0;
		struct record *list;
		struct note note = {0};
		uint64_t counted;
		bool more;

		t_ok(find_run(store, &arena, &f, &steps, &list, &count, &more, &note));
		t_u64(count, expected < f.limit ? expected : f.limit);
		t_check(more == (expected > f.limit));
		for (size_t i = 0; i < count; i++)
			t_u64(list[i].sequence, want[i]);
		t_ok(find_count(store, &f, &steps, &counted, &note));
		t_u64(counted, expected);
	}
	store_close(store);
}

/* A rare owner beside a common tag costs what the rare owner costs. */
TEST(a_rare_term_bounds_the_work)
{
	enum { MANY = 20000 };
	struct store_batch b = STORE_BATCH_EMPTY;
	const struct tag common = {BYTES("Type"), BYTES("Message")};
	struct bytes rare = text(numbered('o', 9)), value = BYTES("Message");
	struct find_tag filter = {.name = BYTES("Type"), .values = &value, .value_count = 1};
	struct find f = FIND_EVERYTHING;
	struct record *list;
	struct note note = {0};
	size_t count, steps = 0;

	store = store_open_memory();
	for (size_t i = 0; i < MANY; i++) {
		struct record r = {.sequence = i, .id = numbered('i', i), .tags = {&common, 1}};
		r.owner_address = numbered('o', i % 5000 == 77 ? 9 : 1);
		record_put(&b, &r);
	}
	t_ok(store_commit_wait(store, &b));
	f.owners = (struct find_list){true, &rare, 1};
	f.tags = &filter;
	f.tag_count = 1;
	f.limit = 100;
	t_ok(find_run(store, &arena, &f, &steps, &list, &count, NULL, &note));
	t_u64(count, 4);
	t_check(steps < 200);
	store_close(store);
}

TEST(a_question_without_end_is_refused)
{
	const struct bytes *none = NULL;
	struct find f = FIND_EVERYTHING;
	struct find_tag tag = {.name = BYTES("Type"), .values = none, .negated = true};
	size_t count, steps = FIND_STEPS_MAX - 10;
	struct record *list;
	struct note note = {0};

	fill();
	f.tags = &tag;
	f.tag_count = 1;
	f.limit = ROWS;
	t_err(find_run(store, &arena, &f, &steps, &list, &count, NULL, &note), E_LIMIT);
	t_check(strstr(note.hint, "narrow"));
	note_reset(&note);
	f.ids = (struct find_list){true, NULL, FIND_VALUES_MAX + 1};
	t_err(find_run(store, &arena, &f, &steps, &list, &count, NULL, &note), E_ARGUMENT);
	store_close(store);
}

TEST(records_come_back_as_they_were)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	const struct tag tags[] = {{BYTES("a"), BYTES("")}, {BYTES(""), BYTES("b")}};
	struct record r = {.kind = RECORD_TRANSACTION,
			   .sequence = 7,
			   .id = numbered('i', 1),
			   .parent = numbered('p', 2),
			   .upload = numbered('u', 3),
			   .size = 1ull << 40,
			   .data_at = 12345,
			   .data_size = 6,
			   .data_hash = numbered('h', 4),
			   .received_ms = 1700000000123,
			   .received_height = 99,
			   .signature_type = 3,
			   .owner_address = numbered('o', 5),
			   .signature = BYTES("signature"),
			   .owner = BYTES("owner"),
			   .target = BYTES("target"),
			   .anchor = BYTES("anchor"),
			   .quantity = BYTES("1"),
			   .reward = BYTES("22"),
			   .data_root = BYTES("root"),
			   .tags = {tags, 2}},
		      back;

	store = store_open_memory();
	record_put(&b, &r);
	t_ok(store_commit_wait(store, &b));
	t_ok(record_find(store, &arena, r.id, &back));
	t_u64(back.kind, r.kind);
	t_u64(back.sequence, 7);
	t_check(id_eq(back.parent, r.parent) && id_eq(back.upload, r.upload) && id_eq(back.data_hash, r.data_hash) &&
		id_eq(back.owner_address, r.owner_address));
	t_u64(back.size, r.size);
	t_u64(back.data_at, r.data_at);
	t_u64(back.data_size, r.data_size);
	t_u64(back.received_ms, r.received_ms);
	t_u64(back.received_height, r.received_height);
	t_u64(back.signature_type, 3);
	t_text(back.signature, "signature");
	t_text(back.owner, "owner");
	t_text(back.target, "target");
	t_text(back.anchor, "anchor");
	t_text(back.quantity, "1");
	t_text(back.reward, "22");
	t_text(back.data_root, "root");
	t_u64(back.tags.count, 2);
	t_text(back.tags.list[1].value, "b");
	store_close(store);
}

TEST(damaged_records_are_noticed)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	struct record r = {.id = numbered('i', 1), .signature = BYTES("signature")}, back;
	struct bytes value;
	uint8_t key[8] = {0};

	store = store_open_memory();
	record_put(&b, &r);
	t_ok(store_commit_wait(store, &b));
	t_ok(store_get(store, TABLE_RECORD, bytes_of(key, 8), &arena, &value));
	for (size_t cut = 0; cut < value.len; cut += 9) {
		store_put(&b, TABLE_RECORD, bytes_of(key, 8), bytes_of(value.ptr, cut));
		t_ok(store_commit_wait(store, &b));
		t_err(record_get(store, &arena, 0, &back), E_CORRUPT);
	}
	store_close(store);
}

TEST_MAIN
