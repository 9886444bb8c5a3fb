/* SPDX-License-Identifier: MIT */
#include "reader/wasm/translated.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "engine/wasm/artefact.h"
#include "engine/wasm/code.h"
#include "engine/wasm/vm.h"
#include "reader/wasm/built.h"
#include "reader/wasm/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A batch for T1. Smaller ones cost more time in all, larger ones come later. */
enum { BATCH = 16 };
/* T1 may take this much longer than one function of T0. */
enum { PATIENCE = 2 };

struct translated {
	struct readers *readers;
	enum wasm_gas gas;
	int module; /* borrowed */
	struct buf path;
	uint8_t header[ARTEFACT_HEADER];
	struct compiler_counts counts;

	pthread_mutex_t lock; /* of code and file */
	struct wasm_code code;
	int file;

	int profile;
	_Atomic uint32_t *hits;
	uint8_t *refused; /* by function: T1 failed */

	pthread_mutex_t need_lock, stop_lock;
	struct compiler *now, *patient; /* for T0 and T1; under stop_lock against translated_stop */
	atomic_bool complete, stopped;
};

static enum err io_error(struct note *note, const char *what)
{
	return note_err(note, E_IO, "%s: %s", what, strerror(errno));
}

enum err memfd_of(int *out, const char *name, struct bytes content, struct note *note)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t at = 0;

	if (fd < 0)
		return io_error(note, "memfd");
	while (at < content.len) {
		ssize_t n = write(fd, content.ptr + at, content.len - at);
		if (n < 0 && errno != EINTR) {
			close(fd);
			return io_error(note, "memfd");
		}
		at += n > 0 ? (size_t)n : 0;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	lseek(fd, 0, SEEK_SET);
	*out = fd;
	return OK;
}

/* ---- the cache file ---- */

/* Puts a whole file in place of what is there, and goes on with it. */
static enum err replace_file(struct translated *t, struct bytes content, struct note *note)
{
	struct buf fresh = BUF_EMPTY;
	uint64_t unique;
	enum err e = OK;
	int fd;

	random_bytes(&unique, sizeof(unique));
	buf_printf(&fresh, "%s.%016llx", buf_str(&t->path), (unsigned long long)unique);
	fd = open(buf_str(&fresh), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, content.ptr, content.len) != (ssize_t)content.len ||
	    rename(buf_str(&fresh), buf_str(&t->path)) != 0) {
		e = io_error(note, "the cache of translated modules cannot be written");
		unlink(buf_str(&fresh));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (e == OK) {
		if (t->file >= 0)
			close(t->file);
		t->file = fd;
	}
	buf_release(&fresh);
	return e;
}

static void drop_code(struct translated *t)
{
	wasm_code_release(&t->code);
	t->counts = (struct compiler_counts){0};
}

/* Takes over what the file holds, as far as it is sound: *rest is what is not. False: it holds nothing. */
static bool take_records(struct translated *t, struct bytes file, const uint8_t hash[32], struct bytes *rest)
{
	struct artefact a;
	struct bytes blob;
	struct note note = {0};
	size_t taken = 0;

	if (artefact_open(&a, file) < 0 || a.gas != t->gas || memcmp(a.wasm_sha256, hash, 32) != 0 ||
	    wasm_code_new(&t->code, a.function_count, a.type_count, &note) < 0)
		return false;
	memcpy(t->header, file.ptr, ARTEFACT_HEADER);
	t->counts = (struct compiler_counts){.functions = a.function_count, .types = a.type_count};
	do {
		*rest = a.rest;
	} while (artefact_next(&a, &blob) == OK && wasm_code_add(&t->code, blob, &note) == OK && ++taken);
	if (taken == 0)
		drop_code(t);
	return taken > 0;
}

static void say_damaged(const struct translated *t, const char *file, struct bytes whole, struct bytes rest)
{
	log_event(t->readers->log, LOG_ODD, "reader.cache", "file=%s damaged_at=%zu", file, whole.len - rest.len);
}

static bool load_records(struct translated *t, struct bytes file, const uint8_t hash[32])
{
	struct bytes rest;

	if (!take_records(t, file, hash, &rest))
		return false;
	if (rest.len == 0)
		return true;
	say_damaged(t, buf_str(&t->path), file, rest);
	if (ftruncate(t->file, (off_t)(file.len - rest.len)) == 0)
		return true;
	drop_code(t);
	return false;
}

