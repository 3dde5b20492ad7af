# SPDX-License-Identifier: GPL-2.0-only
"""Reads kernel log lines: splats, IOMMU faults, PCIe errors, taint. Pure functions over text.

The messages are those of Linux 6.6 to 7.3. What the kernel also prints in good health (boot-time WARNINGs
about mitigations, fault injection's call traces, segfaults of a process) is no splat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable

# Lines of one splat that are kept as evidence.
SPLAT_LINES = 60

_CUT_HERE = re.compile(r"^-+\[ cut here \]-+$")
_END_TRACE = re.compile(r"^-+\[ end (trace|Kernel panic)\b")

# A subsystem may put its pr_fmt prefix ("watchdog: ", "rcu: ") before the message.
_SPLAT = re.compile(
    r"^(?:(?:NMI )?[\w-]+: )?(?:"
    # not a fault of the kernel under test but of its configuration: lockdep's tables are full
    r"BUG: (?!MAX_LOCK|MAX_STACK)"
    r"|\[ BUG: "
    r"|BUG [\w.:-]+ \((?:Not tainted|Tainted)"  # SLUB
    r"|kernel BUG at "
    r"|WARNING: (?:CPU: \d+ PID: \d+|at \S|\S+:\d+ at )"
    r"|WARNING: (?:possible (?:circular|recursive|irq lock)|suspicious RCU usage|inconsistent lock state"
    r"|bad unlock balance|bad contention|held lock freed|lock held when returning|Nested lock was not taken"
    r"|\S+-safe -> \S+-unsafe lock order|\S+/\d+ still has locks held|chain_key collision)"
    r"|(?:KASAN|KCSAN|KMSAN|KFENCE|UBSAN): "
    r"|Oops\b|Internal error: |Kernel panic - not syncing"
    r"|general protection fault[:,]"
    r"|Unable to handle kernel "
    r"|[\w ]+: (?:[0-9a-f]{4,16} )?\[#\d+\]"  # die(): "invalid opcode: 0000 [#1]"
    r"|INFO: task \S.* blocked (?:\S.* )?for more than \d+ seconds"
    r"|INFO: trying to register non-static key"
    r"|(?:INFO: )?\S+ (?:self-detected stall on CPU|detected (?:expedited )?stalls on)"
    r"|(?:CPU\d+: )?Watchdog detected hard LOCKUP"
    r"|list_(?:add|del) corruption"
    r"|refcount_t: "
    r")"
)

_BLIND = re.compile(r"^(?:BUG: MAX_(?:LOCK|STACK)|INFO: lockdep is turned off|turning off the locking)")

_BDF = r"(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"
_DMAR_HEADER = re.compile(r"DMAR: DRHD: handling fault status reg ")
_DMAR = re.compile(
    r"DMAR: \[(?:DMA (?:Read|Write)|INTR-REMAP)[^]]*\] Request device \[(?P<bdf>" + _BDF + r")\]"
)
_AMD = re.compile(r"AMD-Vi: Event logged \[(?!RMP_HW)")
_AMD_DEVICE = re.compile(r"device=(?P<bdf>" + _BDF + ")")
_OWN_DEVICE = re.compile(r"^\S+ (?P<bdf>" + _BDF + "): ")
_SMMU = re.compile(r"^(?P<smmu>arm-smmu-v3 \S+): event 0x[0-9a-f]+ received:")
# /dev/kmsg writes a tab as \x09
_SMMU_WORD = re.compile(r"^(?:\s|\\x09)*(?P<word>0x[0-9a-f]{16})$")
_SMMU_CLIENT = re.compile(r"^event: .*\bclient: (?P<client>\S+)")
_VIRTIO = re.compile(r"^virtio_iommu \S+: (?:domain|page|unknown) fault from EP (?P<ep>\d+)")
_AER = re.compile(r"\b(?:PCIe|CXL) Bus Error: severity=Uncorrectable")

_CONSOLE_STAMP = re.compile(r"^.*?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

# Bit, letter and meaning, from the kernel's Documentation/admin-guide/tainted-kernels.rst.
_TAINTS = (
    ("P", "a proprietary module"),
    ("F", "a module loaded by force"),
    ("S", "a processor out of specification"),
    ("R", "a module unloaded by force"),
    ("M", "a machine check"),
    ("B", "a bad page"),
    ("U", "asked for by user space"),
    ("D", "an oops or a BUG"),
    ("A", "an ACPI table overridden"),
    ("W", "a warning"),
    ("C", "a staging driver"),
    ("I", "a firmware bug worked around"),
    ("O", "a module from outside the tree"),
    ("E", "an unsigned module"),
    ("L", "a soft lockup"),
    ("K", "a live patch"),
    ("X", "the distribution's own flag"),
    ("T", "randomised structures"),
    ("N", "a test inside the kernel"),
    ("J", "a debug operation through fwctl"),
)


@dataclass(frozen=True)
class Splat:
    """A report of the kernel about itself: `head` is the line that names it, `lines` are all of its lines."""

    head: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """A fault that the IOMMU ("iommu-fault") or PCIe error reporting ("aer") has logged.

    `device` is the requester, with its domain (0000:01:00.0) or, where the message has none, without it
    (01:00.0); None where the message names no requester. A header says that faults were there, not whose.
    """

    kind: str
    device: str | None
    lines: tuple[str, ...]
    header: bool = False


def kmsg_text(line: str) -> str:
    """The message of a kmsg event's line "<level>,<usec>,<text>"."""
    parts = line.split(",", 2)
    return parts[2] if len(parts) == 3 and parts[0].isdigit() else line


