import type { LogBelief } from '../estimate/memory-belief.ts';
import type { RunRecord } from '../profile/run-record.ts';

/** Runs of one kind scatter by some 10 % (`samples-to-target.ts`); the guess is worth two runs. */
const USUAL_SCATTER = 0.1;
const SCATTER_WEIGHT = 2;

/** Runs that came to their end and count their reference samples as the newest one does; others cannot be compared. */
export function comparableRuns(runs: readonly RunRecord[]): readonly RunRecord[] {
  const complete = runs.filter(({ outcome, referenceSamples }) => outcome === 'Complete' && referenceSamples > 0);
  const [newest] = complete.toSorted((one, other) => other.endedAt - one.endedAt);
  return complete.filter(({ initialGlobalBatchSize }) => initialGlobalBatchSize === newest?.initialGlobalBatchSize);
}

/** The geometric mean with its doubt; undefined without a value above 0. */
export function meanOf(values: readonly number[]): LogBelief | undefined {
  const logs = values.filter((value) => Number.isFinite(value) && value > 0).map(Math.log);
  if (logs.length === 0) return undefined;
  const logMean = logs.reduce((sum, each) => sum + each, 0) / logs.length;
  const squares = logs.reduce((sum, each) => sum + (each - logMean) ** 2, 0);
  const variance = (SCATTER_WEIGHT * USUAL_SCATTER ** 2 + squares) / (SCATTER_WEIGHT + logs.length - 1);
  return { logMean, logSd: Math.sqrt(variance / logs.length) };
}

/** One over the other. */
export function ratioOf(one: LogBelief, other: LogBelief): LogBelief {
  return { logMean: one.logMean - other.logMean, logSd: Math.hypot(one.logSd, other.logSd) };
}
