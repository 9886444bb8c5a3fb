/* SPDX-License-Identifier: MIT
 *
 * number: integers and floats in decimal, as Lua and JSON write them: %lld and %.14g. Integers, also those that
 * are floats, need no printf, which in a module works in software with 128-bit floats.
 */
#include "native.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int aos_write_integer(char *out, long long n)
{
	char digits[24];
	int len = 0, k = 0;
	unsigned long long rest = n < 0 ? 0 - (unsigned long long)n : (unsigned long long)n;

	do
		digits[len++] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (n < 0)
		out[k++] = '-';
	while (len)
		out[k++] = digits[--len];
	out[k] = '\0';
	return k;
}

/* 14 digits is what %.14g shows of an integer. */
int aos_write_number(char *out, size_t room, double n)
{
	if (n > -1e14 && n < 1e14 && (double)(long long)n == n && (n != 0 || !signbit(n)))
		return aos_write_integer(out, (long long)n);
	return snprintf(out, room, "%.14g", n);
}
