/* SPDX-License-Identifier: MIT
 *
 * editor: longer texts: `.editor` collects lines until .done, `.pad` hands them to the editor of one's choice.
 */
#include "cli/commands.h"
#include "cli/console/commands.h"
#include "cli/console/console.h"
#include "cli/console/line.h"
#include "cli/print.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAD_MAX = 16 << 20 };

/* ---- .editor ---- */

static void drop_last_line(struct buf *text)
{
	if (text->len)
		text->len--; /* its line end */
	while (text->len && text->ptr[text->len - 1] != '\n')
		text->len--;
}

/* A file's text, with what it requires, goes in where .load stands. */
static void insert_file(struct console *c, struct buf *text, struct bytes path)
{
	struct bundle *bundle;
	struct turn t;
	enum err e;

	turn_begin(&t, c);
	bundle = arena_new(&t.call.arena, struct bundle);
	e = bundle_make(bundle, &t.call.arena, arena_cstr(&t.call.arena, path), &t.call.note);
	if (e < 0) {
		turn_fail(&t, e);
		return;
	}
	buf_put_bytes(text, bundle->chunk);
	buf_put_u8(text, '\n');
	turn_end(&t);
}

enum edited { EDIT_MORE, EDIT_DONE, EDIT_CANCEL };

static enum edited edit_line(struct console *c, struct buf *text, struct bytes line)
{
	struct bytes argument;
	const struct dot_command *d;

	if (bytes_eq_str(line, ".done"))
		return EDIT_DONE;
	if (bytes_eq_str(line, ".cancel"))
		return EDIT_CANCEL;
	if (bytes_eq_str(line, ".delete")) {
		drop_last_line(text);
		return EDIT_MORE;
	}
	if (bytes_eq_str(line, ".print")) {
		print_foreign(buf_bytes(text));
		return EDIT_MORE;
	}
	d = bytes_starts(line, ".load ") ? dot_parse(line, &argument) : NULL;
	if (d) {
		insert_file(c, text, argument);
		return EDIT_MORE;
	}
	buf_put_bytes(text, line);
	buf_put_u8(text, '\n');
	return EDIT_MORE;
}

int console_editor(struct console *c, const char *argument)
{
	struct buf text = BUF_EMPTY, line = BUF_EMPTY;
	enum edited edited = EDIT_MORE;
	int exit_code = 0;

	if (!c->line) {
		fprintf(stderr, "weft: .editor is for a terminal: in a script the lines themselves will do\n");
		return err_exit_code(E_ARGUMENT);
	}
	printf("Lines, then .done to run them or .cancel; .print shows them, .delete drops the last one.\n");
	while (edited == EDIT_MORE) {
		line_prompt(c->line, BYTES(""));
		switch (line_read(c->line, &line, false)) {
		case LINE_TEXT:
			edited = edit_line(c, &text, buf_bytes(&line));
			break;
		case LINE_INTERRUPTED:
		case LINE_END:
			edited = EDIT_CANCEL;
			break;
		}
	}
	if (edited == EDIT_DONE && text.len) {
		line_remember(c->line, buf_str(&text));
		exit_code = console_eval(c, buf_bytes(&text), NULL);
	}
	buf_release(&text);
	buf_release(&line);
	return exit_code;
}

/* ---- .pad ---- */

/* $VISUAL or $EDITOR may have options in it, so a shell reads it; the path is an argument and not part of what it reads. */
static enum err run_editor(const char *path, struct note *note)
{
	const char *editor = getenv("VISUAL");
	int status = 0;
	pid_t pid;

	if (!editor || !editor[0])
		editor = getenv("EDITOR");
	if (!editor || !editor[0])
		editor = "vi";
	pid = fork();
	if (pid == 0) {
		struct buf command = BUF_EMPTY;
		buf_printf(&command, "%s \"$1\"", editor);
		execl("/bin/sh", "sh", "-c", buf_str(&command), "sh", path, (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		return note_err(note, E_IO, "no process for the editor: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return OK;
	note_err(note, E_IO, "the editor '%s' ended with an error: nothing was run", editor);
	note_hint(note, "EDITOR names the editor; what you wrote is in %s", path);
	return E_IO;
}

int console_pad(struct console *c, const char *argument)
{
	struct bytes before = {0}, after;
	const char *path;
	struct turn t;
	int fd, exit_code = 0;
	enum err e;

	turn_begin(&t, c);
	path = (const char *)arena_printf(&t.call.arena, "%s/%s.pad.lua", c->directory, c->id.s).ptr;
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		e = note_err(&t.call.note, E_IO, "%s cannot be written: %s", path, strerror(errno));
		return turn_fail(&t, e);
	}
	close(fd);
	e = read_file(&t.call, path, PAD_MAX, &before);
	if (e == OK) {
		line_lend(c->line);
		e = run_editor(path, &t.call.note);
		line_take(c->line);
	}
	if (e < 0 || (e = read_file(&t.call, path, PAD_MAX, &after)) < 0)
		return turn_fail(&t, e);
	if (bytes_eq(before, after))
		printf("Nothing was changed, so nothing is run.\n");
	else
		exit_code = console_eval(c, after, NULL);
	turn_end(&t);
	return exit_code;
}
