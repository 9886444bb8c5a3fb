/* SPDX-License-Identifier: MIT */
#include "mu/facts.h"

#include "flow/locate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { KNOWN_MAX = 20000 }; /* about 6 MB; past that the book starts over */

struct known {
	struct id process;
	struct facts facts;
	UT_hash_handle hh;
};

struct facts_book {
	struct locate *locate;
	pthread_mutex_t lock;
	struct known *known;
};

struct asking {
	struct facts_book *book;
	struct id process;
	facts_done *done;
	void *ctx;
};

struct facts_book *facts_open(struct locate *locate)
{
	struct facts_book *book = calloc(1, sizeof(*book));

	must(book != NULL && pthread_mutex_init(&book->lock, NULL) == 0);
	book->locate = locate;
	return book;
}

static void forget_all(struct facts_book *book)
{
	struct known *k, *next;

	HASH_ITER(hh, book->known, k, next)
	{
		HASH_DEL(book->known, k);
		free(k);
	}
}

void facts_close(struct facts_book *book)
{
	if (!book)
		return;
	forget_all(book);
	pthread_mutex_destroy(&book->lock);
	free(book);
}

static bool known(struct facts_book *book, struct id process, struct facts *out)
{
	struct known *k;

	pthread_mutex_lock(&book->lock);
	HASH_FIND(hh, book->known, &process, sizeof(process), k);
	if (k)
		*out = k->facts;
	pthread_mutex_unlock(&book->lock);
	return k != NULL;
}

static void remember(struct facts_book *book, struct id process, const struct facts *facts)
{
	struct known *k;

	pthread_mutex_lock(&book->lock);
	HASH_FIND(hh, book->known, &process, sizeof(process), k);
	if (!k) {
		if (HASH_COUNT(book->known) >= KNOWN_MAX)
			forget_all(book);
		k = calloc(1, sizeof(*k));
		must(k != NULL);
		k->process = process;
		k->facts = *facts;
		HASH_ADD(hh, book->known, process, sizeof(k->process), k);
	}
	pthread_mutex_unlock(&book->lock);
}

static void end(struct asking *asking, enum err e, const struct note *note, const struct facts *facts)
{
	asking->done(asking->ctx, e, note, facts);
	free(asking);
}

static void copy_fact(char out[FACT_MAX], struct bytes value)
{
	if (value.len && value.len < FACT_MAX)
		memcpy(out, value.ptr, value.len);
}

static void on_process(void *ctx, enum err e, const struct note *note, const struct process_info *process)
{
	struct asking *asking = ctx;
	struct facts facts = {0};

	if (e < 0) {
		end(asking, e, note, NULL);
		return;
	}
	copy_fact(facts.module, tags_get(process->message.tags, "Module"));
	copy_fact(facts.scheduler, tags_get(process->message.tags, "Scheduler"));
	if (id_parse(&facts.owner, process->message.owner_address) < 0)
		facts.owner = (struct id){{0}};
	remember(asking->book, asking->process, &facts);
	end(asking, OK, NULL, &facts);
}

static void on_located(void *ctx, enum err e, const struct note *note, struct scheduler scheduler, struct bytes address)
{
	struct asking *asking = ctx;

	if (e < 0)
		end(asking, e, note, NULL);
	else
		scheduler.process(scheduler.self, asking->process, on_process, asking);
}

void facts_of(struct facts_book *book, struct id process, facts_done *done, void *ctx)
{
	struct asking *asking;
	struct facts facts;

	if (known(book, process, &facts)) {
		done(ctx, OK, NULL, &facts);
		return;
	}
	asking = calloc(1, sizeof(*asking));
	must(asking != NULL);
	*asking = (struct asking){book, process, done, ctx};
	locate_process(book->locate, process, on_located, asking);
}
