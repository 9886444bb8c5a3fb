/* SPDX-License-Identifier: MIT */
#include "cli/console/line.h"

#include "base/err.h"
#include "cli/console/highlight.h"
#include "cli/print.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_SIZE = 1000, PASTE_MAX = 4 << 20, COLUMNS_DEFAULT = 80, TAB = 8 };

/* A key that libedit's own functions are bound to, so that functions of ours can call them by pushing it. */
#define KEY_SUBMIT "\033[9001~"
#define KEY_UP_LINE "\033[9002~"
#define KEY_UP_HISTORY "\033[9003~"
#define KEY_DOWN_LINE "\033[9004~"
#define KEY_DOWN_HISTORY "\033[9005~"
#define PASTE_END L"\033[201~"
enum { PROMPT_ESCAPE = 1 };

struct line {
	EditLine *el;
	History *history;
	char *history_path;
	struct line_owner owner;
	struct buf prompt; /* its colours between PROMPT_ESCAPE, as libedit wants them */
	bool interrupted;
	bool is_terminal;
	struct termios was; /* the terminal before us */
	mbstate_t decoding;
};

static struct line *line_of(EditLine *el)
{
	void *l = NULL;

	el_get(el, EL_CLIENTDATA, &l);
	return l;
}

/* ---- where things are on the screen ---- */

static void screen_size(size_t *rows, size_t *columns)
{
	struct winsize size = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*columns = size.ws_col ? size.ws_col : COLUMNS_DEFAULT;
	*rows = size.ws_row ? size.ws_row : 24;
}

struct place {
	size_t row, column;
};

static void place_cells(struct place *p, size_t cells, size_t columns)
{
	if (p->column + cells > columns) { /* a wide character does not begin in the last column */
		p->row++;
		p->column = 0;
	}
	p->column += cells;
	if (p->column >= columns) { /* libedit wraps at once */
		p->row++;
		p->column = 0;
	}
}

static void place_char(struct place *p, wchar_t c, size_t columns)
{
	int width = wcwidth(c);

	if (c == L'\n') {
		p->row++;
		p->column = 0;
	} else if (c == L'\t') {
		do
			place_cells(p, 1, columns);
		while (p->column % TAB);
	} else if (c < L' ' || c == 0x7f) {
		place_cells(p, 1, columns); /* ^X */
		place_cells(p, 1, columns);
	} else if (width > 0) {
		place_cells(p, (size_t)width, columns);
	}
}

static struct place place_of_prompt(const struct line *l, size_t columns)
{
	struct place p = {0, 0};
	const char *at = (const char *)l->prompt.ptr;
	size_t left = l->prompt.len, n;
	mbstate_t state = {0};
	bool escape = false;
	wchar_t c;

	for (; left; at += n, left -= n) {
		n = mbrtowc(&c, at, left, &state);
		if (n == 0 || n > left)
			break;
		if (c == PROMPT_ESCAPE)
			escape = !escape;
		else if (!escape)
			place_char(&p, c, columns);
	}
	return p;
}

static struct place place_of_text(const struct line *l, const wchar_t *text, size_t len, size_t columns)
{
	struct place p = place_of_prompt(l, columns);

	for (size_t i = 0; i < len; i++)
		place_char(&p, text[i], columns);
	return p;
}

static void up(size_t rows)
{
	if (rows)
		printf("\033[%zuA", rows);
	fputs("\r\033[J", stdout);
}

/* Takes what is being typed off the screen; EL_REFRESH draws it where the cursor then is. */
static void hide(struct line *l)
{
	const LineInfoW *info = el_wline(l->el);
	size_t rows, columns;

	screen_size(&rows, &columns);
	up(place_of_text(l, info->buffer, (size_t)(info->cursor - info->buffer), columns).row);
}

static void show(struct line *l)
{
	fflush(stdout);
	el_set(l->el, EL_REFRESH);
}

/* ---- keys, and what comes in between ---- */

