/* SPDX-License-Identifier: MIT
 *
 * bigint: the arithmetic under lua/bint.lua: integers of a fixed number of 32-bit words in two's complement. A value is a Lua
 * table of its words, least first, because scripts copy, print and compare such tables.
 *
 * bigint(class, words) gives the functions for one width; their results have the metatable `class`. They take values of that
 * width only: lua/bint.lua converts. Arithmetic wraps around.
 */
#include "native.h"

#include <string.h>

enum { WORDS_MAX = 2048 };

static int width(lua_State *L)
{
	return (int)lua_tointeger(L, lua_upvalueindex(2));
}

static void read_words(lua_State *L, int index, uint32_t *w, int n)
{
	luaL_checktype(L, index, LUA_TTABLE);
	for (int i = 0; i < n; i++) {
		lua_rawgeti(L, index, i + 1);
		w[i] = (uint32_t)lua_tointeger(L, -1);
		lua_pop(L, 1);
	}
}

static int push_words(lua_State *L, const uint32_t *w, int n)
{
	lua_createtable(L, n, 0);
	for (int i = 0; i < n; i++) {
		lua_pushinteger(L, w[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_setmetatable(L, -2);
	return 1;
}

static bool negative(const uint32_t *w, int n)
{
	return w[n - 1] >> 31;
}

static void negate(uint32_t *w, int n)
{
	uint64_t carry = 1;

	for (int i = 0; i < n; i++) {
		carry += (uint32_t)~w[i];
		w[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static int significant(const uint32_t *w, int n)
{
	while (n > 0 && w[n - 1] == 0)
		n--;
	return n;
}

static int compare_unsigned(const uint32_t *a, const uint32_t *b, int n)
{
	for (int i = n - 1; i >= 0; i--)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

/* ---- sums and products ---- */

static int add(lua_State *L)
{
	uint32_t a[WORDS_MAX], b[WORDS_MAX];
	int n = width(L);
	uint64_t carry = 0;

	read_words(L, 1, a, n);
	read_words(L, 2, b, n);
	for (int i = 0; i < n; i++) {
		carry += (uint64_t)a[i] + b[i];
		a[i] = (uint32_t)carry;
		carry >>= 32;
	}
	return push_words(L, a, n);
}

static int sub(lua_State *L)
{
	uint32_t a[WORDS_MAX], b[WORDS_MAX];
	int n = width(L);
	uint64_t borrow = 0;

	read_words(L, 1, a, n);
	read_words(L, 2, b, n);
	for (int i = 0; i < n; i++) {
		uint64_t d = (uint64_t)a[i] - b[i] - borrow;
		a[i] = (uint32_t)d;
		borrow = d >> 63;
	}
	return push_words(L, a, n);
}

static int unm(lua_State *L)
{
	uint32_t a[WORDS_MAX];
	int n = width(L);

	read_words(L, 1, a, n);
	negate(a, n);
	return push_words(L, a, n);
}

static int mul(lua_State *L)
{
	uint32_t a[WORDS_MAX], b[WORDS_MAX], r[WORDS_MAX];
	int n = width(L);

	read_words(L, 1, a, n);
	read_words(L, 2, b, n);
	memset(r, 0, (size_t)n * sizeof(*r));
	int na = significant(a, n), nb = significant(b, n);
	for (int i = 0; i < na; i++) {
		uint64_t carry = 0;
		for (int k = 0; i + k < n && (k < nb || carry); k++) {
			carry += (uint64_t)a[i] * (k < nb ? b[k] : 0) + r[i + k];
			r[i + k] = (uint32_t)carry;
			carry >>= 32;
		}
	}
	return push_words(L, r, n);
}

/* ---- quotients ---- */

static uint32_t divide_word(uint32_t *w, int n, uint32_t by)
{
	uint64_t rest = 0;

	for (int i = n - 1; i >= 0; i--) {
		rest = rest << 32 | w[i];
		w[i] = (uint32_t)(rest / by);
		rest %= by;
	}
	return (uint32_t)rest;
}

/* Knuth's algorithm D: u has m + n words and one more, v has n, at least two, with the highest bit set. The quotient's
 * m + 1 words go to q, the rest stays in u. */
static void divide_long(uint32_t *q, uint32_t *u, const uint32_t *v, int m, int n)
{
	for (int k = m; k >= 0; k--) {
		uint64_t top = (uint64_t)u[k + n] << 32 | u[k + n - 1];
		uint64_t guess = top / v[n - 1], rest = top % v[n - 1];
		while (guess >> 32 || guess * v[n - 2] > (rest << 32 | u[k + n - 2])) {
			guess--;
			rest += v[n - 1];
			if (rest >> 32)
				break;
		}
		uint64_t borrow = 0, carry = 0;
		for (int i = 0; i <= n; i++) {
			carry += guess * (i < n ? v[i] : 0);
			uint64_t d = (uint64_t)u[i + k] - (uint32_t)carry - borrow;
			u[i + k] = (uint32_t)d;
			borrow = d >> 63;
			carry >>= 32;
		}
		if (borrow) { /* the guess was one too many */
			guess--;
			carry = 0;
			for (int i = 0; i <= n; i++) {
				carry += (uint64_t)u[i + k] + (i < n ? v[i] : 0);
				u[i + k] = (uint32_t)carry;
				carry >>= 32;
			}
		}
		q[k] = (uint32_t)guess;
	}
}

static void shift_left(uint32_t *w, int n, int bits)
{
	for (int i = n - 1; bits && i >= 0; i--)
		w[i] = w[i] << bits | (i ? w[i - 1] >> (32 - bits) : 0);
}

static void shift_right(uint32_t *w, int n, int bits)
{
	for (int i = 0; bits && i < n; i++)
		w[i] = w[i] >> bits | (i + 1 < n ? w[i + 1] << (32 - bits) : 0);
}

/* a = a / b, b = a % b; b is not zero. */
static void divide(uint32_t *a, uint32_t *b, int n)
{
	uint32_t u[WORDS_MAX + 1], q[WORDS_MAX + 1];
	int nb = significant(b, n), na = significant(a, n);

	if (nb == 1) {
		b[0] = divide_word(a, n, b[0]);
		return;
	}
	memset(q, 0, (size_t)n * sizeof(*q));
	memcpy(u, a, (size_t)n * sizeof(*u));
	u[n] = 0;
	if (na >= nb) {
		int bits = __builtin_clz(b[nb - 1]);
		shift_left(u, na + 1, bits);
		shift_left(b, nb, bits);
		divide_long(q, u, b, na - nb, nb);
		shift_right(u, na + 1, bits);
	}
	memcpy(a, q, (size_t)n * sizeof(*a));
	memcpy(b, u, (size_t)n * sizeof(*b));
}

/* udivmod(a, b): as unsigned numbers. */
static int udivmod(lua_State *L)
{
	uint32_t a[WORDS_MAX], b[WORDS_MAX];
	int n = width(L);

	read_words(L, 1, a, n);
	read_words(L, 2, b, n);
	luaL_argcheck(L, significant(b, n), 2, "zero");
	divide(a, b, n);
	push_words(L, a, n);
	return 1 + push_words(L, b, n);
}

/* ---- bits ---- */

/* bits(op, a, b): op is "and", "or" or "xor". */
static int bits(lua_State *L)
{
	uint32_t a[WORDS_MAX], b[WORDS_MAX];
	int n = width(L);
	char op = *luaL_checkstring(L, 1);

	read_words(L, 2, a, n);
	read_words(L, 3, b, n);
	for (int i = 0; i < n; i++)
		a[i] = op == 'a' ? a[i] & b[i] : op == 'o' ? a[i] | b[i] : a[i] ^ b[i];
	return push_words(L, a, n);
}

/* shift(a, count): to the left, or for a negative count to the right, with zeros. */
static int shift(lua_State *L)
{
	uint32_t a[WORDS_MAX], r[WORDS_MAX];
	int n = width(L);
	lua_Integer count = luaL_checkinteger(L, 2), all = (lua_Integer)n * 32;

	read_words(L, 1, a, n);
	memset(r, 0, (size_t)n * sizeof(*r));
	if (count > -all && count < all) {
		int words = (int)(count / 32), rest = (int)(count % 32);
		for (int i = 0; i < n; i++)
			r[i] = i - words >= 0 && i - words < n ? a[i - words] : 0;
		if (rest > 0)
			shift_left(r, n, rest);
		else
			shift_right(r, n, -rest);
	}
	return push_words(L, r, n);
}

/* ---- order ---- */

/* compare(a, b, unsigned): -1, 0 or 1. */
static int compare(lua_State *L)
{
	uint32_t a[WORDS_MAX], b[WORDS_MAX];
	int n = width(L);

	read_words(L, 1, a, n);
	read_words(L, 2, b, n);
	bool minus = negative(a, n);
	if (!lua_toboolean(L, 3) && minus != negative(b, n))
		lua_pushinteger(L, minus ? -1 : 1);
	else
		lua_pushinteger(L, compare_unsigned(a, b, n));
	return 1;
}

/* ---- texts and Lua integers ---- */

static int digit_of(int c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 10
	       : c >= 'A' && c <= 'Z' ? c - 'A' + 10
				      : 99;
}

/* parse(text, base): nil when it is not a number of that base. Too large a number wraps around. */
static int parse(lua_State *L)
{
	uint32_t w[WORDS_MAX];
	int n = width(L);
	size_t len;
	const char *p = luaL_checklstring(L, 1, &len), *end = p + len;
	int base = (int)luaL_checkinteger(L, 2);
	bool minus = p < end && *p == '-';

	memset(w, 0, (size_t)n * sizeof(*w));
	if (p < end && (*p == '-' || *p == '+'))
		p++;
	if (p == end)
		return 0;
	for (; p < end; p++) {
		int digit = digit_of(*p);
		if (digit >= base)
			return 0;
		uint64_t carry = (uint64_t)digit;
		for (int i = 0; i < n; i++) {
			carry += (uint64_t)w[i] * (uint64_t)base;
			w[i] = (uint32_t)carry;
			carry >>= 32;
		}
	}
	if (minus)
		negate(w, n);
	return push_words(L, w, n);
}

/* text(a, base, unsigned) */
static int text(lua_State *L)
{
	uint32_t w[WORDS_MAX];
	int n = width(L), base = (int)luaL_checkinteger(L, 2), used;
	luaL_Buffer b;

	luaL_argcheck(L, base >= 2 && base <= 36, 2, "base out of range");
	read_words(L, 1, w, n);
	bool minus = !lua_toboolean(L, 3) && negative(w, n);
	if (minus)
		negate(w, n);
	uint32_t chunk = (uint32_t)base; /* as many digits at once as a word holds */
	int chunk_digits = 1;
	while (chunk <= UINT32_MAX / (uint32_t)base)
		chunk *= (uint32_t)base, chunk_digits++;
	size_t room = (size_t)n * 32 + 2, at = room;
	char *out = luaL_buffinitsize(L, &b, room);
	for (used = significant(w, n); used > 0; used = significant(w, used)) {
		uint32_t rest = divide_word(w, used, chunk);
		bool last = significant(w, used) == 0;
		for (int i = 0; i < chunk_digits && (rest || !last); i++, rest /= (uint32_t)base)
			out[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % (uint32_t)base];
	}
	if (at == room)
		out[--at] = '0';
	if (minus)
		out[--at] = '-';
	memmove(out, out + at, room - at);
	luaL_pushresultsize(&b, room - at);
	return 1;
}

/* from_integer(i, unsigned): a Lua integer, its sign extended unless unsigned. */
static int from_integer(lua_State *L)
{
	uint32_t w[WORDS_MAX];
	int n = width(L);
	lua_Integer i = luaL_checkinteger(L, 1);
	uint32_t fill = i < 0 && !lua_toboolean(L, 2) ? UINT32_MAX : 0;

	for (int k = 0; k < n; k++)
		w[k] = k < 2 ? (uint32_t)((uint64_t)i >> 32 * k) : fill;
	return push_words(L, w, n);
}

/* to_integer(a): the Lua integer of its lowest 64 bits, and whether that is all of it. */
static int to_integer(lua_State *L)
{
	uint32_t w[WORDS_MAX];
	int n = width(L);

	read_words(L, 1, w, n);
	uint64_t low = w[0] | (n > 1 ? (uint64_t)w[1] << 32 : 0);
	if (n == 1)
		low = (uint64_t)(int64_t)(int32_t)w[0];
	bool whole = true;
	for (int i = 2; i < n; i++)
		whole &= w[i] == ((int64_t)low < 0 ? UINT32_MAX : 0);
	lua_pushinteger(L, (lua_Integer)low);
	lua_pushboolean(L, whole);
	return 2;
}

static const luaL_Reg functions[] = {
	{"add", add},         {"sub", sub},         {"unm", unm},
	{"mul", mul},         {"udivmod", udivmod}, {"bits", bits},
	{"shift", shift},     {"parse", parse},     {"from_integer", from_integer},
	{"compare", compare}, {"text", text},       {"to_integer", to_integer},
	{NULL, NULL},
};

static int bigint(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_Integer n = luaL_checkinteger(L, 2);
	luaL_argcheck(L, n >= 1 && n <= WORDS_MAX, 2, "too many bits");
	luaL_newlibtable(L, functions);
	lua_pushvalue(L, 1);
	lua_pushvalue(L, 2);
	luaL_setfuncs(L, functions, 2);
	return 1;
}

void bigint_open(lua_State *L)
{
	lua_pushcfunction(L, bigint);
	lua_setfield(L, -2, "bigint");
}
