// SPDX-License-Identifier: GPL-2.0-only
// Plots, drawn by Observable Plot as SVG: they print, follow the page's colours, and say in words what they show.

import * as Plot from "@observablehq/plot";

import type { Change, Row, Side } from "./data";
import { h } from "./dom";

const COLOURS = Array.from({ length: 8 }, (_, at) => `var(--series-${at})`);
const SIGNS = ["circle", "square", "diamond", "star", "cross", "wye", "hexagon", "triangle"] as const;
const BULK = 0.1; // of a side's samples at each end, that need not fit the axis
const SMALLEST = 0.05; // percent that the axis has at least
const FEW = 2; // boots of which one can't say more than that they are so far apart

export function median(values: number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (sorted.length - 1) * part;
  const below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

/** What stands for a row of a side: the median of its boots' medians, as `iommu-cts compare` has it. Null without samples. */
export function middle(boots: number[][]): number | null {
  return boots.length ? median(boots.map(median)) : null;
}

/** The ends of the bar around it: of several boots the lowest and highest median, of one the middle half of its samples. */
function ends(boots: number[][]): [number, number] {
  if (boots.length >= FEW) {
    const middles = boots.map(median);
    return [Math.min(...middles), Math.max(...middles)];
  }
  return [quantile(boots[0], 0.25), quantile(boots[0], 0.75)];
}

// Plot puts a style element into what it draws. The page's own style has the rules, and its policy would refuse any other.
function drawn(made: Element, label: string): HTMLElement {
  made.querySelectorAll("style").forEach((one) => one.remove());
  const svg = made instanceof SVGElement ? made : made.querySelector(":scope > svg");
  svg?.setAttribute("role", "img");
  svg?.setAttribute("aria-label", label);
  return h("div", { class: "plot" }, made);
}

const percent = (value: number): string => `${value > 0 ? "+" : ""}${value.toLocaleString("en", { maximumFractionDigits: 2 })} %`;

/**
 * Every sample of one table's rows, relative to what the first side that has the row took, so that large and small sizes show alike.
 * Boots of a side stand side by side. What lies far out is drawn at the edge as a triangle.
 */
export function samples(rows: Row[], sides: Side[], label: string): HTMLElement {
  const names = sides.map((side) => side.name);
  const cells = rows.flatMap((row) => {
    const reference = row.samples.map(middle).find((one) => one !== null) ?? 1;
    return row.samples.flatMap((boots, side) => (boots.length ? [{ range: row.range || row.row, side, boots, reference }] : []));
  });
  const relative = (value: number, reference: number): number => (reference ? 100 * (value / reference - 1) : value);
  const points = cells.flatMap(({ range, side, boots, reference }) =>
    boots.flatMap((boot, number) =>
      boot.map((value, at) => {
        const x = side + 0.8 * ((number + (at + 1) / (boot.length + 1)) / boots.length - 0.5);
        return { range, side: names[side], x, y: relative(value, reference), value, boot: number + 1 };
      }),
    ),
  );
  const bars = cells.map(({ range, side, boots, reference }) => {
    const [low, high] = ends(boots).map((value) => relative(value, reference));
    return { range, side: names[side], x: side, low, high, y: relative(middle(boots)!, reference) };
  });
  const bulk = cells.flatMap(({ boots, reference }) => [BULK, 1 - BULK].map((part) => relative(quantile(boots.flat(), part), reference)));
  const all = [...bulk, ...bars.flatMap((bar) => [bar.low, bar.high]), -SMALLEST, SMALLEST];
  const margin = 0.15 * (Math.max(...all) - Math.min(...all));
  const [low, high] = [Math.min(...all) - margin, Math.max(...all) + margin];
  const inside = points.filter((one) => low <= one.y && one.y <= high);
  const outside = points.filter((one) => one.y < low || high < one.y).map((one) => ({ ...one, edge: one.y < low ? low : high }));
  const facets = [...new Set(cells.map((one) => one.range))];
  const title = (one: { side: string; boot: number; value: number; y: number }): string =>
    `${one.side}, boot ${one.boot}: ${one.value} (${percent(one.y)})`;
  const made = Plot.plot({
    width: Math.max(360, 70 + facets.length * Math.max(64, 30 * names.length, ...facets.map((name) => 9 * name.length))),
    height: 240,
    marginLeft: 56,
    marginBottom: 8,
    marginTop: 44,
    x: { axis: null, domain: [-0.6, names.length - 0.4] },
    y: { label: "from the row's median, %", domain: [low, high], grid: true, tickFormat: (value: number) => percent(value) },
    fx: { domain: facets, label: null, padding: 0.08, axis: "top" },
    color: { domain: names, range: COLOURS },
    symbol: { domain: names, range: SIGNS, legend: names.length > 1 },
    marks: [
      Plot.frame({ stroke: "var(--line)" }),
      Plot.ruleY([0], { stroke: "var(--quiet)" }),
      Plot.dot(inside, { fx: "range", x: "x", y: "y", stroke: "side", symbol: "side", r: 1.8, strokeOpacity: 0.55, title }),
      Plot.dot(outside, { fx: "range", x: "x", y: "edge", stroke: "side", symbol: "triangle", r: 3, title }),
      Plot.ruleX(bars, { fx: "range", x: "x", y1: "low", y2: "high", stroke: "var(--ink)", strokeWidth: 2.5 }),
      Plot.dot(bars, {
        fx: "range",
        x: "x",
        y: "y",
        fill: "side",
        stroke: "var(--ink)",
        symbol: "side",
        r: 4.5,
        title: (one) => `${one.side}: ${percent(one.y)}`,
      }),
    ],
  });
  const edge = outside.length ? ` ${outside.length} of ${points.length} samples lie beyond the axis: triangles at its edge.` : "";
  return h("figure", {}, h("div", { class: "wide" }, drawn(made, label)), h("figcaption", {}, caption(sides) + edge));
}

function caption(sides: Side[]): string {
  const several = sides.every((side) => side.boots >= FEW);
  const bar = several
    ? "from the lowest to the highest of the boots' medians"
    : "of several boots from the lowest to the highest median, of one boot the middle half of its samples: nothing of another one";
  return `Small signs: every sample, boots side by side. Large sign: the median of the boots' medians. Bar: ${bar}.`;
}

/** What changed between two sides, with intervals where there are any; filled signs are what there is evidence of. */
export function changes(rows: Change[], label: string): HTMLElement {
  const shown = rows
    .filter((row) => row.change !== null)
    .map((row) => ({
      row: row.row,
      y: 100 * row.change!,
      low: row.low === null ? null : 100 * row.low,
      high: row.high === null ? null : 100 * row.high,
      evidence: row.verdict === "more" || row.verdict === "less" ? "evidence" : "no evidence",
    }));
  const made = Plot.plot({
    width: 900,
    height: 60 + 18 * shown.length,
    marginLeft: 400,
    marginTop: 30,
    x: { label: "new takes more than old, %", grid: true, nice: true, axis: "top", tickFormat: (value: number) => percent(value) },
    y: { label: null, domain: shown.map((one) => one.row) },
    symbol: { domain: ["evidence", "no evidence"], range: ["diamond", "circle"] },
    marks: [
      Plot.ruleX([0], { stroke: "var(--ink)" }),
      Plot.ruleY(
        shown.filter((one) => one.low !== null),
        { y: "row", x1: "low", x2: "high", stroke: "var(--quiet)", strokeWidth: 2 },
      ),
      Plot.dot(shown, {
        x: "y",
        y: "row",
        symbol: "evidence",
        stroke: "var(--series-0)",
        fill: (one) => (one.evidence === "evidence" ? "var(--series-0)" : "var(--paper)"),
        r: 4,
        title: (one) => `${one.row}: ${percent(one.y)}${one.low === null ? "" : ` [${percent(one.low)}, ${percent(one.high)}]`}`,
      }),
    ],
  });
  const text =
    "Diamond: there is evidence of a change. Circle: there is none, which does not show that there is no change. Bar: the interval.";
  return h("figure", {}, h("div", { class: "wide" }, drawn(made, label)), h("figcaption", {}, text));
}

export interface Step {
  at: string;
  line: string;
  change: number;
  low: number | null;
  high: number | null;
}

/** How rows of one table go over revisions, in percent of the first. */
export function steps(all: Step[], names: string[], label: string): HTMLElement {
  const lines = [...new Set(all.map((one) => one.line))];
  const several = lines.length > 1;
  const made = Plot.plot({
    width: Math.max(420, 120 + 90 * names.length),
    height: 220,
    marginLeft: 56,
    x: { type: "point", domain: names, label: null },
    y: { label: "from the first, %", grid: true, nice: true, tickFormat: (value: number) => percent(value) },
    color: { domain: lines, range: COLOURS },
    symbol: { domain: lines, range: SIGNS, legend: several },
    marks: [
      Plot.ruleY([0], { stroke: "var(--quiet)" }),
      Plot.line(all, { x: "at", y: "change", z: "line", stroke: "line" }),
      Plot.ruleX(
        all.filter((one) => one.low !== null),
        { x: "at", y1: "low", y2: "high", stroke: "line", strokeWidth: 2 },
      ),
      Plot.dot(all, {
        x: "at",
        y: "change",
        fill: "line",
        stroke: "var(--paper)",
        symbol: "line",
        r: 4,
        title: (one: Step) => `${one.at}, ${one.line}: ${percent(one.change)}`,
      }),
    ],
  });
  return h("figure", {}, h("div", { class: "wide" }, drawn(made, label)));
}
