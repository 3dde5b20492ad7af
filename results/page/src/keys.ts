// SPDX-License-Identifier: GPL-2.0-only
// The page by keyboard. Tab and Enter work as everywhere.

import { h, table } from "./dom";

const HELP = [
  ["/", "search"],
  ["j, k", "next and previous line"],
  ["Enter, Space", "open or close a line, follow a link"],
  ["Esc", "leave the search, close the line, then take the filter away"],
  ["1 to 9", "the views, from the left"],
  ["?", "this help"],
];

export interface Actions {
  search: HTMLInputElement;
  views: () => HTMLAnchorElement[];
  reset: () => void;
}

export function help(): HTMLDialogElement {
  const close = h("button", { type: "submit" }, "Close");
  return h(
    "dialog",
    { "aria-labelledby": "help" },
    h("h2", { id: "help" }, "Keys"),
    table(["key", "what it does"], HELP),
    h("form", { method: "dialog" }, close),
  );
}

/** Listens to keys. In a field only Esc has a meaning of its own. */
export function listen(actions: Actions, dialog: HTMLDialogElement): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || dialog.open) return;
    const field = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (field && event.key !== "Escape") return;
    if (act(event.key, actions, dialog)) event.preventDefault();
  });
}

function act(key: string, actions: Actions, dialog: HTMLDialogElement): boolean {
  if (key === "/") actions.search.select();
  else if (key === "?") dialog.showModal();
  else if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (key === "Escape") escape(actions);
  else if (/^[1-9]$/.test(key)) actions.views()[Number(key) - 1]?.click();
  else return false;
  if (key === "/") actions.search.focus();
  return true;
}

function items(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("main [data-item]")].filter((one) => one.checkVisibility());
}

function step(by: number): void {
  const all = items();
  const here = document.activeElement;
  const at = all.indexOf(here as HTMLElement);
  // Inside an open line, or nowhere: from what stands before.
  const before = all.findLastIndex(
    (one) => here !== null && here !== document.body && (one.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0,
  );
  const next = at >= 0 ? at + by : by > 0 ? before + 1 : before;
  const to = all[Math.min(Math.max(next, 0), all.length - 1)];
  to?.focus();
  to?.scrollIntoView({ block: "nearest" });
}

function escape(actions: Actions): void {
  const here = document.activeElement;
  if (here === actions.search) {
    if (actions.search.value) actions.reset();
    actions.search.blur();
    return;
  }
  const open = here?.closest<HTMLDetailsElement>("details[open]");
  if (!open) return actions.reset();
  open.open = false;
  open.querySelector("summary")?.focus();
}
