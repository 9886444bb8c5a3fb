/* SPDX-License-Identifier: MIT
 *
 * weft-compile own|metering < module.wasm > module.code
 *
 * Translates one module in a process of its own and exits: the only program that links LLVM. On failure it
 * writes one line to fd 2: the name of the error, a blank, and the cause.
 */
#include "base/sandbox.h"
#include "engine/wasm/artefact.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WASM_BYTES_MAX ((size_t)512 << 20)

static enum err read_all(struct buf *out, struct note *note)
{
	for (;;) {
		ssize_t n;

		buf_reserve(out, 1 << 20);
		n = read(STDIN_FILENO, out->ptr + out->len, 1 << 20);
		if (n == 0)
			return OK;
		if (n < 0 && errno != EINTR)
			return note_err(note, E_IO, "reading the module: %s", strerror(errno));
		out->len += n > 0 ? (size_t)n : 0;
		if (out->len > WASM_BYTES_MAX)
			return note_err(note, E_LIMIT, "the module is larger than 512 MiB");
	}
}

static enum err write_all(struct bytes b, struct note *note)
{
	while (b.len) {
		ssize_t n = write(STDOUT_FILENO, b.ptr, b.len);

		if (n < 0 && errno != EINTR)
			return note_err(note, E_IO, "writing the code: %s", strerror(errno));
		b = bytes_from(b, n > 0 ? (size_t)n : 0);
	}
	return OK;
}

int main(int argc, char **argv)
{
	enum wasm_gas gas = argc == 2 && strcmp(argv[1], "metering") == 0 ? WASM_GAS_METERING : WASM_GAS_OWN;
	struct buf wasm = BUF_EMPTY, code = BUF_EMPTY;
	struct note note = {0};
	enum err e;

	if (argc != 2 || (gas == WASM_GAS_OWN && strcmp(argv[1], "own") != 0)) {
		fputs("E_ARGUMENT usage: weft-compile own|metering < module.wasm > module.code\n", stderr);
		return 2;
	}
	e = sandbox_enter(SANDBOX_COMPILE, &note);
	if (e == OK)
		e = read_all(&wasm, &note);
	if (e == OK)
		e = wasm_compile(&code, buf_bytes(&wasm), gas, &note);
	if (e == OK)
		e = write_all(buf_bytes(&code), &note);
	if (e < 0)
		fprintf(stderr, "%s %s\n", err_name(e), note_text(&note, e));
	buf_release(&wasm);
	buf_release(&code);
	return err_exit_code(e);
}
