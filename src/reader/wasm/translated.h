/* SPDX-License-Identifier: MIT
 *
 * translated: the native code of one module, as the units process keeps it. Private to the folder.
 *
 *   cache file --open--> area of code <--need: T0, function by function, as guests reach them-- weft-compile
 *        ^                    |   ^---improve: T1, the hottest first, in batches-------------- weft-compile (patient)
 *        +----each blob-------+   made by the build (built.h), whole: nothing else of this happens
 *
 * Nothing is translated before it is needed, so a module of any size answers its first message soon. All code goes into one
 * memory area that every worker of the module maps (engine/wasm/code.h), and into the cache file: named by the
 * SHA-256 of the module, the gas schedule and the version of the runtime's contract, growing by records that carry their own
 * hash. A file that ends in the middle of a record is used up to there. When all functions have T1 it is
 * written anew without the T0 that nobody needs any more, and opening it later starts no compiler at all.
 *
 * Two node processes may use one cache: they append records of their own, and equal ones do no harm.
 */
#ifndef WEFT_READER_WASM_TRANSLATED_H
#define WEFT_READER_WASM_TRANSLATED_H

#include "engine/wasm/translate.h"
#include "reader/format.h"

struct translated;

/* translated_open: `module` is a memfd of the wasm bytes, borrowed until translated_close. E_FORMAT and E_LIMIT with the
 * cause when weft-compile refuses the module, E_IO when it cannot be started or the cache cannot be written. */
must_use enum err translated_open(struct translated **out, struct readers *r, struct bytes wasm, int module,
				  enum wasm_gas gas, struct note *note);
/* translated_close: nobody may be in another call. */
void translated_close(struct translated *t);
/* translated_stop kills the compilers, so that whoever waits for one fails; later calls begin anew. */
void translated_stop(struct translated *t);

/* The two descriptors that workers get: the area of code, and the profile that T0 counts in. */
int translated_code(const struct translated *t);
int translated_profile(const struct translated *t);

/* translated_need returns when the function has code. The errors are those of compiler.h, and E_CORRUPT for an index
 * that the module does not have. Any thread. */
must_use enum err translated_need(struct translated *t, uint32_t function, struct note *note);

/* translated_rest ends the compiler for what is needed at once, unless somebody is waiting for it (crew.h). */
void translated_rest(struct translated *t);

/* How much of the work of improving is left. */
enum left { LEFT_NOTHING, LEFT_COLD, LEFT_HOT };
enum left translated_left(struct translated *t);
/* translated_improve translates the next batch to T1 and takes as long as that does. One thread. A function whose
 * translation fails stays with T0. */
void translated_improve(struct translated *t);
/* translated_pause ends the patient compiler, which takes memory; improving goes on with another. */
void translated_pause(struct translated *t);

/* memfd_of makes a sealed memfd with this content. */
must_use enum err memfd_of(int *out, const char *name, struct bytes content, struct note *note);

#endif
