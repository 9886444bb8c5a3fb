/* SPDX-License-Identifier: MIT
 *
 * setjmp: the C library for modules has none, and Lua includes the header without need (see lua_user.h). */
#ifndef WEFT_AOS_SETJMP_H
#define WEFT_AOS_SETJMP_H
#endif
