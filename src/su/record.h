/* SPDX-License-Identifier: MIT
 *
 * record: how a history lies in the store. Private to su.
 *
 *   table       key                              value
 *   HISTORY     process 32, nonce 8              record, below
 *   TIME        process 32, timestamp ms 8       nonce 8
 *   ID          id 32, process 32, kind 1        nonce 8
 *   DEEPHASH    process 32, deep hash 48         nothing
 *   UPLOAD      sequence 8                       process 32, nonce 8
 *
 * Numbers are big-endian, so that keys order as a history is read. `kind` says what the id
 * names: a message kept here, an assignment, or a message that is only assigned here.
 *
 * A record: version 1, flags 1, timestamp ms 8 (little endian), length of the assignment 4
 * (little endian), the signed assignment, the signed message (absent when only assigned).
 */
#ifndef WEFT_SU_RECORD_H
#define WEFT_SU_RECORD_H

#include "base/arena.h"
#include "flow/flow.h"
#include "store/store.h"

enum { TABLE_HISTORY, TABLE_TIME, TABLE_ID, TABLE_DEEPHASH, TABLE_UPLOAD };
enum id_kind { ID_MESSAGE = 'm', ID_ASSIGNMENT = 'a', ID_ASSIGNED = 's' };
enum { DEDUPE_SIZE = SHA384_SIZE };

struct su_record {
	struct id process;
	uint64_t nonce;
	uint64_t timestamp_ms;
	struct bytes assignment; /* signed item */
	struct bytes message;    /* signed item; empty when only assigned */
};

/* su_record_put adds the record and its index rows. `message` is the id that is assigned: the process's own for a
 * process; `dedupe` is 48 bytes or empty; `sequence` orders uploads. */
void su_record_put(struct store_batch *b, const struct su_record *r, struct id assignment, struct id message,
		   struct bytes dedupe, uint64_t sequence);

/* su_record_get, su_record_last: views are in `a`. E_NOT_FOUND when there is none. */
must_use enum err su_record_get(struct store *s, struct arena *a, struct id process, uint64_t nonce,
				struct su_record *out);
must_use enum err su_record_last(struct store *s, struct arena *a, struct id process, struct su_record *out);

/* su_record_list collects records with first <= nonce <= last by rising nonce: at most `limit`, and at most
 * `bytes_max` of items, but always one. *more: the next one exists as well. */
must_use enum err su_record_list(struct store *s, struct arena *a, struct id process, uint64_t first, uint64_t last,
				 size_t limit, size_t bytes_max, struct su_record **list, size_t *count, bool *more);

/* su_record_find: which record of which process an id names. Of several (a message may be assigned to many
 * processes) that of `process` is taken, else the first. An assigned message is found only within `process`. */
must_use enum err su_record_find(struct store *s, struct id process, struct id id, struct id *found, uint64_t *nonce);
/* su_record_has_message tells whether this very message is kept for the process. */
bool su_record_has_message(struct store *s, struct id process, struct id message);
bool su_record_has_dedupe(struct store *s, struct id process, struct bytes dedupe);

/* su_record_nonce_at: the nonce of the newest record with timestamp <= ms, or -1. */
must_use enum err su_record_nonce_at(struct store *s, struct id process, uint64_t timestamp_ms, int64_t *nonce);

/* su_record_assignment reads both items of a record into the noun; everything is in `a` or borrowed from the record. */
must_use enum err su_record_assignment(struct assignment *out, struct arena *a, const struct su_record *r,
				       struct note *note);

#endif
