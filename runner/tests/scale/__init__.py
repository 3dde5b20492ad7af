# SPDX-License-Identifier: GPL-2.0-only
"""Simulated hosts of a simulated laboratory: how many of them does the runner bear, and what does one that lies do to the others?"""
