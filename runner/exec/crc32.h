/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CTS_CRC32_H
#define CTS_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 of len bytes as in IEEE 802.3 and zlib: reflected 0x04c11db7, all ones in and out. */
uint32_t crc32(const void *data, size_t len);

#endif