static bool load_file(struct translated *t, const uint8_t hash[32])
{
	struct bytes file;
	bool good = false;

	t->file = open(buf_str(&t->path), O_RDWR | O_APPEND | O_CLOEXEC);
	if (t->file < 0)
		return false;
	if (file_map(t->file, &file)) {
		good = load_records(t, file, hash);
		file_unmap(file);
	}
	if (!good) {
		close(t->file);
		t->file = -1;
		unlink(buf_str(&t->path));
	}
	return good;
}

static bool is_improved(const struct translated *t)
{
	for (uint32_t f = 0; f < t->counts.functions; f++)
		if (wasm_code_tier(&t->code, f) != 1 + WASM_TIER_1)
			return false;
	return true;
}

/* What the build made is taken as a whole or not at all, so that there is never anything to add to it. */
static bool load_built(struct translated *t, const uint8_t hash[32])
{
	const char *directory = t->readers->built;
	struct bytes file, rest;
	bool good = false;

	if (!directory || !built_map(&file, directory, hash, t->gas))
		return false;
	if (take_records(t, file, hash, &rest)) {
		good = rest.len == 0 && is_improved(t);
		if (!good) {
			say_damaged(t, directory, file, rest);
			drop_code(t);
		}
	}
	file_unmap(file);
	return good;
}

/* Into the area, and into the file: a cache that cannot be written costs time later, not this evaluation. */
static enum err take_blob(struct translated *t, struct bytes blob, struct note *note)
{
	struct buf record = BUF_EMPTY;
	enum err e;

	artefact_put(&record, bytes_of(t->header, sizeof(t->header)), blob);
	pthread_mutex_lock(&t->lock);
	e = wasm_code_add(&t->code, blob, note);
	if (e == OK && write(t->file, record.ptr, record.len) != (ssize_t)record.len)
		log_event(t->readers->log, LOG_ODD, "reader.cache", "file=%s error=%s", buf_str(&t->path),
			  strerror(errno));
	pthread_mutex_unlock(&t->lock);
	buf_release(&record);
	return e;
}

/* All functions have T1: the file loses its T0. */
static void compact(struct translated *t)
{
	struct buf whole = BUF_EMPTY;
	struct bytes file, blob;
	struct artefact a;
	struct note note = {0};

	pthread_mutex_lock(&t->lock);
	if (file_map(t->file, &file)) {
		if (artefact_open(&a, file) == OK) {
			buf_put(&whole, t->header, sizeof(t->header));
			while (artefact_next(&a, &blob) == OK)
				if (get_u32le(blob.ptr) == WASM_TIER_1)
					artefact_put(&whole, bytes_of(t->header, sizeof(t->header)), blob);
			if (replace_file(t, buf_bytes(&whole), &note) < 0)
				log_event(t->readers->log, LOG_ODD, "reader.cache", "file=%s error=%s",
					  buf_str(&t->path), note.text);
		}
		file_unmap(file);
	}
	pthread_mutex_unlock(&t->lock);
	buf_release(&whole);
}

/* ---- compilers ---- */

static void set_compiler(struct translated *t, struct compiler **slot, struct compiler *c)
{
	struct compiler *old;

	pthread_mutex_lock(&t->stop_lock);
	old = *slot;
	*slot = c;
	pthread_mutex_unlock(&t->stop_lock);
	compiler_stop(old);
}

static enum err have_compiler(struct translated *t, struct compiler **slot, struct note *note)
{
	struct compiler_counts counts;
	struct compiler *c;
	enum err e;

	if (*slot)
		return OK;
	e = compiler_start(&c, t->readers, t->module, t->gas, slot == &t->patient, &counts, note);
	if (e == OK)
		set_compiler(t, slot, c);
	if (e == OK && t->counts.functions == 0)
		t->counts = counts;
	return e;
}

