#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs on a target of LAVA, in its own folder: gives the plan to cts-exec, whose events go to the console. Programs are
# found in a ramdisk that has them, or beside this file, or in the archive of which $1 is the address. For busybox and for GNU.
set -eu

if [ -n "${1:-}" ]; then
	wget -O bundle.tar.gz "$1"
	tar -xzf bundle.tar.gz
fi
here=$PWD
program=/cts-exec
if [ -x "$here/cts-exec" ]; then
	# The plan has to name programs before LAVA has chosen this folder.
	ln -sfn "$here" /run/iommu-cts
	program=$here/cts-exec
fi
if [ ! -x "$program" ] || [ ! -f plan.jsonl ]; then
	echo "iommu-cts: no cts-exec or no plan.jsonl in $here" >&2
	exit 1
fi
# What the kernel says goes into the events. On the console it would only tear them, but for its last words: a panic is louder than 1.
dmesg -n 1 || echo "iommu-cts: the kernel's messages stay on the console"
exec "$program" --plan plan.jsonl --lava
