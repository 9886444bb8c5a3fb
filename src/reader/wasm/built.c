/* SPDX-License-Identifier: MIT */
#include "reader/wasm/built.h"

#include "engine/wasm/artefact.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_it(int fd, const uint8_t wasm_sha256[32], enum wasm_gas gas)
{
	uint8_t header[ARTEFACT_HEADER];
	struct artefact a;

	return pread(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	       artefact_open(&a, bytes_of(header, sizeof(header))) == OK && a.gas == gas &&
	       memcmp(a.wasm_sha256, wasm_sha256, 32) == 0;
}

static bool map(struct bytes *out, int fd)
{
	struct stat st;
	void *at;

	if (fstat(fd, &st) != 0 || st.st_size == 0)
		return false;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	*out = bytes_of(at, (size_t)st.st_size);
	return at != MAP_FAILED;
}

bool built_map(struct bytes *artefact, const char *directory, const uint8_t wasm_sha256[32], enum wasm_gas gas)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		int fd;

		if (!bytes_ends(bytes_str(entry->d_name), ".code"))
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		found = is_it(fd, wasm_sha256, gas) && map(artefact, fd);
		close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

void built_unmap(struct bytes artefact)
{
	munmap((void *)(uintptr_t)artefact.ptr, artefact.len);
}
