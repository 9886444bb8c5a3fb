/* SPDX-License-Identifier: MIT
 *
 * upload: what was scheduled goes to the weave. Private to su.
 *
 * Each record leaves an upload task in the same batch, so none is lost. One thread takes the
 * oldest tasks, puts their assignments and messages into one signed bundle, hands
 * that to the weave and strikes the tasks off. While one bundle travels the next ones gather: a
 * slow weave gets fewer and larger bundles. What fails is tried again, from 1 s doubling to 32 s,
 * until it succeeds. A crash between the weave's answer and the striking off uploads twice, which
 * the weave does not mind: an item is its id.
 */
#ifndef WEFT_SU_UPLOAD_H
#define WEFT_SU_UPLOAD_H

#include "base/log.h"
#include "flow/flow.h"
#include "store/store.h"

struct key;
struct upload;

must_use enum err upload_open(struct upload **out, struct store *store, const struct weave *weave,
			      const struct key *key, struct log *log);
/* upload_sequence is the place of a new task; tasks go in this order. */
uint64_t upload_sequence(struct upload *u);
/* upload_wake says that the task of that place has become durable. */
void upload_wake(struct upload *u, uint64_t sequence);
/* upload_close waits for the bundle that is travelling; what is left goes at the next start. */
void upload_close(struct upload *u);

#endif
