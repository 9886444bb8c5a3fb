/* SPDX-License-Identifier: MIT
 *
 * sandbox: what a process that handles a stranger's program may still ask of the kernel.
 *
 * Three kinds, each a list of system calls (seccomp) and, where the kernel has it, of files
 * (Landlock); every other call fails with EPERM. No kind can open a socket, start a
 * program, write to a file that it does not hold already, or have memory that is writable and executable.
 *
 *   SANDBOX_COMPILE  reads and writes what it holds, reads /proc, and has a limit on both time and memory
 *   SANDBOX_NURSERY  reads /proc, maps code, and may fork: the parent of workers
 *   SANDBOX_WORKER   memory and what it holds; no files, no new processes, no new code
 *
 * A part of base, but a library of its own, so that only those link libseccomp who enter.
 */
#ifndef WEFT_BASE_SANDBOX_H
#define WEFT_BASE_SANDBOX_H

#include "base/err.h"

enum sandbox { SANDBOX_COMPILE, SANDBOX_NURSERY, SANDBOX_WORKER };

/* sandbox_enter is one way, for all threads. E_UNSUPPORTED when the kernel refuses: do not go on. */
must_use enum err sandbox_enter(enum sandbox kind, struct note *note);

#endif