/* One character from the terminal; events are served while none comes. */
static int get_char(EditLine *el, wchar_t *out)
{
	struct line *l = line_of(el);
	struct pollfd polled[1 + LINE_EVENTS_MAX] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	char byte;

	for (;;) {
		for (int i = 0; i < LINE_EVENTS_MAX; i++)
			polled[1 + i] = (struct pollfd){.fd = l->owner.events[i], .events = POLLIN};
		if (poll(polled, 1 + LINE_EVENTS_MAX, -1) < 0) {
			if (errno != EINTR)
				return -1;
			continue;
		}
		for (int i = 0; i < LINE_EVENTS_MAX; i++) {
			if (!(polled[1 + i].revents & POLLIN))
				continue;
			hide(l);
			l->owner.ready(l->owner.ctx, i);
			show(l);
		}
		if (!polled[0].revents)
			continue;
		if (read(STDIN_FILENO, &byte, 1) != 1)
			return 0;
		switch (mbrtowc(out, &byte, 1, &l->decoding)) {
		case (size_t)-2: /* the character goes on */
			continue;
		case (size_t)-1:
			memset(&l->decoding, 0, sizeof(l->decoding));
			*out = 0xfffd;
			return 1;
		default:
			return 1;
		}
	}
}

static struct bytes whole(EditLine *el)
{
	const LineInfo *info = el_line(el);

	return bytes_of(info->buffer, (size_t)(info->lastchar - info->buffer));
}

static unsigned char on_enter(EditLine *el, int c)
{
	struct line *l = line_of(el);

	if (l->owner.more(l->owner.ctx, whole(el)))
		return el_insertstr(el, "\n") == 0 ? CC_REFRESH : CC_ERROR;
	el_push(el, KEY_SUBMIT);
	return CC_NORM;
}

static unsigned char on_interrupt(EditLine *el, int c)
{
	line_of(el)->interrupted = true;
	el_push(el, KEY_SUBMIT);
	return CC_NORM;
}

void line_lend(struct line *l)
{
	if (l && l->is_terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &l->was);
}

void line_take(struct line *l)
{
	struct termios quiet;

	if (!l || !l->is_terminal)
		return;
	quiet = l->was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
}

/* Ctrl-Z: the shell gets the terminal as it was, until fg. */
static unsigned char on_suspend(EditLine *el, int c)
{
	struct line *l = line_of(el);
	struct sigaction stop = {.sa_handler = SIG_DFL}, of_libedit;

	el_set(el, EL_PREP_TERM, 0);
	line_lend(l);
	sigaction(SIGTSTP, &stop, &of_libedit);
	kill(0, SIGTSTP);
	sigaction(SIGTSTP, &of_libedit, NULL);
	line_take(l);
	el_set(el, EL_PREP_TERM, 1);
	fputc('\n', stdout);
	show(l);
	return CC_NORM;
}

static unsigned char on_up(EditLine *el, int c)
{
	const LineInfo *info = el_line(el);
	bool inside = memchr(info->buffer, '\n', (size_t)(info->cursor - info->buffer)) != NULL;

	el_push(el, inside ? KEY_UP_LINE : KEY_UP_HISTORY);
	return CC_NORM;
}

static unsigned char on_down(EditLine *el, int c)
{
	const LineInfo *info = el_line(el);
	bool inside = memchr(info->cursor, '\n', (size_t)(info->lastchar - info->cursor)) != NULL;

	el_push(el, inside ? KEY_DOWN_LINE : KEY_DOWN_HISTORY);
	return CC_NORM;
}

/* What comes up to the end mark is text: no key in it means anything. */
static unsigned char on_paste(EditLine *el, int c)
{
	size_t end = wcslen(PASTE_END), len = 0, cap = 4096;
	wchar_t *text = malloc(cap * sizeof(*text)), got;
	unsigned char done = CC_REFRESH;

	must(text != NULL);
	while (el_wgetc(el, &got) == 1 && len < PASTE_MAX) {
		if (len + 2 > cap) {
			cap *= 2;
			text = realloc(text, cap * sizeof(*text));
			must(text != NULL);
		}
		text[len++] = got == L'\r' ? L'\n' : got;
		if (len >= end && wmemcmp(text + len - end, PASTE_END, end) == 0) {
			len -= end;
			break;
		}
	}
	text[len] = 0;
	if (len && el_winsertstr(el, text) != 0)
		done = CC_ERROR;
	free(text);
	return done;
}

/* ---- completion ---- */

