// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "in_use.h"
#include "kexec.h"
#include "sysfs.h"
#include "undo.h"
#include "use.h"

#define DEVICES "/sys/bus/pci/devices"

/* Bits of Documentation/admin-guide/tainted-kernels.rst that say that the kernel is damaged. */
static const struct {
	unsigned int bit;
	const char *what;
} damage[] = {
	{ 4, "a machine check" }, { 5, "a bad page" }, { 7, "an oops" },
	{ 9, "a warning" },	  { 14, "a lockup" },
};

static __attribute__((format(printf, 2, 3))) int no(int code, const char *format, ...)
{
	va_list args;

	fputs(code == KEXEC_UNCLEAN ? "not clean: " : "", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

static int check_kernel(void)
{
	char text[32];
	unsigned long taint;

	if (sysfs_read("/proc/sys/kernel/tainted", text, sizeof(text)))
		return no(KEXEC_REFUSED, "the kernel's taint can't be read");
	taint = strtoul(text, NULL, 10);
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		if (taint & 1UL << damage[i].bit)
			return no(KEXEC_UNCLEAN, "the kernel that runs has had %s (taint %s)",
				  damage[i].what, text);
	}
	return KEXEC_LOADED;
}

static void count_left(const char *name, const char *text, bool same_boot, void *arg)
{
	int *left = arg;

	(void)name;
	(void)text;
	*left += same_boot;
}

/* Also makes sure that no other cts-exec is at work: it would be shut down with the machine. */
static int check_undo(void)
{
	char error[256];
	int left = 0;

	if (!undo_begin(error, sizeof(error)))
		return no(KEXEC_REFUSED, "%s", error);
	undo_each(count_left, &left);
	if (left)
		return no(KEXEC_UNCLEAN, "%d devices of an earlier run were not given back", left);
	return KEXEC_LOADED;
}

/* Such a driver stops its device at the end; what is nobody's stays as its last user left it. */
static bool host_driver_has(const char *bdf)
{
	char path[SYSFS_PATH_MAX], driver[SYSFS_NAME_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/driver", bdf);
	return !sysfs_link(path, driver, sizeof(driver)) && !use_is_nobodys(driver);
}

static bool stop_bus_mastering(const char *bdf)
{
	char path[SYSFS_PATH_MAX];
	uint8_t command[2];
	bool stopped = false;
	int fd;

	snprintf(path, sizeof(path), DEVICES "/%s/config", bdf);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (pread(fd, command, 2, PCI_COMMAND) == 2) {
		command[0] &= (uint8_t)~PCI_COMMAND_MASTER;
		stopped = pwrite(fd, command, 2, PCI_COMMAND) == 2 &&
			  pread(fd, command, 2, PCI_COMMAND) == 2 &&
			  !(command[0] & PCI_COMMAND_MASTER);
	}
	close(fd);
	return stopped;
}

static int quiet_device(const char *bdf)
{
	char path[SYSFS_PATH_MAX], why[256];
	int err;

	snprintf(path, sizeof(path), DEVICES "/%s", bdf);
	if (strchr(bdf, '/') || !sysfs_exists(path))
		return no(KEXEC_REFUSED, "%s: no such PCI function", bdf);
	if (host_driver_has(bdf))
		return KEXEC_LOADED;
	if (in_use_by_process("", bdf, why, sizeof(why)))
		return no(KEXEC_REFUSED, "%s is in use: %s", bdf, why);
	snprintf(path, sizeof(path), DEVICES "/%s/reset", bdf);
	err = sysfs_write(path, "1");
	if (err)
		return no(KEXEC_UNCLEAN, "%s can't be reset: %s", bdf, strerror(-err));
	if (!stop_bus_mastering(bdf))
		return no(KEXEC_UNCLEAN, "%s stays bus master", bdf);
	return KEXEC_LOADED;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		no(KEXEC_REFUSED, "%s: %s", path, strerror(errno));
	return fd;
}

static const char *hint(int err)
{
	switch (err) {
	case ENOSYS:
		return " (it has no CONFIG_KEXEC_FILE)";
	case EPERM:
		return " (lockdown, or kernel.kexec_load_disabled)";
	case ENOEXEC:
		return " (no image that it can start; a bzImage has to have CONFIG_RELOCATABLE)";
	case EBADMSG:
	case EKEYREJECTED:
	case ENODATA:
	case ENOKEY:
		return " (the image is not signed by a key that it trusts)";
	default:
		return "";
	}
}

static int load(const char *image, const char *initrd, const char *line)
{
	int kernel_fd = open_file(image), initrd_fd = initrd ? open_file(initrd) : -1;

	if (kernel_fd < 0 || (initrd && initrd_fd < 0))
		return KEXEC_REFUSED; /* and the process ends */
	if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(line) + 1, line,
		    initrd ? 0UL : (unsigned long)KEXEC_FILE_NO_INITRAMFS))
		return no(KEXEC_REFUSED, "the kernel that runs does not load %s: %s%s", image,
			  strerror(errno), hint(errno));
	return KEXEC_LOADED;
}

int kexec_load(const char *image, const char *initrd, const char *line, char *const bdfs[])
{
	int code;

	if (geteuid())
		return no(KEXEC_REFUSED, "only root can start another kernel");
	code = check_undo();
	if (!code)
		code = check_kernel();
	for (; !code && *bdfs; bdfs++)
		code = quiet_device(*bdfs);
	return code ? code : load(image, initrd, line);
}
