/* SPDX-License-Identifier: MIT
 *
 * platform_native: for the tests, which run on a system and not in a module. */
#include "native.h"

void platform_set_time(int64_t seconds)
{
	(void)seconds;
}
