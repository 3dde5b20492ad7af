// SPDX-License-Identifier: GPL-2.0-only
// The data of the page as results/page/data.py builds it, and what is derived from it once.

export interface Reason {
  code: string;
  text: string;
}

export interface Evidence {
  kind: string;
  text: string;
}

/** One test in one run; what is empty is not there. */
export interface Result {
  run: number;
  id: string;
  path: string;
  device?: string;
  title?: string;
  requirements?: string[];
  kind: string;
  verdict: string;
  reason?: Reason;
  waived?: { reason: string; url: string; expires: string };
  boot?: number;
  duration_ns?: number;
  notes?: string[];
  evidence?: Evidence[];
}

export interface Run {
  column: number;
  id: string;
  host: string;
  started: string | null;
  finished: string | null;
  complete: boolean | null;
  exit_code: number | null;
  command: string[] | null;
  suite: Record<string, unknown> | null;
  counts: Record<string, number>;
  boots: number | null;
  problems: Evidence[];
  claims: Claim[];
  environment: Record<string, unknown>;
}

/** Whether a profile is held, and what was found of each of its requirements. */
export interface Claim {
  profile: string;
  title: string;
  verdict: string;
  findings: { requirement: string; title: string; state: string; causes: { test: string | null; code: string; text: string }[] }[];
}

export interface Requirement {
  id: string;
  title: string;
  subject: string;
  level: string;
  kind: string;
}

/** What was measured, in one or more boots. */
export interface Side {
  name: string;
  host: string;
  mode: string;
  releases: string;
  boots: number;
  unfit: string[];
  notes: string[];
}

/** `samples` by side, then by boot. */
export interface Row {
  row: string;
  path: string;
  measure: string;
  others: string;
  range: string;
  unit: string;
  better: string;
  samples: number[][][];
}

/** A row of a comparison: `change` is new / old - 1, `low` and `high` are the ends of its interval. */
export interface Change {
  row: string;
  unit: string;
  verdict: string;
  why: string | null;
  claims: boolean;
  change: number | null;
  low: number | null;
  high: number | null;
}

export interface Difference {
  test: string;
  old: string[];
  new: string[];
  why: string | null;
}

/** The side `new` against the side `old`, by their places among the sides. */
export interface Comparison {
  old: number;
  new: number;
  headline: string;
  mode: string;
  forced: string[];
  warnings: string[];
  rows: Change[];
  one_sided: { row: string; side: string; why: string }[];
  conformance: { both: number; only_old: number; only_new: number; differences: Difference[] };
}

export interface Revision {
  name: string;
  commit: string;
  subject: string;
  failed: { stage: string; text: string } | null;
  column: number | null;
  measured: boolean;
  differences: Difference[] | null;
}

export interface Document {
  title: string;
  made: string;
  counted: string[];
  columns: string[];
  runs: Run[];
  results: Result[];
  requirements: Requirement[];
  measured: { sides: Side[]; rows: Row[]; comparisons: Comparison[] };
  trend: { id: string; host: string; against: string | null; revisions: Revision[] } | null;
}

// What a reader wants to see first. KNOWN is a FAIL that a waiver names.
export const WORST_FIRST = ["FAIL", "ERROR", "MISS", "KNOWN", "SKIP", "PASS", "DONE"];
// What several results come to together, as in `iommu-cts coverage`: a skip beside a pass is no lack.
const TOGETHER = ["FAIL", "ERROR", "MISS", "KNOWN", "PASS", "DONE", "SKIP"];
export const UNEXPECTED = new Set(["FAIL", "ERROR", "MISS"]);

export const page = JSON.parse(document.getElementById("data")!.textContent!) as Document;
export const requirements = new Map(page.requirements.map((one) => [one.id, one]));

/** The verdict as it is counted. */
export function word(result: Result): string {
  return result.waived ? "KNOWN" : result.verdict;
}

/** The first two parts of a test's path: its subject and its file. */
export function file(result: Result): string {
  return result.path.split("/", 2).join("/");
}

export function subject(result: Result): string {
  return result.path.split("/", 1)[0];
}

export function column(result: Result): number {
  return page.runs[result.run].column;
}

/** What names one result among all of the page. */
export function name(result: Result): string {
  return `${page.runs[result.run].id}:${result.id}`;
}

/** Groups in the order of their first member. */
export function grouped<T, K>(all: Iterable<T>, key: (one: T) => K): Map<K, T[]> {
  const found = new Map<K, T[]>();
  for (const one of all) {
    const group = found.get(key(one));
    if (group) group.push(one);
    else found.set(key(one), [one]);
  }
  return found;
}

/** How many results have which word. */
export function counts(results: Iterable<Result>): Map<string, number> {
  const found = new Map<string, number>();
  for (const result of results) found.set(word(result), (found.get(word(result)) ?? 0) + 1);
  return found;
}

export function worst(found: Map<string, number>): string {
  return TOGETHER.find((one) => found.has(one)) ?? [...found.keys()][0] ?? "";
}

/** A fact of a run's environment by the keys that lead to it; null if it is not there. */
export function fact(run: Run, ...names: string[]): string | null {
  let value: unknown = run.environment;
  for (const one of names) value = value !== null && typeof value === "object" ? (value as Record<string, unknown>)[one] : undefined;
  return value === undefined || value === null || typeof value === "object" ? null : String(value);
}

export function release(run: Run): string {
  return fact(run, "target", "uname", "release") ?? fact(run, "kernel", "release") ?? "";
}
