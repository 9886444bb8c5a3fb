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
	/* dry: a turn on the image as it is now, nothing kept */
	enum err (*turn)(struct instance *i, struct arena *a, struct bytes message, struct bytes environment,
			 uint64_t gas_limit, bool dry, struct outcome *out, struct note *note);
	enum err (*commit)(struct instance *i, struct note *note);
	enum err (*rollback)(struct instance *i, struct note *note);
};

/* For readers: the image's memfd, and its locks. Who looks at the content holds it for reading, who
 * commits holds it for writing and sets the size; false when the memfd is not that large. */
int image_fd(const struct image *i);
void image_lock_read(struct image *i);
void image_lock_write(struct image *i);
void image_unlock(struct image *i);
must_use bool image_set_size(struct image *i, uint64_t size);

#endif