static void list_candidates(struct line *l, const struct completion *found)
{
	size_t rows, columns, width = 0, each;

	screen_size(&rows, &columns);
	for (size_t i = 0; i < found->count; i++)
		if (strlen(found->candidates[i]) > width)
			width = strlen(found->candidates[i]);
	each = columns / (width + 2) ? columns / (width + 2) : 1;
	hide(l);
	for (size_t i = 0; i < found->count; i++) {
		struct buf clean = BUF_EMPTY;
		foreign_text(&clean, bytes_str(found->candidates[i]), (struct foreign){.one_line = true});
		printf("%-*s%s", (int)width + 2, buf_str(&clean),
		       (i + 1) % each == 0 || i + 1 == found->count ? "\n" : "");
		buf_release(&clean);
	}
	show(l);
}

static unsigned char on_tab(EditLine *el, int c)
{
	struct line *l = line_of(el);
	const LineInfo *info = el_line(el);
	struct arena a = ARENA_EMPTY;
	struct completion *found = arena_new(&a, struct completion);
	unsigned char done = CC_REFRESH;
	struct bytes add;

	l->owner.complete(l->owner.ctx, found, &a, bytes_of(info->buffer, (size_t)(info->cursor - info->buffer)));
	if (found->count == 0) {
		done = CC_ERROR;
	} else if (found->common > found->word) {
		add = bytes_of(found->candidates[0] + found->word, found->common - found->word);
		el_insertstr(el, arena_cstr(&a, add));
	} else if (found->count > 1) {
		list_candidates(l, found);
	}
	arena_release(&a);
	return done;
}

/* ---- life ---- */

static char *get_prompt(EditLine *el)
{
	return (char *)buf_str(&line_of(el)->prompt);
}

static void bind_keys(EditLine *el)
{
	static const struct {
		const wchar_t *name, *help;
		unsigned char (*run)(EditLine *, int);
	} functions[] = {
		{L"weft-enter", L"end the text, or begin a line", on_enter},
		{L"weft-interrupt", L"drop the text", on_interrupt},
		{L"weft-suspend", L"stop the console until fg", on_suspend},
		{L"weft-up", L"the line above, or the text before", on_up},
		{L"weft-down", L"the line below, or the text after", on_down},
		{L"weft-tab", L"complete the word", on_tab},
		{L"weft-paste", L"take in what is pasted", on_paste},
	};
	static const char *const keys[][2] = {
		{KEY_SUBMIT, "ed-newline"},
		{KEY_UP_LINE, "ed-prev-line"},
		{KEY_UP_HISTORY, "ed-prev-history"},
		{KEY_DOWN_LINE, "ed-next-line"},
		{KEY_DOWN_HISTORY, "ed-next-history"},
		{"^M", "weft-enter"},
		{"^J", "weft-enter"},
		{"^C", "weft-interrupt"},
		{"^Z", "weft-suspend"},
		{"^I", "weft-tab"},
		{"^P", "weft-up"},
		{"^N", "weft-down"},
		{"^R", "em-inc-search-prev"},
		{"\\e[A", "weft-up"},
		{"\\eOA", "weft-up"},
		{"\\e[B", "weft-down"},
		{"\\eOB", "weft-down"},
		{"\\e[200~", "weft-paste"},
		{"\\e[H", "ed-move-to-beg"},
		{"\\eOH", "ed-move-to-beg"},
		{"\\e[1~", "ed-move-to-beg"},
		{"\\e[F", "ed-move-to-end"},
		{"\\eOF", "ed-move-to-end"},
		{"\\e[4~", "ed-move-to-end"},
		{"\\e[3~", "ed-delete-next-char"},
		{"\\e[1;5D", "ed-prev-word"},
		{"\\e[1;5C", "em-next-word"},
	};

	/* libedit keeps wide names as they are; of others it makes copies that it never frees. */
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		el_wset(el, EL_ADDFN, functions[i].name, functions[i].help, functions[i].run);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		el_set(el, EL_BIND, keys[i][0], keys[i][1], NULL);
}

struct line *line_open(const struct line_owner *owner, const char *history_path)
{
	struct line *l = calloc(1, sizeof(*l));
	HistEvent event;

