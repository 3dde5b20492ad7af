/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioctl(2) as a 32-bit process makes it. A 64-bit process on x86-64 gets there by the old system
 * call gate, int 0x80 (arch/x86/entry/entry_64_compat.S), where the kernel takes it for a 32-bit
 * call: no 32-bit program or C library is needed. Arguments must lie below 4 GiB.
 */
#ifndef ACCESS_COMPAT_H
#define ACCESS_COMPAT_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"

#ifdef __x86_64__
/* Numbers of arch/x86/entry/syscalls/syscall_32.tbl. */
#define COMPAT_GETPID 20
#define COMPAT_IOCTL 54

/* The result of 32-bit system call @number, or -errno. Older kernels clobber r8 to r11. */
static inline int __compat_call(int number, uint32_t first, uint32_t second, uint32_t third)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(number), "b"(first), "c"(second), "d"(third)
			 : "memory", "cc", "r8", "r9", "r10", "r11");
	return result;
}

/*
 * A page below 4 GiB that can be read and written, zeroed, with an inaccessible one behind it.
 * Lasts until the process ends.
 */
static inline char *compat_guarded_page(void)
{
	char *memory = mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	cts_lab_require(memory != MAP_FAILED, "mmap below 4 GiB");
	cts_lab_require(!mprotect(memory + page_size(), page_size(), PROT_NONE), "mprotect");
	return memory;
}

#define COMPAT_OR_SKIP()                                                  \
	do {                                                              \
		if (!compat_works())                                      \
			CTS_SKIP(KERNEL_LACKS, "no 32-bit system calls: " \
					       "IA32_EMULATION is off");  \
	} while (0)
#else
#define COMPAT_GETPID 0
#define COMPAT_IOCTL 0

static inline int __compat_call(int number, uint32_t first, uint32_t second, uint32_t third)
{
	(void)number, (void)first, (void)second, (void)third;
	return -ENOSYS;
}

static inline char *compat_guarded_page(void)
{
	return guarded_page();
}

#define COMPAT_OR_SKIP() \
	CTS_SKIP(ARCH_LACKS, "only on x86-64 can a 64-bit program make 32-bit calls")
#endif

/*
 * Does the kernel take 32-bit system calls? Where it doesn't, int 0x80 is a fault of whoever tries,
 * so a child does.
 */
static inline bool compat_works(void)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	cts_lab_require(child >= 0, "fork");
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		_exit(__compat_call(COMPAT_GETPID, 0, 0, 0) != getpid());
	}
	cts_require(waitpid(child, &status, 0) == child, "waitpid");
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* 0 or -errno. @argument is NULL or lies below 4 GiB. */
static inline int __compat_ioctl(int fd, unsigned long request, void *argument)
{
	uintptr_t address = (uintptr_t)argument;
	int result;

	cts_require(address <= UINT32_MAX, "%p is no 32-bit address", argument);
	result = __compat_call(COMPAT_IOCTL, (uint32_t)fd, (uint32_t)request, (uint32_t)address);
	return result < 0 ? result : 0;
}

#endif
