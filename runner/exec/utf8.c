// SPDX-License-Identifier: GPL-2.0-only
#include "utf8.h"

int utf8_char(const char *text, size_t len, uint32_t *code)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	int need;

	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		need = 2;
		*code = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		need = 3;
		*code = s[0] & 0x0f;
		if (s[0] == 0xe0)
			low = 0xa0;
		else if (s[0] == 0xed)
			high = 0x9f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		need = 4;
		*code = s[0] & 0x07;
		if (s[0] == 0xf0)
			low = 0x90;
		else if (s[0] == 0xf4)
			high = 0x8f;
	} else {
		return UTF8_BAD;
	}

	for (int i = 1; i < need; i++) {
		if ((size_t)i == len)
			return UTF8_CUT;
		if (s[i] < low || s[i] > high)
			return UTF8_BAD;
		*code = *code << 6 | (s[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	return need;
}
