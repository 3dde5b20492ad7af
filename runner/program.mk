# SPDX-License-Identifier: GPL-2.0-only
# For the Makefile of a program that runs on a target, which sets NAME and may add to SOURCES and HEADERS:
# make OUT=DIR [CC=gcc] [SAN=1]: DIR/NAME, static; with SAN=1 DIR/NAME-san, with sanitizers.

OUT ?= .
CC ?= gcc
VERSION ?= $(shell git -C $(CURDIR) describe --always --dirty 2>/dev/null || echo unknown)
override CFLAGS += -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-DCTS_VERSION='"$(VERSION)"'

ifeq ($(SAN),1)
BINARY := $(OUT)/$(NAME)-san
MODE := -fsanitize=address,undefined -fno-sanitize-recover=all
else
BINARY := $(OUT)/$(NAME)
MODE := -static
endif

SOURCES += $(sort $(wildcard *.c))
HEADERS += $(wildcard *.h)

$(BINARY): $(SOURCES) $(HEADERS) Makefile ../program.mk $(OUT)/.$(NAME)-version
	$(CC) $(CFLAGS) $(MODE) -o $@.new $(SOURCES) && mv $@.new $@

# Rewritten when it would say something else: the version that it tells is the one that it was built from.
$(OUT)/.$(NAME)-version: force
	@mkdir -p $(OUT)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

.PHONY: clean force
clean:
	rm -f $(OUT)/$(NAME) $(OUT)/$(NAME)-san $(OUT)/.$(NAME)-version
