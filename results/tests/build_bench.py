# SPDX-License-Identifier: GPL-2.0-only
"""Makes benches for tests: bench.json with a run folder for each boot, of which only results.json is there."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from results import bench

MAP = "bench/hot/map_unmap"
ENVIRONMENT = {"qemu": "11.1.3", "toolbox": {"key": "ccb963289207188b"}}

Values = Callable[[int], Sequence[float]]  # the samples of a boot, counted from 0


def measured(measure: str, params: Mapping[str, Any], values: Values, path: str = MAP, **more: str) -> dict[str, Any]:
    """A row for bench_of()."""
    return {"path": path, "measure": measure, "params": dict(params), "values": values, "unit": "ns", "better": "less", **more}


def told(path: str, verdict: str = "PASS", device: str | None = "0000:01:00.0", reason: tuple[str, str] | None = None) -> dict[str, Any]:
    """A result as results.json has it, as far as compare looks at it."""
    return {
        "id": f"{path}@{device}" if device else path, "path": path, "device": device, "verdict": verdict,
        "reason": {"code": reason[0], "text": reason[1]} if reason else None, "waived": None, "measurements": [],
    }  # fmt: skip


def document(boot: int, rows: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]] = (), **about: Any) -> dict[str, Any]:
    """results.json of one boot. `about`: host, accelerator, started, commit, release, environment."""
    results: dict[str, dict[str, Any]] = {}
    for row in rows:
        result = results.setdefault(row["path"], told(row["path"], "DONE"))
        samples = list(row["values"](boot))
        result["measurements"].append(
            {"measure": row["measure"], "unit": row["unit"], "better": row["better"], "params": row["params"], "samples": samples}
        )
    return {
        "schema": "iommu-cts/results",
        "version": 1,
        "run": {
            "id": f"boot{boot + 1}",
            "host": about.get("host", "vtd"),
            "started": about.get("started", f"2026-11-23T10:{boot:02}:00.000Z"),
            "suite": {"commit": about.get("commit", "0123456789abcdef"), "dirty": False},
        },
        "environment": {
            **about.get("environment", ENVIRONMENT),
            "accelerator": about.get("accelerator", "icount"),
            "target": {"uname": {"release": about.get("release", "7.3.4")}},
        },
        "results": [*results.values(), *others],
    }


def bench_of(
    folder: Path, boots: int, rows: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]] = (), offset: int = 0, **about: Any
) -> Path:
    """Writes a bench to `folder`. Its boots begin every two minutes, `offset` minutes later; `about` as for document(), and label, mode,
    unfit, kernel."""
    mode = about.get("mode", "instructions")
    about.setdefault("accelerator", "icount" if mode == "instructions" else "kvm")
    kept = []
    for boot in range(boots):
        run = folder / "boots" / f"{boot + 1:03}"
        run.mkdir(parents=True)
        started = f"2026-11-23T10:{2 * boot + offset:02}:00.000Z"
        made = document(boot, rows, others, **{**about, "started": started})
        # A line for each result: a reader of the repository's history sees what changed.
        head = json.dumps({**made, "results": None}, separators=(",", ":"))
        lines = ",\n".join(json.dumps(result, separators=(",", ":")) for result in made["results"])
        (run / "results.json").write_text(head.replace('"results":null', f'"results":[\n{lines}\n]') + "\n", "utf-8")
        kept.append(bench.Boot(f"boots/{boot + 1:03}", "finished", started))
    bench.write(
        folder,
        bench.Bench(
            id=folder.name, host=about.get("host", "vtd"), label=about.get("label", folder.name), mode=mode, set="hot",
            kernel=about.get("kernel", {}), unfit=about.get("unfit", []), boots=kept, finished=True,
        ),
    )  # fmt: skip
    return folder


def level_rows(value: float) -> list[dict[str, Any]]:
    """One row whose samples all have this value."""
    return [measured("map", {"size": 4096}, lambda boot: [value] * SAMPLES)]


def _row(measure: str, base: float, power: int, times: int, spread: float, more: str) -> dict[str, Any]:
    """A row whose boots differ by the standard deviation `spread`, whose samples are never below `base`, and slow once in a while."""
    pages = times * min(1 << (power - 12), 512)

    def values(boot: int) -> list[int]:
        chance = random.Random(f"{more} {measure} {power} {times} {boot}")
        level = (base + base / 80 * pages) * (1 + chance.gauss(0, spread))
        return [round(level * (1 + abs(chance.gauss(0, spread / 2))) + 4000 * (chance.random() < 0.06)) for _ in range(SAMPLES)]

    return measured(measure, {"size": 1 << power, "times": times, "table": "device"}, values)


SAMPLES = 15
GOLDEN_RANGES = ((12, 1), (16, 1), (21, 1), (30, 1), (12, 256), (21, 256))


def _hot(mode: str, name: str, slower: float) -> list[dict[str, Any]]:
    """map and unmap; from 2 MiB on map is `slower`."""
    spread = {"instructions": 0.0001, "time": 0.005}[mode]
    bases = {"map": 4200.0, "unmap": 3100.0}
    return [
        _row(measure, base * (slower if measure == "map" and power >= 21 else 1.0), power, times, spread, name)
        for measure, base in bases.items() for power, times in GOLDEN_RANGES
    ]  # fmt: skip


def golden(top: Path) -> None:
    """Writes the benches of golden/compare/."""
    cost = measured("pasid-attach", {"pasids": 4096}, lambda boot: [912] * SAMPLES, path="bench/pasid/cost")
    both = [told("access/bind/once"), told("access/bind/twice")]
    both += [told("ioas/map/read_only", "SKIP", reason=("kernel-lacks", "no such flag"))]
    later = [told("access/bind/once"), told("access/bind/twice", "FAIL", reason=("assertion", "bind.c:41: Expected -EINVAL (-22)"))]
    later += [told("ioas/map/read_only")]
    copy = [told("bench/hot/copy", "SKIP", reason=("kernel-lacks", "no IOMMU_IOAS_COPY of a range"))]
    for mode, boots in (("instructions", 3), ("time", 6)):
        virtual = mode == "instructions"
        day = "20261123" if virtual else "20261124"
        about: dict[str, Any] = {"mode": mode, "host": "vtd", "accelerator": "icount"}
        if not virtual:
            about = {"mode": mode, "host": "epyc", "accelerator": None, "environment": {"processor": "AMD EPYC 9654"}}
        bench_of(top / f"{day}T100000-v7.3", boots, [*_hot(mode, "old", 1.0), cost], [*both, *copy], label="v7.3", **about)
        extra = measured("copy", {"size": 4096, "table": "device"}, lambda boot: [2050] * SAMPLES, path="bench/hot/copy")
        rows = [*_hot(mode, "new", 1.031 if virtual else 1.05), cost, extra]
        about |= {"release": "7.3.4-tables", "label": "v7.3+tables"}
        bench_of(top / f"{day}T100100-tables", boots, rows, later, offset=1, **about)


if __name__ == "__main__":
    golden(Path(sys.argv[1]))
