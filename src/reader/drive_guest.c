/* SPDX-License-Identifier: MIT
 *
 * A module that reads files of the weave, to test WeaveDrive with (reader_test.c, cu/drive_test.c). A message's Data is one
 * letter and a path; the Output tells what the letter asks:
 *
 *   w  the file's length as seek says, and a hash of all of it, read in pieces of 5,000 bytes
 *   f  the same by fd_read
 *   b  the same in one read
 *   p  10 bytes from 5 on, 5 more, then the position
 *   e  5 bytes after a seek to the end, the position, and 5 more after another
 *   t  what one read of 8 bytes more than there are answers, those bytes, and the position
 *   o  the descriptors of: opening, opening again, opening once more after the first was closed, something else
 *   m  nothing is read: the Output is the number of messages so far
 *
 * A tag Read says the same and goes before Data. The module lets another take its place, and takes the place of another.
 *
 * The hash is kept in memory, so that a process's state depends on what it has read.
 */
#include <stddef.h>
#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

IMPORT("env", "__asyncjs__weavedrive_open") int drive_open(const char *path, const char *mode);
IMPORT("env", "__asyncjs__weavedrive_read") int drive_read(int fd, void *to, size_t len);
IMPORT("env", "__asyncjs__weavedrive_close") int drive_close(int fd);
IMPORT("wasi_snapshot_preview1", "fd_seek")
int fd_seek(int fd, uint32_t low, uint32_t high, int whence, uint64_t *position);
IMPORT("wasi_snapshot_preview1", "fd_read") int fd_read(int fd, const void *vectors, size_t count, size_t *read);

struct vector {
	void *to;
	size_t len;
};

static char stack[65536] __attribute__((aligned(16))), out[4096], path[300], text[4 << 20];
static uintptr_t top;
static uint64_t all = 14695981039346656037u, messages;
static char *at;

EXPORT("emscripten_stack_get_current") uintptr_t stack_get(void)
{
	if (!top)
		top = (uintptr_t)(stack + sizeof(stack));
	return top;
}

EXPORT("_emscripten_stack_restore") void stack_restore(uintptr_t to)
{
	top = to;
}

EXPORT("_emscripten_stack_alloc") uintptr_t stack_alloc(size_t len)
{
	return top = (stack_get() - len) & ~(uintptr_t)15;
}

static void say(const char *words)
{
	while (*words)
		*at++ = *words++;
}

static void say_number(uint64_t n)
{
	char digits[24], *d = digits + sizeof(digits);

	*--d = 0;
	do
		*--d = (char)('0' + n % 10);
	while (n /= 10);
	say(d);
}

/* Quotes would end the JSON. */
static void say_text(const char *from, size_t len)
{
	for (size_t i = 0; i < len && i < 1000; i++)
		*at++ = from[i] == '"' ? '\'' : from[i] >= ' ' ? from[i] : '.';
}

static void hash(uint64_t *h, const char *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*h = (*h ^ (uint8_t)from[i]) * 1099511628211u;
}

static uint64_t length(int fd)
{
	uint64_t end = 0, start;

	fd_seek(fd, 0, 0, 2, &end);
	fd_seek(fd, 0, 0, 0, &start);
	return end;
}

static void whole(int fd, char how)
{
	size_t step = how == 'b' ? sizeof(text) : 5000;
	uint64_t h = 14695981039346656037u, size = length(fd), got = 0;

	while (got < size) {
		size_t n = 0;
		if (how == 'f') {
			struct vector v[2] = {{text, 1000}, {text + 1000, 4000}};
			if (fd_read(fd, v, 2, &n))
				break;
		} else {
			n = (size_t)drive_read(fd, text, size - got < step ? size - got : step);
		}
		if (n == 0)
			break;
		hash(&h, text, n);
		got += n;
	}
	hash(&all, (const char *)&h, sizeof(h));
	say_number(size);
	say(" ");
	say_number(h);
}

static void position(int fd)
{
	uint64_t now = 99;

	fd_seek(fd, 0, 0, 1, &now);
	say("|");
	say_number(now);
}

static void pieces(int fd)
{
	uint64_t now;
	int n;

	fd_seek(fd, 5, 0, 0, &now);
	n = drive_read(fd, text, 10);
	say_text(text, (size_t)n);
	say("|");
	n = drive_read(fd, text, 5);
	say_text(text, (size_t)n);
	position(fd);
}

static void from_end(int fd)
{
	uint64_t now;
	int n;

	fd_seek(fd, 0, 0, 2, &now);
	n = drive_read(fd, text, 5);
	say_text(text, (size_t)n);
	position(fd);
	fd_seek(fd, 0, 0, 2, &now);
	n = drive_read(fd, text, 5);
	say_text(text, (size_t)n);
	position(fd);
}

static void too_much(int fd)
{
	uint64_t size = length(fd);
	int n;

	__builtin_memset(text, '-', 8 + size);
	n = drive_read(fd, text, size + 8);
	say_number((uint64_t)n);
	say("|");
	say_text(text, size + 8);
	position(fd);
}

static void descriptors(int fd)
{
	int second = drive_open(path, "r"), third;

	drive_close(fd);
	third = drive_open(path, "r");
	say_number((uint64_t)fd);
	say_number((uint64_t)second);
	say_number((uint64_t)third);
	say_number((uint64_t)drive_open("/etc/passwd", "r"));
	say_number((uint64_t)drive_read(77, text, 10));
}

static size_t after(const char *message, const char *key)
{
	size_t k = 0;

	while (key[k] && message[k] == key[k])
		k++;
	return key[k] ? 0 : k;
}

static int contains(const char *message, const char *text)
{
	for (; *message; message++)
		if (after(message, text))
			return 1;
	return 0;
}

/* What stands, up to the quote, behind a tag's name Read, or else the first "Data":". */
static char find_command(const char *message)
{
	const char *data = NULL;
	size_t n = 0, k = 0;
	char command = 'm';

	for (const char *m = message; *m; m++)
		if ((k = after(m, "\"Read\",\"value\":\"")) || (!data && (k = after(m, "\"Data\":\""))))
			data = m + k;
	message = data ? data : "";
	if (*message && *message != '"')
		command = *message++;
	while (*message && *message != '"' && n < sizeof(path) - 1)
		path[n++] = *message++;
	path[n] = 0;
	return command;
}

EXPORT("handle") const char *handle(const char *message, const char *environment)
{
	char command = find_command(message);
	int fd = 0;

	(void)environment;
	messages++;
	at = out;
	say("{\"ok\":true,\"response\":{\"Output\":\"");
	if (command != 'm') {
		fd = drive_open(path, "r");
		if (!fd)
			say("no file");
		else if (command == 'p')
			pieces(fd);
		else if (command == 'e')
			from_end(fd);
		else if (command == 't')
			too_much(fd);
		else if (command == 'o')
			descriptors(fd);
		else
			whole(fd, command);
	} else {
		say_number(messages);
	}
	say("\"");
	if (contains(message, "\"Migrate.Module\""))
		say(",\"Migration\":\"state\"");
	if (contains(message, "\"Migrate.Import\""))
		say(",\"Migration\":true");
	say("}}");
	*at = 0;
	return out;
}
