# SPDX-License-Identifier: GPL-2.0-only
"""Virtual hosts as devices of LAVA: what a device dictionary says is what lab/hosts/ says of the host.

    python3 -m lab.lava.devices vtd      # the dictionary that a LAVA server wants, to standard output
"""

import json
import sys

from lab import entry, host
from lab.errors import UsageError
from lab.host import Host

# As lab/qemu.py starts it; LAVA brings -kernel, -initrd and, for a server's devices, -nographic.
_USUAL = ("-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio", "-accel", "tcg,thread=multi")
TAGS = {"intel-iommu": "vtd", "amd-iommu": "amdvi", "smmuv3": "smmuv3", "virtio-iommu": "virtio-iommu"}
_CONSTANTS = """\
constants:
  failure_retry: 1
  boot_retry: 1
  spawn_maxread: "4092"
  shutdown-message: "reboot: Power down"
  kernel-error-messages: ["Kernel panic - not syncing", "end Kernel panic"]
  default-shell-prompt: "lava-test: # "
  kernel-start-message: "Linux version [0-9]"
  posix: {lava_test_sh_cmd: /bin/sh, lava_test_results_dir: "/lava-%s", lava_test_shell_file: "~/.bashrc"}
parameters: {}
commands: {}
timeouts: {actions: {}, connections: {}}
actions:
  deploy: {methods: {image: {parameters: {guest: {size: 64, interface: virtio, driveid: lavatest}}}}}
  boot:
    connections: {serial: null}
    methods:
      qemu:
        parameters:
"""


def _options(where: Host) -> list[str]:
    return [*_USUAL, "-smp", str(where.cpus), *where.machine.options, *where.qemu]


def tags(where: Host) -> list[str]:
    """What jobs may ask a device for: the IOMMU that it has, and the name of the host that it is like."""
    line = " ".join(where.qemu)
    return sorted({tag for word, tag in TAGS.items() if word in line} | {where.name})


def template(where: Host, kind: str = "qemu") -> str:
    """The dictionary for a server, on the device type `kind`; the first line names that and the tags."""
    lines = [
        f"{{# {kind} {' '.join(tags(where))} #}}",
        f"{{# The virtual host {where.name} of iommu-cts: {where.title}. Made by: python3 -m lab.lava.devices {where.name} #}}",
        f'{{% extends "{kind}.jinja2" %}}',
        "{% set no_kvm = True %}",
        "{% set no_network = True %}",
        f"{{% set memory = {where.memory_mib} %}}",
        f"{{% set extra_options = {json.dumps(_options(where))} %}}",
    ]
    return "\n".join(lines) + "\n"


def dictionary(where: Host) -> str:
    """The same as a server hands it to a worker, for lava-run: YAML, of which JSON is a part."""
    options = ["-nographic", "-monitor", "none", "-m", str(where.memory_mib), *_options(where)]
    machine = {"command": f"qemu-system-{where.arch}", "options": options}
    found = f"available_architectures: [{where.arch}]\n{_CONSTANTS}"
    return found + "".join(f"          {key}: {json.dumps(value)}\n" for key, value in machine.items())


def main() -> int:
    """Prints the dictionary of the host that the command line names."""
    if len(sys.argv) != 2:
        raise UsageError("name one virtual host, such as vtd (`iommu-cts hosts`)")
    where = host.find(sys.argv[1])
    if where.target != "qemu":
        raise UsageError(f"{where.name} is no virtual host")
    print(template(where), end="")
    return 0


if __name__ == "__main__":
    sys.exit(entry.ending("lab.lava.devices", main))
