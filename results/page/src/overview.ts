// SPDX-License-Identifier: GPL-2.0-only
// What one wants to know in the first seconds: did it hold, what broke, what ran where.

import { Claim, counts, grouped, page, release, Result, Run, subject, UNEXPECTED, word, worst, WORST_FIRST } from "./data";
import { disclosure, h, plural, right, seconds, table } from "./dom";
import { item, mark } from "./item";
import { fragment } from "./state";

const SHOWN = 12; // failures; all of them are on their own view
const REASONS = 8;

export interface Verdict {
  word: string;
  kind: string;
  text: string;
}

/** The sentence on all runs together, as the summary in a terminal says it of one. */
export function verdict(): Verdict {
  const found = counts(page.results);
  const number = (name: string): number => found.get(name) ?? 0;
  const problems = page.runs.reduce((sum, run) => sum + run.problems.length, 0);
  if (number("FAIL")) return { word: "FAIL", kind: "fail", text: `${plural(number("FAIL"), "test")} found a promise broken` };
  if (page.runs.some((run) => run.exit_code === 130)) return { word: "INTERRUPTED", kind: "error", text: "what had run is kept" };
  if (number("ERROR") + number("MISS") + problems) {
    return { word: "NOT CLEAN", kind: "error", text: "nothing was seen broken, but the lab or the harness failed, or tests are missing" };
  }
  if (!number("PASS") && !number("KNOWN") && !number("DONE"))
    return { word: "NOTHING TESTED", kind: "skip", text: "every test was skipped" };
  const but = number("KNOWN") ? `, but for ${plural(number("KNOWN"), "known failure")}` : "";
  return { word: "PASS", kind: "pass", text: `every promise that was checked held${but}` };
}

export function overview(): Node[] {
  const { word: said, kind, text } = verdict();
  return [
    h("p", { class: `verdict ${kind}` }, h("strong", {}, said), " ", text),
    runs(),
    claims(),
    comparisons(),
    first(),
    problems(),
    h("div", { class: "columns" }, subjects(), skipped()),
  ].filter((one) => one !== null);
}

function took(run: Run): string {
  return run.started && run.finished ? seconds((Date.parse(run.finished) - Date.parse(run.started)) / 1000) : "";
}

function when(time: string | null): string {
  return time ? `${time.slice(0, 10)} ${time.slice(11, 16)} UTC` : "";
}

function runs(): Node {
  const shown = page.counted.filter((name) => page.runs.some((run) => run.counts[name]));
  const other = page.runs.some((run) => page.columns[run.column] !== run.host);
  const rows = page.runs.map((run) => [
    run.id,
    run.host,
    ...(other ? [page.columns[run.column]] : []),
    release(run),
    ...shown.map((name) => count(run.counts[name], name, { column: page.columns[run.column] })),
    String(run.suite?.commit ?? "").slice(0, 12) + (run.suite?.dirty ? " with changes" : ""),
    when(run.started),
    right(took(run)),
  ]);
  const numbers = shown.map((name) => right(name));
  const headings = ["run", "host", ...(other ? ["shown as"] : []), "Linux", ...numbers, "suite", "began", right("took")];
  return h(
    "section",
    { "aria-labelledby": "runs" },
    h("h2", { id: "runs" }, "Runs"),
    h("div", { class: "wide" }, table(headings, rows, "runs")),
  );
}

/** A number that leads to the tests that it counts. */
function count(number: number, name: string, more: Record<string, string>): Node {
  const upper = name.toUpperCase();
  const where = fragment({ view: "tests", verdict: [upper], ...more });
  const inside = number
    ? h("a", { href: where, class: name, "aria-label": `${number} ${upper}` }, number.toLocaleString("en"))
    : h("span", { class: "none" }, "\u00b7");
  return right(inside);
}

const CLAIMED: Record<string, string> = { HELD: "pass", "NOT HELD": "fail", INCOMPLETE: "known" };

/** By which profiles runs were judged. What keeps one from being held is a click away. */
function claims(): Node | null {
  const all = page.runs.flatMap((run) => run.claims.map((claim) => ({ claim, host: page.columns[run.column] })));
  if (!all.length) return null;
  const rows = all.map(({ claim, host }) => {
    const states = [...grouped(claim.findings, (finding) => finding.state)].map(([state, found]) => `${found.length} ${state}`);
    return [claim.profile, h("b", { class: CLAIMED[claim.verdict] ?? "" }, claim.verdict), host, claim.title, states.join(", ")];
  });
  return h(
    "section",
    { "aria-labelledby": "claims" },
    h("h2", { id: "claims" }, "Profiles"),
    h("div", { class: "wide" }, table(["profile", "", "host", "", "its requirements"], rows)),
    all.map(({ claim, host }) => lacking(claim, host)),
  );
}

