/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"trace", "debug", "info", "odd", "broken", "silent"};

struct log {
	int fd, second_fd;
	enum log_level level, second_level;
	/* A ring: a writer takes the next place. Two that are LOG_LINES_KEPT lines apart at the same moment would
	 * mix their texts, which is all that can happen. */
	_Atomic unsigned next;
	struct {
		_Atomic size_t len;
		char text[LOG_LINE_KEPT];
	} newest[LOG_LINES_KEPT];
};

struct log *log_open(int fd, enum log_level level)
{
	struct log *log = calloc(1, sizeof(*log));

	must(log != NULL);
	log->fd = fd;
	log->level = level;
	log->second_level = LOG_SILENT;
	return log;
}

void log_also(struct log *log, int fd, enum log_level level)
{
	log->second_fd = fd;
	log->second_level = level;
}

static void remember(struct log *log, const struct buf *line)
{
	unsigned place = atomic_fetch_add(&log->next, 1) % LOG_LINES_KEPT;
	size_t len = line->len < LOG_LINE_KEPT ? line->len : LOG_LINE_KEPT;

	atomic_store(&log->newest[place].len, 0);
	memcpy(log->newest[place].text, line->ptr, len);
	log->newest[place].text[len - 1] = '\n';
	atomic_store(&log->newest[place].len, len);
}

void log_newest(const struct log *log, int fd)
{
	unsigned next = log ? atomic_load(&log->next) : 0;
	ssize_t written;

	for (unsigned i = 0; log && i < LOG_LINES_KEPT; i++) {
		unsigned place = (next + i) % LOG_LINES_KEPT;
		written = write(fd, log->newest[place].text, atomic_load(&log->newest[place].len));
		(void)written;
	}
}

void log_close(struct log *log)
{
	free(log);
}

void log_event(struct log *log, enum log_level level, const char *event, const char *format, ...)
{
	struct buf line = BUF_EMPTY;
	uint64_t now = clock_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm utc;
	va_list args;
	ssize_t written;

	if (!log || level < log->level)
		return;
	gmtime_r(&seconds, &utc);
	buf_printf(&line, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
		   utc.tm_hour, utc.tm_min, utc.tm_sec, (int)(now % 1000), level_names[level], event);
	if (format[0])
		buf_put_u8(&line, ' ');
	va_start(args, format);
	buf_vprintf(&line, format, args);
	va_end(args);
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] < 0x20)
			line.ptr[i] = ' ';
	buf_put_u8(&line, '\n');
	remember(log, &line);
	written = write(log->fd, line.ptr, line.len);
	if (level >= log->second_level)
		written = write(log->second_fd, line.ptr, line.len);
	(void)written; /* nowhere is left to complain */
	buf_release(&line);
}

enum err log_level_parse(enum log_level *out, const char *name)
{
	for (int i = LOG_TRACE; i <= LOG_SILENT; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return OK;
		}
	}
	return E_ARGUMENT;
}
