/* SPDX-License-Identifier: GPL-2.0-only */
/* What root can do to cts-exec: find it, borrow its port, look at the frame that it sent last. */
#ifndef CTS_META_CTS_EXEC_H
#define CTS_META_CTS_EXEC_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Its process, or -1. */
static inline pid_t cts_exec_pid(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t pid = -1;

	while (proc && pid < 0 && (entry = readdir(proc))) {
		char path[64], name[32] = "";
		FILE *comm;

		snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
		comm = fopen(path, "re");
		if (!comm)
			continue;
		/* The test has no other name than its program's, so there is but one. */
		if (fgets(name, sizeof(name), comm) && !strcmp(name, "cts-exec\n"))
			pid = atoi(entry->d_name);
		fclose(comm);
	}
	if (proc)
		closedir(proc);
	return pid;
}

/*
 * A copy of the descriptor of its port, which can't be opened twice, or where it has none of its
 * standard output; or -errno.
 */
static inline int cts_exec_port(void)
{
	pid_t pid = cts_exec_pid();
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	for (int fd = 3; pidfd >= 0 && fd < 64; fd++) {
		char path[64], target[64] = "";

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		if (readlink(path, target, sizeof(target) - 1) > 0 &&
		    !strncmp(target, "/dev/vport", 10))
			return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	}
	return (int)syscall(SYS_pidfd_getfd, pidfd, STDOUT_FILENO, 0);
}

/* The number of the frame in @text, 0 if there is none. */
static inline unsigned long cts_frame_number(const char *text, size_t length)
{
	const char *end = text + length, *at;
	unsigned long highest = 0;

	while ((at = memmem(text, (size_t)(end - text), "@cts ", 5))) {
		unsigned long number = strtoul(at + 5, NULL, 10);

		if (number > highest)
			highest = number;
		text = at + 5;
	}
	return highest;
}

/* The number of the frame that it sends next: one more than that of the last, which is still in its
 * memory. */
static inline unsigned long cts_exec_next_frame(void)
{
	static char bytes[1 << 20];
	unsigned long start, end, highest = 0;
	char path[64], line[512];
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", cts_exec_pid());
	mem = open(path, O_RDONLY | O_CLOEXEC);
	memcpy(strrchr(path, '/'), "/maps", 6);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		ssize_t n;

		if (!strstr(line, " rw-p ") || strstr(line, "[stack]") ||
		    sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		if (end - start > sizeof(bytes) - 1)
			end = start + sizeof(bytes) - 1;
		n = pread(mem, bytes, end - start, (off_t)start);
		if (n > 0) {
			unsigned long number = cts_frame_number(bytes, (size_t)n);

			if (number > highest)
				highest = number;
		}
	}
	if (maps)
		fclose(maps);
	close(mem);
	return highest + 1;
}

/* Writes a frame (docs/stream.md) to @text. Returns its length, as snprintf() does. */
static inline int cts_frame(char *text, size_t size, unsigned long number, const char *json)
{
	uint32_t crc = ~0U;

	for (const char *p = json; *p; p++) {
		crc ^= (unsigned char)*p;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return snprintf(text, size, "@cts %lu %08x %s\n", number, ~crc, json);
}

#endif
