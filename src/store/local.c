/* SPDX-License-Identifier: MIT */
#include "store/local.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

char *local_path(const struct local_store *l, struct buf *out, const char *format, ...)
{
	va_list args;

	buf_clear(out);
	buf_printf(out, "%s/", l->directory);
	va_start(args, format);
	buf_vprintf(out, format, args);
	va_end(args);
	return (char *)(uintptr_t)buf_str(out);
}

/* ---- life ---- */

static enum err make_directories(struct local_store *l, struct note *note)
{
	static const char *const names[] = {"", "log", "index", "blobs"};
	struct buf path = BUF_EMPTY;
	enum err e = OK;

	for (size_t i = 0; i < 4 && e == OK; i++)
		if (mkdir(local_path(l, &path, "%s", names[i]), 0755) < 0 && errno != EEXIST)
			e = note_err(note, E_IO, "cannot make %s: %s", buf_str(&path), strerror(errno));
	if (e == OK && !file_sync_directory(l->directory))
		e = note_err(note, E_IO, "cannot write to %s: %s", l->directory, strerror(errno));
	(void)!file_sync_directory(local_path(l, &path, "..")); /* may be somebody's whom we may not read */
	buf_release(&path);
	return e;
}

static enum err take_lock(struct local_store *l, struct note *note)
{
	struct buf path = BUF_EMPTY;
	char pid[32] = "";
	enum err e = OK;

	l->lock_fd = open(local_path(l, &path, "LOCK"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (l->lock_fd < 0) {
		e = note_err(note, E_IO, "cannot write to %s: %s", l->directory, strerror(errno));
	} else if (flock(l->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		ssize_t n = pread(l->lock_fd, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? n : 0] = 0;
		e = note_err(note, E_BUSY, "%s is in use by process %s", l->directory, pid);
		note_hint(note, "stop it first, or choose another directory");
	} else {
		int n = snprintf(pid, sizeof(pid), "%d", getpid());
		if (ftruncate(l->lock_fd, 0) < 0 || pwrite(l->lock_fd, pid, (size_t)n, 0) != n)
			e = note_err(note, E_IO, "cannot write to %s: %s", l->directory, strerror(errno));
	}
	buf_release(&path);
	return e;
}

static void local_free(struct local_store *l)
{
	if (l->env)
		mdb_env_close(l->env);
	for (int i = 0; i < OPEN_SEGMENTS; i++)
		if (l->fds[i].fd >= 0)
			close(l->fds[i].fd);
	if (l->fd >= 0)
		close(l->fd);
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	memtable_release(&l->active);
	free(l->directory);
	free(l);
}

/* The log thread ends first, having written what waits; then what is in memory moves to the index. */
static void local_close(struct store *s)
{
	struct local_store *l = self_of(s);

	pthread_mutex_lock(&l->queue_lock);
	l->closing = true;
	pthread_cond_broadcast(&l->queue_wake);
	pthread_cond_broadcast(&l->freeze_wake);
	pthread_mutex_unlock(&l->queue_lock);
	pthread_join(l->log_thread, NULL);
	pthread_join(l->flush_thread, NULL);
	if (l->has_frozen)
		memtable_release(&l->frozen);
	else if (l->active.count)
		index_put(l, &l->active, &l->active_end);
	local_free(l);
}

static const struct backend local_backend = {
	.close = local_close,
	.commit = local_commit,
	.get = local_get,
	.scan = local_scan,
	.blob_put = local_blob_put,
	.blob_get = local_blob_get,
	.blob_open = local_blob_open,
	.blob_has = local_blob_has,
	.blob_del = local_blob_del,
};

enum err store_open_local(struct store **out, const char *directory, struct log *log, struct note *note)
{
	struct local_store *l = calloc(1, sizeof(*l));
	pthread_rwlockattr_t opener; /* does not wait for a moment without readers */
	struct location position;
	enum err e;

	must(l != NULL);
	l->store.backend = &local_backend;
	l->directory = strdup(directory);
	l->log = log;
	l->fd = l->lock_fd = -1;
	l->last = &l->first;
	for (int i = 0; i < OPEN_SEGMENTS; i++)
		l->fds[i].fd = -1;
	memtable_init(&l->active);
	if ((e = make_directories(l, note)) < 0 || (e = take_lock(l, note)) < 0 ||
	    (e = index_open(l, &position, note)) < 0 || (e = log_replay(l, position, note)) < 0) {
		local_free(l);
		return e;
	}
	blobs_clean(l);
	must(pthread_mutex_init(&l->queue_lock, NULL) == 0 && pthread_cond_init(&l->queue_wake, NULL) == 0 &&
	     pthread_cond_init(&l->freeze_wake, NULL) == 0 && pthread_rwlock_init(&l->table_lock, NULL) == 0 &&
	     pthread_rwlockattr_init(&opener) == 0 &&
	     pthread_rwlockattr_setkind_np(&opener, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0 &&
	     pthread_rwlock_init(&l->fd_lock, &opener) == 0);
	pthread_rwlockattr_destroy(&opener);
	must(pthread_create(&l->log_thread, NULL, log_thread, l) == 0 &&
	     pthread_create(&l->flush_thread, NULL, flush_thread, l) == 0);
	pthread_setname_np(l->log_thread, "store-log");
	pthread_setname_np(l->flush_thread, "store-index");
	*out = &l->store;
	return OK;
}
