# SPDX-License-Identifier: GPL-2.0-only
"""A machine that Debian runs on, in QEMU, to try on it what is for real hosts: it has a network, an sshd, disks in use, a console that is
kept and a power switch."""
