#!/bin/sh
# build.sh SOURCE OUT: a WASI command from C with clang-19, lld-19 and wasi-libc. Where they are not installed OUT is
# empty, and the test that wants it says that it is skipped.
set -eu
if ! command -v clang-19 >/dev/null || ! command -v wasm-ld-19 >/dev/null || [ ! -d /usr/include/wasm32-wasi ]; then
	: >"$2"
	exit 0
fi
exec clang-19 --target=wasm32-wasi -O2 -Wall -Werror -Wl,--export=handle,--export=malloc,--export=free "$1" -o "$2"
