/* SPDX-License-Identifier: MIT
 *
 * result: what an evaluation left, and how it is kept and found. Private to cu.
 *
 *   table       key                                               value
 *   RESULT      process 32, timestamp 8, ordinate 8, cron 4       result, below
 *   RESULT_ID   id 32, process 32                                 the key above (of a message or an assignment)
 *   SEEN        process 32, kind 1, hash 48 or id 32              nonce 8: what must not be evaluated twice
 *   CHECKPOINT  process 32                                        checkpoint.c
 *   MODULE      module 32                                         load.c
 *   READ        as RESULT, number 2                               reads.c: what the turn has read of the weave
 *   PAYLOAD     item 32                                           reads.c
 *
 * Numbers are big-endian, so that a scan is a page of /results. The ordinate is the nonce, or that of the message
 * before a cron; cron is 0 for what was scheduled, and counts those between two messages otherwise.
 *
 * A value: version 1, flags 1 (failed, unlisted), length of the cron's name 2, the name, the JSON of ao-units 5.2.
 */
#ifndef WEFT_CU_RESULT_H
#define WEFT_CU_RESULT_H

#include "base/json.h"
#include "reader/reader.h"
#include "store/store.h"

enum { TABLE_RESULT, TABLE_RESULT_ID, TABLE_SEEN, TABLE_CHECKPOINT, TABLE_MODULE, TABLE_READ, TABLE_PAYLOAD };

/* The place of a result among those of its process. */
struct result_key {
	uint64_t timestamp_ms, ordinate;
	uint32_t cron;
};

/* A file of the weave that a turn has opened (drive.h). */
struct read {
	struct bytes path;
	enum drive_answer answer;
	uint64_t size;        /* of a file */
	struct id content;    /* its SHA-256, which is its blob */
	struct bytes failure; /* or what the module was ended with */
	uint16_t number;      /* in the order of reading; of a migration's later steps from 256 and 512 */
};

struct result {
	struct bytes json;
	bool failed;              /* it has an Error: not listed by /results */
	bool unlisted;            /* pages leave it out: a double, or the message of a process that has no place */
	bool keeps_memory;        /* whether the turn's memory becomes the process's; not stored */
	uint64_t gas_used;        /* not stored */
	struct bytes cron_name;   /* "0-10-seconds", or empty */
	const struct read *reads; /* stored in rows of their own */
	size_t read_count;
};

/* result_of_outcome makes the JSON {"Messages","Assignments","Spawns","Output"[,"GasUsed"][,"Error"]} in `a`. */
void result_of_outcome(struct result *out, struct arena *a, const struct outcome *outcome);
/* result_empty is the answer for what was not evaluated: a message seen before. */
struct bytes result_empty(void);

/* result_key_write gives the key as a row has it; result_key_read takes it apart again. */
enum { RESULT_KEY_SIZE = 52 };
struct bytes result_key_write(uint8_t out[RESULT_KEY_SIZE], struct id process, const struct result_key *key);
void result_key_read(struct result_key *out, struct bytes key);

/* result_put puts what the turn has read, too; read_put is one of these. */
void result_put(struct store_batch *b, struct id process, const struct result_key *key, const struct result *result);
void read_put(struct store_batch *b, struct id process, const struct result_key *key, const struct read *read);
void result_put_id(struct store_batch *b, struct id process, struct id id, const struct result_key *key);
/* result_get finds it by message or assignment id. E_NOT_FOUND. */
must_use enum err result_get(struct store *s, struct arena *a, struct id process, struct bytes id, struct result *out);

/* ---- pages (ao-units 5.4) ---- */

struct cursor {
	bool given;
	struct result_key key; /* ordinate and cron as far as the cursor says; otherwise see `whole` */
	bool has_ordinate;
	struct bytes cron; /* name */
	bool descending;   /* what the cursor says of the order */
	bool has_sort;
};

/* cursor_parse reads base64 of {"timestamp","ordinate","cron","sort"}, or a number of milliseconds. */
must_use enum err cursor_parse(struct cursor *out, struct arena *a, struct bytes text, struct note *note);
void cursor_write(struct buf *out, const struct result_key *key, struct bytes cron_name, bool descending);

struct results_ask {
	struct cursor from, to; /* exclusive, inclusive */
	size_t limit;
	bool descending;
	bool crons_only;
};

/* page_json writes {"pageInfo":{"hasNextPage"},"edges"} around an array of edges. */
void page_json(struct buf *out, struct bytes edges, bool more);
/* results_page writes {"pageInfo":...,"edges":[...]} of the results that did not fail; *count (may be NULL) of them. */
must_use enum err results_page(struct buf *out, struct store *s, struct id process, const struct results_ask *ask,
			       size_t *count);

/* ---- what was seen ---- */

enum seen_kind { SEEN_MESSAGE = 'm', SEEN_DEEPHASH = 'd' };
/* seen_before: at a nonce smaller than `nonce`. */
bool seen_before(struct store *s, struct id process, enum seen_kind kind, struct bytes hash, uint64_t nonce);
void seen_put(struct store_batch *b, struct id process, enum seen_kind kind, struct bytes hash, uint64_t nonce);

#endif
