/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"trace", "debug", "info", "odd", "broken", "silent"};

struct log {
	int fd;
	enum log_level level;
};

struct log *log_open(int fd, enum log_level level)
{
	struct log *log = malloc(sizeof(*log));

	must(log != NULL);
	log->fd = fd;
	log->level = level;
	return log;
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
	written = write(log->fd, line.ptr, line.len);
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
