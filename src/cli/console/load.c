/* SPDX-License-Identifier: MIT
 *
 * load: files to the process: `.load` with all that a file requires, blueprints by name.
 */
#include "cli/commands.h"
#include "cli/console/complete.h"
#include "cli/console/console.h"
#include "cli/console/watch.h"
#include "cli/print.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_files(const struct bundle *b)
{
	if (b->count < 2)
		return;
	for (size_t i = b->count; i-- > 0;) {
		const struct bundle_file *file = &b->files[i];
		print_in(COLOR_DIM, "%*s%s", (int)(2 * file->depth), "", file->depth ? "requires " : "");
		print_in(COLOR_DIM, "%s%s%s\n", file->path, file->name ? " as " : "", file->name ? file->name : "");
	}
}

int console_load(struct console *c, const char *path)
{
	struct bundle *bundle;
	struct turn t;
	int exit_code;
	enum err e;

	turn_begin(&t, c);
	bundle = arena_new(&t.call.arena, struct bundle);
	if (!bytes_ends(bytes_str(path), ".lua"))
		e = note_err(&t.call.note, E_ARGUMENT, ".load wants a file of Lua (name.lua), not '%s'", path);
	else
		e = bundle_make(bundle, &t.call.arena, path, &t.call.note);
	if (e < 0)
		return turn_fail(&t, e);
	watch_bundle(c->watch, path, bundle);
	if (c->terminal && !c->reloading)
		print_files(bundle);
	exit_code = console_eval(c, bundle->chunk, bundle);
	turn_end(&t);
	return exit_code;
}

/* ---- blueprints ---- */

enum { BLUEPRINT_MAX = 4 << 20 };

const char *blueprints_find(struct arena *a)
{
	/* Beside the build (src/node/weft), or beside what was installed (bin/weft). */
	static const char *const places[] = {"../../modules/aos/blueprints", "../share/weft/blueprints"};
	const char *named = getenv("WEFT_BLUEPRINTS");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (named && named[0])
		return named;
	if (n <= 0)
		return NULL;
	self[n] = 0;
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	*slash = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *path = (const char *)arena_printf(a, "%s/%s", self, places[i]).ptr;
		if (access(path, R_OK | X_OK) == 0)
			return path;
	}
	return NULL;
}

/* The names are few: which of them was meant? */
static enum err no_blueprint(struct turn *t, const char *name)
{
	struct completion *all = arena_new(&t->call.arena, struct completion);
	struct nearest near = {.word = bytes_str(name)};
	struct buf list = BUF_EMPTY;

	complete(all, &t->call.arena, BYTES(".load-blueprint "), t->console->blueprints);
	for (size_t i = 0; i < all->count; i++) {
		nearest_offer(&near, all->candidates[i]);
		buf_printf(&list, "%s%s", i ? ", " : "", all->candidates[i]);
	}
	note_err(&t->call.note, E_NOT_FOUND, "there is no blueprint '%s'", name);
	if (near.best)
		note_hint(&t->call.note, "did you mean .load-blueprint %s?", near.best);
	else
		note_hint(&t->call.note, "there are: %s", buf_str(&list));
	buf_release(&list);
	return E_NOT_FOUND;
}

int console_load_blueprint(struct console *c, const char *name)
{
	struct bundle *bundle;
	struct bytes text;
	const char *path;
	struct turn t;
	int exit_code;
	enum err e;

	turn_begin(&t, c);
	bundle = arena_new(&t.call.arena, struct bundle);
	if (!c->blueprints) {
		note_err(&t.call.note, E_NOT_FOUND, "the blueprints are not installed");
		note_hint(&t.call.note, "WEFT_BLUEPRINTS names the directory that has them");
		return turn_fail(&t, E_NOT_FOUND);
	}
	path = (const char *)arena_printf(&t.call.arena, "%s/%s.lua", c->blueprints, name).ptr;
	if (strchr(name, '/') || access(path, R_OK) != 0)
		return turn_fail(&t, no_blueprint(&t, name));
	e = read_file(&t.call, path, BLUEPRINT_MAX, &text);
	if (e < 0)
		return turn_fail(&t, e);
	bundle_of_text(bundle, &t.call.arena, path, text);
	exit_code = console_eval(c, bundle->chunk, bundle);
	if (exit_code == 0 && c->terminal)
		print_in(COLOR_DIM, "loaded the blueprint %s\n", name);
	turn_end(&t);
	return exit_code;
}
