/* SPDX-License-Identifier: MIT
 *
 * chance: the generator behind math.random, the Mersenne Twister MT19937 of Matsumoto and Nishimura (1998). One per process;
 * its state is in the process's memory and so in every checkpoint.
 */
#include "native.h"

enum { WORDS = 624, MIDDLE = 397 };

static uint32_t words[WORDS];
static uint32_t used = WORDS;

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

/* random_state([state]): where the generator is, as a text; with one, it goes there. */
static int random_state(lua_State *L)
{
	uint8_t bytes[4 * (WORDS + 1)];
	size_t len;

	if (!lua_isnoneornil(L, 1)) {
		const uint8_t *p = (const uint8_t *)luaL_checklstring(L, 1, &len);
		luaL_argcheck(L, len == sizeof(bytes), 1, "not a state of the generator");
		for (int i = 0; i <= WORDS; i++, p += 4) {
			uint32_t n = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
			*(i < WORDS ? &words[i] : &used) = n;
		}
		return 0;
	}
	for (int i = 0; i <= WORDS; i++) {
		uint32_t n = i < WORDS ? words[i] : used;
		for (int k = 0; k < 4; k++)
			bytes[4 * i + k] = (uint8_t)(n >> 8 * k);
	}
	lua_pushlstring(L, (const char *)bytes, sizeof(bytes));
	return 1;
}

void chance_open(lua_State *L)
{
	static const luaL_Reg functions[] = {{"random_seed", random_seed},
					     {"random_float", random_float},
					     {"random_state", random_state},
					     {NULL, NULL}};

	seed_with(5489);
	luaL_setfuncs(L, functions, 0);
}
