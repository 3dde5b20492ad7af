# SPDX-License-Identifier: GPL-2.0-only
"""Waivers: every error of the file is named, and only what fits is waived."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from results import waiver_scope, waivers
from results.journal import PlannedTest
from results.model import Run, Verdict
from results.tests.build_journal import DEVICE, OTHER, Builder, planned
from results.typed import decode
from runner.judge import exit_code, judge

GOOD = {"test": '"access/bind/twice"', "reason": '"broken since 6.6"', "url": '"https://lore.kernel.org/r/1"',
        "expires": "2027-03-31"}


def entry(**keys: str | None) -> str:
    rows = GOOD | keys
    return "[[waiver]]\n" + "".join(f"{key} = {value}\n" for key, value in rows.items() if value is not None)


def load(folder: Path, text: str) -> waivers.WaiverFile:
    path = folder / "waivers.toml"
    path.write_text(text)
    return waivers.load(path)


def test_good_file(tmp_path: Path) -> None:
    scoped = entry(host='"vtd"', driver='"vfio-pci"', kernel='"7.3.*"')
    file = load(tmp_path, scoped + entry(test=None, requirement='"BIND-01*"'))
    assert file.errors == [] and [waiver.number for waiver in file.waivers] == [1, 2]
    assert file.waivers[0].expires == date(2027, 3, 31) and file.waivers[1].requirement == "BIND-01*"
    assert load(tmp_path, "") == waivers.WaiverFile("waivers.toml")


@pytest.mark.parametrize("text, error", [
    ("[[waiver]\n", "waivers.toml: no TOML: "),
    ("other = 1\n", "waivers.toml: unknown key 'other'"),
    ("waiver = 1\n", "waivers.toml: 'waiver' is no list of tables; write [[waiver]]"),
    ("[waiver]\ntest = 'a'\n", "waivers.toml: 'waiver' is no list of tables; write [[waiver]]"),
    (entry(tests='"a"'), "waivers.toml: waiver 1: unknown key 'tests'"),
    (entry() + entry(reason=None), "waivers.toml: waiver 2: no 'reason'"),
    (entry(url=None), "waivers.toml: waiver 1: no 'url'"),
    (entry(expires=None), "waivers.toml: waiver 1: no 'expires'"),
    (entry(reason='" "'), "waivers.toml: waiver 1: 'reason' is no text"),
    (entry(host="5"), "waivers.toml: waiver 1: 'host' is no text, and no list of texts"),
    (entry(host="[]"), "waivers.toml: waiver 1: 'host' is no text, and no list of texts"),
    (entry(host='["vtd", 5]'), "waivers.toml: waiver 1: 'host' is no text, and no list of texts"),
    (entry(url='"lore"'), "waivers.toml: waiver 1: 'url' is no http or https address: lore"),
    (entry(url='"javascript:alert(1)"'), "waivers.toml: waiver 1: 'url' is no http or https address: javascript:alert(1)"),
    (entry(url='"https://x.org/a b"'), "waivers.toml: waiver 1: 'url' is no http or https address: https://x.org/a b"),
    (entry(url='"https://x.org/<b>"'), "waivers.toml: waiver 1: 'url' is no http or https address: https://x.org/<b>"),
    (entry(expires='"2027-03-31"'), "waivers.toml: waiver 1: 'expires' is no date; write it as 2027-03-31"),
    (entry(expires="2027-03-31T00:00:00"), "waivers.toml: waiver 1: 'expires' is no date"),
    (entry(test=None), "waivers.toml: waiver 1: give one of 'test' and 'requirement'"),
    (entry(requirement='"BIND-001"'), "waivers.toml: waiver 1: give one of 'test' and 'requirement'"),
    (entry(owner="5"), "waivers.toml: waiver 1: 'owner' is no text"),
    (entry(device='"igb"'), "waivers.toml: waiver 1: 'device' is neither vendor:device"),
    (entry(device="[]"), "waivers.toml: waiver 1: 'device' is no text, and no list of texts"),
    (entry(kernel='">=six"'), "waivers.toml: waiver 1: 'kernel' is no range such as '>=6.12, <7.4': >=six"),
    (entry(kernel='">=6.12 <7"'), "waivers.toml: waiver 1: 'kernel' is no range"),
    *((entry(test=f'"{wide}"'), "waivers.toml: waiver 1: 'test' is too broad")
      for wide in ("*", "*/*", "access/*", "access/*/*", "a*/b/c", "pci")),
    (entry(test=None, requirement='"*"'), "waivers.toml: waiver 1: 'requirement' is too broad"),
    (entry(test=None, requirement='"BIND-*"'), "waivers.toml: waiver 1: 'requirement' is too broad"),
    (entry(test=None, requirement='"MIG-00*"'), "waivers.toml: waiver 1: 'requirement' is too broad"),
    (entry(harmless='"no"'), "waivers.toml: waiver 1: 'harmless' is neither true nor false"),
    (entry(shows='"splat"'), "waivers.toml: waiver 1: 'shows' is no list of codes; known: aer, hang, "),
    (entry(shows='["splash"]'), "waivers.toml: waiver 1: 'shows' is no list of codes; known: aer, hang, "),
    (entry(shows='[["splat"]]'), "waivers.toml: waiver 1: 'shows' is no list of codes; known: aer, hang, "),
])
def test_errors_of_the_file(tmp_path: Path, text: str, error: str) -> None:
    file = load(tmp_path, text)
    assert len(file.errors) == 1 and file.errors[0].startswith(error)
    assert len(file.waivers) == text.count("[[waiver]]\n") - ("[[waiver]]\n" in text)


def test_no_file(tmp_path: Path) -> None:
    assert waivers.load(tmp_path / "a.toml").errors == ["a.toml: cannot be read: No such file or directory"]
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    assert waivers.load(tmp_path / "latin.toml").errors[0].startswith("latin.toml: no TOML: ")


TWICE, ONCE = f"access/bind/twice@{DEVICE}", f"access/bind/once@{DEVICE}"
TODAY = date(2027, 1, 15)


def run(folder: Path, text: str, today: date = TODAY, build: Builder | None = None) -> Run:
    """A run in which `twice` (BIND-012) fails and `once` (BIND-001) passes."""
    if build is None:
        build = Builder(planned("access/bind/twice", requirements=["BIND-012"]),
                        planned("access/bind/once", requirements=["BIND-001"]),
                        unselected=[{"path": "hwpt/alloc/size", "requirements": ["HWPT-001"]}])
        build.event("device", bdf=DEVICE, vendor="8086", device="10c9", driver="vfio-pci", group=12)
        build.add("environment", environment={"devices": [{"bdf": DEVICE, "vendor": "8086", "device": "10c9"}]})
        build.failed(TWICE).passed(ONCE).done()
    return judge(build.read(folder), load(folder, text), set(), today)


def waived(run: Run) -> list[str]:
    return [result.id for result in run.results if result.waived]


def test_without_waivers(tmp_path: Path) -> None:
    judged = run(tmp_path, "")
    assert exit_code(judged) == 1 and waived(judged) == []


@pytest.mark.parametrize("keys", [
    {}, {"test": f'"{TWICE}"'}, {"test": '"access/*/twi*"'}, {"test": None, "requirement": '"BIND-012"'},
    {"test": None, "requirement": '"BIND-01*"'}, {"host": '"vtd"'}, {"kernel": '"7.3.*"'},
    {"driver": '"vfio-pci"'}, {"expires": "2027-01-15"}, {"host": '"v*"', "kernel": '"7.3.4"'},
    {"host": '["amd", "v*"]'}, {"kernel": '">=7.3, <7.4"'}, {"device": '"8086:10c9"'}, {"device": '["1af4:*", "0000:01:00.0"]'},
    {"owner": '"us"'},
])
def test_a_known_failure(tmp_path: Path, keys: dict[str, str | None]) -> None:
    judged = run(tmp_path, entry(**keys))
    assert waived(judged) == [TWICE] and judged.problems == [] and exit_code(judged) == 0
    result = judged.results[0]
    assert result.verdict is Verdict.FAIL and result.waived and result.waived.reason == "broken since 6.6"


WARNING = "WARNING: CPU: 1 PID: 77 at drivers/iommu/iommufd/device.c:1280 f+0x1/0x2"


def failing(*log: str, **end: Any) -> Builder:
    """`twice` fails by an assertion, and the kernel log or the end of the test shows more."""
    build = Builder(planned("access/bind/twice")).start(TWICE).not_ok(TWICE, "a.c:1:twice:Expected").log(TWICE, *log)
    return build.stop(TWICE, code=1, **end).done()


@pytest.mark.parametrize("log, end, shows", [
    ([WARNING], {}, '["splat"]'),
    (["BUG: KASAN: slab-use-after-free in iommufd_get_object+0x1/0x2"], {}, '["splat"]'),
    ([], {"taint_after": 0x200}, '["taint"]'),
    ([WARNING], {"taint_after": 0x200}, '["taint", "splat"]'),
    ([f"DMAR: [DMA Read NO_PASID] Request device [{DEVICE}] fault addr 0x61000"], {}, '["iommu-fault"]'),
])
def test_what_the_kernel_shows_is_known_only_if_the_entry_says_so(
    tmp_path: Path, log: list[str], end: dict[str, Any], shows: str
) -> None:
    judged = run(tmp_path, entry(), build=failing(*log, **end))
    assert waived(judged) == [] and exit_code(judged) == 1
    judged = run(tmp_path, entry(shows='["lost"]'), build=failing(*log, **end))
    assert waived(judged) == [] and exit_code(judged) == 1
    judged = run(tmp_path, entry(shows=shows), build=failing(*log, **end))
    assert waived(judged) == [TWICE] and exit_code(judged) == 0
    assert waived(run(tmp_path, entry(shows=shows), build=failing())) == [TWICE]


def test_one_known_sign_does_not_cover_another(tmp_path: Path) -> None:
    judged = run(tmp_path, entry(shows='["splat"]'), build=failing(WARNING, taint_after=0x200))
    assert waived(judged) == [] and exit_code(judged) == 1


def test_what_any_attempt_showed_counts(tmp_path: Path) -> None:
    build = Builder(planned("access/bind/twice")).start(TWICE).log(TWICE, WARNING).ok(TWICE).stop(TWICE).failed(TWICE).done()
    assert waived(run(tmp_path, entry(), build=build)) == []


def test_a_lost_target_is_no_known_assertion(tmp_path: Path) -> None:
    build = Builder(planned("access/bind/twice")).failed(TWICE).add("lost", id=TWICE, why="no answer", console="").done()
    assert waived(run(tmp_path, entry(), build=build)) == []


@pytest.mark.parametrize("keys", [
    {"host": '"amd"'}, {"host": '["amd", "arm*"]'}, {"kernel": '"6.6.*"'}, {"driver": '"mlx5_vfio_pci"'}, {"test": '"hwpt/alloc/size"'},
    {"test": None, "requirement": '"HWPT-001"'}, {"host": '"amd"', "expires": "2020-01-01"},
    {"test": '"no/such/test"', "host": '"amd"'}, {"kernel": '">=7.4"'}, {"device": '"1af4:1000"'}, {"device": '"0000:02:00.0"'},
])
def test_waivers_that_are_left_aside(tmp_path: Path, keys: dict[str, str | None]) -> None:
    judged = run(tmp_path, entry(**keys))
    assert waived(judged) == [] and judged.problems == [] and exit_code(judged) == 1


@pytest.mark.parametrize("keys, error", [
    ({"test": '"no/such/test"'}, "it matches no test"),
    ({"test": '"access/bind/twic"'}, "it matches no test"),
    ({"expires": "2027-01-14"}, "it expired on 2027-01-14"),
    ({"test": '"access/bind/once"'}, "what it waives passed: remove it"),
    ({"test": '"access/bind/*"'}, f"it is too broad: 1 of the 2 tests that it names passed, such as {ONCE}; name those that fail"),
])
def test_errors_of_a_waiver(tmp_path: Path, keys: dict[str, str], error: str) -> None:
    judged = run(tmp_path, entry(**keys))
    assert waived(judged) == [] and exit_code(judged) == 1
    (problem,) = judged.problems
    assert problem.kind == "waiver" and error in problem.text
    assert problem.text.startswith(f"waivers.toml: waiver 1 ({keys.get('test', GOOD['test'])[1:-1]}): ")


def test_a_bad_entry_waives_nothing_and_the_others_do(tmp_path: Path) -> None:
    judged = run(tmp_path, entry(reason=None))
    assert waived(judged) == [] and exit_code(judged) == 1
    judged = run(tmp_path, entry(reason=None) + entry())
    assert waived(judged) == [TWICE] and exit_code(judged) == 3


def test_a_green_run_with_a_stale_waiver_is_not_clean(tmp_path: Path) -> None:
    build = Builder(planned("access/bind/once")).passed(ONCE).done()
    assert exit_code(run(tmp_path, entry(test='"access/bind/once"'), build=build)) == 3


def test_a_waiver_says_nothing_of_errors_and_skips(tmp_path: Path) -> None:
    build = Builder(planned("access/bind/twice")).done()
    judged = run(tmp_path, entry(), build=build)
    assert waived(judged) == [] and judged.problems == [] and exit_code(judged) == 3


ANYWHERE, ON_DEVICE = "access/bind/twice", f"access/bind/twice@{DEVICE}"


@pytest.mark.parametrize("keys, found", [
    ({}, {ANYWHERE: True, ON_DEVICE: True}), ({"test": f'"{ON_DEVICE}"'}, {ON_DEVICE: True}),
    ({"harmless": "false"}, {ANYWHERE: False, ON_DEVICE: False}), ({"harmless": None}, {ANYWHERE: False, ON_DEVICE: False}),
    ({"host": '"amd"'}, {}), ({"kernel": '"6.6.*"'}, {}), ({"kernel": '"7.3.*"', "host": '"v*"'}, {ANYWHERE: True, ON_DEVICE: True}),
    ({"device": '"8086:*"'}, {ON_DEVICE: True}), ({"device": '"1af4:1000"'}, {}),
])
def test_what_is_known_to_fail(tmp_path: Path, keys: dict[str, str | None], found: dict[str, bool]) -> None:
    tests = [decode(PlannedTest, one) for one in (planned(ANYWHERE, None), planned(ANYWHERE), planned("access/bind/once"))]
    file = load(tmp_path, entry(**{"harmless": "true", **keys}))
    assert file.errors == [] and waivers.known(file, "vtd", "7.3.4", tests, {DEVICE: "8086:10c9"}) == found


def test_driver_is_the_one_of_the_tests_device(tmp_path: Path) -> None:
    ids = [f"access/bind/twice@{device}" for device in (DEVICE, OTHER)]
    build = Builder(planned("access/bind/twice"), planned("access/bind/twice", OTHER))
    build.event("taken", device=OTHER, previous="e1000e", driver="mlx5_vfio_pci", group=13, cdev="vfio1")
    build.failed(ids[0]).failed(ids[1]).done()
    judged = run(tmp_path, entry(driver='"mlx5*"'), build=build)
    assert waived(judged) == ids[1:] and exit_code(judged) == 1


def test_a_failure_on_one_device_of_two_is_scoped_by_it(tmp_path: Path) -> None:
    build = Builder(planned("access/bind/twice"), planned("access/bind/twice", OTHER))
    build.failed(TWICE).passed(f"access/bind/twice@{OTHER}").done()
    assert "it is too broad: 1 of the 2" in run(tmp_path, entry(), build=build).problems[0].text
    judged = run(tmp_path, entry(device=f'"{DEVICE}"'), build=build)
    assert waived(judged) == [TWICE] and not judged.problems


@pytest.mark.parametrize("text, kernel, holds", [
    (">=6.12, <7.4", "6.12.0", True), (">=6.12, <7.4", "7.3.4-1~bpo13+1", True), (">=6.12, <7.4", "7.4.0", False),
    (">=6.12", "6.12.0-rc3", False), (">=6.12", "6.12~rc3-1~exp1", False), (">=6.12", "6.12.0-0.rc3.20241018git.fc42", False),
    (">=6.12-rc2", "6.12.0-rc3", True), ("<6.12", "6.12.0-rc7+", True), ("<=6.12.4", "6.12.4-amd64", True), (">6.12.4", "6.12.4-1", False),
    (">6.9", "6.12.0", True), (">=6.12", "6.9.12", False), ("<7.4", "next-20261123", False), ("<7.4", None, False),
    ("7.3.*", "7.3.4", True),
    (None, None, True),
])
def test_kernels_are_compared_as_releases(text: str | None, kernel: str | None, holds: bool) -> None:
    assert waiver_scope.kernel_in(text, kernel) == holds


def test_the_entries_that_there_are() -> None:
    file = waivers.load(Path(__file__).resolve().parents[2] / "waivers.toml")
    assert file.waivers and not file.errors
