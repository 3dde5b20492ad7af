# SPDX-License-Identifier: GPL-2.0-only
"""What a named function offers and lacks: presence, group, owner, reset. Pure, as findings.py."""

from __future__ import annotations

from runner.dma_owner import is_vfio, keeps_group
from runner.facts import Facts, Function, Group
from runner.findings import Finding, lack, ok, unknown, warning

# PCI_EXP_TYPE_* of ports that keep what is below them apart, if they have ACS.
_ROOT_PORT, _DOWNSTREAM, _TO_PCI, _FROM_PCI = 4, 6, 7, 8
# What the kernel asks of ACS for that: source validation, request and completion redirect, upstream forwarding.
_ISOLATING = 0x1D


def examine_device(facts: Facts, bdf: str, virtual: bool) -> list[Finding]:
    """The findings on one named function. On a virtual host nobody uses a device, so it may be taken from any driver."""
    function = facts.function(bdf)
    if function is None:
        return [lack("present", "no such PCI function", "it was named to be tested", "lspci -D lists what is there", bdf)]
    findings = [ok("present", f"{function.id}, class {function.class_code}", bdf)]
    if function.bridge:
        return [lack("present", f"{function.id} is a bridge", "vfio gives out endpoints only", "name a function below it", bdf)]
    group = facts.group_of(function)
    findings += _group(facts, function, group, virtual)
    findings.append(_owner(function, virtual))
    findings += _capabilities(function)
    findings += _node(facts, function)
    return findings


def _group(facts: Facts, function: Function, group: Group | None, virtual: bool) -> list[Finding]:
    bdf = function.bdf
    if group is None:
        if not facts.groups:
            why, way = "without a group it can't be bound", "see iommu"
        else:
            why = "the host's IOMMUs do not cover it"
            way = "another device or slot: one that the firmware's tables (DMAR, IVRS, IORT) put below an IOMMU"
        return [lack("group", "in no IOMMU group", why, way, bdf)]
    findings = []
    others = [member for member in group.members if member != bdf]
    if not others:
        findings.append(ok("group", f"group {group.group}, alone in it", bdf))
    else:
        findings.append(_shared(facts, function, group, others, virtual))
    direct = [region for region in group.reserved if region.type == "direct"]
    if direct:
        where = ", ".join(f"{region.start}-{region.end}" for region in direct)
        findings.append(lack(
            "reserved-regions", f"direct-mapped by demand of the firmware: {where}",
            "the kernel does not let go of that mapping, so binding fails with EINVAL",
            "another device; or firmware set-up or firmware without that region (RMRR of legacy USB, graphics, management)", bdf,
        ))  # fmt: skip
    else:
        kinds = ", ".join(sorted({region.type for region in group.reserved})) or "none"
        findings.append(ok("reserved-regions", kinds, bdf))
    return findings


def _shared(facts: Facts, function: Function, group: Group, others: list[str], virtual: bool) -> Finding:
    """A group with several members: who they are, why they are together, and whether one of them is in the way."""
    bdf = function.bdf
    what = f"group {group.group}, with {', '.join(others)}"
    merged = _merged_by(facts, function, others)
    why = f"together because {merged}; " if merged else ""
    way = "another slot, behind a port with ACS"
    busy = []
    for member in others:
        other = facts.function(member)
        if other is not None and other.driver and keeps_group(other.driver):
            busy.append(f"{member} ({other.driver})")
    if busy:
        why += "one owner for all of a group: no device of it can be bound while the kernel drives another"
        return lack("group", f"{what}; in the kernel's hands: {', '.join(busy)}", why,
                    f"take their drivers away (see owner), or {way}", bdf)  # fmt: skip
    why += "all of the group is one to the IOMMU: what one may reach, all may"
    return warning("group", what, why, way, bdf)


