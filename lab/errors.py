# SPDX-License-Identifier: GPL-2.0-only
"""The one exception of the lab: something outside the kernel under test failed."""


class LabError(Exception):
    """A fault of the lab, with a message that names the thing and, where there is one, the way out.

    The command ends with exit code 3 and prints the message; it never counts as a verdict.
    """


class UsageError(LabError):
    """The command line, or a file that it names, is wrong: nothing was run. The command ends with exit code 2."""
