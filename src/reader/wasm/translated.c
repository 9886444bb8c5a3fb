/* SPDX-License-Identifier: MIT */
#include "reader/wasm/translated.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "engine/wasm/artefact.h"
#include "engine/wasm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static enum err io_error(struct note *note, const char *what)
{
	return note_err(note, E_IO, "%s: %s", what, strerror(errno));
}

enum err memfd_of(int *out, const char *name, struct bytes content, struct note *note)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t at = 0;

	if (fd < 0)
		return io_error(note, "memfd");
	while (at < content.len) {
		ssize_t n = write(fd, content.ptr + at, content.len - at);
		if (n < 0 && errno != EINTR) {
			close(fd);
			return io_error(note, "memfd");
		}
		at += n > 0 ? (size_t)n : 0;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	lseek(fd, 0, SEEK_SET);
	*out = fd;
	return OK;
}

/* Opens a cached artefact; E_NOT_FOUND when there is none that fits. */
static enum err open_cached(int *out, const char *path, const uint8_t hash[32], enum wasm_gas gas)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;
	enum err e;

	if (fd < 0)
		return E_NOT_FOUND;
	if (fstat(fd, &st) != 0 || st.st_size == 0 ||
	    (at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
		close(fd);
		return E_NOT_FOUND;
	}
	e = artefact_check(bytes_of(at, (size_t)st.st_size), hash, gas);
	munmap(at, (size_t)st.st_size);
	if (e < 0) {
		close(fd);
		unlink(path);
		return E_NOT_FOUND;
	}
	*out = fd;
	return OK;
}

/* What weft-compile said on its error channel: "E_NAME cause". */
static enum err read_failure(int fd, int status, struct note *note)
{
	char text[600];
	struct bytes line, cause;
	ssize_t n = read(fd, text, sizeof(text));

	line = bytes_cut(bytes_of(text, n > 0 ? (size_t)n : 0), '\n', NULL);
	line = bytes_cut(line, ' ', &cause);
	if (line.len == 0 || line.ptr[0] != 'E')
		return note_err(note, E_UNSUPPORTED, "weft-compile ended with status %d%s", status,
				WIFSIGNALED(status) ? " (killed: it may have passed its limits)" : "");
	char name[40];
	snprintf(name, sizeof(name), "%.*s", BYTES_FMT(line));
	return note_err(note, err_of_name(name), "%.*s", BYTES_FMT(cause));
}

static enum err run_compile(const struct readers *r, int wasm, int code, enum wasm_gas gas, struct note *note)
{
	char *argv[] = {(char *)"weft-compile", (char *)(gas == WASM_GAS_METERING ? "metering" : "own"), NULL};
	char *environment[] = {NULL};
	posix_spawn_file_actions_t files;
	int says[2], status = 0, failed;
	enum err e;
	pid_t pid;

	if (pipe2(says, O_CLOEXEC) != 0)
		return io_error(note, "pipe");
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, wasm, 0);
	posix_spawn_file_actions_adddup2(&files, code, 1);
	posix_spawn_file_actions_adddup2(&files, says[1], 2);
	failed = posix_spawn(&pid, r->compile, &files, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	close(says[1]);
	if (failed) {
		close(says[0]);
		note_err(note, E_IO, "%s cannot be started: %s", r->compile, strerror(failed));
		note_hint(note, "weft, weft-worker and weft-compile belong in one directory");
		return E_IO;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	e = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? OK : read_failure(says[0], status, note);
	close(says[0]);
	return e;
}

enum err translated_open(int *out, const struct readers *r, struct bytes wasm, enum wasm_gas gas, struct note *note)
{
	struct buf path = BUF_EMPTY, fresh = BUF_EMPTY;
	uint64_t start = clock_ns(), unique;
	int module = -1, code = -1;
	uint8_t hash[32];
	enum err e;

	sha256(hash, wasm);
	buf_printf(&path, "%s/", r->cache);
	buf_put_hex(&path, bytes_of(hash, 32));
	buf_printf(&path, "-%s-v%d.code", gas == WASM_GAS_METERING ? "metering" : "own", VM_VERSION);
	e = open_cached(out, buf_str(&path), hash, gas);
	if (e == OK)
		goto end;

	random_bytes(&unique, sizeof(unique));
	buf_printf(&fresh, "%s.%016llx", buf_str(&path), (unsigned long long)unique);
	code = open(buf_str(&fresh), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	e = code < 0 ? io_error(note, "the cache of translated modules cannot be written") : OK;
	if (e == OK)
		e = memfd_of(&module, "weft-module", wasm, note);
	if (e == OK)
		e = run_compile(r, module, code, gas, note);
	if (e == OK && (fdatasync(code) != 0 || rename(buf_str(&fresh), buf_str(&path)) != 0))
		e = io_error(note, "the cache of translated modules cannot be written");
	if (e < 0)
		unlink(buf_str(&fresh));
	else if (open_cached(out, buf_str(&path), hash, gas) < 0)
		e = note_err(note, E_CORRUPT, "the translation of the module came out damaged");
	if (e == OK)
		log_event(r->log, LOG_INFO, "reader.translate", "bytes=%zu ms=%llu", wasm.len,
			  (unsigned long long)((clock_ns() - start) / 1000000));
	if (module >= 0)
		close(module);
	if (code >= 0)
		close(code);
end:
	buf_release(&path);
	buf_release(&fresh);
	return e;
}
