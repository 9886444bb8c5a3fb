/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/hash.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *blob_path(struct local_store *l, struct buf *out, struct id hash)
{
	char hex[65];

	hex_encode(hex, bytes_of(hash.b, 32));
	return local_path(l, out, "blobs/%.2s/%s", hex, hex + 2);
}

enum err local_blob_put(struct store *s, struct id hash, struct bytes bytes)
{
	struct local_store *l = self_of(s);
	struct buf path = BUF_EMPTY, temporary = BUF_EMPTY, folder = BUF_EMPTY;
	uint8_t nonce[8];
	char hex[17];
	enum err e = OK;
	int fd;

	random_bytes(nonce, sizeof(nonce));
	hex_encode(hex, bytes_of(nonce, sizeof(nonce)));
	blob_path(l, &path, hash);
	buf_put(&folder, path.ptr, path.len - 63);
	mkdir(buf_str(&folder), 0755);
	local_path(l, &temporary, "blobs/%s.new", hex);
	fd = open(buf_str(&temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || !file_write_at(fd, bytes, 0) || fdatasync(fd) < 0 ||
	    rename(buf_str(&temporary), buf_str(&path)) < 0) {
		log_event(l->log, LOG_BROKEN, "store.blob", "path=%s error=%s", buf_str(&path), strerror(errno));
		unlink(buf_str(&temporary));
		e = E_IO;
	} else if (!file_sync_directory(buf_str(&folder)) || !file_sync_directory(local_path(l, &temporary, "blobs"))) {
		/* Nobody may find what may be gone tomorrow. */
		log_event(l->log, LOG_BROKEN, "store.blob", "path=%s error=%s", buf_str(&path), strerror(errno));
		unlink(buf_str(&path));
		e = E_IO;
	}
	if (fd >= 0)
		close(fd);
	buf_release(&path);
	buf_release(&temporary);
	buf_release(&folder);
	return e;
}

enum err local_blob_get(struct store *s, struct id hash, struct arena *a, struct bytes *bytes)
{
	struct local_store *l = self_of(s);
	struct buf path = BUF_EMPTY;
	struct stat st;
	enum err e = E_NOT_FOUND;
	int fd = open(blob_path(l, &path, hash), O_RDONLY | O_CLOEXEC);

	buf_release(&path);
	if (fd < 0)
		return errno == ENOENT ? E_NOT_FOUND : E_IO;
	e = E_IO;
	if (fstat(fd, &st) == 0) {
		uint8_t *out = arena_alloc(a, (size_t)st.st_size + 1);
		e = file_read_at(fd, out, (size_t)st.st_size, 0) ? OK : E_IO;
		*bytes = bytes_of(out, (size_t)st.st_size);
	}
	close(fd);
	return e;
}

enum err local_blob_open(struct store *s, struct id hash, int *fd)
{
	struct buf path = BUF_EMPTY;

	*fd = open(blob_path(self_of(s), &path, hash), O_RDONLY | O_CLOEXEC);
	buf_release(&path);
	return *fd >= 0 ? OK : errno == ENOENT ? E_NOT_FOUND : E_IO;
}

bool local_blob_has(struct store *s, struct id hash)
{
	struct buf path = BUF_EMPTY;
	bool has = access(blob_path(self_of(s), &path, hash), R_OK) == 0;

	buf_release(&path);
	return has;
}

void local_blob_del(struct store *s, struct id hash)
{
	struct buf path = BUF_EMPTY;

	unlink(blob_path(self_of(s), &path, hash));
	buf_release(&path);
}

void blobs_clean(struct local_store *l)
{
	struct buf path = BUF_EMPTY;
	DIR *dir = opendir(local_path(l, &path, "blobs"));
	struct dirent *d;

	while (dir && (d = readdir(dir)) != NULL)
		if (bytes_ends(bytes_str(d->d_name), ".new"))
			unlink(local_path(l, &path, "blobs/%s", d->d_name));
	if (dir)
		closedir(dir);
	buf_release(&path);
}
