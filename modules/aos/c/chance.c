/* SPDX-License-Identifier: MIT
 *
 * chance: the generator behind math.random, the Mersenne Twister MT19937 of Matsumoto and Nishimura (1998). One per process;
 * its state is in the process's memory and so in every checkpoint.
 */
#include "native.h"

enum { WORDS = 624, MIDDLE = 397 };

static uint32_t words[WORDS];
static unsigned used = WORDS;

static void seed_with(uint32_t seed)
{
	words[0] = seed;
	for (uint32_t i = 1; i < WORDS; i++)
		words[i] = 1812433253u * (words[i - 1] ^ words[i - 1] >> 30) + i;
	used = WORDS;
}

static void refill(void)
{
	for (unsigned i = 0; i < WORDS; i++) {
		uint32_t y = (words[i] & 0x80000000u) | (words[(i + 1) % WORDS] & 0x7fffffffu);
		words[i] = words[(i + MIDDLE) % WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
	}
	used = 0;
}

static uint32_t next_word(void)
{
	if (used >= WORDS)
		refill();
	uint32_t y = words[used++];
	y ^= y >> 11;
	y ^= y << 7 & 0x9d2c5680u;
	y ^= y << 15 & 0xefc60000u;
	return y ^ y >> 18;
}

/* random_seed(n): its lowest 32 bits. */
static int random_seed(lua_State *L)
{
	seed_with((uint32_t)luaL_checkinteger(L, 1));
	return 0;
}

/* random_float(): of [0, 1), in steps of 2^-32. */
static int random_float(lua_State *L)
{
	lua_pushnumber(L, next_word() / 4294967296.0);
	return 1;
}

void chance_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"random_seed", random_seed}, {"random_float", random_float}, {NULL, NULL}};

	seed_with(5489);
	luaL_setfuncs(L, functions, 0);
}
