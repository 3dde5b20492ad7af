/* SPDX-License-Identifier: GPL-2.0-only */
/* Mediated devices (Documentation/driver-api/vfio-mediated-device.rst), made and removed again. */
#ifndef CTS_MDEV_H
#define CTS_MDEV_H

#include <stdbool.h>

#define MDEV_DEVICES "/sys/bus/mdev/devices"
#define MDEV_MAX 32 /* devices made at a time */

/* Sends an mdev_type event for each type of mediated device that a parent offers. */
void mdev_send_types(void);

/*
 * Makes the device uuid of the type, which is named as in the parent's mdev_supported_types; sends
 * taken, or refused.
 */
void mdev_make(const char *uuid, const char *parent, const char *type);

/*
 * Removes all that was made, the last first, and sends given_back for each. With stuck, a process
 * that may hold devices can't be killed: the removal would wait for it without end, so it only
 * says so.
 */
void mdev_remove(bool stuck);

#endif
