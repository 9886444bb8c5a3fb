/* SPDX-License-Identifier: MIT
 *
 * Messages from strangers. The first byte says how the rest is used: as the whole message, or as the tags and data
 * of a well-formed one. Whatever it is, there is an answer, and it is a JSON object.
 */
#include "native.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define OWNER "0wn3r-0wn3r-0wn3r-0wn3r-0wn3r-0wn3r-0wn3r-0"
#define PROCESS "pr0cess-pr0cess-pr0cess-pr0cess-pr0cess-pr0"
#define ENVIRONMENT "{\"Process\":{\"Id\":\"" PROCESS "\",\"Tags\":[{\"name\":\"Name\",\"value\":\"fuzz\"}]}}"
#define FIXED "\"Target\":\"" PROCESS "\",\"Timestamp\":1000,\"Block-Height\":1,\"Module\":\"m\","

static const char setup[] = "{" FIXED "\"Id\":\"e\",\"From\":\"" OWNER "\",\"Owner\":\"" OWNER
			    "\",\"Tags\":[{\"name\":\"Action\",\"value\":\"Eval\"}],\"Data\":\""
			    "Inbox = {} Handlers.add('echo', {Action = '_', Kind = {'a', '^b%d+$'}}, function (m) "
			    "m.reply({Data = m.Data, T = m.Kind}) "
			    "m.forward('x') print(m) end) Handlers.add('ask', 'Ask', function (m) print(Send({Target = "
			    "m.From}).receive().Data) end)"
			    "\"}";

static void answer(const char *message)
{
	const char *text = runtime_handle(message, ENVIRONMENT);

	if (strncmp(text, "{\"ok\":true,\"response\":{", 23) != 0)
		abort();
}

static void add_quoted(struct buf *out, const uint8_t *p, size_t len)
{
	buf_printf(out, "\"");
	for (size_t i = 0; i < len; i++) {
		if (p[i] < 32 || p[i] == '"' || p[i] == '\\')
			buf_printf(out, "\\u%04x", p[i]);
		else
			buf_put(out, p + i, 1);
	}
	buf_printf(out, "\"");
}

/* Zero bytes part the rest into name, value, name, value... and data. */
static void wrapped(const uint8_t *data, size_t size)
{
	struct buf out = BUF_EMPTY;
	size_t tags = 0;

	buf_printf(&out, "{" FIXED "\"Id\":\"i\",\"From\":\"user\",\"Owner\":\"user\",\"Tags\":[");
	for (;;) {
		const uint8_t *middle = memchr(data, 0, size);
		const uint8_t *end = middle ? memchr(middle + 1, 0, size - (size_t)(middle + 1 - data)) : NULL;
		if (!end)
			break;
		buf_printf(&out, "%s{\"name\":", tags++ ? "," : "");
		add_quoted(&out, data, (size_t)(middle - data));
		buf_printf(&out, ",\"value\":");
		add_quoted(&out, middle + 1, (size_t)(end - middle - 1));
		buf_printf(&out, "}");
		size -= (size_t)(end + 1 - data);
		data = end + 1;
	}
	buf_printf(&out, "],\"Data\":");
	add_quoted(&out, data, size);
	buf_put(&out, "}", 2); /* with its NUL */
	answer((const char *)out.ptr);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned count;

	if (count++ % 200 == 0) {
		answer("{" FIXED "\"Id\":\"" PROCESS "\",\"From\":\"" OWNER "\",\"Owner\":\"" OWNER
		       "\",\"Tags\":[{\"name\":\"Type\",\"value\":\"Process\"}]}");
		answer(setup);
	}
	if (size == 0)
		return 0;
	if (data[0] & 1) {
		wrapped(data + 1, size - 1);
		return 0;
	}
	char *text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	answer(text);
	free(text);
	return 0;
}
