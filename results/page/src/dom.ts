// SPDX-License-Identifier: GPL-2.0-only
// Elements. Every text becomes a text node: nothing that a target printed is ever parsed as markup.

type Child = Node | string | number | null | undefined | false | Child[];
type Value = string | number | boolean | null | undefined | ((event: Event) => void);

// Control characters, and those that change the direction of what follows: what is shown is what is there.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text with what can't be seen made visible: control characters as pictures, others as U+NNNN, halves of characters as U+FFFD. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n/g, "\n")
    .replace(HIDDEN, (one) => {
      const code = one.charCodeAt(0);
      if (code < 0x20) return String.fromCharCode(0x2400 + code);
      return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
    });
}

/** An element. A function is a listener of the event that its attribute names, as in onclick; true is an empty attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  append(made, children);
  return made;
}

function append(to: Node, children: Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(to, child);
    else if (child instanceof Node) to.appendChild(child);
    else if (child !== null && child !== undefined && child !== false) to.appendChild(document.createTextNode(visible(String(child))));
  }
}

const fillers = new WeakMap<HTMLDetailsElement, () => Node[]>();

/** Something that opens. What is inside is made when it is first opened; j and k go from one summary to the next. */
export function disclosure(kind: string, summary: Child[], fill: () => Node[], onToggle?: (open: boolean) => void): HTMLDetailsElement {
  const made = h("details", { class: kind }, h("summary", { "data-item": true }, summary));
  fillers.set(made, fill);
  made.addEventListener("toggle", () => {
    if (made.open) expand(made);
    onToggle?.(made.open);
  });
  return made;
}

/** Opens it at once, and not when the event is delivered. */
export function expand(details: HTMLDetailsElement): HTMLDetailsElement {
  const fill = fillers.get(details);
  fillers.delete(details);
  if (fill) details.append(...fill());
  if (!details.open) details.open = true;
  return details;
}

/** What stands to the right in its column. */
export function right(...children: Child[]): HTMLElement {
  return h("div", { class: "number" }, children);
}

/** A table; cells that are no elements become text. Numbers stand to the right. */
export function table(headings: Child[], rows: Child[][], kind = ""): HTMLTableElement {
  const cell = (tag: "td" | "th", child: Child) => h(tag, { class: typeof child === "number" ? "number" : null }, child);
  return h(
    "table",
    { class: kind },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        headings.map((one) => h("th", { scope: "col" }, one)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          row.map((one, at) => (at ? cell("td", one) : h("th", { scope: "row" }, one))),
        ),
      ),
    ),
  );
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** A duration for people. */
export function seconds(duration: number): string {
  if (duration < 0.001) return `${(duration * 1e6).toFixed(0)} \u00b5s`;
  if (duration < 1) return `${(duration * 1e3).toFixed(duration < 0.01 ? 1 : 0)} ms`;
  if (duration < 120) return `${duration.toFixed(1)} s`;
  return `${Math.floor(duration / 60)} min ${String(Math.round(duration % 60)).padStart(2, "0")} s`;
}
