/* SPDX-License-Identifier: MIT
 *
 * outbox: what a result says is to be sent, read and checked (ao-units 4.4). Private to mu.
 *
 * The result was made by a process, perhaps computed by a stranger's unit, so nothing in it is
 * believed. Each entry is judged alone: one that cannot be sent says why, and does not hold up
 * the others (the reference loses all of a result for one bad spawn or assignment). A message
 * without a Target is no fault: aos leaves those for other readers of its results, and they are
 * passed over.
 *
 * Order: all messages, then all spawns, then all assignments, as in the reference; an
 * assignment to several processes is one entry each.
 */
#ifndef WEFT_MU_OUTBOX_H
#define WEFT_MU_OUTBOX_H

#include "base/json.h"
#include "msg/tags.h"
#include "mu/task.h"

struct outgoing {
	enum task_kind kind;  /* SEND, SPAWN or ASSIGN */
	size_t place;         /* among those of its kind in the result */
	struct bytes refused; /* why it cannot be sent; empty: it can */
	struct id target;     /* of a message or an assignment */
	struct tags tags;
	struct bytes data;   /* one space when the process gave none */
	struct bytes anchor; /* 32 bytes, or empty */
	struct id message;   /* what is assigned */
	bool base_layer;
	struct bytes exclude; /* comma-separated names */
};

struct outbox {
	const struct outgoing *list;
	size_t count;
};

/* outbox_read reads the object of ao-units 5.2; whatever is missing there is empty. The list
 * lives in `a` and borrows the result's text. E_FORMAT when it is not an object. */
must_use enum err outbox_read(struct outbox *out, struct arena *a, const struct json *result, struct note *note);
/* outbox_message is the n-th message alone; false when there are not so many. */
bool outbox_message(struct outbox *out, struct arena *a, const struct json *result, uint64_t n);
/* exclude_valid: names of fields and commas, fit to stand in a URL. */
bool exclude_valid(struct bytes names);

#endif
