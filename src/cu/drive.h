/* SPDX-License-Identifier: MIT
 *
 * drive: what the module of a process reads of the weave (WeaveDrive, ao-units 5.18). Private to cu.
 *
 *   /data/<id>        the payload of an item or transaction, when it is available to the process
 *   /tx/<id>          what a node says of it, with ownerAddress; when a block up to the message's has it
 *   /block/<height>   what a node says of a block, up to the message's
 *
 * Modules with the tag Extension: WeaveDrive have a drive, and all of the format that the reference gives one. Available is what
 * the process boots from (its last On-Boot), everything in mode `test`, and what the attestors have attested in a block up to the
 * message's Block-Height: the process's last Scheduler and its Attestors, by items of Type Attestation, or in mode Individual of
 * Type Available. The mode is the Availability-Type of the process, or else of the module, or else Assignments. Library ends the
 * module as in the reference. What is missing or not available ends it with `HALT: FILE NOT FOUND`.
 *
 * An answer is a function of the message's place in the history: its height bounds what counts, and as long as the index of the
 * weave has not come as far as that, nothing is called missing: that is E_PEER, as is a gateway that is away, an item that is known
 * and cannot be had, and a boot item that is not there; the evaluation is asked for again, and nothing is recorded. Where the
 * reference would read a transaction that no block has yet, this does not: another unit could not do the same later. Payloads are
 * never those of a manifest's page.
 *
 * And it is recorded: the path, the answer, the size and SHA-256 of the content, with the result and as durable; the content is a
 * blob of the store. A message that is evaluated again reads the record, whether the weave still has the item or not. Records are
 * listed by GET /reads/{process} (reads.c). Dry runs read records of nothing and leave none.
 *
 * Limits: READ_FILES_MAX files in one message, beyond which the module ends, everywhere alike; cu_options.drive_bytes_max, beyond
 * which this unit refuses with E_LIMIT, and another might not.
 */
#ifndef WEFT_CU_DRIVE_H
#define WEFT_CU_DRIVE_H

#include "cu/unit.h"

enum { READ_FILES_MAX = 256 };

struct reading_file;

/* What one turn reads. */
struct reading {
	struct drive drive;
	struct live *live;
	struct arena arena;
	const struct module *module; /* that reads */
	struct bytes message;
	bool dry;
	unsigned step; /* of a migration (migrate.c), which takes several turns at one place; else 0 */
	bool keyed;    /* `key` is set */
	/* once the turn reads something */
	bool placed;
	bool reached; /* the weave's index has come as far as the message */
	struct result_key key;
	uint64_t height;
	struct reading_file *files[READ_FILES_MAX];
	size_t count;
	uint64_t bytes;
};

/* reading_begin: the message is what the module gets, borrowed until reading_end, which frees. */
void reading_begin(struct reading *r, struct live *p, struct bytes message, bool dry);
/* reading_begin_step: as a later step, 1 or 2, of what has its place at `key`, by another module than the process's. */
void reading_begin_step(struct reading *r, struct live *p, const struct module *m, unsigned step,
			const struct result_key *key, struct bytes message);
void reading_end(struct reading *r);
/* reading_drive is what to lend to the instance; NULL: the module has no drive. */
struct drive *reading_drive(struct reading *r);
/* reading_list adds what was read to the reads of a result, in `a`. */
void reading_list(const struct reading *r, struct arena *a, struct result *out);

/* ---- available.c: who may read what ---- */

enum availability { AVAILABLE, BOOT_ITEM /* available too, and the process cannot do without */, WITHHELD, NO_LIBRARY };
/* available: to `module` as one of the process. */
must_use enum err available(const struct live *p, const struct module *module, struct arena *a, struct bytes id,
			    uint64_t height, enum availability *out, struct note *note);

/* ---- document.c ---- */

/* with_owner_address appends the JSON of a transaction as JSON.stringify writes it, and its ownerAddress: the hash of its owner, or
 * `otherwise`. E_PEER when it is not an object. */
must_use enum err with_owner_address(struct buf *out, struct arena *a, struct bytes json, struct bytes otherwise,
				     struct note *note);

/* ---- reads.c: the record ---- */

/* reads_get lists, in `a`, what the turn at `key` has read when it was evaluated before: at most READ_FILES_MAX. */
must_use enum err reads_get(struct store *s, struct arena *a, struct id process, const struct result_key *key,
			    unsigned step, struct read **list, size_t *count);
/* payload_put remembers under which blob the payload of an item is; payload_get finds it, E_NOT_FOUND. */
void payload_put(struct store *s, struct id item, struct id blob, uint64_t size);
must_use enum err payload_get(struct store *s, struct id item, struct id *blob, uint64_t *size);

struct reads_ask {
	struct bytes after; /* a cursor, or empty */
	size_t limit;
};

/* reads_page writes {"pageInfo":{"hasNextPage"},"edges":[{"node":{"Path","Answer","Size","SHA-256"},"timestamp","ordinate","cron",
 * "cursor"}]}: all that the process has read, in the order of its evaluations. Answer is "file", or the words that ended the module;
 * then Size and SHA-256 are absent. E_ARGUMENT for what is no cursor. */
must_use enum err reads_page(struct buf *out, struct store *s, struct id process, const struct reads_ask *ask,
			     struct note *note);

#endif
