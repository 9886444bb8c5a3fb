/* SPDX-License-Identifier: MIT
 *
 * reader: a compute unit reads a module as a drive reads a disk, by its format.
 *
 *   module bytes --program_open--> program --instance_open(image)--> instance
 *                                                                       |  turn(message, environment)
 *                          image <--settle-- commit or rollback <--  outcome
 *
 * A *program* is a module made ready: translated, cached on disk, loaded. An *image* is the memory of a
 * process between messages: a memfd, never copied. An *instance* is a program that sees an
 * image privately: what a turn writes is the process's with instance_commit, and in the image at the latest with
 * instance_settle: a reader may let the image fall behind by some turns, because one copy of all their changes costs little
 * more than the copy of one's. Several instances may see one image: one that takes turns for good, and others for
 * dry runs (instance_try), which run beside it, each on the image as it was when the dry run began.
 *
 * Adding a format is one folder here and one row in readers.c. A reader fills in struct reader, and its
 * program and instance begin with the two structs below; everybody else calls the functions.
 *
 * Instances live in processes of their own, without keys, files or network. When one dies, the call says E_WORKER. Of one for
 * dry runs nothing is left but to close it. The one that takes turns begins anew when it is asked again: from the image, and
 * with the committed turns that the image does not have, taken once more.
 * All calls block. An instance belongs to one thread at a time; programs and images to any.
 */
#ifndef WEFT_READER_READER_H
#define WEFT_READER_READER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"

struct readers;
struct reader;
struct image;

struct readers_options {
	const char *compile; /* paths of weft-compile and weft-worker */
	const char *worker;
	const char *cache; /* directory for translated modules; made when it is not there */
	const char *built; /* directory with code of modules that is only read, in NAME.code; NULL: there is none */
	struct log *log;
	bool first_tier_only;    /* do not improve code in the background */
	uint64_t compile_ms_max; /* processor time for the code of one function; 0: a minute. More is E_TIMEOUT */
	uint64_t turn_ms_max;    /* a longer turn is given up with E_WORKER; 0: an hour. Gas ends a guest before */
};

must_use enum err readers_open(struct readers **out, const struct readers_options *options, struct note *note);
void readers_close(struct readers *r);
/* reader_known tells whether some reader claims this Module-Format. */
bool reader_known(struct bytes format);

/* ---- program ---- */

struct program {
	const struct reader *reader;
};

/* program_open makes a module ready. E_UNSUPPORTED for an unknown format, E_FORMAT when the bytes are not a
 * module of it, with the cause. What it needs to run is translated when turns need it, so a turn too may say
 * E_UNSUPPORTED, E_LIMIT or E_TIMEOUT: of a part of the module that cannot be translated. */
must_use enum err program_open(struct program **out, struct readers *r, struct bytes format, struct bytes module,
			       struct note *note);
/* program_stop kills the workers of all its instances, whose calls say E_WORKER; later ones begin anew. */
void program_stop(struct program *p);
/* program_settle returns when nothing is left to improve about the code of a program that has had a turn. For tests and
 * measurements: nobody else needs to wait. */
void program_settle(struct program *p);
/* program_close: no instance of it may be left. */
void program_close(struct program *p);

/* ---- image ---- */

/* image_new is empty: a process that has no memory yet. image_of_bytes has this content. One holder each. */
must_use enum err image_new(struct image **out, struct note *note);
must_use enum err image_of_bytes(struct image **out, struct bytes content, struct note *note);
/* image_write fills in an image that no instance has seen yet, and makes it as large as that. */
must_use enum err image_write(struct image *i, uint64_t at, struct bytes content, struct note *note);
struct image *image_hold(struct image *i);
void image_release(struct image *i);
uint64_t image_size(struct image *i);
/* image_commits tells how many commits have begun. */
uint64_t image_commits(struct image *i);
/* image_map is the content as it is now, until image_unmap: commits go on meanwhile and do not show. */
must_use enum err image_map(struct image *i, struct bytes *content, struct note *note);
void image_unmap(struct image *i, struct bytes content);
/* image_take copies the pages that commits have changed since the last image_take, or with `whole` all that are not
 * holes: their numbers (4 bytes each, little endian, rising) and their contents. A commit waits for no longer than the copy. */
