#!/bin/sh
# wasm_spec.sh PROGRAM TIER: the WebAssembly specification tests through PROGRAM (wasm-spec). They come from
# data/wasm-spec-tests.tar.xz in $WEFT_TESTDATA, or in ../shared beside the repository; wast2json makes modules of them.
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
left=0
for file in "$work"/*.wast "$work"/proposals/memory64/*.wast; do
	name=$(basename "$file" .wast)
	case "$file" in *memory64/*) name=memory64_$name ;; esac
	if ! { wast2json --enable-memory64 "$file" -o "$work/out/$name.json" ||
		wast2json "$file" -o "$work/out/$name.json"; } >/dev/null 2>&1; then
		rm -f "$work/out/$name.json"
		left=$((left + 1))
	fi
done
echo "$left files left out: wast2json does not read them"
WEFT_VERIFY_IR=1 "$program" "$tier" "$work/out"
