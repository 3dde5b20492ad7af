// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"
#include "sriov.h"
#include "vfio.h"

#define ALLOWED "/sys/module/vfio_pci/parameters/enable_sriov"

struct sriov_token sriov_token(uint8_t seed)
{
	struct sriov_token token;
	size_t i;

	for (i = 0; i < sizeof(token.bytes); i++)
		token.bytes[i] = (uint8_t)(seed + 0x11 * (i + 1));
	return token;
}

void sriov_token_text(const struct sriov_token *token, char text[SRIOV_TOKEN_TEXT])
{
	size_t i;

	for (i = 0; i < sizeof(token->bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		text += sprintf(text, "%02x", token->bytes[i]);
	}
}

int __sriov_bind(int device, int iommufd, const void *token)
{
#ifdef VFIO_DEVICE_BIND_FLAG_TOKEN
	struct vfio_device_bind_iommufd args = {
		.argsz = sizeof(args),
		.flags = VFIO_DEVICE_BIND_FLAG_TOKEN,
		.iommufd = iommufd,
		.token_uuid_ptr = (uintptr_t)token,
	};

	return __vfio_bind_raw(device, &args);
#else
	(void)device;
	(void)iommufd;
	(void)token;
	return -ENOSYS;
#endif
}

bool sriov_binds_take_tokens(int device, int iommufd)
{
	return __sriov_bind(device, iommufd, inaccessible_page()) == -EFAULT;
}

static unsigned int read_number(const char *name)
{
	char text[SYSFS_PATH];

	if (__sysfs_get(sysfs_device(), name, text))
		return 0;
	return (unsigned int)strtoul(text, NULL, 10);
}

unsigned int sriov_total(void)
{
	return read_number("sriov_totalvfs");
}

unsigned int sriov_count(void)
{
	return read_number("sriov_numvfs");
}

int __sriov_set_count(unsigned int count)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", count);
	return __sysfs_set(sysfs_device(), "sriov_numvfs", text);
}

void sriov_vf(unsigned int index, char bdf[SYSFS_BDF])
{
	char link[SYSFS_PATH], target[SYSFS_PATH];
	const char *slash;
	ssize_t length;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/virtfn%u", sysfs_device(), index);
	length = readlink(link, target, sizeof(target) - 1);
	cts_require(length > 0, "%s", link);
	target[length] = '\0';
	slash = strrchr(target, '/');
	cts_require(slash, "%s points to %s", link, target);
	snprintf(bdf, SYSFS_BDF, "%.39s", slash + 1);
}

int __sriov_allow(bool allowed)
{
	return __sysfs_write(ALLOWED, allowed ? "Y" : "N");
}

static bool is_allowed(void)
{
	FILE *file = fopen(ALLOWED, "re");
	int state = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	return state == 'Y';
}

const char *sriov_missing(void)
{
	char driver[SYSFS_PATH];

	if (!sriov_total())
		return "the device is no PF of SR-IOV";
	sysfs_driver(driver);
	if (strcmp(driver, "vfio-pci"))
		return "the PF has another driver than vfio-pci";
	if (access(ALLOWED, W_OK))
		return "vfio-pci has no enable_sriov to set";
	return NULL;
}

void sriov_begin(struct sriov_before *before)
{
	if (sriov_count())
		cts_lab_error("%s has VFs already: take them away (sriov_numvfs)", sysfs_device());
	removal_remember(&before->pf);
	strcpy(before->allowed, is_allowed() ? "Y" : "N");
	if (__sysfs_tell_driver(before->pf.driver, "unbind", sysfs_device()))
		cts_lab_error("%s doesn't give %s away", before->pf.driver, sysfs_device());
	removal_undo(&before->pf);
	if (__sriov_allow(true))
		cts_lab_error("%s can't be set", ALLOWED);
}

/* A PF's VFs may have been left by a driver that lost it: another one takes them away. */
static void remove_vfs(void)
{
	char driver[SYSFS_PATH];
	int rc;

	if (!sriov_count())
		return;
	if (__sysfs_driver_of(sysfs_device(), driver)) {
		rc = __sriov_hand_over(SRIOV_STUB);
		if (rc)
			cts_lab_error("nobody takes the VFs of %s away: %s", sysfs_device(),
				      strerror(-rc));
	}
	rc = __sriov_set_count(0);
	if (rc)
		cts_lab_error("the VFs of %s can't be taken away: %s", sysfs_device(),
			      strerror(-rc));
}

void sriov_undo(const struct sriov_before *before)
{
	char driver[SYSFS_PATH];

	if (!before->allowed[0])
		return;
	remove_vfs();
	if (__sriov_allow(before->allowed[0] == 'Y'))
		cts_lab_error("%s can't be put back", ALLOWED);
	/* With another user's token, or another driver, it is not as it was. */
	if (!__sysfs_driver_of(sysfs_device(), driver))
		(void)__sysfs_tell_driver(driver, "unbind", sysfs_device());
	removal_undo(&before->pf);
}

int __sriov_hand_over(const char *driver)
{
	char now[SYSFS_PATH];
	int rc;

	if (!__sysfs_driver_of(sysfs_device(), now)) {
		rc = __sysfs_tell_driver(now, "unbind", sysfs_device());
		if (rc)
			return rc;
	}
	rc = __sysfs_set(sysfs_device(), "driver_override", driver);
	return rc ? rc : __sysfs_tell_driver(driver, "bind", sysfs_device());
}
