/* SPDX-License-Identifier: MIT
 *
 * What the C parts promise, under the sanitizers too. What the module does as a whole is tested in test/aos.
 */
#include "native.h"
#include "test/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Runs Lua that returns true, in a state where `native` is what the runtime's files get. */
static void check_lua(const char *code)
{
	lua_State *L = runtime_open();
	t_check(L != NULL);
	const char *error = NULL;
	if (luaL_dostring(L, "return select(2, package.searchers[2]('.utils'))") != LUA_OK)
		error = lua_tostring(L, -1);
	lua_setglobal(L, "native");
	if (!error && (luaL_dostring(L, code) != LUA_OK))
		error = lua_tostring(L, -1);
	if (error || !lua_toboolean(L, -1))
		t_fail("%s", error ? error : luaL_tolstring(L, -1, NULL));
	lua_close(L);
}

TEST(numbers_are_written_as_printf_does)
{
	uint64_t state = t_seed();
	char got[40], want[40];
	for (int i = 0; i < 200000; i++) {
		uint64_t bits = t_random(&state);
		double n;
		memcpy(&n, &bits, sizeof n);
		if (i % 2)
			n = (double)(int64_t)bits / (double)(1 + (bits & 0xffff));
		if (i % 4 == 1)
			n = floor(n);
		aos_write_number(got, sizeof got, n);
		snprintf(want, sizeof want, "%.14g", n);
		t_str(got, want);
		aos_write_integer(got, (long long)bits);
		snprintf(want, sizeof want, "%lld", (long long)bits);
		t_str(got, want);
	}
}

TEST(big_integers_divide_as_they_multiply)
{
	check_lua("local seed = 12345\n"
		  "local function word() seed = (seed * 6364136223846793005 + 1442695040888963407) return seed end\n"
		  "for _, bits in ipairs({64, 96, 256, 1024}) do\n"
		  "  local bint = require('.bint')(bits)\n"
		  "  for i = 1, 400 do\n"
		  "    local function number() local n = bint.fromuinteger(word())\n"
		  "      for _ = 1, math.abs(word()) % (bits // 64) do n = (n << 64) + bint.fromuinteger(word()) end\n"
		  "      if word() % 3 == 0 then n = n >> (math.abs(word()) % bits) end\n"
		  "      return n end\n"
		  "    local a, b = number(), number()\n"
		  "    if not bint.iszero(b) then\n"
		  "      local q, r = bint.udivmod(a, b)\n"
		  "      assert(q * b + r == a and bint.ult(r, b), 'unsigned')\n"
		  "      q, r = bint.idivmod(a, b)\n"
		  "      assert(q * b + r == a, 'floor')\n"
		  "      assert(bint.iszero(r) or bint.isneg(r) == bint.isneg(b), 'sign of the rest')\n"
		  "    end\n"
		  "    assert(bint(tostring(a)) == a and bint.frombase(bint.tobase(a, 16), 16) == a, 'texts')\n"
		  "    assert(bint.fromle(bint.tole(a)) == a and a - b == -(b - a), 'bytes')\n"
		  "    assert((a ~ b) ~ b == a and ~(~a) == a and bint.brol(bint.bror(a, 5), 5) == a, 'bits')\n"
		  "  end\n"
		  "end\n"
		  "return true");
}

TEST(json_refuses_what_is_too_deep_and_survives)
{
	check_lua("local json = require('json')\n"
		  "local ok, err = pcall(json.decode, ('['):rep(1000000))\n"
		  "assert(not ok and err:find('too deep'), err)\n"
		  "local t = {} for i = 1, 9000 do t = {t} end\n"
		  "assert(#json.encode(t) == 18002)\n"
		  "for i = 1, 9000 do t = {t} end\n"
		  "ok, err = pcall(json.encode, t)\n"
		  "assert(not ok and err:find('too deep'), err)\n"
		  "return json.encode(json.decode('[1]')) == '[1]'");
}

TEST(ciphers_give_back_what_they_took)
{
	check_lua("local c = require('.crypto').cipher\n"
		  "for n = 0, 200, 7 do\n"
		  "  local text = ('t'):rep(n)\n"
		  "  local e = c.norx.encrypt(('k'):rep(32), ('n'):rep(32), text, 'h', 't').asString()\n"
		  "  assert(c.norx.decrypt(('k'):rep(32), ('n'):rep(32), e, 'h', 't') == text)\n"
		  "  assert(not c.norx.decrypt(('k'):rep(32), ('n'):rep(32), e:sub(1, -2) .. '?', 'h', 't'))\n"
		  "  e = c.morus.encrypt(('k'):rep(32), ('n'):rep(16), text, 'ad').asString()\n"
		  "  assert(c.morus.decrypt(('k'):rep(32), ('n'):rep(16), e, 2) == text)\n"
		  "  assert(not c.morus.decrypt(('k'):rep(32), ('n'):rep(16), e:sub(1, 5), 2))\n"
		  "end\n"
		  "return true");
}

