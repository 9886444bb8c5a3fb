/* SPDX-License-Identifier: MIT */
#include "cli/console/complete.h"

#include "cli/console/commands.h"
#include "cli/console/lua.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* Globals of an aos process and what is in those that are tables (aos-module 5 to 11). */
static const char *const names[] = {"Assign",
				    "Bell",
				    "Colors",
				    "Colors.blue",
				    "Colors.gray",
				    "Colors.green",
				    "Colors.red",
				    "Colors.reset",
				    "Dump",
				    "Errors",
				    "Handlers",
				    "Handlers.add",
				    "Handlers.advanced",
				    "Handlers.after",
				    "Handlers.append",
				    "Handlers.before",
				    "Handlers.evaluate",
				    "Handlers.generateResolver",
				    "Handlers.list",
				    "Handlers.once",
				    "Handlers.prepend",
				    "Handlers.receive",
				    "Handlers.remove",
				    "Handlers.utils",
				    "Handlers.utils.continue",
				    "Handlers.utils.hasMatchingData",
				    "Handlers.utils.hasMatchingTag",
				    "Handlers.utils.hasMatchingTagOf",
				    "Handlers.utils.reply",
				    "Inbox",
				    "Name",
				    "Owner",
				    "Prompt",
				    "Receive",
				    "Send",
				    "Spawn",
				    "Tab",
				    "Utils",
				    "Utils.compose",
				    "Utils.concat",
				    "Utils.curry",
				    "Utils.filter",
				    "Utils.find",
				    "Utils.includes",
				    "Utils.keys",
				    "Utils.map",
				    "Utils.prop",
				    "Utils.propEq",
				    "Utils.reduce",
				    "Utils.reverse",
				    "Utils.values",
				    "Version",
				    "_G",
				    "ao",
				    "ao.addAssignable",
				    "ao.assign",
				    "ao.authorities",
				    "ao.env",
				    "ao.id",
				    "ao.isAssignable",
				    "ao.isAssignment",
				    "ao.isTrusted",
				    "ao.log",
				    "ao.outbox",
				    "ao.reference",
				    "ao.removeAssignable",
				    "ao.result",
				    "ao.send",
				    "ao.spawn",
				    "assert",
				    "collectgarbage",
				    "coroutine",
				    "coroutine.create",
				    "coroutine.resume",
				    "coroutine.running",
				    "coroutine.status",
				    "coroutine.wrap",
				    "coroutine.yield",
				    "debug",
				    "error",
				    "getmetatable",
				    "ipairs",
				    "json",
				    "load",
				    "math",
				    "math.abs",
				    "math.ceil",
				    "math.floor",
				    "math.fmod",
				    "math.huge",
				    "math.max",
				    "math.maxinteger",
				    "math.min",
				    "math.mininteger",
				    "math.pi",
				    "math.random",
				    "math.sqrt",
				    "math.tointeger",
				    "math.type",
				    "next",
				    "os",
				    "os.date",
				    "os.time",
				    "package",
				    "package.loaded",
				    "pairs",
				    "pcall",
				    "print",
				    "rawequal",
				    "rawget",
				    "rawlen",
				    "rawset",
				    "require",
				    "select",
				    "setmetatable",
				    "string",
				    "string.byte",
				    "string.char",
				    "string.find",
				    "string.format",
				    "string.gmatch",
				    "string.gsub",
				    "string.len",
				    "string.lower",
				    "string.match",
				    "string.rep",
				    "string.reverse",
				    "string.sub",
				    "string.upper",
				    "table",
				    "table.concat",
				    "table.insert",
				    "table.move",
				    "table.pack",
				    "table.remove",
				    "table.sort",
				    "table.unpack",
				    "tonumber",
				    "tostring",
				    "type",
				    "utf8",
				    "utf8.char",
				    "utf8.codepoint",
				    "utf8.len",
				    "xpcall",
				    NULL};

bool complete_is_global(struct bytes name)
{
	for (size_t i = 0; names[i]; i++)
		if (bytes_eq_str(name, names[i]))
			return true;
	return false;
}

static void offer(struct completion *out, const char *candidate, struct bytes word)
{
	size_t len = strlen(candidate), same = 0;

	if (out->count == COMPLETE_MAX || len < word.len || memcmp(candidate, word.ptr, word.len) != 0)
		return;
	if (out->count == 0)
		out->common = len;
	else
		for (const char *first = out->candidates[0];
		     same < out->common && same < len && first[same] == candidate[same];)
			same++;
	if (out->count && same < out->common)
		out->common = same;
	out->candidates[out->count++] = candidate;
}

/* Members show once their table is written out. */
static void offer_names(struct completion *out, struct bytes word)
{
	for (size_t i = 0; names[i]; i++)
		if (strlen(names[i]) <= word.len || !strchr(names[i] + word.len, '.'))
			offer(out, names[i], word);
	if (word.len)
		for (size_t i = 0; lua_keywords[i]; i++)
			offer(out, lua_keywords[i], word);
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Files whose path begins with `word`; with `suffix` only those, and without it. */
static void offer_files(struct completion *out, struct arena *a, struct bytes word, const char *directory,
			const char *suffix)
{
	size_t slash = word.len;
	struct dirent *entry;
	const char *path;
	DIR *dir;

	while (slash && word.ptr[slash - 1] != '/')
		slash--;
	path = directory ? directory : slash ? arena_cstr(a, bytes_of(word.ptr, slash)) : ".";
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		struct bytes name = bytes_str(entry->d_name);
		if (name.ptr[0] == '.' || (suffix && !bytes_ends(name, suffix)))
			continue;
		if (suffix)
			name.len -= strlen(suffix);
		offer(out,
		      (const char *)arena_printf(a, "%.*s%.*s%s", directory ? 0 : (int)slash, (const char *)word.ptr,
						 BYTES_FMT(name), entry->d_type == DT_DIR ? "/" : "")
			      .ptr,
		      word);
	}
	if (dir)
		closedir(dir);
	qsort(out->candidates, out->count, sizeof(out->candidates[0]), by_name);
}

static bool in_name(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

void complete(struct completion *out, struct arena *a, struct bytes line, const char *blueprints)
{
	struct bytes argument, command = bytes_cut(line, ' ', &argument);
	struct bytes word = line;

	*out = (struct completion){.count = 0};
	if (line.len && line.ptr[0] == '.' && command.len == line.len) {
		for (const struct dot_command *c = dot_commands; c->name; c++)
			offer(out, c->arguments ? (const char *)arena_printf(a, "%s ", c->name).ptr : c->name, word);
	} else if (bytes_eq_str(command, ".load")) {
		word = argument;
		offer_files(out, a, word, NULL, NULL);
	} else if (bytes_eq_str(command, ".load-blueprint")) {
		word = argument;
		if (blueprints)
			offer_files(out, a, word, blueprints, ".lua");
	} else {
		size_t from = line.len;
		while (from && in_name(line.ptr[from - 1]))
			from--;
		word = bytes_from(line, from);
		if (word.len)
			offer_names(out, word);
	}
	out->word = word.len;
}