static enum err ask(struct translated *t, struct compiler **slot, enum wasm_tier tier, const uint32_t *functions,
		    uint32_t count, struct buf *blob, struct note *note)
{
	enum err e = have_compiler(t, slot, note);

	if (e == OK && t->stopped) /* while it started, so that nobody could kill it */
		e = note_err(note, E_WORKER, "the program was stopped");
	if (e == OK)
		e = compiler_ask(*slot, tier, functions, count,
				 t->readers->compile_ms_max * (tier == WASM_TIER_1 ? PATIENCE : 1), blob, note);
	if (e == E_TIMEOUT || e == E_WORKER)
		set_compiler(t, slot, NULL);
	return e;
}

static bool has_code(struct translated *t, uint32_t function)
{
	bool has;

	pthread_mutex_lock(&t->lock);
	has = wasm_code_tier(&t->code, function) != 0;
	pthread_mutex_unlock(&t->lock);
	return has;
}

enum err translated_need(struct translated *t, uint32_t function, struct note *note)
{
	struct buf blob = BUF_EMPTY;
	bool asked;
	enum err e = OK;

	if (function >= t->counts.functions)
		return note_err(note, E_CORRUPT, "the worker asks for a function that the module does not have");
	pthread_mutex_lock(&t->need_lock);
	t->stopped = false;
	asked = !has_code(t, function);
	if (asked) {
		e = ask(t, &t->now, WASM_TIER_0, &function, 1, &blob, note);
		if (e == OK)
			e = take_blob(t, buf_bytes(&blob), note);
	}
	pthread_mutex_unlock(&t->need_lock);
	buf_release(&blob);
	if (asked)
		crew_asked(&t->readers->crew, t);
	return e;
}

void translated_rest(struct translated *t)
{
	if (pthread_mutex_trylock(&t->need_lock) != 0)
		return;
	set_compiler(t, &t->now, NULL);
	pthread_mutex_unlock(&t->need_lock);
}

/* ---- T1 ---- */

struct candidate {
	uint32_t hits, function;
};

/* The hottest functions without T1, at most BATCH, hottest first. */
static uint32_t choose(struct translated *t, struct candidate best[BATCH])
{
	uint32_t count = 0;

	pthread_mutex_lock(&t->lock);
	for (uint32_t f = 0; f < t->counts.functions; f++) {
		struct candidate c = {t->hits[f], f};
		uint32_t at;

		if (wasm_code_tier(&t->code, f) == 1 + WASM_TIER_1 || t->refused[f])
			continue;
		if (count == BATCH && best[count - 1].hits >= c.hits)
			continue;
		count += count < BATCH;
		for (at = count - 1; at > 0 && best[at - 1].hits < c.hits; at--)
			best[at] = best[at - 1];
		best[at] = c;
	}
	pthread_mutex_unlock(&t->lock);
	return count;
}

enum left translated_left(struct translated *t)
{
	struct candidate best[BATCH];

	if (t->complete || t->stopped || choose(t, best) == 0)
		return LEFT_NOTHING;
	return best[0].hits ? LEFT_HOT : LEFT_COLD;
}

static void finish(struct translated *t)
{
	t->complete = true;
	set_compiler(t, &t->patient, NULL);
	compact(t);
	pthread_mutex_lock(&t->need_lock); /* nobody needs T0 any more, unless T1 was refused */
	set_compiler(t, &t->now, NULL);
	pthread_mutex_unlock(&t->need_lock);
}

void translated_improve(struct translated *t)
{
	struct candidate best[BATCH];
	uint32_t functions[BATCH], count = choose(t, best), hot = 0;
	struct buf blob = BUF_EMPTY;
	struct note note = {0};
	enum err e = OK;

	while (hot < count && best[hot].hits)
		hot++;
	if (hot)
		count = hot; /* what never ran does not keep what did waiting */
	for (uint32_t i = 0; i < count; i++)
		functions[i] = best[i].function;
	if (count)
		e = ask(t, &t->patient, WASM_TIER_1, functions, count, &blob, &note);
	if (count && e == OK)
		e = take_blob(t, buf_bytes(&blob), &note);
	/* One of the batch is too much for LLVM: the others get their chance alone. */
	for (uint32_t i = 0; e < 0 && i < count && !t->stopped; i++) {
		enum err alone = count > 1 ? ask(t, &t->patient, WASM_TIER_1, &functions[i], 1, &blob, &note) : e;
		if (alone == OK)
			alone = take_blob(t, buf_bytes(&blob), &note);
		if (alone < 0 && t->stopped)
			break;
		t->refused[functions[i]] = alone < 0;
		if (alone < 0)
			log_event(t->readers->log, LOG_ODD, "reader.improve", "function=%u error=%s", functions[i],
				  note.text);
	}
	if (!t->complete && choose(t, best) == 0)
		finish(t);
	buf_release(&blob);
}

