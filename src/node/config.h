/* SPDX-License-Identifier: MIT
 *
 * config: what can be told to a node, and who said what.
 *
 * One table, config.def, makes the parser of HOME/weft.conf, the options of `weft up` and of the units,
 * the environment variables, the sample file, and a section of the manual. Each value has
 * one source, and a later source wins:
 *
 *   default  <  weft.conf (or --config FILE)  <  WEFT_KEY in the environment  <  --key on the command line
 *
 * The file has lines `key = value`; `#` begins a comment at the start of a line; blank lines are
 * skipped. A key that is not in the table stops the start, with file and line: a
 * setting that is misspelt and ignored is worse than none.
 */
#ifndef WEFT_NODE_CONFIG_H
#define WEFT_NODE_CONFIG_H

#include "base/arena.h"
#include "base/err.h"

#include <stdio.h>

enum config_kind {
	CONFIG_IS_ADDRESS,
	CONFIG_IS_ADDRESSES,
	CONFIG_IS_URL,
	CONFIG_IS_FILE,
	CONFIG_IS_NUMBER,
	CONFIG_IS_SIZE,
	CONFIG_IS_LEVEL
};

enum config_key {
#define X(ID, ...) CONFIG_##ID,
#include "node/config.def"
#undef X
	CONFIG_KEYS
};

struct config_row {
	const char *key;
	enum config_kind kind;
	const char *fallback;
	uint64_t least, most;
	const char *unit;
	const char *users;
	const char *sentence;
};

extern const struct config_row config_rows[CONFIG_KEYS];

enum config_source { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_OPTION };

struct config {
	struct arena arena;
	const char *file; /* the one that was read, or NULL */
	struct {
		const char *text; /* as it was said */
		uint64_t number;  /* of a NUMBER, SIZE or LEVEL (enum log_level) */
		enum config_source source;
		unsigned line; /* in the file */
	} values[CONFIG_KEYS];
};

/* config_init sets the defaults; config_release frees what was read. */
void config_init(struct config *c);
void config_release(struct config *c);

/* config_set: E_ARGUMENT for a key that does not exist (with the nearest one) or a value that does not
 * fit it. */
must_use enum err config_set(struct config *c, struct bytes key, struct bytes value, enum config_source source,
			     unsigned line, struct note *note);
/* config_read reads a file. E_NOT_FOUND when there is none, E_ARGUMENT with file and line for what is
 * wrong in it. */
must_use enum err config_read(struct config *c, const char *path, struct note *note);
/* config_read_text is config_read for text at hand; `path` is for the notes. */
must_use enum err config_read_text(struct config *c, const char *path, struct bytes text, struct note *note);
must_use enum err config_read_environment(struct config *c, struct note *note);

const char *config_text(const struct config *c, enum config_key key);
uint64_t config_number(const struct config *c, enum config_key key);
/* config_given tells whether somebody said it. */
bool config_given(const struct config *c, enum config_key key);

/* config_variable writes the name of the key's environment variable. */
enum { CONFIG_VARIABLE_MAX = 40 };
void config_variable(char out[CONFIG_VARIABLE_MAX], enum config_key key);

/* The faces of the table: a commented sample file, what holds and where it came from (text or JSON), a section
 * of the manual. */
void config_sample(FILE *out);
void config_explain(const struct config *c, const char *home, bool json, FILE *out);
void config_man(void);

#endif
