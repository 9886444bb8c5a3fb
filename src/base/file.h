/* SPDX-License-Identifier: MIT
 *
 * file: a whole piece of a file at once. What the system does in several goes, or is interrupted in, is done here to its end.
 */
#ifndef WEFT_BASE_FILE_H
#define WEFT_BASE_FILE_H

#include "base/bytes.h"
#include "base/err.h"

/* file_read_at fills in `len` bytes from `at` on; false on an error, errno says which, and where the file ends before (errno 0). */
must_use bool file_read_at(int fd, void *out, size_t len, uint64_t at);
/* file_write_at writes them to `at`; false on an error, errno says which. */
must_use bool file_write_at(int fd, struct bytes bytes, uint64_t at);
/* file_sync_directory makes the names in a directory last; false on an error, errno says which. */
must_use bool file_sync_directory(const char *path);
/* file_map shows the content, read-only, until file_unmap. False when there is none (errno 0) or it cannot be mapped. */
must_use bool file_map(int fd, struct bytes *out);
void file_unmap(struct bytes content);

#endif
