/* SPDX-License-Identifier: MIT
 *
 * Commit and rollback, with PAGEMAP_SCAN (where the kernel has it) and without; the invariants that others count on.
 */
#include "engine/wasm/memory.h"
#include "test/test.h"

#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static struct wasm_memory m, other;
static bool no_scan;

static void open_on(struct wasm_memory *on, int image, uint64_t committed)
{
	struct note note = {0};

	t_ok(memory_open(on, 34, 2 * MIB, 64 * MIB, image, committed, -1, &note));
	on->no_scan = no_scan;
}

static void each_way(void (*body)(void))
{
	no_scan = false;
	body();
	no_scan = true;
	body();
}

static void commit_and_rollback(void)
{
	open_on(&m, -1, 0);
	m.base[5] = 1;
	m.base[MIB] = 2;
	t_u64(memory_commit(&m, NULL, NULL), 2);
	t_u64(memory_commit(&m, NULL, NULL), 0);
	m.base[5] = 3;
	m.base[MIB + 9] = 4;
	t_u64(memory_rollback(&m, m.committed), 2);
	t_u64(m.base[5], 1);
	t_u64(m.base[MIB], 2);
	t_u64(m.base[MIB + 9], 0);
	m.base[5] = 7;
	m.base[5] = 1; /* written, and the same */
	t_u64(memory_commit(&m, NULL, NULL), 0);
	memory_close(&m);
}

TEST(changed_pages_are_committed_or_rolled_back)
{
	each_way(commit_and_rollback);
}

static void grow(void)
{
	open_on(&m, -1, 0);
	memory_commit(&m, NULL, NULL);
	t_check(!memory_grow(&m, 65 * MIB));
	t_check(memory_grow(&m, 8 * MIB));
	m.base[8 * MIB - 1] = 1;
	t_u64(memory_rollback(&m, m.committed), 0);
	t_u64(m.size, 2 * MIB);
	t_check(memory_grow(&m, 8 * MIB));
	t_u64(m.base[8 * MIB - 1], 0);
	m.base[3 * MIB] = 5;
	t_u64(memory_commit(&m, NULL, NULL), 1);
	t_u64(m.committed, 8 * MIB);
	m.base[3 * MIB] = 6;
	t_u64(memory_rollback(&m, m.committed), 1);
	t_u64(m.base[3 * MIB], 5);
	memory_close(&m);
}

TEST(growth_is_committed_or_rolled_back)
{
	each_way(grow);
}

/* A second view, as of a dry run: sees what was committed, and its growth never what the image grew by. */
static void two_views(void)
{
	open_on(&m, -1, 0);
	m.base[5] = 1;
	memory_commit(&m, NULL, NULL);
	open_on(&other, dup(m.image), m.committed);
	t_u64(other.base[5], 1);
	other.base[5] = 9;
	t_check(memory_grow(&other, 8 * MIB));
	m.base[5] = 2;
	t_check(memory_grow(&m, 4 * MIB));
	m.base[3 * MIB] = 7;
	memory_commit(&m, NULL, NULL);
	t_u64(other.base[5], 9);
	t_u64(other.base[3 * MIB], 0);
	memory_rollback(&other, m.committed);
	t_u64(other.size, 4 * MIB);
	t_u64(other.base[5], 2);
	t_u64(other.base[3 * MIB], 7);
	memory_close(&other);
	memory_close(&m);
}

TEST(a_second_view_sees_what_was_committed)
{
	each_way(two_views);
}

static size_t private_pages(void)
{
	uint64_t flags, count = 0;

	for (uint64_t at = 0; at < m.size; at += 4096) {
		t_check(pread(m.pagemap, &flags, 8, (off_t)(((uintptr_t)m.base + at) / 4096 * 8)) == 8);
		count += flags >> 62 && !(flags >> 61 & 1);
	}
	return count;
}

static void trimmed(void)
{
	open_on(&m, -1, 0);
	t_check(memory_grow(&m, 32 * MIB));
	memory_commit(&m, NULL, NULL);
	memset(m.base, 1, 32 * MIB);
	t_u64(memory_commit(&m, NULL, NULL), 8192);
	t_u64(private_pages(), 8192); /* they changed: most likely they will again */
	m.base[31 * MIB] = 2;
	t_u64(memory_commit(&m, NULL, NULL), 1);
	t_u64(private_pages(), MEMORY_KEPT + 1);
	for (int k = 1; k < MEMORY_IDLE; k++) {
		m.base[30 * MIB]++;
		t_u64(memory_commit(&m, NULL, NULL), 1);
	}
	t_u64(private_pages(), 1);
	t_u64(m.base[20 * MIB], 1);
	t_u64(m.base[31 * MIB], 2);
	m.base[20 * MIB] = 3;
	t_u64(memory_rollback(&m, m.committed), 1);
	t_u64(m.base[20 * MIB], 1);
	memory_close(&m);
}

TEST(private_pages_that_are_not_written_any_more_are_given_back)
{
	each_way(trimmed);
}

/* Against a plain copy: random writes, growth, commits and rollbacks. */
static void random_walk(void)
{
	uint64_t seed = t_seed();
	uint8_t *state = calloc(1, 16 * MIB), *now = calloc(1, 16 * MIB);
	uint64_t state_size = 2 * MIB;

	t_check(state && now);
	open_on(&m, -1, 0);
	memory_commit(&m, NULL, NULL);
	for (int step = 0; step < 120; step++) {
		for (uint64_t k = t_random(&seed) % 30; k > 0; k--) {
			uint64_t at = t_random(&seed) % m.size;
			m.base[at] = now[at] = (uint8_t)t_random(&seed);
		}
		if (t_random(&seed) % 8 == 0 && m.size + MIB <= 16 * MIB)
			t_check(memory_grow(&m, m.size + MIB));
		if (t_random(&seed) % 2) {
			memory_commit(&m, NULL, NULL);
			memcpy(state, now, 16 * MIB);
			state_size = m.size;
		} else {
			memory_rollback(&m, m.committed);
			memcpy(now, state, 16 * MIB);
		}
		t_u64(m.size, state_size);
		t_u64(m.committed, state_size);
		t_check(memcmp(m.base, state, m.size) == 0);
	}
	memory_close(&m);
	free(state);
	free(now);
}

TEST(it_does_what_copying_everything_would_do)
{
	each_way(random_walk);
}

TEST_MAIN