def _merged_by(facts: Facts, function: Function, others: list[str]) -> str:
    """Why functions are in one group, in words: the bridges above that do not keep them apart."""
    reasons = []
    slot = function.bdf.rpartition(".")[0]
    if any(other.rpartition(".")[0] == slot for other in others) and "acs" not in (function.capabilities or []):
        reasons.append(f"the functions of {slot} have no ACS between them")
    for bdf in function.bridges:
        bridge = facts.function(bdf)
        if bridge is None or bridge.capabilities is None:
            continue
        if bridge.express is None or bridge.express in (_TO_PCI, _FROM_PCI):
            reasons.append(f"{bdf} leads to a conventional bus")
        elif bridge.express in (_ROOT_PORT, _DOWNSTREAM) and bridge.acs_on & _ISOLATING != _ISOLATING:
            if "acs" not in bridge.capabilities:
                reasons.append(f"{bdf} has no ACS")
            elif bridge.acs_able & _ISOLATING == _ISOLATING:
                reasons.append(f"{bdf} has ACS and it is not switched on")
            else:
                reasons.append(f"{bdf} has only part of ACS")
    return ", ".join(reasons)


def _owner(function: Function, virtual: bool) -> Finding:
    bdf, driver = function.bdf, function.driver
    uses = [f"network interface {net.name} ({net.state})" for net in function.net]
    for block in function.block:
        where = f", mounted on {block.mounted}" if block.mounted and block.mounted != "swap" else ", swap" if block.mounted else ""
        uses.append(f"disk {block.name}{where}{', in use by ' + ' '.join(block.holders) if block.holders else ''}")
    if driver is None:
        return ok("owner", "no driver: a run gives it to vfio-pci and back", bdf)
    if is_vfio(driver):
        return ok("owner", driver + (f", /dev/vfio/devices/{function.cdev}" if function.cdev else ""), bdf)
    what = driver + (f": {'; '.join(uses)}" if uses else "")
    if virtual:
        return ok("owner", f"{what}; on a virtual host a run takes it", bdf)
    way = f"when nothing needs it any more: echo {bdf} > /sys/bus/pci/devices/{bdf}/driver/unbind"
    if any(block.mounted or block.holders for block in function.block):
        way = "another device: this one holds data in use"
    elif any(net.state == "up" for net in function.net):
        way = f"ip link set {function.net[0].name} down; {way}"
    return lack("owner", what, "a run takes no device on a real host that another driver has", way, bdf)


def _capabilities(function: Function) -> list[Finding]:
    bdf, have = function.bdf, function.capabilities
    if have is None:
        return [unknown("capabilities", "its configuration space may not be read beyond 64 bytes",
                        "resets, interrupts, ATS, PRI, PASID and aliases are not known", "run as root", bdf)]  # fmt: skip
    findings = [ok("capabilities", (", ".join(have) or "none") + (f"; {function.vfs} VFs" if function.vfs else ""), bdf)]
    if "flr" not in have and "pm-reset" not in have:
        findings.append(warning("reset", "no reset of this function alone", "what a test leaves in it may reach the next one",
                                "a device with function level reset", bdf))  # fmt: skip
    if "msi" not in have and "msi-x" not in have:
        findings.append(warning("interrupts", "no MSI, no MSI-X", "tests of message interrupts are skipped", "another device", bdf))
    if function.aliases:
        findings.append(warning(
            "aliases", f"its DMA may come as {', '.join(function.aliases)}",
            "a bridge to conventional PCI stands for it: the IOMMU can't tell it from what else is below that bridge",
            "a PCI Express slot", bdf,
        ))  # fmt: skip
    return findings


def _node(facts: Facts, function: Function) -> list[Finding]:
    if len(facts.nodes) < 2:
        return []
    if function.numa_node < 0:
        return [unknown("numa", "the firmware does not say which NUMA node it is on",
                        "measurements can't be bound to its node", "firmware that says so (_PXM)", function.bdf)]  # fmt: skip
    return [ok("numa", f"node {function.numa_node}", function.bdf)]
