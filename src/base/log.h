/* SPDX-License-Identifier: MIT
 *
 * log: one event, one line, greppable.
 *
 *   2026-11-24T11:20:31.482Z info su.assign process=p3Xk… nonce=42 ms=3
 *
 * Events are dotted (unit.event) and stable; details are key=value. Levels are
 * words for people: `odd` means the world is strange and we cope, `broken` means that a
 * person must look. A logger is passed to whoever logs; a NULL logger is silent.
 * Lines are written whole by one write(2), so threads may share one logger.
 * Never log keys, and never whole payloads. The newest lines are remembered, for the report of a crash.
 */
#ifndef WEFT_BASE_LOG_H
#define WEFT_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_ODD, LOG_BROKEN, LOG_SILENT };

struct log;

/* log_open writes to `fd`, which it does not own, events of at least `level`. */
struct log *log_open(int fd, enum log_level level);
void log_close(struct log *log);
/* log_also writes events of at least `level` to a second descriptor too: what a person must see at
 * once, on stderr. Call it before other threads log. */
void log_also(struct log *log, int fd, enum log_level level);
/* log_newest writes the newest lines, oldest first and each cut at LOG_LINE_KEPT, to `fd`. Async-signal-safe. */
enum { LOG_LINES_KEPT = 16, LOG_LINE_KEPT = 240 };
void log_newest(const struct log *log, int fd);
void log_event(struct log *log, enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* log_level_parse reads "trace" ... "broken", "silent". */
must_use enum err log_level_parse(enum log_level *out, const char *name);

#endif
