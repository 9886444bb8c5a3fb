#!/bin/sh
# golden.sh PROGRAM NAME...: the recorded messages golden/NAME.json of $WEFT_TESTDATA, or of ../shared beside the
# repository, through PROGRAM (golden).
set -eu
program=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
data=${WEFT_TESTDATA:-$root/../shared}/golden
if [ ! -d "$data" ]; then
	echo "skipped: $data is not there (set WEFT_TESTDATA)"
	exit 77
fi
for name; do
	shift
	set -- "$@" "$data/$name.json"
done
exec "$program" "$@"
