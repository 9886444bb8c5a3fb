# The front door. It compiles nothing itself: meson does (see docs/HACKING.md).
.PHONY: all up check san fuzz bench lint fmt clean help

all: ; @tools/setup build && tools/build && echo "built: build/src/node/weft (make help shows what else)"
up: ; @tools/up
check: ; @tools/check
san: ; @tools/setup develop && tools/san
fuzz: ; @tools/setup develop && tools/fuzz $(SECONDS_EACH)
bench: ; @tools/setup test && tools/build && bench/run
lint: ; @tools/lint
fmt: ; @clang-format -i $$(git ls-files '*.c' '*.h')
clean: ; rm -rf build build-san build-fuzz

help:
	@echo "make            build weft"
	@echo "make up         run an ao network on this machine (Ctrl-C stops it)"
	@echo "make check      all tests; ends with N passed, N failed"
	@echo "make san        the unit tests under ASan and UBSan"
	@echo "make fuzz       every fuzz target for 10 s (SECONDS_EACH=60 for longer)"
	@echo "make bench      measure, against the peers of bench/"
	@echo "make lint       layers, layout, banned names, scripts"
	@echo "make fmt        lay out the code as .clang-format says"
