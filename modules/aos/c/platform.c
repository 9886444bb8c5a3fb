/* SPDX-License-Identifier: MIT
 *
 * platform: what Lua and the C library ask of a system, on a host that is an ao reader. Memory grows through
 * emscripten_resize_heap, so that a JavaScript host notices. There are no files, no environment, no shell, no random
 * numbers; the time is the message's (runtime.c sets it). Defined here, the C library's own versions stay out of
 * the module, and with them all WASI imports.
 */
#include "native.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOST(name) __attribute__((import_module("env"), import_name(name)))

HOST("emscripten_resize_heap") int host_resize_heap(size_t size);
HOST("exit") _Noreturn void host_exit(int status);
HOST("_abort_js") _Noreturn void host_abort(void);

HOST("__asyncjs__weavedrive_open") int host_drive_open(const char *path, const char *mode);
HOST("__asyncjs__weavedrive_read") int host_drive_read(int fd, void *to, size_t len);
HOST("__asyncjs__weavedrive_close") int host_drive_close(int fd);

extern unsigned char __heap_base;

/* As much as readers give a module of its format. */
#ifdef __wasm64__
#define MEMORY_MAX ((uint64_t)1 << 34)
#else
#define MEMORY_MAX (((uint64_t)1 << 32) - 65536)
#endif

static int64_t message_time_ms;

void platform_set_time_ms(int64_t ms)
{
	message_time_ms = ms;
}

int64_t platform_time_ms(void)
{
	return message_time_ms;
}

/* The allocator's source of memory. What a checkpoint restores includes `top`, so a restored process goes on
 * where it was, whatever size its memory has now. */
void *sbrk(intptr_t increment)
{
	static uintptr_t top;

	if (!top)
		top = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
	uintptr_t old = top, limit = __builtin_wasm_memory_size(0) * (uintptr_t)65536;
	uint64_t wanted = (uint64_t)old + (uint64_t)(int64_t)increment;
	if (increment < 0 || wanted > MEMORY_MAX || (wanted > limit && !host_resize_heap((size_t)wanted))) {
		errno = ENOMEM;
		return (void *)-1;
	}
	top = (uintptr_t)wanted;
	return (void *)old;
}

void abort(void)
{
	host_abort();
}

void exit(int status)
{
	host_exit(status);
}

/* ---- time ---- */

time_t time(time_t *out)
{
	time_t seconds = message_time_ms / 1000;

	if (out)
		*out = seconds;
	return seconds;
}

clock_t clock(void)
{
	return 0;
}

/* ---- WeaveDrive ---- */

int platform_drive_open(const char *path)
{
	return host_drive_open(path, "r");
}

int platform_drive_read(int fd, void *to, size_t len)
{
	return host_drive_read(fd, to, len);
}

void platform_drive_close(int fd)
{
	host_drive_close(fd);
}

/* ---- things there are none of ---- */

FILE *const stdin = NULL;
FILE *const stdout = NULL;
FILE *const stderr = NULL;
char __stderr_FILE[256]; /* printf would complain there about long doubles, which nobody prints */

FILE *fopen(const char *restrict path, const char *restrict mode)
{
	(void)path, (void)mode;
	errno = ENOENT;
	return NULL;
}

FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict file)
{
	(void)path, (void)mode, (void)file;
	errno = ENOENT;
	return NULL;
}

int getc(FILE *file)
{
	(void)file;
	return EOF;
}

size_t fread(void *restrict to, size_t size, size_t count, FILE *restrict file)
{
	(void)to, (void)size, (void)count, (void)file;
	return 0;
}

int feof(FILE *file)
{
	(void)file;
	return 1;
}

int ferror(FILE *file)
{
	(void)file;
	return 0;
}

int fclose(FILE *file)
{
	(void)file;
	return 0;
}

int fflush(FILE *file)
{
	(void)file;
	return 0;
}

char *getenv(const char *name)
{
	(void)name;
	return NULL;
}

int system(const char *command)
{
	(void)command;
	errno = ENOSYS;
	return command ? -1 : 0;
}

int remove(const char *path)
{
	(void)path;
	errno = ENOENT;
	return -1;
}

int rename(const char *from, const char *to)
{
	(void)from, (void)to;
	errno = ENOENT;
	return -1;
}
