/* SPDX-License-Identifier: MIT */
#include "reader/wasm/crew.h"

#include "reader/wasm/translated.h"

#include <string.h>

static void take_out(struct crew *c, struct translated *t)
{
	size_t at = 0;

	while (at < c->count && c->list[at] != t)
		at++;
	if (at == c->count)
		return;
	c->count--;
	memmove(c->list + at, c->list + at + 1, (c->count - at) * sizeof(c->list[0]));
}

void crew_asked(struct crew *c, struct translated *t)
{
	pthread_mutex_lock(&c->lock);
	take_out(c, t);
	memmove(c->list + 1, c->list, c->count * sizeof(c->list[0]));
	c->list[0] = t;
	c->count++;
	/* Those that are busy stay on the list only as far as there is room: each comes back when it is done. */
	for (; c->count > CREW_MAX; c->count--)
		translated_rest(c->list[c->count - 1]);
	pthread_mutex_unlock(&c->lock);
}

void crew_left(struct crew *c, struct translated *t)
{
	pthread_mutex_lock(&c->lock);
	take_out(c, t);
	pthread_mutex_unlock(&c->lock);
}
