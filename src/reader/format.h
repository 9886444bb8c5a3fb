/* SPDX-License-Identifier: MIT
 *
 * format: what a reader implements. Private to reader and its folders; users see reader.h.
 */
#ifndef WEFT_READER_FORMAT_H
#define WEFT_READER_FORMAT_H

#include "reader/reader.h"

struct tiers;

struct readers {
	char *compile, *worker, *cache;
	struct log *log;
	uint64_t turn_ms_max, compile_ms_max;
	struct tiers *tiers; /* who improves translated code; NULL: nobody */
};

struct reader {
	enum err (*program_open)(struct program **out, struct readers *r, int variant, struct bytes module,
				 struct note *note);
	void (*program_stop)(struct program *p);
	void (*program_settle)(struct program *p);
	void (*program_close)(struct program *p);
	enum err (*instance_open)(struct instance **out, struct program *p, struct image *image, uint64_t memory_max,
				  struct note *note);
	void (*instance_close)(struct instance *i);
	/* dry_ms: 0, or a turn on the image as it is now, nothing kept, that a commit waits for so long */
	enum err (*turn)(struct instance *i, struct arena *a, struct bytes message, struct bytes environment,
			 uint64_t gas_limit, uint64_t dry_ms, struct outcome *out, struct note *note);
	enum err (*commit)(struct instance *i, struct note *note);
	enum err (*rollback)(struct instance *i, struct note *note);
	void (*stop)(struct instance *i);
	uint64_t (*memory)(struct instance *i);
};

/* For readers: the image's memfd, and its gate. Who looks at the content is a reader; who commits is the writer, sets
 * the size (false when the memfd is not that large) and marks the pages that it changed. A writer that waits goes
 * before new readers. */
int image_fd(const struct image *i);
void image_lock_read(struct image *i);
void image_unlock_read(struct image *i);
void image_lock_write(struct image *i);
void image_unlock_write(struct image *i);
/* A reader that may take long: a writer that has waited for it longer than its patience calls stop(ctx), after
 * which it should end soon; `stopped` then tells that this was why. */
struct image_reader {
	uint64_t patience_ms;
	void (*stop)(void *ctx);
	void *ctx;
	bool stopped;
	struct image_reader *next;
};
void image_reader_begin(struct image *i, struct image_reader *reader);
void image_reader_end(struct image *i, struct image_reader *reader);
void image_mark(struct image *i, uint32_t page);
must_use bool image_set_size(struct image *i, uint64_t size);

#endif
