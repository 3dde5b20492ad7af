// SPDX-License-Identifier: GPL-2.0-only
// Which results are shown.

import { column, page, requirements, Result, subject, word } from "./data";
import type { Filter } from "./state";

let texts: string[] | null = null;

// Made when somebody searches for the first time: all that is known of a result, in lower case.
function searched(): string[] {
  texts ??= page.results.map((result) =>
    [
      result.id,
      result.title,
      page.runs[result.run].id,
      page.columns[column(result)],
      ...(result.requirements ?? []).flatMap((id) => [id, requirements.get(id)?.title]),
      result.reason && `${result.reason.code} ${result.reason.text}`,
      result.waived && `${result.waived.reason} ${result.waived.url}`,
      ...(result.notes ?? []),
      ...(result.evidence ?? []).map((one) => one.text),
    ]
      .filter(Boolean)
      .join("\n")
      .toLowerCase(),
  );
  return texts;
}

export function words(q: string): string[] {
  return q.toLowerCase().split(/\s+/).filter(Boolean);
}

/** The results that fit; every word of the search has to be in what is known of a result. */
export function filtered(filter: Filter): Result[] {
  const wanted = words(filter.q);
  const all = wanted.length ? searched() : [];
  return page.results.filter(
    (result, at) =>
      (!filter.verdict.length || filter.verdict.includes(word(result))) &&
      (!filter.subject || subject(result) === filter.subject) &&
      (!filter.column || page.columns[column(result)] === filter.column) &&
      (!filter.device || result.device === filter.device) &&
      (!filter.requirement || (result.requirements ?? []).includes(filter.requirement)) &&
      (!filter.reason || result.reason?.code === filter.reason) &&
      wanted.every((one) => all[at].includes(one)),
  );
}
