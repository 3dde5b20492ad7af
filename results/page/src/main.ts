// SPDX-License-Identifier: GPL-2.0-only
// The page: a bar with the views and the filter, and the view that the URL's fragment names.

import { environment } from "./environment";
import { page, Result, name } from "./data";
import { expand, h } from "./dom";
import { bar } from "./filter_bar";
import { filtered } from "./filter";
import { help, listen } from "./keys";
import { failures, skips, tests } from "./lists";
import { matrix } from "./matrix";
import { measured } from "./measured";
import { overview, verdict } from "./overview";
import { fragment, read, State, write } from "./state";
import { switcher } from "./theme";
import { trend } from "./trend";

interface View {
  id: string;
  title: string;
  filters: boolean | "search";
  make: (results: Result[]) => Node[];
}

const VIEWS: View[] = [
  { id: "overview", title: "Overview", filters: false, make: overview },
  { id: "failures", title: "Failures", filters: true, make: (results) => failures(results, toggled) },
  { id: "requirements", title: "Requirements", filters: true, make: (results) => matrix(results, state) },
  { id: "tests", title: "Tests", filters: true, make: (results) => tests(results, toggled) },
  { id: "skips", title: "Skips", filters: true, make: skips },
  ...(page.measured.rows.length
    ? [{ id: "measurements", title: "Measurements", filters: "search" as const, make: () => measured(state.q) }]
    : []),
  ...(page.trend ? [{ id: "trend", title: "Revisions", filters: false, make: trend }] : []),
  { id: "environment", title: "Environment", filters: false, make: environment },
];

let state = read();
const main = h("main", { id: "main", tabindex: -1 });
const filter = bar((change) => update({ ...state, ...change }));
const nav = h("nav", { "aria-label": "views" });
const dialog = help();

function current(): View {
  return VIEWS.find((view) => view.id === state.view) ?? VIEWS[0];
}

function toggled(result: Result, open: boolean): void {
  if (open === (state.open === name(result))) return;
  if (open || state.open === name(result)) state = { ...state, open: open ? name(result) : "" };
  write(state);
}

function update(next: State): void {
  state = next;
  write(state);
  show();
}

function show(): void {
  const view = current();
  const results = view.filters ? filtered(state) : page.results;
  filter.element.hidden = !view.filters;
  filter.element.classList.toggle("search-only", view.filters === "search");
  filter.show(state, results);
  nav.replaceChildren(...VIEWS.map(link));
  main.replaceChildren(h("h1", { class: "hidden" }, view.title), ...view.make(results));
  main.dataset.view = view.id;
}

function link(view: View): Node {
  const here = view === current();
  // The filter goes along from one view to the next.
  return h("a", { href: fragment({ ...state, view: view.id, open: "" }), "aria-current": here ? "page" : null }, view.title);
}

/** Opens the line that the URL names, and goes there. */
function reveal(): void {
  if (!state.open) return;
  const found = (): HTMLDetailsElement | undefined =>
    [...main.querySelectorAll<HTMLDetailsElement>("details.item")].find((one) => one.dataset.name === state.open);
  if (!found()) {
    const file = state.open
      .slice(state.open.indexOf(":") + 1)
      .split("/", 2)
      .join("/");
    for (const one of main.querySelectorAll<HTMLDetailsElement>("details.file"))
      if (one.querySelector(".test")?.textContent === file) expand(one);
  }
  const item = found();
  if (!item) return;
  expand(item).querySelector("summary")?.focus();
  item.scrollIntoView({ block: "center" });
}

// On paper there is nothing to click: one view follows the other, and what nobody has explained yet is open. The list of all tests, most of
// which passed, is for the screen.
const OPEN_ON_PAPER = ":not(.waiver) > .items > details.item, .items > details.file";

function print(): void {
  const printed = VIEWS.filter((view) => view.id !== "tests").map((view) => {
    const made = view.make(view.filters ? filtered(state) : page.results);
    return h("section", { class: "printed", "data-view": view.id }, h("h1", {}, view.title), made);
  });
  main.replaceChildren(...printed);
  for (const view of ["failures", "skips"]) {
    main.querySelectorAll<HTMLDetailsElement>(`[data-view=${view}] :is(${OPEN_ON_PAPER})`).forEach(expand);
  }
}

function start(): void {
  const { word, kind } = verdict();
  const header = h(
    "header",
    {},
    h("a", { class: "skip-link", href: fragment(state), onclick: (event) => (event.preventDefault(), main.focus()) }, "to the results"),
    h(
      "div",
      { class: "top" },
      h("strong", { class: `badge ${kind}` }, word),
      h("span", { class: "title" }, page.title),
      nav,
      h(
        "div",
        {},
        switcher(),
        h("button", { type: "button", class: "plain", "aria-label": "keys", onclick: () => dialog.showModal() }, "?"),
      ),
    ),
    filter.element,
  );
  const licences = h(
    "details",
    {},
    h("summary", {}, "licences of what others wrote in this page"),
    h("pre", {}, document.querySelector<HTMLTemplateElement>("#licences")!.content.textContent),
  );
  const footer = h("footer", {}, h("p", {}, `iommu-cts, ${page.made}. This file asks no network for anything.`), licences);
  document.getElementById("app")!.replaceChildren(header, main, footer, dialog);
  show();
  reveal();
  listen(
    {
      search: filter.search,
      views: () => [...nav.querySelectorAll("a")],
      reset: () => update({ ...read(), verdict: [], subject: "", column: "", device: "", requirement: "", reason: "", q: "" }),
    },
    dialog,
  );
  addEventListener("hashchange", () => {
    state = read();
    show();
    scrollTo(0, 0);
    reveal();
  });
  addEventListener("beforeprint", print);
  addEventListener("afterprint", show);
  performance.mark("shown");
}

start();
