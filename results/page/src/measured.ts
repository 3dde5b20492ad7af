// SPDX-License-Identifier: GPL-2.0-only
// What was measured: every sample, and what one kernel takes more than another.

import { Change, Comparison, grouped, page, Row, Side } from "./data";
import { disclosure, expand, h, plural, right, table } from "./dom";
import { words } from "./filter";
import { changes, middle, samples } from "./plots";

const OPENED = 3; // tables whose plot is drawn at once
const PLOTTED = 60; // rows of a comparison

const number = (value: number): string => (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(4));
const percent = (value: number): string => `${value >= 0 ? "+" : "\u2212"}${Math.abs(100 * value).toFixed(2)} %`;

export function measured(q: string): Node[] {
  const { rows, sides, comparisons } = page.measured;
  const wanted = words(q);
  const shown = rows.filter((row) => wanted.every((one) => row.row.toLowerCase().includes(one)));
  const changed = new Set(comparisons.flatMap((one) => one.rows.filter(hasChanged).map((row) => row.row)));
  const grouping = [...grouped(shown, (row) => [row.path, row.measure, row.others, row.unit].join("\n")).values()];
  const first = (mine: Row[]): number => (mine.some((row) => changed.has(row.row)) ? 0 : 1);
  const tables = grouping.sort((one, other) => first(one) - first(other)).map((mine) => tableOf(mine, sides));
  tables.slice(0, OPENED).forEach(expand);
  if (!rows.length) return [h("p", { class: "nothing" }, "No test of these runs measured anything.")];
  if (!tables.length) return [h("p", { class: "nothing" }, "No row fits the search.")];
  return [
    ...comparisons.map((one) => comparison(one, sides, wanted)),
    h(
      "section",
      {},
      h("h2", {}, "What was measured ", h("small", {}, shown.length)),
      about(sides),
      h("div", { class: "items files" }, tables),
    ),
  ];
}

function about(sides: Side[]): Node {
  const rows = sides.map((side) => [side.name, side.host, side.releases, side.mode, side.boots, beware(side)]);
  return table(["", "host", "Linux", "in", right("boots"), "beware"], rows, "sides");
}

/** Is there evidence of a change? */
export function hasChanged(row: Change): boolean {
  return row.verdict === "more" || row.verdict === "less";
}

function beware(side: Side): string {
  return [...(side.unfit.length ? [`not fit to be compared: ${side.unfit.join(", ")}`] : []), ...side.notes].join("; ");
}

function unit(row: { unit: string }, mode: string): string {
  return mode === "instructions" && row.unit === "ns" ? "instructions" : row.unit;
}

function tableOf(rows: Row[], all: Side[]): HTMLDetailsElement {
  const one = rows[0];
  const there = all.map((_, at) => at).filter((at) => rows.some((row) => row.samples[at].length));
  const sides = there.map((at) => all[at]);
  const mine = rows.map((row) => ({ ...row, samples: there.map((at) => row.samples[at]) }));
  const label = `${one.measure} of ${one.path} ${one.others}`.trim();
  const summary = [
    h("span", { class: "test" }, one.measure),
    h("span", { class: "short" }, `${one.path} ${one.others}`),
    h("span", { class: "ids" }, `${rows.length} \u00d7 ${unit(one, sides[0].mode)}, ${one.better} is better`),
  ];
  return disclosure("file", summary, () => [
    samples(mine, sides, `Samples of ${label}; the table below has their medians`),
    figures(mine, sides),
  ]);
}

function figures(rows: Row[], sides: Side[]): Node {
  const cells = (boots: number[][]): (Node | string)[] => {
    const value = middle(boots);
    const flat = boots.flat();
    return value === null
      ? ["", "", ""]
      : [right(number(value)), right(number(Math.min(...flat))), right(`${boots.length}\u00d7${boots[0].length}`)];
  };
  const headings = [
    "",
    ...sides.flatMap((side) => [right(sides.length > 1 ? `${side.name}: median` : "median"), right("min"), right("n")]),
  ];
  return h(
    "div",
    { class: "wide" },
    table(
      headings,
      rows.map((row) => [row.range || row.row, ...row.samples.flatMap(cells)]),
    ),
  );
}

function comparison(one: Comparison, sides: Side[], wanted: string[]): Node {
  const title = `${sides[one.new].name} against ${sides[one.old].name}`;
  const rows = one.rows.filter((row) => wanted.every((part) => row.row.toLowerCase().includes(part)));
  const changed = rows.filter(hasChanged);
  const plotted = rows.length <= PLOTTED ? rows : changed.slice(0, PLOTTED);
  const left = rows.length - plotted.length;
  return h(
    "section",
    { class: "comparison" },
    h("h2", {}, title),
    h("p", { class: "lead" }, `${one.headline}.`),
    [...one.forced, ...one.warnings].map((text) => h("p", { class: "warning" }, h("b", {}, "Beware: "), text)),
    plotted.some((row) => row.change !== null) && changes(plotted, `What ${title} takes more; the table below has the numbers`),
    left > 0 && h("p", { class: "quiet" }, `The plot shows the ${plotted.length} rows with a change; the table has all ${rows.length}.`),
    disclosure("raw", [plural(rows.length, "row")], () => [changeTable(rows)]),
    one.conformance.differences.length > 0 && differences(one),
    one.one_sided.length > 0 &&
      disclosure("raw", [`${plural(one.one_sided.length, "row")} on one side only`], () => [
        table(
          ["row", "side", "the other says"],
          one.one_sided.map((row) => [row.row, row.side, row.why]),
        ),
      ]),
  );
}

function changeTable(rows: Change[]): Node {
  const cell = (row: Change): string => (row.change === null ? "" : row.claims ? percent(row.change) : `(${percent(row.change)})`);
  const interval = (row: Change): string => (row.low === null || row.high === null ? "" : `[${percent(row.low)}, ${percent(row.high)}]`);
  return h(
    "div",
    { class: "wide" },
    table(
      ["row", "change", "interval", "verdict", ""],
      rows.map((row) => [row.row, cell(row), interval(row), row.verdict, row.why ?? ""]),
    ),
  );
}

function differences(one: Comparison): Node {
  const rows = one.conformance.differences.map((other) => [
    other.test,
    `${other.old.join("/")} \u2192 ${other.new.join("/")}`,
    other.why ?? "",
  ]);
  return disclosure("raw", [`${rows.length} of ${one.conformance.both} tests have another verdict`], () => [
    h("div", { class: "wide" }, table(["test", "verdict", "why"], rows)),
  ]);
}
