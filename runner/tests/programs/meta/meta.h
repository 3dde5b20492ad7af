/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs share by which the runner is tested: they end in every way on purpose. */
#ifndef CTS_META_H
#define CTS_META_H

#include <fcntl.h>

#include "test.h"

#define META_TEST(name, ...) \
	CTS_TEST(name, .title = "On purpose", .requirements = { "PARK-001" }, ##__VA_ARGS__)

/* A test that passes: what the one before it did must not reach it. */
#define META_PASSES(name)        \
	META_TEST(name)          \
	{                        \
		EXPECT_EQ(1, 1); \
	}

/* Writes @text to the file @path. Returns 0 or -errno. */
static inline int meta_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

#endif
