/* SPDX-License-Identifier: MIT
 *
 * platform_native: for the tests, which run on a system and not in a module. */
#include "native.h"

#include <string.h>

/* A drive with one file. */
static const char drive_text[] = "print('from the drive')\nreturn 42\n";
static size_t drive_at;

int platform_drive_open(const char *path)
{
	drive_at = 0;
	return strcmp(path, "/data/FILE") == 0 ? 7 : 0;
}

int platform_drive_read(int fd, void *to, size_t len)
{
	size_t rest = sizeof(drive_text) - 1 - drive_at;

	if (fd != 7)
		return -1;
	if (len > 10)
		len = 10; /* in pieces */
	if (len > rest)
		len = rest;
	memcpy(to, drive_text + drive_at, len);
	drive_at += len;
	return (int)len;
}

void platform_drive_close(int fd)
{
	(void)fd;
}

static int64_t message_time_ms;

void platform_set_time_ms(int64_t ms)
{
	message_time_ms = ms;
}

int64_t platform_time_ms(void)
{
	return message_time_ms;
}