function lacking(claim: Claim, host: string): Node | null {
  const causes = claim.findings.flatMap((finding) =>
    finding.causes.map((cause) => [
      h("a", { href: fragment({ view: "tests", requirement: finding.requirement }) }, finding.requirement),
      finding.state,
      finding.title,
      `${cause.code}: ${cause.text}`,
      cause.test ?? "",
    ]),
  );
  if (!causes.length) return null;
  const headings = ["requirement", "", "what is promised", "why", "test"];
  return disclosure("raw", [`why ${claim.profile} is ${claim.verdict} on ${host}`], () => [
    h("div", { class: "wide" }, table(headings, causes)),
  ]);
}

function comparisons(): Node | null {
  const all = page.measured.comparisons;
  if (!all.length) return null;
  const rows = all.map((one) => [
    `${page.measured.sides[one.new].name} against ${page.measured.sides[one.old].name}`,
    one.headline,
    `${one.conformance.differences.length} of ${one.conformance.both}`,
  ]);
  const link = h("a", { href: fragment({ view: "measurements" }) }, "Measurements");
  return h(
    "section",
    { "aria-labelledby": "compared" },
    h("h2", { id: "compared" }, "Compared"),
    table(["kernels", "what was measured", "other verdicts"], rows),
    h("p", {}, "More in ", link, "."),
  );
}

/** What nobody has explained yet, worst first. */
function first(): Node | null {
  const bad = unexpected(page.results);
  if (!bad.length) return null;
  const all = h("a", { href: fragment({ view: "failures" }) }, `all ${bad.length}`);
  return h(
    "section",
    { "aria-labelledby": "first" },
    h("h2", { id: "first" }, "Look at these first"),
    h(
      "div",
      { class: "items" },
      bad.slice(0, SHOWN).map((result) => item(result, result.path)),
    ),
    bad.length > SHOWN && h("p", {}, all),
  );
}

export function unexpected(results: Result[]): Result[] {
  const rank = (result: Result): number => WORST_FIRST.indexOf(word(result));
  return results.filter((result) => UNEXPECTED.has(word(result))).sort((one, other) => rank(one) - rank(other));
}

function problems(): Node | null {
  const rows = page.runs.flatMap((run) => run.problems.map((one) => [run.id, one.kind, h("pre", { class: "plain" }, one.text)]));
  if (!rows.length) return null;
  return h(
    "section",
    { "aria-labelledby": "problems" },
    h("h2", { id: "problems" }, "Problems of the runs"),
    table(["run", "kind", ""], rows),
  );
}

function subjects(): Node {
  const shown = WORST_FIRST.filter((name) => page.results.some((result) => word(result) === name));
  const rows = [...grouped(page.results, subject)].map(([name, results]) => {
    const found = counts(results);
    const said = worst(found);
    return [
      h("a", { href: fragment({ view: "tests", subject: name }) }, name),
      h("span", { class: said.toLowerCase(), "aria-label": said, role: "img" }, mark(said)),
      ...shown.map((one) => count(found.get(one) ?? 0, one.toLowerCase(), { subject: name })),
      bar(found),
    ];
  });
  const headings = ["subject", "", ...shown.map((one) => right(one.toLowerCase())), ""];
  return h("section", { "aria-labelledby": "subjects" }, h("h2", { id: "subjects" }, "By subject"), table(headings, rows, "subjects"));
}

// Only for the eye: the numbers stand beside it.
function bar(found: Map<string, number>): Node {
  const made = h("div", { class: "bar", "aria-hidden": "true" });
  for (const one of WORST_FIRST) {
    if (!found.has(one)) continue;
    const part = h("span", { class: one.toLowerCase() });
    part.style.flexGrow = String(found.get(one));
    made.append(part);
  }
  return made;
}

function skipped(): Node | null {
  const by = grouped(
    page.results.filter((result) => word(result) === "SKIP"),
    (result) => result.reason?.code ?? "",
  );
  if (!by.size) return null;
  const sorted = [...by].sort((one, other) => other[1].length - one[1].length);
  const rows = sorted
    .slice(0, REASONS)
    .map(([code, results]) => [
      h("a", { href: fragment({ view: "skips", reason: code }) }, code),
      results.length,
      h("div", { class: "such" }, results[0].reason?.text ?? ""),
    ]);
  return h(
    "section",
    { "aria-labelledby": "skipped" },
    h("h2", { id: "skipped" }, "Not tested, by reason"),
    table(["reason", right("tests"), "such as"], rows),
    sorted.length > REASONS && h("p", {}, h("a", { href: fragment({ view: "skips" }) }, `all ${sorted.length} reasons`)),
  );
}
