#!/bin/sh
# wasm_spec.sh PROGRAM TIER: the WebAssembly specification tests through PROGRAM (wasm-spec). They come from
# data/wasm-spec-tests.tar.xz in $WEFT_TESTDATA, or in ../shared beside the repository; wast2json makes modules of them.
# Our own in test/wasm/*.wast, in the same format, come along.
set -eu
program=$1
tier=$2
root=$(cd "$(dirname "$0")/.." && pwd)
tests=${WEFT_TESTDATA:-$root/../shared}/data/wasm-spec-tests.tar.xz
if [ ! -f "$tests" ]; then
	echo "skipped: $tests is not there (set WEFT_TESTDATA)"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar xf "$tests" -C "$work"
mkdir "$work/out"
features="--enable-memory64 --enable-tail-call --enable-extended-const --enable-exceptions"
left=""
for file in "$work"/*.wast "$work"/proposals/*/*.wast "$root"/test/wasm/*.wast; do
	name=$(basename "$file" .wast)
	case "$file" in
	*/proposals/*) name=$(basename "$(dirname "$file")")_$name ;;
	"$root"/*) name=weft_$name ;;
	esac
	# A file with errors may still be written, so silence is what counts.
	# shellcheck disable=SC2086 # several options
	wast2json $features "$file" -o "$work/out/$name.json" >"$work/log" 2>&1 || echo "failed" >>"$work/log"
	if [ -s "$work/log" ]; then
		cat "$work/log"
		left="$left $name"
	fi
done
# What the tests import from the host is a module like any other.
wat2wasm "$root/test/wasm/spectest.wat" -o "$work/out/spectest.wasm"
if [ -n "$left" ]; then
	echo "wast2json does not read:$left"
	exit 1
fi
WEFT_VERIFY_IR=1 "$program" "$tier" "$work/out" "$root/test/wasm/exceptions.txt"
