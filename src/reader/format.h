/* SPDX-License-Identifier: MIT
 *
 * format: what a reader implements. Private to reader and its folders; users see reader.h.
 */
#ifndef WEFT_READER_FORMAT_H
#define WEFT_READER_FORMAT_H

#include "reader/reader.h"
#include "reader/wasm/crew.h"

struct tiers;

struct readers {
	char *compile, *worker, *cache, *built; /* built: or NULL */
	struct log *log;
	uint64_t turn_ms_max, compile_ms_max;
	struct tiers *tiers; /* who improves translated code; NULL: nobody */
	struct crew crew;
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
	enum err (*settle)(struct instance *i, struct note *note);
	void (*stop)(struct instance *i);
	uint64_t (*memory)(struct instance *i);
};

/* ---- for readers: the image's memfd, who looks at it, and who changes it ----
 *
 * Who commits holds the lock, and first tells all views which pages will change: each makes these its own while they
 * still are what they were. So a view is the image as it was when the view began, however long it takes and however many
 * commits there are meanwhile; and a commit waits for no reader. */

struct image_view {
	/* called with the lock held; pages by number */
	void (*keep)(struct image_view *v, const uint64_t *pages, size_t count);
	struct image_view *next;
};

int image_fd(const struct image *i);
void image_lock(struct image *i);
void image_unlock(struct image *i);
/* All others with the lock held. image_set_size: false when the memfd is not that large. */
must_use bool image_set_size(struct image *i, uint64_t size);
void image_view_add(struct image *i, struct image_view *v);
void image_view_remove(struct image *i, struct image_view *v);
bool image_viewed(const struct image *i);
void image_keep(struct image *i, const uint64_t *pages, size_t count);
/* image_tear: who wrote to it went away in the middle. From then on image_whole says E_BUSY, and nobody looks at it. */
void image_tear(struct image *i);
must_use enum err image_whole(const struct image *i, struct note *note);
/* A commit is counted when it begins, and marks the pages that it changed, for image_take. */
void image_count_commit(struct image *i);
void image_mark(struct image *i, uint32_t page);

#endif