def console_lines(console: str) -> list[str]:
    """The messages in a piece of console: without time stamps, colours and carriage returns."""
    lines = (_ANSI.sub("", line).strip("\r") for line in console.split("\n"))
    return [_CONSOLE_STAMP.sub("", line) for line in lines]


def taint_names(mask: int) -> list[str]:
    """Each flag of a taint mask as "W (a warning)"; a bit that is not known here by its number."""
    names = []
    for bit in range(mask.bit_length()):
        if mask >> bit & 1:
            names.append("{} ({})".format(*_TAINTS[bit]) if bit < len(_TAINTS) else f"bit {bit}")
    return names


def is_blind(lines: Iterable[str]) -> bool:
    """Has lockdep turned itself off? From there on it reports nothing."""
    return any(_BLIND.search(line) for line in lines)


def splats(lines: list[str]) -> list[Splat]:
    """Every splat in the messages, in order. One that holds another (a "kernel BUG" and its oops) is one."""
    found: list[Splat] = []
    at = 0
    while at < len(lines):
        head_at = at + 1 if _CUT_HERE.match(lines[at]) else at
        if head_at == at and not _SPLAT.search(lines[at]):
            at += 1
            continue
        end = min(len(lines), at + SPLAT_LINES)
        for mark in range(head_at, end):
            if _END_TRACE.match(lines[mark]):
                end = mark + 1
                break
        named = [line for line in lines[head_at:end] if _SPLAT.search(line)]
        found.append(Splat((named or lines[at:end])[0], tuple(lines[at:end])))
        at = end
    return found


def faults(lines: list[str]) -> list[Fault]:
    """Every IOMMU fault and uncorrectable PCIe error in the messages, in order.

    VT-d: dmar_fault_do_one(); AMD-Vi: iommu_print_event(); SMMUv3: arm_smmu_dump_event();
    virtio-iommu: viommu_fault_handler(); AER: aer_print_error(). Correctable errors are no faults.
    """
    found: list[Fault] = []
    for at, line in enumerate(lines):
        if _DMAR_HEADER.search(line):
            found.append(Fault("iommu-fault", None, (line,), header=True))
        elif match := _DMAR.search(line):
            found.append(Fault("iommu-fault", match["bdf"], (line,)))
        elif _AMD.search(line):
            found.append(_amd(lines, at))
        elif match := _SMMU.search(line):
            found.append(_smmu(lines, at, match["smmu"]))
        elif match := _VIRTIO.search(line):
            found.append(Fault("iommu-fault", _requester(int(match["ep"])), (line,)))
        elif _AER.search(line):
            own = _OWN_DEVICE.search(line)
            found.append(Fault("aer", own["bdf"] if own else None, (line,)))
    return found


def _amd(lines: list[str], at: int) -> Fault:
    """An event names its device inside the brackets, on the line after them, or before the message."""
    following = lines[at + 1] if at + 1 < len(lines) and "not attached to domain" in lines[at] else ""
    text = tuple(line for line in (lines[at], following) if line)
    device = _AMD_DEVICE.search(lines[at]) or _AMD_DEVICE.search(following)
    # without device= the prefix is the requester, unless the event is the IOMMU's own (a command, a timeout)
    if device is None and "PAGE_FAULT" in lines[at]:
        device = _OWN_DEVICE.search(lines[at])
    return Fault("iommu-fault", device["bdf"] if device else None, text)


def _smmu(lines: list[str], at: int, smmu: str) -> Fault:
    """The event, its four words, and on newer kernels a line that names the client."""
    text = [lines[at]]
    words: list[int] = []
    client: str | None = None
    for line in lines[at + 1 : at + 7]:
        if not line.startswith(smmu + ": "):
            break
        body = line[len(smmu) + 2 :]
        if word := _SMMU_WORD.search(body):
            words.append(int(word["word"], 16))
        elif named := _SMMU_CLIENT.search(body):
            client = named["client"]
        elif client is None:
            break
        text.append(line)
    if client is not None and re.fullmatch(_BDF, client):
        return Fault("iommu-fault", client, tuple(text))
    # StreamID, bits 63:32 of the first word (Arm IHI 0070, 7.3): for PCIe its low half is the requester ID
    return Fault("iommu-fault", _requester(words[0] >> 32) if words else None, tuple(text))


def _requester(number: int) -> str:
    """The bus, device and function of a PCIe requester ID."""
    return f"{number >> 8 & 0xff:02x}:{number >> 3 & 0x1f:02x}.{number & 7}"
