/* SPDX-License-Identifier: MIT
 *
 * sqlite_os: what SQLite asks of a system (SQLITE_OS_OTHER): time is the message's, randomness is made of it, files there are
 * none. Databases in memory need no more.
 */
#include "native.h"

#include <sqlite3.h>
#include <string.h>

static int no_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	(void)vfs, (void)name, (void)flags, (void)out;
	file->pMethods = NULL;
	return SQLITE_CANTOPEN;
}

static int no_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs, (void)name, (void)sync;
	return SQLITE_IOERR_DELETE_NOENT;
}

static int no_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	(void)vfs, (void)name, (void)flags;
	*out = 0;
	return SQLITE_OK;
}

static int full_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
	(void)vfs;
	sqlite3_snprintf(room, out, "%s", name);
	return SQLITE_OK;
}

/* SQLite asks once, for the seed of its generator. splitmix64 from the time of the message. */
static int randomness(sqlite3_vfs *vfs, int size, char *out)
{
	uint64_t state = (uint64_t)platform_time_ms();

	(void)vfs;
	for (int i = 0; i < size; i++) {
		uint64_t z = state += 0x9e3779b97f4a7c15;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		out[i] = (char)(z ^ z >> 31);
	}
	return size;
}

static int no_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds;
}

/* In milliseconds since noon in Greenwich on November 24, 4714 B.C. */
static int current_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
	(void)vfs;
	*out = 210866760000000 + platform_time_ms();
	return SQLITE_OK;
}

static int current_time(sqlite3_vfs *vfs, double *out)
{
	sqlite3_int64 ms;

	current_time_ms(vfs, &ms);
	*out = (double)ms / 86400000.0;
	return SQLITE_OK;
}

static int last_error(sqlite3_vfs *vfs, int room, char *out)
{
	(void)vfs, (void)room, (void)out;
	return 0;
}

static sqlite3_vfs memory_only = {
	.iVersion = 2,
	.szOsFile = sizeof(sqlite3_file),
	.mxPathname = 512,
	.zName = "memory",
	.xOpen = no_file,
	.xDelete = no_delete,
	.xAccess = no_access,
	.xFullPathname = full_name,
	.xRandomness = randomness,
	.xSleep = no_sleep,
	.xCurrentTime = current_time,
	.xGetLastError = last_error,
	.xCurrentTimeInt64 = current_time_ms,
};

int sqlite3_os_init(void)
{
	return sqlite3_vfs_register(&memory_only, 1);
}

int sqlite3_os_end(void)
{
	return SQLITE_OK;
}
