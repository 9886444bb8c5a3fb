/* SPDX-License-Identifier: MIT
 *
 * facts: what a process says of itself, as far as others need it when it sends. Private to mu.
 *
 * They never change, so they are asked once, of the process's scheduler, and remembered.
 */
#ifndef WEFT_MU_FACTS_H
#define WEFT_MU_FACTS_H

#include "flow/flow.h"

struct locate;

enum { FACT_MAX = 64 };

struct facts {
	char module[FACT_MAX];    /* its Module tag; empty when it has none that is fit to be an id */
	char scheduler[FACT_MAX]; /* its Scheduler tag */
	struct id owner;          /* the wallet that signed it */
};

struct facts_book;

struct facts_book *facts_open(struct locate *locate);
/* facts_close: no question may be on its way. */
void facts_close(struct facts_book *book);

/* `facts` is valid during the call. E_NOT_FOUND: there is no such process. */
typedef void facts_done(void *ctx, enum err e, const struct note *note, const struct facts *facts);
/* facts_of keeps the rules of a port (flow.h). */
void facts_of(struct facts_book *book, struct id process, facts_done *done, void *ctx);

#endif
