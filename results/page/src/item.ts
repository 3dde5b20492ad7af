// SPDX-License-Identifier: GPL-2.0-only
// One result: a line, and behind it all that is known of it.

import { column, name, page, requirements, Result, word } from "./data";
import { disclosure, h, seconds } from "./dom";
import { fragment } from "./state";

const MARKS: Record<string, string> = {
  FAIL: "\u2717",
  ERROR: "!",
  MISS: "?",
  KNOWN: "\u2248",
  SKIP: "\u2013",
  PASS: "\u2713",
  DONE: "\u2022",
};

/** The verdict's sign; it never stands without the word, or a label that has it. */
export function mark(verdict: string): string {
  return MARKS[verdict] ?? "";
}

export function tag(verdict: string): HTMLElement {
  return h("span", { class: `tag ${verdict.toLowerCase()}` }, h("span", { class: "mark", "aria-hidden": "true" }, mark(verdict)), verdict);
}

/** A line that opens; `path` is how much of the test's path it shows. */
export function item(result: Result, path: string, onToggle?: (result: Result, open: boolean) => void): HTMLDetailsElement {
  const short = result.reason ? `${result.reason.code}: ${result.reason.text.split("\n", 1)[0]}` : (result.title ?? "");
  const summary = [
    tag(word(result)),
    h("span", { class: "test" }, path, result.device && h("span", { class: "device" }, `@${result.device}`)),
    page.columns.length > 1 && h("span", { class: "column" }, page.columns[column(result)]),
    h("span", { class: "short" }, short),
    h("span", { class: "ids" }, (result.requirements ?? []).join(" ")),
    h("span", { class: "number took" }, result.duration_ns === undefined ? "" : seconds(result.duration_ns / 1e9)),
  ];
  const made = disclosure("item", summary, () => [detail(result)], onToggle && ((open) => onToggle(result, open)));
  made.dataset.name = name(result);
  return made;
}

function detail(result: Result): HTMLElement {
  const run = page.runs[result.run];
  const rows: [string, (Node | string)[]][] = [];
  if (result.title) rows.push(["shows", [result.title]]);
  for (const id of result.requirements ?? []) {
    const link = h("a", { href: fragment({ view: "requirements", requirement: id }) }, id);
    rows.push(["requirement", [link, ` ${requirements.get(id)?.title ?? ""}`]]);
  }
  if (result.reason) rows.push(["reason", [h("b", {}, result.reason.code), ` ${result.reason.text}`]]);
  if (result.waived) rows.push(["waiver", [result.waived.reason, " ", outside(result.waived.url), ` until ${result.waived.expires}`]]);
  for (const note of result.notes ?? []) rows.push(["note", [note]]);
  const took = result.duration_ns === undefined ? "never started" : `boot ${result.boot ?? "?"}, ${seconds(result.duration_ns / 1e9)}`;
  rows.push(["run", [`${run.id} on ${run.host}, ${took}`]]);
  rows.push(["again", [h("code", {}, `iommu-cts run --host ${run.host} --select '${result.path}'`)]]);
  return h(
    "div",
    { class: "detail" },
    h(
      "dl",
      {},
      rows.map(([term, what]) => [h("dt", {}, term), h("dd", {}, what)]),
    ),
    (result.evidence ?? []).map((one) => [
      h("h4", {}, one.kind),
      h("pre", { tabindex: 0, role: "region", "aria-label": one.kind }, one.text),
    ]),
    h("p", { class: "quiet" }, h("a", { href: fragment({ view: "tests", open: name(result) }) }, "link to this result")),
  );
}

/** A link that leaves the page, if that is what it is: only when somebody follows it. */
export function outside(url: string): Node {
  return /^https?:\/\//.test(url) ? h("a", { href: url, rel: "noreferrer noopener" }, url) : document.createTextNode(url);
}
