# SPDX-License-Identifier: GPL-2.0-only
"""Runs as jobs of LAVA: submitted, followed, and read from their logs as if the target had been here (docs/lava.md)."""
