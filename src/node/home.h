/* SPDX-License-Identifier: MIT
 *
 * home: the directory in which a node keeps everything.
 *
 *   HOME/key.json     the node's key, made at the first start
 *   HOME/weft.conf    what the operator wants, if anything (node/config.h)
 *   HOME/weft.log     what happened; at a start with more than LOG_SIZE_MAX of it, it becomes weft.log.1
 *   HOME/cache/       translated modules; may be deleted at any time
 *   HOME/weave/, su/, cu/, mu/
 *                     the stores of the units, each locked by the process that has it open
 *
 * Units that run alone may share a home: then they share the key, and so what a process trusts as its
 * Authority (the MU) has the address of its Scheduler (the SU), as `weft spawn` assumes.
 */
#ifndef WEFT_NODE_HOME_H
#define WEFT_NODE_HOME_H

#include "base/arena.h"
#include "base/err.h"
#include "msg/key.h"

/* home_open makes the directory when it is not there, and checks that it can be written. */
must_use enum err home_open(const char *home, struct note *note);
/* home_file is the path of something in it, in `a`. */
const char *home_file(struct arena *a, const char *home, const char *name);
/* home_log opens weft.log for appending; the caller closes it. */
must_use enum err home_log(int *fd, const char *home, struct note *note);
/* home_key loads the key of `path`, or HOME/key.json when it is empty, which is made (*made) when it is
 * not there. */
must_use enum err home_key(struct key **key, const char *home, const char *path, bool *made, struct note *note);

/* program_path finds a program of ours, in `a`: beside this executable; else, in a build tree, in the
 * folder of its source; else in ../libexec/weft. E_NOT_FOUND says where was looked. */
must_use enum err program_path(struct arena *a, const char **path, const char *name, struct note *note);
/* module_path finds aos.wasm in the same way: in the build tree's modules/aos, or in ../share/weft. */
must_use enum err module_path(struct arena *a, const char **path, struct note *note);
/* code_directory is where the build put the code of its modules, in `a`: modules/aos again, or ../libexec/weft; NULL when
 * it is not there, which costs the translation. */
const char *code_directory(struct arena *a);
/* file_read reads a whole file into `a`; E_LIMIT above 512 MiB. */
must_use enum err file_read(struct arena *a, const char *path, struct bytes *content, struct note *note);

#endif