enum { IMAGE_PAGE = 4096 };
void image_take(struct image *i, bool whole, struct buf *numbers, struct buf *pages, uint64_t *size);
/* image_memory is the memory of the machine that the content takes. */
uint64_t image_memory(struct image *i);

/* ---- drive: what a turn may read of the weave (WeaveDrive, ao-units 5.18) ----
 *
 * Whoever takes a turn lends it a drive, which answers in the middle of it, on the same thread. An error of the drive ends the turn
 * with that error: it is for a weave that cannot be asked. That there is no such file, or that it may not be read, is an answer,
 * and the module's to live with. */

enum drive_answer {
	DRIVE_NO_FILE, /* open fails in the module */
	DRIVE_FILE,
	DRIVE_FAILURE, /* the module ends, with `failure` as what it threw */
};

struct drive_file {
	enum drive_answer answer;
	uint64_t size;
	const char *failure;
};

struct drive {
	/* open: a path that begins with /tx/, /block/ or /data/. *out lives until the turn ends; the same path, the same file. */
	enum err (*open)(struct drive *d, const struct drive_file **out, struct bytes path, struct note *note);
	/* read fills in `len` bytes, which the file has from `at` on. */
	enum err (*read)(struct drive *d, const struct drive_file *f, uint8_t *out, uint64_t at, size_t len,
			 struct note *note);
};

/* ---- instance ---- */

struct instance {
	const struct reader *reader;
	struct image *image;
	struct drive *drive;
	struct bytes foreseen;
};

/* What became of a turn, in the terms of ao-units 5.2 and 5.15. */
struct outcome {
	struct bytes response; /* the module's JSON object; empty when it gave none */
	struct bytes error;    /* JSON: what it threw; empty when it did not fail outright */
	uint64_t gas_used;
	uint64_t commits; /* of a dry run: image_commits of the state that it saw */
};

/* instance_open: an empty image gets the memory that the program starts with. E_LIMIT when `memory_max` is less
 * than that; E_FORMAT when the program fails while starting. */
must_use enum err instance_open(struct instance **out, struct program *p, struct image *image, uint64_t memory_max,
				struct note *note);
/* instance_close: committed turns that the image does not have yet are lost; settle first. */
void instance_close(struct instance *i);
/* instance_lend: the drive of the turns from here on, borrowed until what they were given it for is committed or rolled back;
 * NULL, as at first: none, and no file is there. */
void instance_lend(struct instance *i, struct drive *drive);

/* instance_foresee says which message will probably follow that of the next instance_turn, with the same environment and limit;
 * borrowed until that returns. The worker then goes from one to the other without waiting for us, while we look at the outcome of
 * the first. Only time depends on it: when another turn follows, or none, or the first one is rolled back, what was begun is
 * forgotten, and whatever it asks is answered only in the instance_turn that it was foreseen for. */
void instance_foresee(struct instance *i, struct bytes message);
/* instance_turn evaluates one message. The outcome lives in `a`. When it is OK, follow with commit or rollback; when it is
 * not, the turn has not been taken. */
must_use enum err instance_turn(struct instance *i, struct arena *a, struct bytes message, struct bytes environment,
				uint64_t gas_limit, struct outcome *out, struct note *note);
/* When commit, rollback or settle fails, the image is not what was committed: half written, because the worker went away in the
 * middle (then whoever wants to see it hears E_BUSY), or behind, and no worker to be had. */
must_use enum err instance_commit(struct instance *i, struct note *note);
must_use enum err instance_rollback(struct instance *i, struct note *note);
/* instance_settle puts all that is committed into the image, so that others see it; nothing when it is there. */
must_use enum err instance_settle(struct instance *i, struct note *note);
/* instance_try is a dry run: a turn on the image as it is now, of which nothing is kept. Commits to the image go on beside
 * it and do not show. */
must_use enum err instance_try(struct instance *i, struct arena *a, struct bytes message, struct bytes environment,
			       uint64_t gas_limit, struct outcome *out, struct note *note);
/* instance_stop kills its worker, from any thread: the call under way says E_WORKER. */
void instance_stop(struct instance *i);
/* instance_memory is what its worker has of the machine's memory besides the image, in bytes. It reads /proc: tens of
 * microseconds. */
uint64_t instance_memory(struct instance *i);

#endif
