# SPDX-License-Identifier: GPL-2.0-only
"""LAVA: descriptions of laboratories, jobs and devices, and a whole laboratory on this machine."""
