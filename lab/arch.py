# SPDX-License-Identifier: GPL-2.0-only
"""The architectures of hosts, and all that differs between them when kernels and programs are built and machines are started."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Arch:
    """One architecture. `name` is what uname and QEMU call it.

    `toolbox` is the profile that has its compilers and its QEMU, `cross` the prefix of those compilers, `runs` the program of the toolbox
    that runs its programs here, if they don't run by themselves. `kbuild` is what the kernel's make takes as ARCH, `source` its folder in
    arch/, `image` the image in there that QEMU boots. `emulator` is the package of its QEMU, `options` are for each of its machines,
    `console` is the serial port of those, and `words` go on every kernel command line. Where clocks count instructions `counting` do too,
    and `counting_options` are for each machine. `firmware` is its place in the toolbox of the profile `<toolbox>-firmware`, for hosts that
    ask for it. `device_tree`: without firmware the kernel is told by one what there is.
    """

    name: str
    toolbox: str
    kbuild: str
    source: str
    image: str
    emulator: str
    console: str
    cross: str = ""
    runs: str | None = None
    options: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    counting: tuple[str, ...] = ()
    counting_options: tuple[str, ...] = ()
    firmware: str | None = None
    device_tree: bool = False

    @property
    def compilers(self) -> list[str]:
        """What a make of ours is told."""
        return [f"{name}={self.cross}{name.lower()}" for name in ("AR", "READELF", "STRIP")] + [f"CC={self.cross}gcc"]


ARCHES = {
    arch.name: arch
    for arch in (
        Arch(
            "x86_64", toolbox="lab", kbuild="x86_64", source="x86", image="bzImage", emulator="qemu-system-x86", console="ttyS0",
            # The kernel measures the processor's clock by the PIT, if there is one, rather than by the HPET. An emulated one on a busy
            # machine was seen to tell 63 MHz instead of 2500: the guest's clock ran 40 times too fast, and tests missed their deadlines.
            # Kernels copy by `rep movsb` where the processor is said to be fast at it, and an emulated one does that byte by byte.
            options=("-machine", "pit=off", "-global", "max-x86_64-cpu.erms=off", "-global", "max-x86_64-cpu.fsrm=off"),
            # An emulated processor on a busy machine can be too slow for the kernel's trial of the timer, which then panics.
            words=("no_timer_check",),
            # What else there is has a step for each ten. It can't be found out that this one has one for each.
            counting=("tsc_early_khz=1000000", "tsc=reliable"),
            # The copy that is no `rep movsb` goes another way where one address ends in more than the other, which is chance.
            counting_options=("-global", "max-x86_64-cpu.fsrm=on"),
        ),
        Arch(
            "aarch64", toolbox="aarch64", kbuild="arm64", source="arm64", image="Image", emulator="qemu-system-arm", console="ttyAMA0",
            cross="aarch64-linux-gnu-", runs="usr/bin/qemu-aarch64",
            firmware="usr/share/qemu-efi-aarch64/QEMU_EFI.fd", device_tree=True,
        ),
    )
}  # fmt: skip
NATIVE = ARCHES["x86_64"]  # the toolbox's, and so that of the local host
