# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel shows by itself decides the verdict, or marks the run."""

from __future__ import annotations

import pytest

from results.model import Verdict
from results.tests.build_journal import DEVICE, OTHER, Builder, planned
from runner.judge import exit_code
from runner.tests.judging import judge_fixture  # noqa: F401
from runner.tests.judging import ID, PATH, WARN, Judge, one, told, why

DMAR = (
    "DMAR: DRHD: handling fault status reg 2",
    "DMAR: [DMA Write NO_PASID] Request device [{}] fault addr 0xdead000 [fault reason 0x05] PTE Write",
)
OWN_FAULT = (DMAR[0], DMAR[1].format(DEVICE))


def test_but_a_splat_is_the_kernels_all_the_same(run_of: Judge) -> None:
    build = Builder(planned(PATH)).start(ID).record(ID, lab_error="no").log(ID, *WARN).stop(ID, code=1).done()
    run = run_of(build)
    assert told(run) == (Verdict.FAIL, "splat")
    assert "lab: no" in one(run).notes


def test_splat(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).start(ID).log(ID, "harmless", *WARN, "after").ok(ID).stop(ID).done())
    assert told(run) == (Verdict.FAIL, "splat")
    assert why(one(run)).text == WARN[1]
    assert one(run).evidence[0].text == "\n".join(WARN)


def test_splat_outside_any_test(run_of: Judge) -> None:
    run = run_of(Builder(planned(PATH)).passed(ID).log(None, *WARN).done())
    assert told(run) == (Verdict.PASS, None) and exit_code(run) == 3
    assert run.problems[0].kind == "splat" and WARN[1] in run.problems[0].text


def test_taint(run_of: Judge) -> None:
    def tainted(taints: int, before: int, after: int) -> Builder:
        build = Builder(planned(PATH, taints=taints)).start(ID).ok(ID)
        return build.stop(ID, taint_before=before, taint_after=after).done()

    run = run_of(tainted(0, 0x200, 0x240))
    assert told(run) == (Verdict.FAIL, "taint")
    assert "U (asked for by user space)" in why(one(run)).text and "W (" not in why(one(run)).text
    assert told(run_of(tainted(0x40, 0, 0x40)))[0] is Verdict.PASS
    assert told(run_of(tainted(0x40, 0, 0x240))) == (Verdict.FAIL, "taint")
    assert told(run_of(tainted(0, 0x200, 0x200)))[0] is Verdict.PASS
    assert told(run_of(tainted(0, 0x200, 0)))[0] is Verdict.PASS


def faulting(*lines: str, device: str | None = DEVICE, faults: bool = False, extra: str = "") -> Builder:
    test = planned(PATH, device, faults=faults)
    others = [planned("access/parked/write", extra)] if extra else []
    build = Builder(test, *others).start(test["id"]).log(test["id"], *lines).ok(test["id"]).stop(test["id"])
    for other in others:
        build.passed(other["id"])
    return build.done()


def test_fault_of_the_device(run_of: Judge) -> None:
    run = run_of(faulting(*OWN_FAULT))
    assert told(run) == (Verdict.FAIL, "iommu-fault") and not run.problems
    assert DEVICE in why(one(run)).text and "0xdead000" in one(run).evidence[0].text


def test_provoked_fault(run_of: Judge) -> None:
    for lines in (OWN_FAULT, DMAR[:1], ("arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:",)):
        run = run_of(faulting(*lines, faults=True))
        assert told(run) == (Verdict.PASS, None) and not run.problems
    run = run_of(faulting(*OWN_FAULT, faults=True, device=None, extra=DEVICE))
    assert run.results[0].verdict is Verdict.PASS and not run.problems


def test_fault_of_another_device_of_the_plan(run_of: Judge) -> None:
    for faults in (False, True):
        run = run_of(faulting(DMAR[1].format(OTHER), faults=faults, extra=OTHER))
        assert [result.verdict for result in run.results] == [Verdict.FAIL, Verdict.PASS]


@pytest.mark.parametrize("faults", [False, True])
def test_fault_of_a_stranger_marks_the_run(run_of: Judge, faults: bool) -> None:
    run = run_of(faulting(DMAR[1].format(OTHER), faults=faults))
    assert told(run) == (Verdict.PASS, None) and exit_code(run) == 3
    assert [problem.kind for problem in run.problems] == ["iommu-fault"] and OTHER in run.problems[0].text


def test_fault_without_a_name_marks_the_run(run_of: Judge) -> None:
    run = run_of(faulting(DMAR[0]))
    assert told(run) == (Verdict.PASS, None) and exit_code(run) == 3


def test_fault_of_an_alias(run_of: Judge) -> None:
    # the old form has no domain; 01:1f.0 is no function, so it is an alias on the device's bus
    for requester in ("01:00.0", "01:1f.0", "0000:01:1f.0"):
        assert told(run_of(faulting(DMAR[1].format(requester)))) == (Verdict.FAIL, "iommu-fault")
    for requester in ("03:00.0", "0001:01:1f.0", "02:00.0"):
        assert told(run_of(faulting(DMAR[1].format(requester))))[0] is Verdict.PASS
    build = faulting(DMAR[1].format("00:1e.0"))
    build.lines[5:5] = Builder().event("device", bdf="0000:00:1e.0", driver=None, group=12).lines[-1:]
    assert told(run_of(build)) == (Verdict.FAIL, "iommu-fault")


def behind(build: Builder, alias: str, *devices: str) -> Builder:
    """The devices are below one conventional bridge, in one group, and so is the bridge."""
    found = Builder()
    for device in devices:
        found.event("device", bdf=device, driver="vfio-pci", group=12, aliases=[alias])
    found.event("device", bdf="0000:00:1e.0", driver=None, group=14, aliases=[])
    added = found.lines[-1 - len(devices):]
    build.lines = build.lines[:4] + added + build.lines[6:]
    return build