	must(l != NULL);
	l->owner = *owner;
	l->history_path = history_path ? strdup(history_path) : NULL;
	l->is_terminal = tcgetattr(STDIN_FILENO, &l->was) == 0;
	line_take(l);
	setlocale(LC_CTYPE, "");
	if (MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	l->el = el_init("weft", stdin, stdout, stderr);
	l->history = history_init();
	must(l->el != NULL && l->history != NULL);
	history(l->history, &event, H_SETSIZE, HISTORY_SIZE);
	history(l->history, &event, H_SETUNIQUE, 1);
	if (history_path)
		history(l->history, &event, H_LOAD, history_path);
	el_set(l->el, EL_CLIENTDATA, l);
	el_set(l->el, EL_PROMPT_ESC, get_prompt, PROMPT_ESCAPE);
	el_set(l->el, EL_HIST, history, l->history);
	el_set(l->el, EL_EDITOR, "emacs");
	el_set(l->el, EL_SIGNAL, 1);
	el_set(l->el, EL_GETCFN, get_char);
	el_set(l->el, EL_SETTY, "-x", "-echo", "-icanon", NULL); /* between two texts: see line.h */
	el_set(l->el, EL_SETTY, "-d", "-isig", NULL); /* Ctrl-C is a key while a text is typed, and so is Ctrl-Z */
	bind_keys(l->el);
	return l;
}

void line_close(struct line *l)
{
	HistEvent event;

	if (!l)
		return;
	if (l->history_path)
		history(l->history, &event, H_SAVE, l->history_path);
	el_end(l->el);
	line_lend(l);
	history_end(l->history);
	free(l->history_path);
	buf_release(&l->prompt);
	free(l);
}

void line_prompt(struct line *l, struct bytes prompt)
{
	buf_clear(&l->prompt);
	for (size_t i = 0; i < prompt.len; i++) {
		bool colour = prompt.ptr[i] == '\033';
		if (colour)
			buf_put_u8(&l->prompt, PROMPT_ESCAPE);
		buf_put_u8(&l->prompt, prompt.ptr[i]);
		while (colour && i + 1 < prompt.len && prompt.ptr[i] != 'm')
			buf_put_u8(&l->prompt, prompt.ptr[++i]);
		if (colour)
			buf_put_u8(&l->prompt, PROMPT_ESCAPE);
	}
}

void line_event(struct line *l, int i, int fd)
{
	l->owner.events[i] = fd;
}

void line_remember(struct line *l, const char *text)
{
	HistEvent event;

	if (text[0])
		history(l->history, &event, H_ENTER, text);
}

/* The cursor is below the text: it is drawn once more, unless it is higher than the screen. */
static void draw_coloured(struct line *l, struct bytes text, struct place end)
{
	struct buf out = BUF_EMPTY;
	size_t rows, columns;

	screen_size(&rows, &columns);
	if (end.row + 2 > rows)
		return;
	up(end.row + 1);
	for (size_t i = 0; i < l->prompt.len; i++)
		if (l->prompt.ptr[i] != PROMPT_ESCAPE)
			buf_put_u8(&out, l->prompt.ptr[i]);
	highlight(&out, text);
	printf("%s\n", buf_str(&out));
	fflush(stdout);
	buf_release(&out);
}

enum line_got line_read(struct line *l, struct buf *out, bool colours)
{
	struct place end;
	size_t rows, columns;
	const LineInfoW *info;
	const char *text;
	int n = 0;

	buf_clear(out);
	l->interrupted = false;
	memset(&l->decoding, 0, sizeof(l->decoding));
	fputs("\033[?2004h", stdout);
	fflush(stdout);
	text = el_gets(l->el, &n);
	fputs("\033[?2004l", stdout);
	if (!text || n <= 0)
		return LINE_END;
	if (text[n - 1] == '\n')
		n--;
	if (l->interrupted)
		return LINE_INTERRUPTED;
	buf_put(out, text, (size_t)n);
	info = el_wline(l->el);
	screen_size(&rows, &columns);
	end = place_of_text(l, info->buffer, (size_t)(info->lastchar - info->buffer) - 1, columns);
	if (colours)
		draw_coloured(l, buf_bytes(out), end);
	return LINE_TEXT;
}
