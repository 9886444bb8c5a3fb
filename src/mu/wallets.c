/* SPDX-License-Identifier: MIT
 *
 * wallets: receivers that are no processes. Finding that out takes a question to the scheduler
 * and one to the weave, and a token tells many wallets about many transfers. A verdict is good
 * for a minute only, and not once a process with the id has been posted here: an id that nobody
 * knows may be a process that is still to come.
 */
#include "base/clock.h"
#include "mu/unit.h"

#include <stdlib.h>

enum { WALLETS_MAX = 4096, GOOD_FOR_S = 60 };

struct wallets {
	pthread_mutex_t lock;
	struct {
		struct id id;
		uint64_t until_ns;
	} list[WALLETS_MAX]; /* each id has one place, by its first bytes; a newcomer takes it */
};

struct wallets *wallets_new(void)
{
	struct wallets *w = calloc(1, sizeof(*w));

	must(w != NULL && pthread_mutex_init(&w->lock, NULL) == 0);
	return w;
}

void wallets_free(struct wallets *w)
{
	pthread_mutex_destroy(&w->lock);
	free(w);
}

bool wallets_has(struct wallets *w, struct id id)
{
	size_t i = get_u16le(id.b) % WALLETS_MAX;
	bool has;

	pthread_mutex_lock(&w->lock);
	has = id_eq(w->list[i].id, id) && w->list[i].until_ns > clock_ns();
	pthread_mutex_unlock(&w->lock);
	return has;
}

void wallets_add(struct wallets *w, struct id id)
{
	size_t i = get_u16le(id.b) % WALLETS_MAX;

	pthread_mutex_lock(&w->lock);
	w->list[i].id = id;
	w->list[i].until_ns = clock_ns() + (uint64_t)GOOD_FOR_S * 1000000000u;
	pthread_mutex_unlock(&w->lock);
}

void wallets_del(struct wallets *w, struct id id)
{
	size_t i = get_u16le(id.b) % WALLETS_MAX;

	pthread_mutex_lock(&w->lock);
	if (id_eq(w->list[i].id, id))
		w->list[i].until_ns = 0;
	pthread_mutex_unlock(&w->lock);
}
