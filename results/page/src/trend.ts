// SPDX-License-Identifier: GPL-2.0-only
// A series of revisions: what became of each, which verdicts changed with it, and how the measured rows went.

import { grouped, page, Revision, Row } from "./data";
import { disclosure, h, right, table } from "./dom";
import { tag } from "./item";
import { hasChanged } from "./measured";
import { Step, steps } from "./plots";
import { fragment } from "./state";

const PLOTS = 12; // tables, those that changed most
const COUNTED = ["pass", "fail", "known", "error", "miss", "skip"];
const STAGES: Record<string, string> = { build: "does not build", boot: "does not boot", lab: "nobody knows, the lab failed" };

export function trend(): Node[] {
  const known = page.trend;
  if (!known) return [];
  const plots = changed(known.revisions);
  return [
    h(
      "section",
      {},
      h("h2", {}, `Revisions of ${known.id}`),
      h("div", { class: "wide" }, revisions(known.revisions)),
      known.against && h("p", { class: "warning" }, h("b", {}, "Nothing was compared: "), known.against),
    ),
    h("section", {}, h("h2", {}, "Tests with another verdict than on the first"), verdicts(known.revisions)),
    h(
      "section",
      {},
      h("h2", {}, "Measured rows that changed"),
      plots.length ? plots : h("p", { class: "nothing" }, "There is no evidence of a change."),
    ),
  ];
}

function revisions(all: Revision[]): Node {
  const rows = all.map((one) => {
    const runs = page.runs.filter((run) => run.column === one.column);
    const total = (name: string): number => runs.reduce((sum, run) => sum + (run.counts[name] ?? 0), 0);
    const state = one.failed
      ? disclosure("raw", [h("b", { class: "fail" }, STAGES[one.failed.stage] ?? one.failed.stage)], () => [h("pre", {}, one.failed!.text)])
      : "builds, boots";
    const link = h("a", { href: fragment({ view: "tests", column: one.name }) }, one.name);
    const counts = COUNTED.map((name) =>
      h("div", { class: `number ${total(name) ? name : "none"}` }, one.column === null ? "\u2013" : total(name)),
    );
    return [link, one.commit.slice(0, 12), state, ...counts, one.measured ? "measured" : "", one.subject];
  });
  return table(["revision", "commit", "", ...COUNTED.map((name) => right(name)), "", "subject"], rows);
}

function verdicts(all: Revision[]): Node {
  const shown = all.filter((one) => one.differences);
  const found = new Map<string, Map<string, string[]>>();
  for (const one of shown) {
    for (const other of one.differences!)
      (found.get(other.test) ?? found.set(other.test, new Map()).get(other.test)!).set(one.name, other.new);
  }
  if (!found.size) return h("p", { class: "nothing" }, "None.");
  const rows = [...found].map(([test, by]) => [
    test,
    ...shown.map((one) => (by.has(one.name) ? h("span", {}, by.get(one.name)!.map(tag)) : h("span", { class: "quiet" }, "as the first"))),
  ]);
  return h("div", { class: "wide" }, table(["test", ...shown.map((one) => one.name)], rows));
}

/** A plot for each table in which a row changed on some revision. */
function changed(all: Revision[]): Node[] {
  const { comparisons, rows, sides } = page.measured;
  const names = all.filter((one) => one.measured).map((one) => one.name);
  const by = new Map(rows.map((row) => [row.row, row]));
  const evident = new Map<string, number>();
  for (const row of comparisons.flatMap((one) => one.rows)) {
    if (hasChanged(row)) evident.set(row.row, Math.max(evident.get(row.row) ?? 0, Math.abs(row.change ?? 0)));
  }
  const tables = grouped(
    [...evident.keys()].flatMap((name) => by.get(name) ?? []),
    (row: Row) => [row.measure, "of", row.path, row.others].join(" "),
  );
  const largest = [...tables].sort(([, one], [, other]) => size(other) - size(one));
  function size(mine: Row[]): number {
    return Math.max(...mine.map((row) => evident.get(row.row)!));
  }
  return largest.slice(0, PLOTS).map(([title, mine]) => {
    const found: Step[] = mine.flatMap((row) => {
      const line = row.range || row.row;
      const changes = comparisons.flatMap((one) =>
        one.rows
          .filter((other) => other.row === row.row && other.change !== null)
          .map((other) => ({
            at: sides[one.new].name,
            line,
            change: 100 * other.change!,
            low: other.low === null ? null : 100 * other.low,
            high: other.high === null ? null : 100 * other.high,
          })),
      );
      return [{ at: names[0], line, change: 0, low: null, high: null }, ...changes];
    });
    return h("div", {}, h("h3", {}, title), steps(found, names, `${title} over revisions, in percent of the first`));
  });
}