void translated_pause(struct translated *t)
{
	set_compiler(t, &t->patient, NULL);
}

/* ---- life ---- */

static enum err make_profile(struct translated *t, struct note *note)
{
	size_t size = ((size_t)t->counts.functions + 1) * sizeof(uint32_t);
	void *at;

	t->profile = memfd_create("weft-profile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (t->profile < 0 || ftruncate(t->profile, (off_t)size) != 0 ||
	    fcntl(t->profile, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return io_error(note, "memfd");
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, t->profile, 0);
	if (at == MAP_FAILED)
		return io_error(note, "mmap");
	t->hits = at;
	t->refused = calloc(t->counts.functions + 1, 1);
	must(t->refused != NULL);
	return OK;
}

/* A module that was never seen: weft-compile checks it and makes the thunks. */
static enum err begin(struct translated *t, const uint8_t hash[32], struct note *note)
{
	struct buf head = BUF_EMPTY, blob = BUF_EMPTY;
	enum err e = have_compiler(t, &t->now, note);

	if (e == OK) {
		artefact_begin(&head, hash, t->gas, t->counts.functions, t->counts.types);
		memcpy(t->header, head.ptr, sizeof(t->header));
		e = wasm_code_new(&t->code, t->counts.functions, t->counts.types, note);
	}
	if (e == OK)
		e = replace_file(t, buf_bytes(&head), note);
	if (e == OK)
		e = ask(t, &t->now, WASM_TIER_1, NULL, 0, &blob, note);
	if (e == OK)
		e = take_blob(t, buf_bytes(&blob), note);
	buf_release(&head);
	buf_release(&blob);
	return e;
}

enum err translated_open(struct translated **out, struct readers *r, struct bytes wasm, int module, enum wasm_gas gas,
			 struct note *note)
{
	struct translated *t = calloc(1, sizeof(*t));
	uint8_t hash[32];
	enum err e = OK;

	must(t != NULL && pthread_mutex_init(&t->lock, NULL) == 0 && pthread_mutex_init(&t->need_lock, NULL) == 0 &&
	     pthread_mutex_init(&t->stop_lock, NULL) == 0);
	t->readers = r;
	t->gas = gas;
	t->module = module;
	t->file = t->profile = t->code.fd = -1;
	sha256(hash, wasm);
	buf_printf(&t->path, "%s/", r->cache);
	buf_put_hex(&t->path, bytes_of(hash, 32));
	buf_printf(&t->path, "-%s-v%d.code", gas == WASM_GAS_METERING ? "metering" : "own", VM_VERSION);
	if (!load_built(t, hash) && !load_file(t, hash)) {
		e = begin(t, hash, note);
		crew_asked(&r->crew, t);
	}
	if (e == OK)
		e = make_profile(t, note);
	if (e < 0) {
		translated_close(t);
		return e;
	}
	*out = t;
	return OK;
}

void translated_stop(struct translated *t)
{
	t->stopped = true;
	pthread_mutex_lock(&t->stop_lock);
	if (t->now)
		compiler_kill(t->now);
	if (t->patient)
		compiler_kill(t->patient);
	pthread_mutex_unlock(&t->stop_lock);
}

void translated_close(struct translated *t)
{
	if (!t)
		return;
	crew_left(&t->readers->crew, t);
	compiler_stop(t->now);
	compiler_stop(t->patient);
	if (t->hits)
		munmap((void *)t->hits, ((size_t)t->counts.functions + 1) * sizeof(uint32_t));
	wasm_code_release(&t->code);
	if (t->file >= 0)
		close(t->file);
	if (t->profile >= 0)
		close(t->profile);
	free(t->refused);
	buf_release(&t->path);
	pthread_mutex_destroy(&t->lock);
	pthread_mutex_destroy(&t->need_lock);
	pthread_mutex_destroy(&t->stop_lock);
	free(t);
}

int translated_code(const struct translated *t)
{
	return t->code.fd;
}

int translated_profile(const struct translated *t)
{
	return t->profile;
}
