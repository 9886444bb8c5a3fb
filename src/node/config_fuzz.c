/* SPDX-License-Identifier: MIT
 *
 * Any file as weft.conf: it is refused, or every value fits its row.
 */
#include "node/config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct note note = {0};
	struct config config;

	config_init(&config);
	if (config_read_text(&config, "fuzz", bytes_of(data, size), &note) == OK) {
		for (int i = 0; i < CONFIG_KEYS; i++) {
			const struct config_row *row = &config_rows[i];
			must(config.values[i].text != NULL);
			if (row->kind == CONFIG_IS_NUMBER || row->kind == CONFIG_IS_SIZE)
				must(config.values[i].number >= row->least && config.values[i].number <= row->most);
		}
	} else {
		must(strncmp(note.text, "fuzz:", 5) == 0);
	}
	config_release(&config);
	return 0;
}
