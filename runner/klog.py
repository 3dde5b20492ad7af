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
# The invalidation queue stopped; SID is the requester that did not answer, hexadecimal.
_DMAR_QUEUE = re.compile(r"DMAR: VT-d detected Invalidation (?:Queue|Time-out|Completion) Error: (?:SID (?P<sid>[0-9a-f]+)|Reason)")
# A page request that can't be served: the first quadword of its descriptor has the requester ID in bits 31:16.
_DMAR_PRQ = re.compile(r"DMAR: \S+: Invalid page request: (?P<word>[0-9a-f]{8,16}) [0-9a-f]{8,16}")
_AMD = re.compile(r"AMD-Vi: Event logged \[(?!RMP_HW)")
_AMD_DEVICE = re.compile(r"device=(?P<bdf>" + _BDF + ")")
_AMD_STUCK = re.compile(r"AMD-Vi: (?:IOMMU \S+: )?Completion-Wait loop timed out")
_OWN_DEVICE = re.compile(r"^\S+ (?P<bdf>" + _BDF + "): ")
_SMMU = re.compile(r"^(?P<smmu>arm-smmu-v3 \S+): event 0x[0-9a-f]+ received:")
# /dev/kmsg writes a tab as \x09
_SMMU_WORD = re.compile(r"^(?:\s|\\x09)*(?P<word>0x[0-9a-f]{16})$")
_SMMU_CLIENT = re.compile(r"^event: .*\bclient: (?P<client>\S+)")
_SMMU_PRI = re.compile(r"^(?P<smmu>arm-smmu-v3 \S+): unexpected PRI request received:")
_SMMU_SID = re.compile(r"\bsid (?P<sid>0x[0-9a-f]+)\.")
_SMMU_STUCK = re.compile(
    r"^arm-smmu-v3 \S+: (?:CMDQ error|CMDQ timeout|CMD_SYNC timeout|unexpected global error|EVTQ overflow|PRIQ overflow)"
)
_VIRTIO = re.compile(r"^virtio_iommu \S+: (?:domain|page|unknown) fault from EP (?P<ep>\d+)")
# Older kernels say "Uncorrected".
_AER = re.compile(r"\b(?:PCIe|CXL) Bus Error: severity=Uncorrect(?:able|ed)\b")
# A root port was told of an error that no function has kept: only the message's requester ID tells whose it is.
_AER_SOURCE = re.compile(
    r"\bUncorrect(?:able|ed) \((?:Non-)?Fatal\) [Ee]rror messages? received(?:, first one)? from (?P<bdf>" + _BDF
    + r") \(no details found"
)
_DPC = re.compile(r"\bDPC: containment event, status:0x[0-9a-f]{4}(?:.* received from (?P<bdf>" + _BDF + "))?")
# Firmware first: the record that the firmware made of an error.
_CPER = re.compile(r"^(?P<record>(?:\{\d+\})?\[Hardware Error\]: )\s*section_type: PCIe error")
_CPER_TYPE = re.compile(r"Error \d+, type: (?P<type>[a-z, -]+)$")
_CPER_DEVICE = re.compile(r"\bdevice_id: (?P<bdf>" + _BDF + ")$")
_CPER_LINES = 16

