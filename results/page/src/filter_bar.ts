// SPDX-License-Identifier: GPL-2.0-only
// The bar that the filter is set with.

import { column, counts, page, Result, subject, WORST_FIRST } from "./data";
import { h } from "./dom";
import { mark } from "./item";
import type { Filter, State } from "./state";

export interface Bar {
  element: HTMLElement;
  search: HTMLInputElement;
  /** Shows a state, and how many results are left of it. */
  show: (state: State, results: Result[]) => void;
}

// Choices that links make: the bar shows them to take them away again.
const LINKED = new Set(["reason", "requirement"]);

/** The bar; `change` is called with what somebody chose. */
export function bar(change: (chosen: Partial<Filter>) => void): Bar {
  const total = counts(page.results);
  let verdicts: string[] = [];
  const toggle = (one: string): void =>
    change({ verdict: verdicts.includes(one) ? verdicts.filter((other) => other !== one) : [...verdicts, one] });
  const buttons = WORST_FIRST.filter((one) => total.has(one)).map((one) =>
    h(
      "button",
      { type: "button", class: `toggle ${one.toLowerCase()}`, "data-verdict": one, "aria-pressed": "false", onclick: () => toggle(one) },
      `${mark(one)} ${one} `,
      h("small", {}, total.get(one)!.toLocaleString("en")),
    ),
  );
  const search = h("input", {
    type: "search",
    placeholder: "search",
    "aria-label": "search in all that is known of a result",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => change({ q: search.value }),
  });
  const several = (values: Iterable<string | undefined>): string[] =>
    [...new Set(values)].filter((one): one is string => Boolean(one)).sort();
  const selects = [
    choice("subject", "every subject", several(page.results.map(subject)), change),
    choice(
      "column",
      page.trend ? "every revision" : "every host",
      several(page.results.map((result) => page.columns[column(result)])),
      change,
    ),
    choice("device", "every device", several(page.results.map((result) => result.device)), change),
    choice("reason", "every reason", several(page.results.map((result) => result.reason?.code)), change),
    choice("requirement", "every requirement", several(page.requirements.map((one) => one.id)), change),
  ];
  const left = h("output", { "aria-live": "polite" });
  const reset = h(
    "button",
    {
      type: "button",
      class: "plain",
      onclick: () => change({ verdict: [], subject: "", column: "", device: "", requirement: "", reason: "", q: "" }),
    },
    "clear",
  );
  const element = h(
    "div",
    { class: "filter", role: "search", "aria-label": "filter" },
    search,
    h("span", { class: "group" }, buttons),
    selects,
    left,
    reset,
  );
  return {
    element,
    search,
    show(state, results) {
      verdicts = state.verdict;
      for (const button of buttons) button.setAttribute("aria-pressed", String(verdicts.includes(button.dataset.verdict!)));
      if (search.value !== state.q) search.value = state.q;
      for (const select of selects) {
        select.value = state[select.name as "subject"];
        if (LINKED.has(select.name)) select.hidden = !select.value;
      }
      const all = results.length === page.results.length;
      left.textContent = all
        ? `${results.length.toLocaleString("en")} results`
        : `${results.length.toLocaleString("en")} of ${page.results.length.toLocaleString("en")}`;
      reset.hidden = all;
    },
  };
}

function choice(name: keyof Filter, none: string, values: string[], change: (chosen: Partial<Filter>) => void): HTMLSelectElement {
  const made: HTMLSelectElement = h(
    "select",
    { name, "aria-label": name, hidden: values.length < 2, onchange: () => change({ [name]: made.value }) },
    h("option", { value: "" }, none),
    values.map((one) => h("option", { value: one }, one)),
  );
  return made;
}
