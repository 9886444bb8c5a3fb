/* SPDX-License-Identifier: MIT
 *
 * translated: the cache of artefacts on disk, and weft-compile behind it. Private to the folder.
 *
 * A file is named by the SHA-256 of the module, the gas schedule and the version of the runtime's contract; it
 * appears whole, by rename, and is checked when it is opened. Two who want the same module at
 * once translate it twice at worst, and both results are the same.
 */
#ifndef WEFT_READER_WASM_TRANSLATED_H
#define WEFT_READER_WASM_TRANSLATED_H

#include "engine/wasm/translate.h"
#include "reader/format.h"

/* translated_open gives a descriptor of the artefact of this module. E_FORMAT and the like come from weft-compile
 * with their cause; E_IO when it could not run. */
must_use enum err translated_open(int *out, const struct readers *r, struct bytes wasm, enum wasm_gas gas,
				  struct note *note);

/* memfd_of makes a sealed memfd with this content. */
must_use enum err memfd_of(int *out, const char *name, struct bytes content, struct note *note);

#endif
