/* SPDX-License-Identifier: MIT
 *
 * dedupe: the same message pushed twice is one message (ao-units 3.9). Private to su.
 *
 * Who pushes a process's message signs it anew each time, so its id says nothing. What stays the same
 * is hashed: the deep hash of ["dataitem", "1", "1", "", target, anchor, tags, data],
 * with the tags sorted by name, then value, and Pushed-For left out.
 */
#ifndef WEFT_SU_DEDUPE_H
#define WEFT_SU_DEDUPE_H

#include "msg/deephash.h"
#include "msg/tags.h"

struct deephash dedupe_hash(struct bytes target, struct bytes anchor, struct tags tags, struct bytes data);

#endif
