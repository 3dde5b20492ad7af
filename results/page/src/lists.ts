// SPDX-License-Identifier: GPL-2.0-only
// Results in lists: failures with their evidence, tests by file, skips by reason.

import { counts, file, grouped, Result, word, worst, WORST_FIRST } from "./data";
import { disclosure, expand, h, plural } from "./dom";
import { item, mark, outside, tag } from "./item";
import { unexpected } from "./overview";

export type Toggled = (result: Result, open: boolean) => void;

const OPENED = 120; // as many results as are shown without a click on their file

const EXPLAINED: Record<string, string> = {
  FAIL: "The kernel broke a promise, and no waiver names it",
  ERROR: "The lab or the harness failed: nothing is said of the kernel",
  MISS: "Planned, never ran",
};

function nothing(what: string): Node[] {
  return [h("p", { class: "nothing" }, what)];
}

export function failures(results: Result[], toggled: Toggled): Node[] {
  const made: Node[] = [];
  for (const [said, bad] of grouped(unexpected(results), word)) {
    const items = bad.map((result) => item(result, result.path, toggled));
    made.push(
      h("section", {}, h("h2", {}, tag(said), ` ${EXPLAINED[said]} `, h("small", {}, bad.length)), h("div", { class: "items" }, items)),
    );
  }
  const known = results.filter((result) => result.waived);
  const groups = [...grouped(known, (result) => `${result.waived!.reason}\n${result.waived!.url}`).values()].map((same) =>
    waived(same, toggled),
  );
  if (known.length)
    made.push(h("section", {}, h("h2", {}, tag("KNOWN"), " Failures that a waiver names ", h("small", {}, known.length)), groups));
  return made.length ? made : nothing("No failure, known or unknown.");
}

// Several tests may fail of one fault: it is said once.
function waived(same: Result[], toggled: Toggled): Node {
  const { reason, url, expires } = same[0].waived!;
  return h(
    "div",
    { class: "waiver" },
    h("p", {}, reason),
    h("p", { class: "quiet" }, outside(url), ` \u00b7 until ${expires} \u00b7 ${plural(same.length, "test")}`),
    h(
      "div",
      { class: "items" },
      same.map((result) => item(result, result.path, toggled)),
    ),
  );
}

export function tests(results: Result[], toggled: Toggled): Node[] {
  if (!results.length) return nothing("No result fits the filter.");
  const rank = (group: Result[]): number => Math.min(...group.map((result) => WORST_FIRST.indexOf(word(result))));
  const good = WORST_FIRST.indexOf("KNOWN") + 1; // failures come first, all else stays in its order
  const groups = [...grouped(results, file)].sort(([, one], [, other]) => Math.min(rank(one), good) - Math.min(rank(other), good));
  const all = groups.map(([name, group]) => fileOf(name, group, toggled));
  if (results.length <= OPENED) all.forEach(expand);
  return [h("div", { class: "items files" }, all)];
}

function fileOf(name: string, group: Result[], toggled: Toggled): HTMLDetailsElement {
  const found = counts(group);
  const said = worst(found);
  const numbers = WORST_FIRST.filter((one) => found.has(one)).map((one) =>
    h("span", { class: `part ${one.toLowerCase()}` }, `${mark(one)} ${found.get(one)} ${one}`),
  );
  const summary = [
    h("span", { class: `mark ${said.toLowerCase()}`, "aria-hidden": "true" }, mark(said)),
    h("span", { class: "test" }, name),
    h("span", { class: "parts" }, numbers),
  ];
  return disclosure("file", summary, () => [
    h(
      "div",
      { class: "items" },
      group.map((result) => item(result, result.path.slice(name.length + 1) || name, toggled)),
    ),
  ]);
}

export function skips(results: Result[]): Node[] {
  const skipped = results.filter((result) => word(result) === "SKIP");
  const largest = <T>(groups: Map<T, Result[]>): [T, Result[]][] => [...groups].sort((one, other) => other[1].length - one[1].length);
  const made = largest(grouped(skipped, (result) => result.reason?.code ?? "")).map(([code, group]) => {
    const texts = largest(grouped(group, (result) => result.reason?.text ?? ""));
    const fill = (): Node[] => texts.map(([text, same]) => because(text, same));
    return disclosure(
      "file",
      [h("span", { class: "number" }, group.length), h("span", { class: "test" }, code), h("span", { class: "short" }, texts[0][0])],
      fill,
    );
  });
  if (made.length === 1) expand(made[0]);
  return made.length ? [h("div", { class: "items files" }, made)] : nothing("Nothing was skipped.");
}

function because(text: string, same: Result[]): Node {
  const fill = (): Node[] => [
    h(
      "ul",
      {},
      same.map((result) => h("li", {}, result.id)),
    ),
  ];
  return disclosure("item because", [h("span", { class: "number" }, same.length), h("span", { class: "test" }, text)], fill);
}
