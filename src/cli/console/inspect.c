/* SPDX-License-Identifier: MIT
 *
 * inspect: the state of a process, looked at by a dry run: nothing in it changes, no slot is used, and what the code below
 * makes goes with the copy that it ran in. The code runs on any aos, so it asks for nothing but Lua.
 */
#include "cli/console/console.h"

#include <string.h>

/* show(value): tables sorted, with limits on depth, entries and text, so that a large state stays readable. */
static const char show_lua[] =
	"local red, green, yellow, blue, gray, reset = '\\27[31m', '\\27[32m', '\\27[33m', '\\27[34m', '\\27[90m', "
	"'\\27[0m'\n"
	"local budget = 400\n"
	"local function text(s)\n"
	"  local long = #s > 120\n"
	"  return green .. string.format('%q', long and s:sub(1, 120) or s):gsub('\\\\\\n', '\\\\n') .. reset ..\n"
	"    (long and gray .. ' (' .. #s .. ' bytes)' .. reset or '')\n"
	"end\n"
	"local function field(k)\n"
	"  if type(k) == 'string' and k:match('^[%a_][%w_]*$') then return k end\n"
	"  return '[' .. (type(k) == 'string' and string.format('%q', k) or tostring(k)) .. ']'\n"
	"end\n"
	"local function sorted(t)\n"
	"  local keys = {}\n"
	"  for k in next, t do keys[#keys + 1] = k end\n"
	"  table.sort(keys, function (a, b)\n"
	"    if type(a) == 'number' and type(b) == 'number' then return a < b end\n"
	"    if type(a) ~= type(b) then return type(a) < type(b) end\n"
	"    return tostring(a) < tostring(b)\n"
	"  end)\n"
	"  return keys\n"
	"end\n"
	"local function show(v, depth, indent, seen)\n"
	"  local kind = type(v)\n"
	"  if kind == 'string' then return text(v) end\n"
	"  if kind == 'number' then return yellow .. tostring(v) .. reset end\n"
	"  if kind == 'boolean' then return blue .. tostring(v) .. reset end\n"
	"  if kind == 'nil' then return red .. 'nil' .. reset end\n"
	"  if kind ~= 'table' then return gray .. kind .. reset end\n"
	"  if seen[v] then return gray .. '(seen above)' .. reset end\n"
	"  local keys = sorted(v)\n"
	"  if #keys == 0 then return '{}' end\n"
	"  if depth == 0 then return gray .. '{ ' .. #keys .. ' entries }' .. reset end\n"
	"  seen[v] = true\n"
	"  local lines = {}\n"
	"  for i, k in ipairs(keys) do\n"
	"    budget = budget - 1\n"
	"    if budget < 0 then lines[#lines + 1] = indent .. '  ' .. gray .. (#keys - i + 1) .. ' more' .. reset "
	"break end\n"
	"    local name = k == i and '' or field(k) .. ' = '\n"
	"    lines[#lines + 1] = indent .. '  ' .. name .. show(rawget(v, k), depth - 1, indent .. '  ', seen)\n"
	"  end\n"
	"  return '{\\n' .. table.concat(lines, '\\n') .. '\\n' .. indent .. '}'\n"
	"end\n";

/* What a fresh process has anyway is not shown. */
static const char overview_lua[] =
	"local own = {}\n"
	"for name in ([[_G _VERSION _ENV assert collectgarbage coroutine debug dofile error getmetatable io ipairs "
	"load loadfile\n"
	"  loadstring math module next os package pairs pcall print rawequal rawget rawlen rawset require select "
	"setmetatable string\n"
	"  table tonumber tostring type unpack utf8 xpcall bit32 ao json Ao Assign Bell Colors Dump Errors Handlers "
	"Inbox Nonce Owner\n"
	"  Prompt Receive Seeded Send Spawn Tab Utils Version Name HANDLER_PRINT_LOGS Dir handle crypto process "
	"stringify base64\n"
	"  ]]):gmatch('%S+') do own[name] = true end\n"
	"local lines = { 'Name     ' .. show(Name, 1, '', {}), 'Owner    ' .. show(Owner, 1, '', {}),\n"
	"  'Inbox    ' .. #(Inbox or {}) .. (#(Inbox or {}) == 1 and ' message' or ' messages'), 'Handlers' }\n"
	"local wide = 0\n"
	"for _, handler in ipairs(Handlers.list or {}) do wide = math.max(wide, math.min(#tostring(handler.name), 24)) "
	"end\n"
	"for i, handler in ipairs(Handlers.list or {}) do\n"
	"  local runs = handler.maxRuns and gray .. '  (' .. tostring(handler.maxRuns) .. ' runs)' .. reset or ''\n"
	"  local pattern = show(handler.pattern, 1, '', {}):gsub('%s+', ' ')\n"
	"  local name = tostring(handler.name)\n"
	"  lines[#lines + 1] = '  ' .. blue .. name .. reset .. (' '):rep(math.max(2, wide - #name + 2)) .. pattern .. "
	"runs\n"
	"end\n"
	"lines[#lines + 1] = 'Globals'\n"
	"for _, name in ipairs(sorted(_G)) do\n"
	"  if not own[name] then lines[#lines + 1] = '  ' .. field(name) .. ' = ' .. show(_G[name], 1, '  ', {}) end\n"
	"end\n"
	"if lines[#lines] == 'Globals' then lines[#lines] = 'Globals  none of yours' end\n"
	"return table.concat(lines, '\\n')\n";

int console_inspect(struct console *c, const char *expression)
{
	struct buf code = BUF_EMPTY;
	int exit_code;

	/* The expression comes first, so that an error in it is in the line that was typed. */
	if (expression[0])
		buf_printf(&code, "local function value() return %s\nend\n", expression);
	buf_put_str(&code, show_lua);
	if (expression[0])
		buf_put_str(&code, "return show(value(), 5, '', {})\n");
	else
		buf_put_str(&code, overview_lua);
	exit_code = console_eval_dry(c, buf_bytes(&code), bytes_str(expression));
	buf_release(&code);
	return exit_code;
}
