/* SPDX-License-Identifier: MIT
 *
 * weft-compile own|metering: translates functions of one module, as it is asked (service.h). The only program that links
 * LLVM, and it runs in a sandbox of its own (base/sandbox.h). When the units process goes away its socket ends, and so does this.
 *
 * weft-compile own|metering MODULE CODE: translates all of a module file to T1 and writes the artefact (artefact.h). For
 * the build, whose modules are its own: without the sandbox.
 */
#include "base/sandbox.h"
#include "engine/wasm/artefact.h"
#include "engine/wasm/blob.h"
#include "engine/wasm/service.h"
#include "engine/wasm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct service {
	struct arena arena;
	struct wasm_module module;
	struct wasm_translator *translator;
	enum wasm_tier tier;
	struct buf blob;
};

static bool read_all(int fd, void *out, size_t len)
{
	uint8_t *at = out;

	while (len) {
		ssize_t n = read(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool write_all(int fd, const void *in, size_t len)
{
	const uint8_t *at = in;

	while (len) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static enum err load(struct service *s, enum wasm_gas gas, struct note *note)
{
	struct stat st;
	void *at;
	enum err e;

	if (fstat(SERVICE_MODULE, &st) != 0 || st.st_size == 0)
		return note_err(note, E_FORMAT, "the module is empty");
	if (st.st_size > WASM_MODULE_MAX)
		return note_err(note, E_LIMIT, "the module is larger than 256 MiB");
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, SERVICE_MODULE, 0);
	if (at == MAP_FAILED)
		return note_err(note, E_IO, "mmap: %s", strerror(errno));
	e = wasm_decode(&s->module, &s->arena, bytes_of(at, (size_t)st.st_size), note);
	if (e == OK)
		e = wasm_validate(&s->module, note);
	if (e == OK)
		e = wasm_translator_open(&s->translator, &s->module, gas, note);
	return e;
}

static bool answer(struct service *s, enum err e, const struct note *note)
{
	struct bytes text = e < 0 ? bytes_str(note_text(note, e)) : buf_bytes(&s->blob);
	struct service_answer a = {.err = e,
				   .version = VM_VERSION,
				   .function_count = s->module.function_count,
				   .imported_functions = s->module.imported_functions,
				   .type_count = s->module.type_count,
				   .len = text.len};

	return write_all(SERVICE_SOCKET, &a, sizeof(a)) && write_all(SERVICE_SOCKET, text.ptr, text.len);
}

static enum err object(void *ctx, struct bytes elf, struct note *note)
{
	struct service *s = ctx;

	return blob_make(&s->blob, s->tier, elf, note);
}

static bool obey(struct service *s, const struct service_ask *ask)
{
	struct note note = {0};
	uint32_t *functions;
	bool alive;
	enum err e;

	if (ask->count > s->module.function_count || ask->tier > WASM_TIER_1)
		return false;
	functions = malloc((ask->count + 1) * sizeof(*functions));
	must(functions != NULL);
	alive = read_all(SERVICE_SOCKET, functions, ask->count * sizeof(*functions));
	for (uint32_t i = 0; alive && i < ask->count; i++)
		alive = functions[i] >= s->module.imported_functions && functions[i] < s->module.function_count;
	if (alive) {
		s->tier = ask->count ? (enum wasm_tier)ask->tier : WASM_TIER_1;
		buf_clear(&s->blob);
		if (ask->count)
			e = wasm_translate(s->translator, s->tier, functions, ask->count, object, s, &note);
		else
			e = wasm_translate_thunks(s->translator, object, s, &note);
		alive = answer(s, e, &note);
	}
	free(functions);
	return alive;
}

static int serve(enum wasm_gas gas)
{
	struct service *s = calloc(1, sizeof(*s));
	struct note note = {0};
	struct service_ask ask;
	enum err e;

	must(s != NULL);
	signal(SIGINT, SIG_IGN); /* the terminal's Ctrl-C is for the units process, which ends us in its time */
	signal(SIGPIPE, SIG_IGN);
	e = sandbox_enter(SANDBOX_COMPILE, &note);
	if (e == OK)
		e = load(s, gas, &note);
	if (answer(s, e, &note) && e == OK)
		while (read_all(SERVICE_SOCKET, &ask, sizeof(ask)) && obey(s, &ask))
			;
	wasm_translator_close(s->translator);
	arena_release(&s->arena);
	buf_release(&s->blob);
	free(s);
	return 0;
}

static enum err read_file(struct buf *out, const char *path, struct note *note)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	enum err e = OK;

	if (fd < 0 || fstat(fd, &st) != 0)
		e = note_err(note, E_IO, "%s cannot be read: %s", path, strerror(errno));
	else if (st.st_size > WASM_MODULE_MAX)
		e = note_err(note, E_LIMIT, "%s is larger than 256 MiB", path);
	else if (!read_all(fd, buf_grow(out, (size_t)st.st_size), (size_t)st.st_size))
		e = note_err(note, E_IO, "%s cannot be read to its end", path);
	if (fd >= 0)
		close(fd);
	return e;
}

static enum err write_file(const char *path, struct bytes content, struct note *note)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	bool written = fd >= 0 && write_all(fd, content.ptr, content.len);

	if (fd >= 0 && close(fd) != 0)
		written = false;
	if (written)
		return OK;
	note_err(note, E_IO, "%s cannot be written: %s", path, strerror(errno));
	if (fd >= 0)
		unlink(path);
	return E_IO;
}

static int make_artefact(enum wasm_gas gas, const char *module, const char *code)
{
	struct buf wasm = BUF_EMPTY, artefact = BUF_EMPTY;
	struct note note = {0};
	enum err e = read_file(&wasm, module, &note);

	if (e == OK)
		e = wasm_compile(&artefact, buf_bytes(&wasm), gas, WASM_TIER_1, &note);
	if (e == OK)
		e = write_file(code, buf_bytes(&artefact), &note);
	if (e < 0)
		fprintf(stderr, "weft-compile: %s\n", note_text(&note, e));
	buf_release(&artefact);
	buf_release(&wasm);
	return e < 0 ? err_exit_code(e) : 0;
}

int main(int argc, char **argv)
{
	bool metering = argc > 1 && strcmp(argv[1], "metering") == 0;
	enum wasm_gas gas = metering ? WASM_GAS_METERING : WASM_GAS_OWN;

	if ((argc != 2 && argc != 4) || (!metering && strcmp(argv[1], "own") != 0)) {
		fputs("usage: weft-compile own|metering, with a module on fd 0 and a socket on fd 3\n"
		      "       weft-compile own|metering MODULE CODE\n",
		      stderr);
		return 2;
	}
	return argc == 4 ? make_artefact(gas, argv[2], argv[3]) : serve(gas);
}