TEST(the_text_of_a_chunk_is_kept_unseen)
{
	check_lua("local text = 'local a = 1\\nreturn function () return a end'\n"
		  "local f = native.load(text, 'aos', _G)\n"
		  "assert(native.source(f) == text and native.source(f()) == text)\n"
		  "assert(debug.getinfo(f, 'S').source == 'aos' and debug.getinfo(f, 'S').short_src == '[string "
		  "\"aos\"]')\n"
		  "collectgarbage()\n"
		  "assert(native.source(f()) == text and native.source(print) == nil)\n"
		  "return native.source(load('return 1')) == nil");
}

TEST(a_chunk_is_placed_in_its_files_whatever_they_are_said_to_be)
{
	check_lua(
		"local text = 'local function inner()\\n  error(\"deep\")\\nend\\n\\nreturn inner'\n"
		"local function at(...)\n"
		"  local chunk = native.load(text, 'aos', _G)\n"
		"  for _, file in ipairs({...}) do native.place(chunk, table.unpack(file)) end\n"
		"  local _, err = pcall(chunk())\n"
		"  return err\n"
		"end\n"
		"assert(at() == '[string \"aos\"]:2: deep')\n"
		"assert(at({ '@a\\0text', 1, 5, true }) == 'a:2: deep')\n"
		"assert(at({ '@a', 2, 4, false }, { '@b', 5, 5, true }) == 'a:1: deep')\n"
		"assert(at({ '@a', 5, 5, false }, { '@b', 1, 1, true }) == 'b:2: deep')\n"
		"for _, edge in ipairs({ 0, -1, 1 << 31, -(1 << 31), math.maxinteger, math.mininteger }) do\n"
		"  assert(not pcall(at, { '@a', edge, edge, true }) and not pcall(at, { '@a', 1, edge, true }))\n"
		"end\n"
		"assert(at({ '@a', 1, (1 << 31) - 2, true }) == 'a:2: deep')\n"
		"assert(not pcall(native.place, print, '@a', 1, 1, true))\n"
		"assert(not pcall(native.place, 5, '@a', 1, 1, true) and not pcall(native.place, at, 5, 1, 1, true))\n"
		"return true");
}

TEST(the_order_of_pairs_is_the_same_in_every_process)
{
	check_lua("local t, keys = {}, {}\n"
		  "for _, k in ipairs({'Action', 'Target', 'Data', 'Tags', 'From', 'Owner', 'Id', 'x', 'y', 'z'}) do "
		  "t[k] = 1 end\n"
		  "for k in pairs(t) do keys[#keys + 1] = k end\n"
		  "local order = table.concat(keys, ' ')\n"
		  "assert(order == 'x y Target Owner z Data Action Id Tags From', order) return true");
}

TEST(files_of_the_drive_are_for_those_who_declare_it)
{
	check_lua("assert(io.open('/data/FILE') == nil)\n"
		  "native.allow_drive(true)\n"
		  "assert(io.open('/data/OTHER') == nil and io.open('/etc/passwd') == nil)\n"
		  "local f = assert(io.open('/data/FILE', 'r'))\n"
		  "assert(f:read() == \"print('from the drive')\" and f:read(6) == 'return' and f:read('n') == 42)\n"
		  "assert(f:read('L') == '\\n' and f:read('l') == nil and f:read('a') == '' and f:read(1) == nil)\n"
		  "assert(f:seek('set', 0) == 0 and #f:read('a') == 34 and f:seek('end') == 34 and f:seek('cur', -5) "
		  "== 29)\n"
		  "f:seek('set')\n"
		  "local n = 0 for line in f:lines() do n = n + #line end\n"
		  "assert(n == 32 and io.type(f) == 'file' and f:close() and io.type(f) == 'closed file')\n"
		  "return not pcall(f.read, f)");
}

TEST(a_process_may_boot_from_the_drive)
{
#define BOOT                                                                                                           \
	"{\"Id\":\"p\",\"Target\":\"p\",\"From\":\"o\",\"Owner\":\"o\",\"Module\":\"m\",\"Block-Height\":1,\"Tags\":[" \
	"{\"name\":\"Type\",\"value\":\"Process\"},{\"name\":\"On-Boot\",\"value\":\"FILE\"}]}"
	const char *text = runtime_handle(BOOT, "{\"Process\":{\"Id\":\"p\",\"Tags\":[]},\"Module\":{\"Tags\":"
						"[{\"name\":\"Extension\",\"value\":\"WeaveDrive\"}]}}");
	t_check(strstr(text, "\"data\":\"from the drive\\n42\"") != NULL);
}

TEST(hostile_messages_get_an_answer)
{
	static const char *const messages[] = {"",
					       "{",
					       "[]",
					       "null",
					       "5",
					       "\"x\"",
					       "{\"Tags\":5}",
					       "{\"Tags\":[5]}",
					       "{\"Tags\":[{}]}",
					       "{\"Tags\":[{\"name\":{},\"value\":[]}]}",
					       "{\"From\":{},\"Owner\":{}}",
					       "{\"Id\":\"\\ud800\",\"Data\":\"\xff\xfe\"}"};
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		const char *text = runtime_handle(messages[i], "{\"Process\":{\"Id\":\"p\",\"Tags\":[]}}");
		t_check(strncmp(text, "{\"ok\":true,\"response\":{", 23) == 0);
	}
	t_check(strstr(runtime_handle("{}", "nonsense"), "\"Error\"") != NULL);
}

TEST_MAIN
