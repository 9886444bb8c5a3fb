/* SPDX-License-Identifier: MIT
 *
 * tiers: the one thread that improves code in the background. Private to the folder.
 *
 * Modules register after their first turn, when their profile says something. Of all registered, one that has hot functions
 * left goes before those with cold ones; within that, first come. One batch at a time, by one compiler at low
 * priority, however many modules there are: evaluations come first.
 */
#ifndef WEFT_READER_WASM_TIERS_H
#define WEFT_READER_WASM_TIERS_H

#include "reader/wasm/translated.h"

struct tiers;

struct tiers *tiers_new(void);
/* tiers_free ends the thread; all must have been removed. */
void tiers_free(struct tiers *w);
/* tiers_add puts it on the list; nothing to do is all right. tiers_remove returns when nobody works on it any more. */
void tiers_add(struct tiers *w, struct translated *t);
void tiers_remove(struct tiers *w, struct translated *t);
/* tiers_wait returns when all of it is done. */
void tiers_wait(struct tiers *w, struct translated *t);

#endif
