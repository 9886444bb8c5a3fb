#!/bin/sh
# amalgamate.sh SOURCE OUT.c OUT.h: makes SQLite's one-file form from its source package, in a folder of its own. SQLite's own
# makefile does the work; it needs tclsh, make and a C compiler for this machine.
set -eu
source=$(realpath "$1")
c=$(realpath -m "$2")
h=$(realpath -m "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
if ! make -s -f "$source/main.mk" TOP="$source" BCC="cc -O1 -w" TCC="cc -w" TCCX="cc -w" NAWK=awk OPTS= sqlite3.c >log 2>&1; then
	tail -20 log >&2
	exit 1
fi
cp sqlite3.c "$c"
cp sqlite3.h "$h"
