/* SPDX-License-Identifier: MIT
 *
 * stage: where the unit's tests play. A scheduler and a weave in memory, whose histories, modules,
 * transactions and blocks the test writes down; the real reader; and the unit between them, over a store of the
 * test's choice. One stage per test program's process. It is not part of the node.
 *
 * Histories are as a scheduler makes them: nonces without gaps, a hash chain, rising timestamps. A test that wants
 * a broken one changes the struct assignment that stage_last gives before the unit asks for it.
 */
#ifndef WEFT_CU_STAGE_H
#define WEFT_CU_STAGE_H

#include "cu/cu.h"
#include "flow/flow.h"
#include "msg/key.h"
#include "store/store.h"

#include <stdatomic.h>
#include <sys/types.h>

/* The first process's timestamp and height; each place in a history is a second later than the one before. */
#define STAGE_T0 ((uint64_t)1700000000000)
enum { STAGE_HEIGHT = 1500000 };
#define STAGE_FORMAT "wasm64-unknown-emscripten-draft_2024_02_15"

struct stage {
	struct arena arena; /* of everything below; as long as the program */
	struct cu_options options;
	struct store *store;
	struct cu *cu;
	struct computer port;
	struct key *key;
	uint64_t now_ms; /* what the scheduler's clock says */
	/* how often the ports were asked */
	atomic_size_t pages, assignments, processes, finds, datas, blocks_asked;
	atomic_bool scheduler_away; /* it answers E_PEER */
	atomic_bool weave_away;     /* so do its index, payloads and documents */
	_Atomic uint64_t height;    /* of the weave; STAGE_HEIGHT */
	struct id hidden;           /* what the weave does not show; set while nothing is under way */
	void (*on_data)(void);      /* when a payload is asked for */
};

extern struct stage stage;

/* stage_open starts the unit over `store`, which it owns, with stage.options as far as they are set; stage_close ends both.
 * `directory` is for the cache of translated modules. */
void stage_open(struct store *store, const char *directory);
void stage_close(void);
/* stage_stop ends the unit only, and stage_start begins it again, over stage.store. */
void stage_stop(void);
void stage_start(void);
/* stage_restart_empty goes on with a unit that has nothing on its disk. stage_evaluated is how many results it has of a process: of
 * what it evaluated since. */
void stage_restart_empty(void);
size_t stage_evaluated(struct id process);

/* ---- the script ---- */

/* "Name", "value", ..., NULL as tags. */
struct tags stage_tags(const char *first, ...) __attribute__((sentinel));

/* stage_module publishes the file with a Module's tags for STAGE_FORMAT, limits of 64 MiB and 10^9 gas, and `more`. */
struct id stage_module(const char *path, struct tags more);
/* stage_module_of publishes the bytes with exactly these tags. */
struct id stage_module_of(struct bytes wasm, struct tags tags);
/* stage_spawn begins a process's history with its own message at `timestamp_ms` (0: STAGE_T0). */
struct id stage_spawn(struct id module, struct tags more, uint64_t timestamp_ms);
/* stage_send appends a message with this data. Its id. */
struct id stage_send(struct id process, const char *data, struct tags more);
/* stage_send_at: at this time. */
struct id stage_send_at(struct id process, const char *data, struct tags more, uint64_t timestamp_ms);
/* stage_assign appends an assignment without a message; `exclude` as tags. The assignment's id. */
struct id stage_assign(struct id process, struct id message, struct tags exclude);
/* stage_mine puts an item of the test's into a block of that height; 0: into none. */
void stage_mine(struct id item, uint64_t height);
/* stage_transaction puts one on the weave. */
struct id stage_transaction(const char *data, struct tags tags);
/* stage_item: of this owner (the test's own: NULL), in a block of this height; 0: in none yet. */
struct id stage_item(const char *owner, struct bytes data, struct tags tags, uint64_t height);
/* stage_owner is the address of the test's own items. stage_forget takes one off the weave. */
struct bytes stage_owner(void);
void stage_forget(struct id id);
void stage_block(uint64_t height, uint64_t timestamp_s);
/* stage_last is the newest assignment of the process, to be changed at will. */
struct assignment *stage_last(struct id process);
/* stage_withhold makes the scheduler forget the process's own message: a history of before its time. */
void stage_withhold(struct id process);
struct process_info *stage_info(struct id process);
/* stage_shelf counts the items that were put on the weave; stage_shelf_at is one of them, raw. */
size_t stage_shelf(void);
struct bytes stage_shelf_at(size_t i);
/* stage_put is the weave's put, for items of the test's own; the id. */
struct bytes stage_put(struct bytes item);

/* ---- asking ---- */

/* stage_nursery is a parent of workers, the child of one of the unit's threads; stage_worker_of the weft-worker that is the child of
 * this thread of a process. 0: there is none. */
pid_t stage_nursery(void);
pid_t stage_worker_of(pid_t process, pid_t thread);
/* stage_result is the JSON of the result of a message, or its error in the note. */
enum err stage_result(struct id process, struct id id, struct bytes *json, struct note *note);
/* stage_output is its Output as text; ends the test when there is none. */
struct bytes stage_output(struct id process, struct id id);
/* stage_state brings a process to the present and gives the hash of its memory; zero, and the reason printed, when that fails. */
struct id stage_state(struct id process);
enum err stage_dry_run(struct id process, const char *message, struct bytes *json, struct note *note);

#endif
