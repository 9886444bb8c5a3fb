/* SPDX-License-Identifier: MIT */
#include "node/home.h"

#include "cli/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_SIZE_MAX = 64 << 20, FILE_SIZE_MAX = 512 << 20 };

enum err home_open(const char *home, struct note *note)
{
	enum err e = directory_make(home, note);

	if (e == OK && access(home, R_OK | W_OK | X_OK) != 0)
		e = note_err(note, E_IO, "%s cannot be written: %s", home, strerror(errno));
	if (e < 0)
		note_hint(note, "name a directory of yours with --home DIR");
	return e;
}

const char *home_file(struct arena *a, const char *home, const char *name)
{
	return (const char *)arena_printf(a, "%s/%s", home, name).ptr;
}

enum err home_log(int *fd, const char *home, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	const char *path = home_file(&a, home, "weft.log"), *older = home_file(&a, home, "weft.log.1");
	struct stat st;
	enum err e = OK;

	if (stat(path, &st) == 0 && st.st_size > LOG_SIZE_MAX)
		rename(path, older);
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (*fd < 0)
		e = note_err(note, E_IO, "the log %s cannot be opened: %s", path, strerror(errno));
	arena_release(&a);
	return e;
}

enum err home_key(struct key **key, const char *home, const char *path, bool *made, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	const char *own = home_file(&a, home, "key.json");
	enum err e;

	*made = false;
	if (path[0] == 0 && access(own, F_OK) != 0) {
		e = key_new(key, SIGN_ED25519, note);
		if (e == OK && (e = key_save(*key, own, note)) < 0) {
			key_free(*key);
			*key = NULL;
		}
		*made = e == OK;
		if (e != E_EXISTS) /* else: a unit that starts at the same moment was faster */
			goto out;
		note_reset(note);
	}
	e = key_load_named(key, path[0] ? path : own, note);
	if (e < 0)
		note_hint(note, "weft wallet new --type ed25519 --out FILE makes a key");
out:
	arena_release(&a);
	return e;
}

/* The first of the places, relative to this program, where `name` is. */
static bool find_beside(struct arena *a, const char **path, const char *const *places, size_t count, const char *name,
			int mode, struct note *note)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0) {
		note_err(note, E_IO, "/proc/self/exe cannot be read: %s", strerror(errno));
		return false;
	}
	self[n] = 0;
	slash = strrchr(self, '/');
	must(slash != NULL);
	*slash = 0;
	for (size_t i = 0; i < count; i++) {
		*path = (const char *)arena_printf(a, "%s/%s%s", self, places[i], name).ptr;
		if (access(*path, mode) == 0)
			return true;
	}
	note_err(note, E_NOT_FOUND, "%s was not found, looking from %s, where weft is", name, self);
	return false;
}

enum err program_path(struct arena *a, const char **path, const char *name, struct note *note)
{
	static const char *const places[] = {"", "../reader/", "../engine/", "../libexec/weft/"};

	if (find_beside(a, path, places, sizeof(places) / sizeof(places[0]), name, X_OK, note))
		return OK;
	note_hint(note, "weft, weft-worker and weft-compile belong in one directory");
	return E_NOT_FOUND;
}

enum err module_path(struct arena *a, const char **path, struct note *note)
{
	static const char *const places[] = {"../../modules/aos/", "../share/weft/"};

	return find_beside(a, path, places, sizeof(places) / sizeof(places[0]), "aos.wasm", R_OK, note) ? OK
													: E_NOT_FOUND;
}

const char *code_directory(struct arena *a)
{
	static const char *const places[] = {"../../modules/aos/", "../libexec/weft/"};
	static const char name[] = "aos.code";
	const char *path;

	if (!find_beside(a, &path, places, sizeof(places) / sizeof(places[0]), name, R_OK, NULL))
		return NULL;
	return (const char *)arena_printf(a, "%.*s", (int)(strlen(path) - strlen(name)), path).ptr;
}

enum err file_read(struct arena *a, const char *path, struct bytes *content, struct note *note)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *at;
	size_t done = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		note_err(note, E_IO, "%s cannot be read: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return E_IO;
	}
	if (st.st_size > FILE_SIZE_MAX) {
		close(fd);
		return note_err(note, E_LIMIT, "%s is larger than 512 MiB", path);
	}
	at = arena_alloc(a, (size_t)st.st_size);
	while (done < (size_t)st.st_size && (n = read(fd, at + done, (size_t)st.st_size - done)) > 0)
		done += (size_t)n;
	close(fd);
	*content = bytes_of(at, done);
	return n < 0 ? note_err(note, E_IO, "%s cannot be read: %s", path, strerror(errno)) : OK;
}