@pytest.mark.parametrize("alias", ["0000:05:00.0", "0000:00:1e.0"])
def test_fault_under_an_alias_is_the_running_tests(run_of: Judge, alias: str) -> None:
    # two devices of the plan share the alias: whichever test runs when it faults, the fault is of that test
    for first, second in ((DEVICE, OTHER), (OTHER, DEVICE)):
        run = run_of(behind(faulting(DMAR[1].format(alias), device=first, extra=second), alias, DEVICE, OTHER))
        assert [result.verdict for result in run.results] == [Verdict.FAIL, Verdict.PASS] and not run.problems
        assert f"{first} (as {alias})" in why(run.results[0]).text and second not in why(run.results[0]).text
    # provoked, it is nothing
    run = run_of(behind(faulting(DMAR[1].format(alias), extra=OTHER, faults=True), alias, DEVICE, OTHER))
    assert [result.verdict for result in run.results] == [Verdict.PASS, Verdict.PASS] and not run.problems
    # without the aliases nobody could tell
    run = run_of(faulting(DMAR[1].format(alias), extra=OTHER))
    assert run.results[0].verdict is Verdict.PASS and run.problems


def test_error_message_under_an_alias(run_of: Judge) -> None:
    port = "pcieport 0000:00:1c.0: AER: Uncorrectable (Fatal) Error message received from {} (no details found)"
    run = run_of(behind(faulting(port.format("0000:05:00.0")), "0000:05:00.0", DEVICE))
    assert told(run) == (Verdict.FAIL, "aer") and "as 0000:05:00.0" in why(one(run)).text
    assert told(run_of(behind(faulting(port.format("0000:06:00.0")), "0000:05:00.0", DEVICE)))[0] is Verdict.PASS


def test_uncorrectable_pcie_error(run_of: Judge) -> None:
    error = f"vfio-pci {DEVICE}: PCIe Bus Error: severity="
    assert told(run_of(faulting(error + "Uncorrectable (Fatal), type=Transaction"))) == (Verdict.FAIL, "aer")
    assert told(run_of(faulting(error + "Correctable, type=Physical Layer"))) == (Verdict.PASS, None)


@pytest.mark.parametrize("how, verdict", [
    ("stream closed", (Verdict.FAIL, "lost")),
    ("no answer", (Verdict.FAIL, "lost")),
    ("stream corrupt", (Verdict.ERROR, "lost")),
])
def test_lost_target(run_of: Judge, how: str, verdict: tuple[Verdict, str]) -> None:
    build = Builder(planned(PATH)).start(ID).add("lost", id=ID, why=how, console="[    5.1] quiet\r\n")
    run = run_of(build.done())
    assert told(run) == verdict
    assert "quiet" in one(run).evidence[0].text


def test_lost_target_with_a_panic_on_its_console(run_of: Judge) -> None:
    console = "[    5.1][  T12] Kernel panic - not syncing: Attempted to kill init!\r\n[    5.2] more\r\n"
    for how in ("stream closed", "stream corrupt"):
        run = run_of(Builder(planned(PATH)).start(ID).add("lost", id=ID, why=how, console=console).done())
        assert told(run) == (Verdict.FAIL, "splat")
        assert one(run).evidence[0].kind == "console" and "kill init" in one(run).evidence[0].text


def test_an_old_splat_on_the_console_is_not_this_tests(run_of: Judge) -> None:
    write = f"access/parked/write@{DEVICE}"
    build = Builder(planned("access/parked/write"), planned(PATH))
    build.start(write).log(write, *WARN).ok(write).stop(write)
    console = "\n".join(f"[    1.2] {line}" for line in WARN)
    run = run_of(build.start(ID).add("lost", id=ID, why="stream corrupt", console=console).done())
    assert [result.verdict for result in run.results] == [Verdict.FAIL, Verdict.ERROR]


def test_the_same_splat_on_the_console_of_another_boot_is_new(run_of: Judge) -> None:
    write = f"access/parked/write@{DEVICE}"
    build = Builder(planned("access/parked/write"), planned(PATH))
    build.start(write).log(write, *WARN).ok(write).stop(write)
    build.add("power", action="off", why="the kernel said").add("power", action="on", why="boot").add("boot", n=2)
    console = "\n".join(f"[    1.2] {line}" for line in WARN)
    run = run_of(build.start(ID).add("lost", id=ID, why="stream corrupt", console=console).done())
    assert [result.verdict for result in run.results] == [Verdict.FAIL, Verdict.FAIL]
    assert why(run.results[1]).code == "splat"


def test_target_lost_outside_any_test(run_of: Judge) -> None:
    build = Builder(planned(PATH)).passed(ID)
    run = run_of(build.add("lost", id=None, why="stream closed", console="[    1.2] " + WARN[1]).done())
    assert told(run) == (Verdict.PASS, None)
    assert [problem.kind for problem in run.problems] == ["lost", "splat"]


def test_unkillable_and_lost(run_of: Judge) -> None:
    build = Builder(planned(PATH)).start(ID).stop(ID, "unkillable")
    assert told(run_of(build.add("lost", id=ID, why="unkillable", console="").done()))[0] is Verdict.FAIL


def test_lockdep_that_turned_itself_off(run_of: Judge) -> None:
    run = run_of(faulting("BUG: MAX_LOCKDEP_CHAINS too low!"))
    assert told(run) == (Verdict.PASS, None) and [problem.kind for problem in run.problems] == ["lockdep"]
