#!/bin/sh
# libc64.sh CLANG AR SOURCE OUTPUT HEADERS: the part of wasi-libc that the aos module uses, for wasm64.
#
# Debian's wasi-libc is a library for wasm32, and so are its headers: wasi/api.h refuses other pointers, although
# nothing of it depends on them that we use. The parts named here do not either. Numbers are read and written
# without `long double`, as wasi-libc can, because that is all that Lua needs.
set -eu
clang=$1 ar=$2 source=$(cd "$3" && pwd) output=$(realpath "$4") headers=$5

top=$source/libc-top-half/musl
mkdir -p "$headers/wasi"
headers=$(cd "$headers" && pwd)
sed '/_Static_assert/d; /^#ifndef __wasm32__/,/^#endif/d' /usr/include/wasm32-wasi/wasi/api.h >"$headers/wasi/api.h"

files=""
add() { # folder, names...
	folder=$1
	shift
	for name; do files="$files $top/src/$folder/$name.c"; done
}
add string memchr memcmp stpcpy strchr strchrnul strcmp strcpy strcspn strlen strncmp strnlen strpbrk strspn strstr
add ctype isalnum iscntrl ispunct isxdigit tolower toupper
add errno strerror
add internal floatscan intscan libc shgetc
add locale __lctrans langinfo localeconv strcoll
add math __cos __expo2 __math_divzero __math_invalid __math_oflow __math_uflow __math_xflow __rem_pio2 __rem_pio2_large __sin \
	__tan acos asin atan atan2 cos cosh exp exp_data expm1 fmod frexp ldexp log log10 log2 log2_data log_data pow pow_data \
	scalbn sin sinh tan tanh
add multibyte wcrtomb wctomb
add prng rand
add stdio __toread __towrite __uflow fgets fwrite snprintf vfprintf vsnprintf
add stdlib strtod strtol
add time __month_to_secs __secs_to_tm __tm_to_secs __tz __year_to_secs difftime gmtime gmtime_r localtime localtime_r mktime \
	strftime

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# shellcheck disable=SC2086 # file names here have no blanks
"$clang" --target=wasm64-wasi -O2 -std=gnu17 -mbulk-memory -mnontrapping-fptoint -mthread-model single -nostdlibinc -w -c \
	-D__wasilibc_printscan_no_long_double '-D__wasilibc_printscan_full_support_option=""' \
	-I"$source/libc-top-half/headers/private" -I"$top/arch/wasm32" -I"$top/arch/generic" -I"$top/src/include" \
	-I"$top/src/internal" -isystem "$headers" -isystem /usr/include/wasm32-wasi \
	$files "$source/dlmalloc/src/dlmalloc.c"
rm -f "$output"
"$ar" rcD "$output" ./*.o
