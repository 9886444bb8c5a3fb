/* SPDX-License-Identifier: MIT */
#include "reader/wasm/built.h"

#include "base/file.h"
#include "engine/wasm/artefact.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_it(int fd, const uint8_t wasm_sha256[32], enum wasm_gas gas)
{
	uint8_t header[ARTEFACT_HEADER];
	struct artefact a;

	return pread(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	       artefact_open(&a, bytes_of(header, sizeof(header))) == OK && a.gas == gas &&
	       memcmp(a.wasm_sha256, wasm_sha256, 32) == 0;
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
		found = is_it(fd, wasm_sha256, gas) && file_map(fd, artefact);
		close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}
