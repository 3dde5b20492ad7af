// SPDX-License-Identifier: GPL-2.0-only
// On what, and with what, each run was made.

import { fact, page, release, Run } from "./data";
import { disclosure, h, table } from "./dom";

type Device = Record<string, unknown>;

const text = (value: unknown): string =>
  value === null || value === undefined ? "" : Array.isArray(value) ? value.map(text).join(" ") : String(value);

export function environment(): Node[] {
  return page.runs.map((run) => {
    const facts = FACTS.map(([name, find]) => [name, find(run)] as const).filter(([, value]) => value);
    return h(
      "section",
      { class: "run" },
      h("h2", {}, run.id),
      h(
        "dl",
        {},
        facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
      ),
      devices(run),
      disclosure("raw", ["everything that is known, as JSON"], () => [h("pre", { tabindex: 0 }, JSON.stringify(run.environment, null, 1))]),
    );
  });
}

const FACTS: [string, (run: Run) => string][] = [
  ["host", (run) => run.host],
  ["command", (run) => text(run.command)],
  [
    "kernel",
    (run) => [release(run), fact(run, "target", "uname", "version"), fact(run, "target", "uname", "machine")].filter(Boolean).join(" "),
  ],
  ["kernel's command line", (run) => fact(run, "target", "cmdline") ?? ""],
  ["kernel's image", (run) => [fact(run, "kernel", "image"), fact(run, "kernel", "sha256")].filter(Boolean).join(" sha256 ")],
  ["taint at start", (run) => fact(run, "target", "taint") ?? ""],
  ["IOMMUs", (run) => text((run.environment.target as Record<string, unknown> | undefined)?.iommu)],
  [
    "processors, memory",
    (run) =>
      [fact(run, "target", "cpus"), fact(run, "target", "memory_kib")].filter(Boolean).join(", ") +
      (fact(run, "target", "memory_kib") ? " KiB" : ""),
  ],
  ["accelerator", (run) => fact(run, "accelerator") ?? ""],
  ["QEMU", (run) => fact(run, "qemu") ?? ""],
  ["toolbox", (run) => fact(run, "toolbox", "key") ?? ""],
  ["processor", (run) => fact(run, "processor") ?? ""],
  ["suite", (run) => text(run.suite?.commit) + (run.suite?.dirty ? " with changes" : "")],
  ["boots", (run) => text(run.boots)],
];

function devices(run: Run): Node | null {
  const target = run.environment.devices;
  if (!Array.isArray(target) || !target.length) return null;
  const all = target.filter((one): one is Device => one !== null && typeof one === "object");
  const rows = all.map((one) => [
    text(one.bdf),
    `${text(one.vendor)}:${text(one.device)}`,
    text(one.class),
    text(one.driver),
    text(one.group),
    text(one.cdev),
  ]);
  return h("div", { class: "wide" }, table(["device", "id", "class", "driver", "group", "cdev"], rows));
}
