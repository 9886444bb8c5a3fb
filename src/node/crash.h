/* SPDX-License-Identifier: MIT
 *
 * crash: what is said when the program dies of a bug of ours: its version, the signal, the thread
 * (threads are named after their unit), and the newest lines of the log; on stderr and in the log. Then
 * it dies of the same signal, so that whoever started it sees why, and a core is left where the system
 * keeps them.
 *
 * Nothing is saved at that moment: what was acknowledged is durable already.
 */
#ifndef WEFT_NODE_CRASH_H
#define WEFT_NODE_CRASH_H

struct log;

/* crash_watch: `log` and `log_fd` must stay until the program ends, or until it is called with NULL. */
void crash_watch(const struct log *log, int log_fd);

#endif
