/* SPDX-License-Identifier: MIT
 *
 * highlight: Lua in colours, for a terminal. Without the colours what is written is the text itself, less what
 * could steer the terminal (print.h).
 */
#ifndef WEFT_CLI_CONSOLE_HIGHLIGHT_H
#define WEFT_CLI_CONSOLE_HIGHLIGHT_H

#include "base/bytes.h"

/* highlight appends the chunk; each line of a token that spans several is coloured by itself. */
void highlight(struct buf *out, struct bytes chunk);

#endif
