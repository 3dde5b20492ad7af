// SPDX-License-Identifier: GPL-2.0-only
// What is shown, kept in the fragment of the URL so that a view can be linked.

export interface State {
  view: string;
  verdict: string[];
  subject: string;
  column: string;
  device: string;
  requirement: string;
  reason: string;
  q: string;
  open: string;
}

export type Filter = Omit<State, "view" | "open">;

const NAMES = ["view", "subject", "column", "device", "requirement", "reason", "q", "open"] as const;

export function read(): State {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = Object.fromEntries(NAMES.map((name) => [name, given.get(name) ?? ""])) as Record<(typeof NAMES)[number], string>;
  return { ...found, verdict: (given.get("verdict") ?? "").split(",").filter(Boolean) };
}

/** The fragment of a state, with its "#". */
export function fragment(state: Partial<State>): string {
  const given = new URLSearchParams();
  for (const name of NAMES) if (state[name]) given.set(name, state[name]);
  if (state.verdict?.length) given.set("verdict", state.verdict.join(","));
  return `#${given.toString()}`;
}

/** Changes the fragment without a step for the "back" button: typing in a search field is no journey. */
export function write(state: State): void {
  history.replaceState(null, "", fragment(state));
}
