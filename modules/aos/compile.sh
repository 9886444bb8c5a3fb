#!/bin/sh
# compile.sh WEFT_COMPILE MODULE CODE: the code of a module, which takes LLVM seconds, unless CODE was made by the same
# bytes of both: the translator is linked anew far more often than it changes.
set -eu
sum=$(cat "$1" "$2" | sha256sum)
if [ -f "$3" ] && [ "$(cat "$3.made-by" 2>/dev/null)" = "$sum" ]; then
	touch "$3"
	exit 0
fi
"$1" own "$2" "$3"
echo "$sum" >"$3.made-by"
