// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "fail_nth.h"
#include "iommufd_test.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define KNOB "/sys/kernel/debug/failslab/ignore-gfp-wait"

/*
 * In a whole test each kind of call is treated like that a few times only: one that maps ten
 * thousand times would take too long, and shows nothing new.
 */
#define SWEEPS 8

/* Every one of the first allocations fails; of the later ones, which are alike, ever fewer. */
#define FIRST 48

#define OUT_OF_THE_WAY 500

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

static _Thread_local struct {
	bool on, checking;
	unsigned int first;
	void (*check)(void *argument);
	void *argument;
	struct fail_nth seen;
	unsigned int sweeps[256]; /* of the whole test, by the number of the call */
} state;

static bool whole_test(void)
{
	return getenv("CTS_FAIL_NTH");
}

const char *fail_nth_missing(void)
{
	int fd = open(KNOB, O_RDONLY | O_CLOEXEC);
	char set = '\0';
	ssize_t n;

	if (access(FAIL_NTH, W_OK))
		return "the kernel has no /proc/<pid>/fail-nth (CONFIG_FAULT_INJECTION)";
	if (fd < 0)
		return "there is no " KNOB " (CONFIG_FAILSLAB, debugfs), or it may not be read";
	n = read(fd, &set, 1);
	close(fd);
	return n == 1 && set == 'N' ? NULL : KNOB " is not N, so hardly any allocation would fail";
}

void fail_nth_begin(void (*check)(void *argument), void *argument)
{
	state.on = true;
	state.first = 1;
	state.check = check;
	state.argument = argument;
	state.seen = (struct fail_nth){ 0 };
}

void fail_nth_first(unsigned int first)
{
	state.first = first;
}

struct fail_nth fail_nth_end(void)
{
	state.on = false;
	state.check = NULL;
	return state.seen;
}

/* What takes away may not need memory for it. */
static bool takes_away(unsigned long request)
{
	return request == IOMMU_DESTROY || request == IOMMU_IOAS_UNMAP ||
	       request == VFIO_DEVICE_DETACH_IOMMUFD_PT;
}

/* The @nth allocation of this thread from here on fails. */
static void arm(int file, unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	cts_lab_require(pwrite(file, text, (size_t)length, 0) == length, "write to " FAIL_NTH);
}

/* None does any more. Has one failed? */
static bool disarm(int file)
{
	char text[16] = "";

	cts_lab_require(pread(file, text, sizeof(text) - 1, 0) > 0, "read of " FAIL_NTH);
	arm(file, 0);
	return !strtoul(text, NULL, 10);
}

/* The thread's fail-nth, at a descriptor that no test comes upon when it looks for free ones. */
static int open_out_of_the_way(void)
{
	int low = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	int file = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);

	if (low < 0)
		cts_lab_error("%s", fail_nth_missing());
	cts_lab_require(file >= 0, "F_DUPFD_CLOEXEC");
	close(low);
	return file;
}

/* Makes the call as fail_nth.h says. Returns as ioctl() does. */
static int sweep(int fd, unsigned long request, void *argument)
{
	int file = open_out_of_the_way(), rc, error;
	unsigned int nth;

	for (nth = state.on ? state.first : 1;; nth += nth < FIRST ? 1 : nth / 4) {
		bool failed;

		arm(file, nth);
		rc = __real_ioctl(fd, request, argument);
		error = errno;
		failed = disarm(file);
		state.seen.failures += failed;
		if (rc >= 0 || !failed)
			break;
		state.seen.refusals += error == ENOMEM;
		state.seen.odd += error != ENOMEM && error != ENOENT && error != EINVAL;
		if (takes_away(request) && error == ENOMEM) {
			errno = error;
			cts_fail(__FILE__, __LINE__, "a call that takes away needs no memory",
				 "request %#lx, allocation %u", request, nth);
		}
		if (state.check) {
			state.checking = true;
			state.check(state.argument);
			state.checking = false;
		}
	}
	close(file);
	errno = error;
	return rc;
}

static bool concerns(unsigned long request)
{
	if (_IOC_TYPE(request) != IOMMUFD_TYPE || request == IOMMU_TEST_CMD || state.checking)
		return false;
	return state.on || (whole_test() && state.sweeps[_IOC_NR(request)]++ < SWEEPS);
}

/* In place of ioctl(), by the linker's --wrap (suites/Makefile). */
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list rest;
	void *argument;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	return concerns(request) ? sweep(fd, request, argument)
				 : __real_ioctl(fd, request, argument);
}
