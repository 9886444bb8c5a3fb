# SPDX-License-Identifier: MIT
# The stack pointer, which C cannot name. module.c builds on these two.
#ifdef __wasm64__
#define POINTER i64
#else
#define POINTER i32
#endif
	.globaltype __stack_pointer, POINTER

	.section .text.emscripten_stack_get_current,"",@
	.globl emscripten_stack_get_current
	.type emscripten_stack_get_current,@function
	.export_name emscripten_stack_get_current, emscripten_stack_get_current
	.no_dead_strip emscripten_stack_get_current
emscripten_stack_get_current:
	.functype emscripten_stack_get_current () -> (POINTER)
	global.get __stack_pointer
	end_function

	.section .text.stack_set,"",@
	.globl stack_set
	.type stack_set,@function
stack_set:
	.functype stack_set (POINTER) -> ()
	local.get 0
	global.set __stack_pointer
	end_function
