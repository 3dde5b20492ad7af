// SPDX-License-Identifier: GPL-2.0-only
// Light or dark: as the system has it, until somebody says otherwise.

import { h } from "./dom";

const KEY = "iommu-cts-theme";
const CHOICES = ["system", "light", "dark"];

// A file opened from disk may have no storage: then the choice is for now.
function stored(): string {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system";
  }
}

function keep(choice: string): void {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    return;
  }
}

function apply(choice: string): void {
  document.documentElement.dataset.theme = choice;
}

export function switcher(): HTMLElement {
  const now = CHOICES.includes(stored()) ? stored() : "system";
  apply(now);
  const change = (event: Event): void => {
    const choice = (event.target as HTMLSelectElement).value;
    apply(choice);
    keep(choice);
  };
  const options = CHOICES.map((one) => h("option", { value: one, selected: one === now }, one));
  return h("select", { class: "plain theme", "aria-label": "colours", onchange: change }, options);
}
