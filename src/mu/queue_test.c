/* SPDX-License-Identifier: MIT */
#include "mu/queue.h"

#include "test/test.h"

static struct id id_n(uint8_t n)
{
	struct id id = {{n}};

	return id;
}

TEST(queue_keeps_lanes_in_order_and_lets_senders_take_turns)
{
	struct queue *q = queue_new(100, SIZE_MAX);
	struct entry a[3] = {{0}}, b[2] = {{0}}, c = {0};

	for (int i = 0; i < 3; i++)
		queue_put(q, id_n(1), id_n(9), &a[i]);
	for (int i = 0; i < 2; i++)
		queue_put(q, id_n(1), id_n(8), &b[i]);
	queue_put(q, id_n(2), id_n(9), &c);
	t_u64(queue_count(q), 6);
	t_u64(queue_count_of(q, id_n(1)), 5);
	t_check(queue_take(q) == &a[0]);
	t_check(queue_take(q) == &c); /* the other sender comes before the first one's second lane */
	t_check(queue_take(q) == &b[0]);
	t_check(queue_take(q) == NULL);
	queue_pause(q, &a[0]);
	t_check(queue_take(q) == NULL);
	queue_resume(q, &a[0]);
	t_check(queue_take(q) == &a[0]);
	queue_end(q, &a[0]);
	t_check(queue_take(q) == &a[1]);
	queue_end(q, &b[0]);
	queue_end(q, &c);
	t_u64(queue_count_of(q, id_n(2)), 0);
	t_check(queue_take(q) == &b[1]);
	queue_end(q, &a[1]);
	queue_end(q, &b[1]);
	t_check(queue_take(q) == &a[2]);
	queue_end(q, &a[2]);
	t_u64(queue_count(q), 0);
	queue_free(q, NULL);
}

TEST(queue_sorts_by_order_and_keeps_its_window)
{
	struct queue *q = queue_new(2, 100);
	struct entry e[5] = {{.order = 5}, {.order = 7}, {.order = 6}, {.bytes = 90}, {.bytes = 20}};

	queue_put(q, id_n(1), id_n(1), &e[0]);
	queue_put(q, id_n(1), id_n(1), &e[1]);
	queue_put(q, id_n(1), id_n(1), &e[2]);
	for (size_t i = 0; i < 3; i++) {
		static const size_t sorted[] = {0, 2, 1};
		t_check(queue_take(q) == &e[sorted[i]]);
		queue_end(q, &e[sorted[i]]);
	}
	queue_put(q, id_n(1), id_n(2), &e[3]);
	queue_put(q, id_n(2), id_n(2), &e[4]);
	t_check(queue_take(q) == &e[3]);
	t_check(queue_take(q) == NULL); /* 110 bytes */
	queue_end(q, &e[3]);
	t_check(queue_take(q) == &e[4]);
	queue_put(q, id_n(3), id_n(3), &e[0]);
	queue_put(q, id_n(4), id_n(4), &e[1]);
	t_check(queue_take(q) == &e[0]);
	t_check(queue_take(q) == NULL); /* two at once */
	queue_end(q, &e[0]);
	t_check(queue_take(q) == &e[1]);
	queue_end(q, &e[1]);
	queue_end(q, &e[4]);
	queue_free(q, NULL);
}

TEST_MAIN
