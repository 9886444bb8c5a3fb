/* SPDX-License-Identifier: MIT
 *
 * libc64: what wasi-libc's own sources ask for in the wasm64 module (libc64.sh), where no ready-made library is: neither
 * its system half, which there is no system for, nor clang's runtime.
 */
#include <stdint.h>
#include <stdio.h>

enum { PAGE = 65536 };

int errno;

int *__errno_location(void)
{
	return &errno;
}

/* The allocator wants the size of a page, and nobody else asks. */
long sysconf(int name)
{
	(void)name;
	return PAGE;
}

/* There is one locale. */
char *setlocale(int category, const char *name)
{
	(void)category;
	return !name || !name[0] || (name[0] == 'C' && !name[1]) ? (char *)(uintptr_t) "C" : NULL;
}

int fputs(const char *restrict text, FILE *restrict file)
{
	(void)text, (void)file;
	return EOF;
}

/* What the compiler calls for a product of 128 bits. */
__int128 __multi3(__int128 a, __int128 b)
{
	uint64_t a_low = (uint64_t)a, b_low = (uint64_t)b;
	uint64_t a0 = (uint32_t)a_low, a1 = a_low >> 32, b0 = (uint32_t)b_low, b1 = b_low >> 32;
	uint64_t lowest = a0 * b0, middle = a1 * b0 + (lowest >> 32), other = a0 * b1 + (uint32_t)middle;
	uint64_t low = other << 32 | (uint32_t)lowest;
	uint64_t high = a1 * b1 + (middle >> 32) + (other >> 32);

	high += (uint64_t)((unsigned __int128)a >> 64) * b_low + a_low * (uint64_t)((unsigned __int128)b >> 64);
	return (__int128)((unsigned __int128)high << 64 | low);
}
