/* SPDX-License-Identifier: MIT */
#include "cli/identity.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/net.h"
#include "msg/address.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANCHOR_RANDOM = 24, ANCHOR_SIZE = 32 };

/* ---- where ---- */

enum err home_directory(struct arena *a, const char **path, struct note *note)
{
	const char *named = getenv("WEFT_HOME"), *home = getenv("HOME");

	if (named && named[0]) {
		*path = named;
		return OK;
	}
	if (!home || !home[0]) {
		const struct passwd *user = getpwuid(getuid());
		home = user ? user->pw_dir : NULL;
	}
	if (!home || !home[0]) {
		note_err(note, E_ARGUMENT, "there is no home directory to keep things in");
		note_hint(note, "set WEFT_HOME to a directory");
		return E_ARGUMENT;
	}
	*path = (const char *)arena_printf(a, "%s/.weft", home).ptr;
	return OK;
}

enum err directory_make(const char *path, struct note *note)
{
	char *whole = strdup(path);
	struct stat st;
	enum err e = OK;

	must(whole != NULL);
	for (char *slash = strchr(whole + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(whole, 0700); /* what cannot be made shows below */
		*slash = '/';
	}
	if (mkdir(whole, 0700) != 0 && errno != EEXIST)
		e = note_err(note, E_IO, "the directory %s cannot be made: %s", path, strerror(errno));
	else if (stat(whole, &st) == 0 && !S_ISDIR(st.st_mode))
		e = note_err(note, E_IO, "%s is not a directory", path);
	free(whole);
	return e;
}

enum err identity_path(struct call *c, const char **path, bool *is_default)
{
	const char *home;
	enum err e;

	*is_default = false;
	*path = call_option(c, "wallet");
	if (!*path)
		*path = getenv("WEFT_WALLET");
	if (*path && (*path)[0])
		return OK;
	e = home_directory(&c->arena, &home, &c->note);
	if (e < 0)
		return e;
	*is_default = true;
	*path = (const char *)arena_printf(&c->arena, "%s/wallet.json", home).ptr;
	return OK;
}

/* ---- the key ---- */

enum err key_load_named(struct key **key, const char *path, struct note *note)
{
	struct note why = {0};
	enum err e = key_load(key, path, &why);

	if (e < 0 && strstr(why.text, path))
		note_err(note, e, "%s", why.text);
	else if (e < 0)
		note_err(note, e, "%s: %s", path, note_text(&why, e));
	return e;
}

enum err identity_make(struct key **key, struct call *c, enum signature_type type, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct progress *p;
	enum err e = OK;

	if (access(path, F_OK) == 0)
		return note_err(&c->note, E_EXISTS, "there is a key in %s already", path);
	if (slash && slash != path)
		e = directory_make(arena_cstr(&c->arena, bytes_of(path, (size_t)(slash - path))), &c->note);
	if (e < 0)
		return e;
	p = progress_begin("making a key");
	e = key_new(key, type, &c->note);
	progress_end(p);
	if (e < 0)
		return e;
	e = key_save(*key, path, &c->note);
	if (e < 0) {
		key_free(*key);
		*key = NULL;
	}
	return e;
}

enum err identity_open(struct key **key, struct call *c)
{
	const char *path;
	bool is_default;
	enum err e = identity_path(c, &path, &is_default);

	if (e < 0)
		return e;
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		if (!is_default) {
			note_err(&c->note, E_NOT_FOUND, "there is no key in %s", path);
			note_hint(&c->note, "weft wallet new --out %s makes one", path);
			return E_NOT_FOUND;
		}
		e = identity_make(key, c, SIGN_ARWEAVE, path);
		if (e == OK)
			fprintf(stderr, "made a wallet: %s\n", path);
		if (e != E_EXISTS)
			return e;
		note_reset(&c->note); /* another command was faster */
	}
	return key_load_named(key, path, &c->note);
}

void identity_close(struct key *key)
{
	if (key)
		key_free(key);
}

enum err identity_address(struct call *c, struct bytes *address)
{
	struct key *key = NULL;
	enum err e = identity_open(&key, c);
	struct id_text text;

	if (e < 0)
		return e;
	text = id_text(key_address(key));
	*address = address_for_module(&c->arena, arena_copy(&c->arena, bytes_str(text.s)), key_owner(key));
	identity_close(key);
	return OK;
}

enum err identity_sign(struct buf *item, struct id *id, const struct key *key, struct bytes target, struct tags tags,
		       struct bytes data, struct note *note)
{
	uint8_t random[ANCHOR_RANDOM];
	char anchor[ANCHOR_SIZE + 1];
	struct item_fields fields = {.target = target, .tags = tags, .data = data};

	/* Readable, because a scheduler shows an anchor that is not text as null. */
	random_bytes(random, sizeof(random));
	b64url_encode(anchor, bytes_of(random, sizeof(random)));
	fields.anchor = bytes_of(anchor, ANCHOR_SIZE);
	return item_create(item, id, key, &fields, note);
}
