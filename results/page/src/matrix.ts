// SPDX-License-Identifier: GPL-2.0-only
// Requirements by what stands side by side: hosts, kernels or revisions. A cell is the worst that its tests came to.

import { column, counts, grouped, page, requirements, Result, word, worst } from "./data";
import { h, plural } from "./dom";
import { mark } from "./item";
import { fragment, State } from "./state";

export function matrix(results: Result[], state: State): Node[] {
  const by = new Map<string, Result[]>();
  for (const result of results) for (const id of result.requirements ?? []) (by.get(id) ?? by.set(id, []).get(id)!).push(result);
  const shown = page.requirements.filter((one) => by.has(one.id) && (!state.requirement || one.id === state.requirement));
  if (!shown.length) return [h("p", { class: "nothing" }, "No test that fits the filter names a requirement.")];
  const bodies = [...grouped(shown, (one) => one.subject)]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, mine]) =>
      h(
        "tbody",
        {},
        h(
          "tr",
          { class: "subject" },
          h(
            "th",
            { scope: "rowgroup", colspan: page.columns.length + 2 },
            name || "not in the catalogue",
            h("small", {}, ` ${mine.length}`),
          ),
        ),
        mine.map((one) => row(one.id, by.get(one.id)!)),
      ),
    );
  const headings = ["id", "what is promised", ...page.columns].map((name) => h("th", { scope: "col" }, name));
  return [
    h(
      "p",
      { class: "quiet" },
      legend(),
      ` ${plural(shown.length, "requirement")}. A cell leads to its tests. Without a sign: no test of that run names it.`,
    ),
    h("div", { class: "wide" }, h("table", { class: "matrix" }, h("thead", {}, h("tr", {}, headings)), bodies)),
  ];
}

function legend(): Node {
  const shown = ["PASS", "FAIL", "KNOWN", "ERROR", "MISS", "SKIP", "DONE"];
  return h(
    "span",
    { class: "legend" },
    shown.map((one) => h("span", { class: one.toLowerCase() }, `${mark(one)} ${one}`)),
  );
}

function row(id: string, results: Result[]): Node {
  const cells = grouped(results, column);
  const about = requirements.get(id)!;
  const level = about.level && about.level !== "must" ? h("small", {}, ` ${about.level}`) : null;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, id),
    h("td", {}, about.title, level),
    page.columns.map((_, at) => h("td", { class: "cell" }, cells.has(at) && cell(id, at, cells.get(at)!))),
  );
}

function cell(id: string, at: number, results: Result[]): Node {
  const found = counts(results);
  const said = worst(found);
  const number = found.get(said)!;
  const all = number === results.length ? String(number) : `${number}/${results.length}`;
  const reason = said === "SKIP" ? results.find((result) => word(result) === "SKIP")?.reason?.code : undefined;
  return h(
    "a",
    {
      href: fragment({ view: "tests", requirement: id, column: page.columns[at] }),
      class: `verdict-cell ${said.toLowerCase()}`,
      "data-item": true,
      "aria-label": `${id} on ${page.columns[at]}: ${[...found].map(([name, many]) => `${many} ${name}`).join(", ")}`,
    },
    `${mark(said)} ${said === "PASS" || said === "DONE" ? all : `${said} ${reason ?? all}`}`,
  );
}
