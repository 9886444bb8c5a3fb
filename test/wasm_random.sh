#!/bin/sh
# wasm_random.sh PROGRAM [SEED [COUNT]]: random modules through PROGRAM (wasm-random) on both tiers, then through V8, when
# node is there. Without a SEED, one is drawn, and named.
set -eu
program=$1
seed=${2:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
count=${3:-100}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "repeat with: $0 $program $seed $count"
"$program" "$seed" "$count" "$work"
if command -v node >/dev/null; then
	node --experimental-wasm-memory64 --experimental-wasm-return-call "$root/test/wasm_random.mjs" "$work"
else
	echo "skipped: node is not there to compare with"
fi
