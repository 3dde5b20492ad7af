/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CTS_UTF8_H
#define CTS_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD 0
#define UTF8_CUT (-1)

/*
 * The character that starts at s, of which len >= 1 bytes are there (Unicode 15, table 3-7: no
 * overlong forms, no surrogates, nothing above U+10FFFF). Returns its length in bytes, 1 to 4,
 * and its number in *code; UTF8_BAD if no character starts so; UTF8_CUT if more bytes are
 * needed to tell.
 */
int utf8_char(const char *s, size_t len, uint32_t *code);

#endif
