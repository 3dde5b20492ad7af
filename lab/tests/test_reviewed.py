# SPDX-License-Identifier: GPL-2.0-only
"""A file operation that vfio has and nobody reviewed stops the build."""

from pathlib import Path

import pytest

from lab import reviewed
from lab.binaries import TOP
from lab.errors import LabError

FOPS = """
/* .poll = in_a_comment, */
static const struct file_operations other_fops = { .poll = other_poll };

const struct file_operations vfio_device_fops = {
    .owner = THIS_MODULE,
    .read = vfio_device_fops_read, /* gated */
#ifdef CONFIG_PROC_FS
    .show_fdinfo = vfio_device_show_fdinfo,
#endif
};
"""
LIST = """
[[method]]
name = "owner"
set = true
parked = "holds the module"
unseen = "built in"
[[method]]
name = "read"
set = true
parked = "EINVAL"
tests = ["access/parked_read/*"]
[[method]]
name = "show_fdinfo"
set = true
parked = "names the device"
absent = "older kernels"
tests = ["access/file_operations/fdinfo"]
[[method]]
name = "poll"
set = false
parked = "always ready"
tests = ["access/file_operations/poll"]
"""


def test_what_was_reviewed_is_no_problem() -> None:
    assert reviewed.set_methods(FOPS) == ["owner", "read", "show_fdinfo"]
    assert reviewed.problems(FOPS, reviewed.methods(LIST)) == []


def test_what_a_kernel_may_lack_is_no_problem() -> None:
    older = FOPS.replace("    .show_fdinfo = vfio_device_show_fdinfo,\n", "")
    assert reviewed.problems(older, reviewed.methods(LIST)) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (".read", ".fasync = vfio_fasync,\n    .read", "vfio_main.c: vfio_device_fops has .fasync, which nobody has reviewed: add it to"),
        (".read", ".poll = vfio_poll,\n    .read", "has .poll, which nobody has reviewed: .* says that vfio doesn't set it"),
        (".read = vfio_device_fops_read,", "", "has no .read any more"),
    ],
)
def test_a_difference_is_named(old: str, new: str, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        assert not reviewed.problems(FOPS.replace(old, new), reviewed.methods(LIST))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("vfio_device_fops = {", "vfio_cdev_fops = {", "0 definitions"),
        ("THIS_MODULE", "OWNER(a, b)", "can't read"),
        ("    .owner = ", "    ", "'THIS_MODULE', which lab/reviewed.py can't read"),
    ],
)
def test_a_structure_that_is_not_understood_is_no_pass(old: str, new: str, words: str) -> None:
    with pytest.raises(LabError, match=words):
        reviewed.set_methods(FOPS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('parked = "EINVAL"\n', "", "number 2 .read.: must have name, set and parked"),
        ('parked = "EINVAL"', 'parked = "EINVAL"\ncolour = "red"', "and not colour"),
        ('unseen = "built in"', "", "either the tests"),
        ('unseen = "built in"', 'unseen = "built in"\ntests = ["a/b/c"]', "either the tests"),
        ('name = "owner"', 'name = "read"', "read stands there twice"),
        ("set = false", 'set = false\nabsent = "x"', "absent is for"),
        ("[[method]]", "[[method", "file_operations.toml"),
    ],
)
def test_a_mistake_in_the_list_is_named(old: str, new: str, words: str) -> None:
    with pytest.raises(LabError, match=words):
        reviewed.methods(LIST.replace(old, new, 1))


@pytest.mark.parametrize("text", ['[method]\nname = "read"\n', 'method = ["read"]', "method = 3"])
def test_a_list_of_another_shape_is_named(text: str) -> None:
    with pytest.raises(LabError, match=r"write \[\[method\]\]"):
        reviewed.methods(text)


def test_a_tree_is_checked(tmp_path: Path) -> None:
    top, tree = tmp_path / "top", tmp_path / "tree"
    for path, text in ((top / reviewed.LIST, LIST), (tree / reviewed.SOURCE, FOPS)):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    reviewed.check(top, tree)
    (tree / reviewed.SOURCE).write_text(FOPS.replace(".read", ".splice_read"))
    with pytest.raises(LabError, match="was not reviewed:\n.*has .splice_read.*\n.*has no .read any more"):
        reviewed.check(top, tree)
    (tree / reviewed.SOURCE).unlink()
    with pytest.raises(LabError, match="vfio_main.c can't be read"):
        reviewed.check(top, tree)


def test_tests_that_are_named_must_be_there(tmp_path: Path) -> None:
    (tmp_path / reviewed.LIST).parent.mkdir(parents=True)
    (tmp_path / reviewed.LIST).write_text(LIST)
    there = ["access/parked_read/read/alone", "access/file_operations/poll"]
    assert reviewed.missing_tests(tmp_path, there) == [
        f"{reviewed.LIST}: show_fdinfo: there is no test access/file_operations/fdinfo"
    ]


def test_the_list_of_the_suites_can_be_read() -> None:
    found = reviewed.methods((TOP / reviewed.LIST).read_text())
    assert {"read", "write", "mmap", "unlocked_ioctl", "compat_ioctl"} <= {method.name for method in found.values() if method.set}