_CONSOLE_STAMP = re.compile(r"^.*?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

_IOMMU = "iommu-fault"
_AER_KIND = "aer"

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

    VT-d: dmar_fault_do_one(), qi_dump_fault(), handle_bad_prq_event(); AMD-Vi: iommu_print_event(); SMMUv3:
    arm_smmu_dump_event(), arm_smmu_handle_ppr(); virtio-iommu: viommu_fault_handler(); PCIe: aer_print_error(),
    aer_print_source(), dpc_process_error(), cper_print_pcie(). Correctable errors are no faults. An IOMMU that no longer
    answers is a fault that names no device.
    """
    found: list[Fault] = []
    for at, line in enumerate(lines):
        if _DMAR_HEADER.search(line):
            found.append(Fault(_IOMMU, None, (line,), header=True))
        elif match := _DMAR.search(line):
            found.append(Fault(_IOMMU, match["bdf"], (line,)))
        elif match := _DMAR_QUEUE.search(line):
            found.append(Fault(_IOMMU, _requester(int(match["sid"], 16)) if match["sid"] else None, (line,)))
        elif match := _DMAR_PRQ.search(line):
            found.append(Fault(_IOMMU, _requester(int(match["word"], 16) >> 16), (line,)))
        elif _AMD.search(line):
            found.append(_amd(lines, at))
        elif match := _SMMU.search(line):
            found.append(_smmu(lines, at, match["smmu"]))
        elif match := _SMMU_PRI.search(line):
            found.append(_smmu_pri(lines, at, match["smmu"]))
        elif _AMD_STUCK.search(line) or _SMMU_STUCK.search(line):
            found.append(Fault(_IOMMU, None, (line,)))
        elif match := _VIRTIO.search(line):
            found.append(Fault(_IOMMU, _requester(int(match["ep"])), (line,)))
        else:
            found += _pcie(lines, at)
    return found


def _pcie(lines: list[str], at: int) -> list[Fault]:
    """The PCIe error that line `at` reports, if it does."""
    line = lines[at]
    if _AER.search(line):
        own = _OWN_DEVICE.search(line)
        return [Fault(_AER_KIND, own["bdf"] if own else None, (line,))]
    if match := _AER_SOURCE.search(line):
        return [Fault(_AER_KIND, match["bdf"], (line,))]
    if match := _DPC.search(line):
        port = _OWN_DEVICE.search(line)
        return [Fault(_AER_KIND, match["bdf"] or (port["bdf"] if port else None), (line,))]
    if match := _CPER.search(line):
        return _cper(lines, at, match["record"])
    return []


def _cper(lines: list[str], at: int, record: str) -> list[Fault]:
    """A PCIe section of the firmware's record: the line before says how bad it is, one of those after says whose."""
    first = at
    while first > 0 and at - first < _CPER_LINES and lines[first - 1].startswith(record):
        first -= 1
        if kind := _CPER_TYPE.search(lines[first]):
            if kind["type"] in ("corrected", "info"):
                return []
            break
    text = lines[first : at + 1]
    for line in lines[at + 1 : at + _CPER_LINES]:
        if not line.startswith(record):
            break
        text.append(line)
        if device := _CPER_DEVICE.search(line):
            return [Fault(_AER_KIND, device["bdf"], tuple(text))]
    return [Fault(_AER_KIND, None, tuple(text))]


def _amd(lines: list[str], at: int) -> Fault:
    """An event names its device inside the brackets, on the line after them, or before the message."""
    following = lines[at + 1] if at + 1 < len(lines) and "not attached to domain" in lines[at] else ""
    text = tuple(line for line in (lines[at], following) if line)
    device = _AMD_DEVICE.search(lines[at]) or _AMD_DEVICE.search(following)
    # without device= the prefix is the requester, unless the event is the IOMMU's own (a command, a timeout)
    if device is None and "PAGE_FAULT" in lines[at]:
        device = _OWN_DEVICE.search(lines[at])
    return Fault(_IOMMU, device["bdf"] if device else None, text)


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
        return Fault(_IOMMU, client, tuple(text))
    # StreamID, bits 63:32 of the first word (Arm IHI 0070, 7.3): for PCIe its low half is the requester ID
    return Fault(_IOMMU, _requester(words[0] >> 32) if words else None, tuple(text))


def _smmu_pri(lines: list[str], at: int, smmu: str) -> Fault:
    """A page request that nobody asked for: its StreamID is on the next line."""
    following = lines[at + 1] if at + 1 < len(lines) and lines[at + 1].startswith(smmu + ": ") else ""
    stream = _SMMU_SID.search(following)
    return Fault(_IOMMU, _requester(int(stream["sid"], 16)) if stream else None, tuple(line for line in (lines[at], following) if line))


def _requester(number: int) -> str:
    """The bus, device and function of a PCIe requester ID."""
    return f"{number >> 8 & 0xff:02x}:{number >> 3 & 0x1f:02x}.{number & 7}"
