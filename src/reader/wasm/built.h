/* SPDX-License-Identifier: MIT
 *
 * built: code of modules that was there before they were met. Private to the folder.
 *
 * The build translates the modules that weft brings along (modules/), and this finds what it made: a directory of
 * artefacts (engine/wasm/artefact.h) that is only read. A file is found by what its header says and not by its name, which
 * only has to end in .code, so that one of an earlier version or of other bytes is no more than useless.
 */
#ifndef WEFT_READER_WASM_BUILT_H
#define WEFT_READER_WASM_BUILT_H

#include "engine/wasm/translate.h"

/* built_map maps the artefact of this module and gas schedule, of this VM_VERSION. False: there is none. Its records are still
 * to be checked. file_unmap ends that. */
must_use bool built_map(struct bytes *artefact, const char *directory, const uint8_t wasm_sha256[32],
			enum wasm_gas gas);

#endif
