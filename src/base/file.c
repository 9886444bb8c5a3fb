/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_read_at(int fd, void *out, size_t len, uint64_t at)
{
	uint8_t *to = out;

	while (len) {
		ssize_t n = pread(fd, to, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = 0;
		if (n <= 0)
			return false;
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

bool file_write_at(int fd, struct bytes bytes, uint64_t at)
{
	while (bytes.len) {
		ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = bytes_from(bytes, (size_t)n);
		at += (uint64_t)n;
	}
	return true;
}

bool file_sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	int why = errno;

	if (fd >= 0)
		close(fd);
	errno = why;
	return good;
}

bool file_map(int fd, struct bytes *out)
{
	struct stat st;
	void *at;

	if (fstat(fd, &st) != 0)
		return false;
	errno = 0;
	if (st.st_size == 0)
		return false;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return false;
	*out = bytes_of(at, (size_t)st.st_size);
	return true;
}

void file_unmap(struct bytes content)
{
	munmap((void *)(uintptr_t)content.ptr, content.len);
}
