import type { RunRecord } from './run-record.ts';

/** Runs that a family remembers: the newest. */
export const MAX_RUNS = 20;

/**
 * All runs of both, each once, the newest first, at most `MAX_RUNS`. Commutative, associative and idempotent: whoever
 * merges in whatever order comes to the same. Of two records of one run the one that ended later counts.
 */
export function mergeRuns(one: readonly RunRecord[], other: readonly RunRecord[]): readonly RunRecord[] {
  const byUid = new Map<string, RunRecord>();
  for (const run of [...one, ...other]) {
    const known = byUid.get(run.uid);
    if (known === undefined || newestFirst(run, known) < 0) byUid.set(run.uid, run);
  }
  return [...byUid.values()].sort(newestFirst).slice(0, MAX_RUNS);
}

/** A whole order: two records that it holds equal are the same. */
function newestFirst(one: RunRecord, other: RunRecord): number {
  if (one.endedAt !== other.endedAt) return other.endedAt - one.endedAt;
  if (one.uid !== other.uid) return one.uid < other.uid ? -1 : 1;
  const texts = [one, other].map((run) => JSON.stringify(canonical(run)));
  return (texts[0] ?? '') < (texts[1] ?? '') ? -1 : texts[0] === texts[1] ? 0 : 1;
}

/** The same data with its fields in one order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, canonical(field)]));
}
