/* SPDX-License-Identifier: MIT
 *
 * dry: runs of which nothing is kept. The process is brought to the present by a job of its own; then another
 * worker, on the same image, takes the turn on a thread of the dry pool, while the process goes on.
 */
#include "cu/unit.h"

#include <stdlib.h>
#include <string.h>

struct dry {
	struct cu *cu;
	struct live *live;
	struct image *image; /* the process's, held */
	struct buf message, text;
	result_done *done;
	void *ctx;
};

static void dry_end(struct dry *d, enum err e, const struct note *note, struct bytes json)
{
	struct cu *cu = d->cu;

	d->done(d->ctx, e, e < 0 ? note : NULL, json);
	image_release(d->image);
	buf_release(&d->message);
	buf_release(&d->text);
	if (d->live)
		live_release(d->live);
	free(d);
	atomic_fetch_sub(&cu->under_way, 1);
}

/* Under dry_lock: the process's worker for dry runs, on the image at hand. */
static enum err dry_instance(struct dry *d, struct note *note)
{
	struct live *p = d->live;

	if (p->dry && p->dry->image == d->image)
		return OK;
	instance_close(p->dry);
	p->dry = NULL;
	return instance_open(&p->dry, p->module->program, d->image, p->memory_max, note);
}

static void run_dry(void *ctx)
{
	struct dry *d = ctx;
	struct live *p = d->live;
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct outcome outcome;
	struct result result = {0};
	enum err e;

	pthread_mutex_lock(&p->dry_lock);
	for (int tries = 0; tries < 2; tries++) {
		note_reset(&note);
		e = dry_instance(d, &note);
		if (e == OK)
			e = instance_try(p->dry, &a, buf_bytes(&d->text), p->environment, p->gas_limit, 1000, &outcome,
					 &note);
		if (e != E_WORKER)
			break;
		instance_close(p->dry);
		p->dry = NULL;
	}
	pthread_mutex_unlock(&p->dry_lock);
	if (e == OK)
		result_of_outcome(&result, &a, &outcome);
	dry_end(d, e, &note, result.json);
	arena_release(&a);
}

/* In the process's job. */
static void on_present(void *ctx, enum err e, const struct note *note, struct live *p)
{
	struct dry *d = ctx;
	struct arena a = ARENA_EMPTY;
	struct note ours = {0};

	if (note)
		ours = *note;
	if (e == OK)
		e = dry_run_for_module(&d->text, &a, p, buf_bytes(&d->message), &ours);
	arena_release(&a);
	if (e == OK) {
		d->live = live_hold(d->cu, p->process);
		d->image = image_hold(p->image);
		e = pool_put(d->cu->dry_pool, run_dry, d);
		if (e < 0)
			note_err(&ours, e, "Dry-Run enqueue limit exceeded");
	}
	if (e < 0)
		dry_end(d, e, &ours, bytes_of(NULL, 0));
}

void dry_run(struct cu *cu, struct id process, struct bytes to, struct bytes message, result_done *done, void *ctx)
{
	struct dry *d = calloc(1, sizeof(*d));

	must(d != NULL);
	d->cu = cu;
	d->done = done;
	d->ctx = ctx;
	buf_put_bytes(&d->message, message);
	atomic_fetch_add(&cu->under_way, 1);
	ask_present(cu, process, to, on_present, d);
}
