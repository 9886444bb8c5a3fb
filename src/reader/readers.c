/* SPDX-License-Identifier: MIT
 *
 * readers: the table of module formats, and the calls that go through it.
 */
#include "reader/format.h"
#include "reader/wasm/abi.h"
#include "reader/wasm/tiers.h"
#include "reader/wasm/wasm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
	const char *format;
	const struct reader *reader;
	int variant;
} table[] = {
#define ABI(name, format, ...) {format, &wasm_reader, ABI_##name},
#include "reader/wasm/abi.def"
#undef ABI
};

enum { TURN_MS_MAX = 3600000, COMPILE_MS_MAX = 60000 };
enum { FORMATS = sizeof(table) / sizeof(table[0]) };

static size_t find_row(struct bytes format)
{
	size_t i = 0;

	while (i < FORMATS && !bytes_eq_str(format, table[i].format))
		i++;
	return i;
}

bool reader_known(struct bytes format)
{
	return find_row(format) < FORMATS;
}

enum err readers_open(struct readers **out, const struct readers_options *options, struct note *note)
{
	struct readers *r;

	if (mkdir(options->cache, 0777) != 0 && errno != EEXIST)
		return note_err(note, E_IO, "the cache of translated modules cannot be made: %s: %s", options->cache,
				strerror(errno));
	r = calloc(1, sizeof(*r));
	must(r != NULL && pthread_mutex_init(&r->crew.lock, NULL) == 0);
	r->compile = strdup(options->compile);
	r->worker = strdup(options->worker);
	r->cache = strdup(options->cache);
	r->built = options->built ? strdup(options->built) : NULL;
	must(r->compile && r->worker && r->cache && (r->built || !options->built));
	r->log = options->log;
	r->turn_ms_max = options->turn_ms_max ? options->turn_ms_max : TURN_MS_MAX;
	r->compile_ms_max = options->compile_ms_max ? options->compile_ms_max : COMPILE_MS_MAX;
	if (!options->first_tier_only)
		r->tiers = tiers_new();
	*out = r;
	return OK;
}

void readers_close(struct readers *r)
{
	if (r->tiers)
		tiers_free(r->tiers);
	pthread_mutex_destroy(&r->crew.lock);
	free(r->compile);
	free(r->worker);
	free(r->cache);
	free(r->built);
	free(r);
}

static enum err unknown(struct bytes format, struct note *note)
{
	note_err(note, E_UNSUPPORTED, "no reader for Module-Format \"%.*s\"", BYTES_FMT(format));
	note_hint(note, "known are %s, wasm32-unknown-emscripten with 2, 3, 4 or -metering behind it, %s, %s, and %s",
		  abi_of(ABI_EMSCRIPTEN_1)->format, abi_of(ABI_EMSCRIPTEN_5)->format,
		  abi_of(ABI_EMSCRIPTEN_5_METERING)->format, abi_of(ABI_WASI_1)->format);
	return E_UNSUPPORTED;
}

enum err program_open(struct program **out, struct readers *r, struct bytes format, struct bytes module,
		      struct note *note)
{
	size_t row = find_row(format);

	if (row == FORMATS)
		return unknown(format, note);
	return table[row].reader->program_open(out, r, table[row].variant, module, note);
}

void program_stop(struct program *p)
{
	p->reader->program_stop(p);
}

void program_settle(struct program *p)
{
	p->reader->program_settle(p);
}

void program_close(struct program *p)
{
	if (p)
		p->reader->program_close(p);
}

enum err instance_open(struct instance **out, struct program *p, struct image *image, uint64_t memory_max,
		       struct note *note)
{
	return p->reader->instance_open(out, p, image, memory_max, note);
}

void instance_close(struct instance *i)
{
	if (i)
		i->reader->instance_close(i);
}

void instance_lend(struct instance *i, struct drive *drive)
{
	i->drive = drive;
}

void instance_foresee(struct instance *i, struct bytes message)
{
	i->foreseen = message;
}

enum err instance_turn(struct instance *i, struct arena *a, struct bytes message, struct bytes environment,
		       uint64_t gas_limit, struct outcome *out, struct note *note)
{
	enum err e = i->reader->turn(i, a, message, environment, gas_limit, false, out, note);

	i->foreseen = bytes_of(NULL, 0);
	return e;
}

enum err instance_try(struct instance *i, struct arena *a, struct bytes message, struct bytes environment,
		      uint64_t gas_limit, struct outcome *out, struct note *note)
{
	return i->reader->turn(i, a, message, environment, gas_limit, true, out, note);
}

void instance_stop(struct instance *i)
{
	i->reader->stop(i);
}

uint64_t instance_memory(struct instance *i)
{
	return i->reader->memory(i);
}

enum err instance_commit(struct instance *i, struct note *note)
{
	return i->reader->commit(i, note);
}

enum err instance_rollback(struct instance *i, struct note *note)
{
	return i->reader->rollback(i, note);
}

enum err instance_settle(struct instance *i, struct note *note)
{
	return i->reader->settle(i, note);
}
