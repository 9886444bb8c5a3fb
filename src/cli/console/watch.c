/* SPDX-License-Identifier: MIT */
#include "cli/console/watch.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { SETTLE_MS = 40, SEEN_MAX = WATCH_FILES_MAX * 64 };

/* A name in a directory, and the file of watch_add that needs it. */
struct seen {
	int directory; /* inotify's number of it */
	char *name;
	size_t file;
};

struct watch {
	int fd;
	size_t file_count;
	char *files[WATCH_FILES_MAX];
	bool changed[WATCH_FILES_MAX];
	size_t seen_count;
	struct seen seen[SEEN_MAX];
};

enum err watch_open(struct watch **out, struct note *note)
{
	struct watch *w = calloc(1, sizeof(*w));

	must(w != NULL);
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0) {
		free(w);
		return note_err(note, E_IO, "files cannot be watched: %s", strerror(errno));
	}
	*out = w;
	return OK;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->file_count; i++)
		free(w->files[i]);
	for (size_t i = 0; i < w->seen_count; i++)
		free(w->seen[i].name);
	close(w->fd);
	free(w);
}

static enum err see(struct watch *w, const char *path, size_t file, struct note *note)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	const char *name = slash ? slash + 1 : path;
	int number;

	must(directory != NULL);
	number = inotify_add_watch(w->fd, directory, IN_CLOSE_WRITE | IN_MOVED_TO);
	free(directory);
	if (number < 0)
		return note_err(note, E_IO, "%s cannot be watched: %s", path, strerror(errno));
	for (size_t i = 0; i < w->seen_count; i++)
		if (w->seen[i].directory == number && w->seen[i].file == file && strcmp(w->seen[i].name, name) == 0)
			return OK;
	if (w->seen_count == SEEN_MAX)
		return note_err(note, E_LIMIT, "more than %d files to watch", SEEN_MAX);
	w->seen[w->seen_count] = (struct seen){number, strdup(name), file};
	must(w->seen[w->seen_count++].name != NULL);
	return OK;
}

enum err watch_add(struct watch *w, const char *path, struct note *note)
{
	enum err e;

	if (w->file_count == WATCH_FILES_MAX)
		return note_err(note, E_LIMIT, "more than %d files to watch", WATCH_FILES_MAX);
	if (access(path, R_OK) != 0)
		return note_err(note, E_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
	e = see(w, path, w->file_count, note);
	if (e < 0)
		return e;
	w->files[w->file_count] = strdup(path);
	must(w->files[w->file_count++] != NULL);
	return OK;
}

void watch_bundle(struct watch *w, const char *path, const struct bundle *bundle)
{
	for (size_t file = 0; w && file < w->file_count; file++)
		for (size_t i = 0; i < bundle->count && strcmp(w->files[file], path) == 0; i++)
			if (see(w, bundle->files[i].path, file, NULL) < 0)
				return;
}

int watch_fd(const struct watch *w)
{
	return w ? w->fd : -1;
}

static void note_event(struct watch *w, const struct inotify_event *event)
{
	for (size_t i = 0; event->len && i < w->seen_count; i++)
		if (w->seen[i].directory == event->wd && strcmp(w->seen[i].name, event->name) == 0)
			w->changed[w->seen[i].file] = true;
}

static bool read_events(struct watch *w)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t n = read(w->fd, events, sizeof(events));
	const struct inotify_event *event;

	for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const struct inotify_event *)(events + at);
		note_event(w, event);
	}
	return n > 0;
}

const char *watch_next(struct watch *w)
{
	if (!w)
		return NULL;
	if (read_events(w)) {
		clock_sleep_ms(SETTLE_MS);
		while (read_events(w))
			;
	}
	for (size_t i = 0; i < w->file_count; i++) {
		if (!w->changed[i])
			continue;
		w->changed[i] = false;
		return w->files[i];
	}
	return NULL;
}
