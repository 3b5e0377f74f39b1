import type { InstantSeconds } from '../configuration.ts';
import type { LogBelief } from '../estimate/memory-belief.ts';
import { signedPercent } from '../explain/figures.ts';
import type { RunRecord } from '../profile/run-record.ts';
import { comparableRuns, meanOf, ratioOf } from './compared-runs.ts';
import { demandOf, type FamilyRuns, togetherOf } from './demand.ts';
import { type Advice, over, savingInWords, verdictOn, type Withheld } from './verdict.ts';

/**
 * The largest batch that a family came to its end with, against the next smaller one, on each type of GPU: money for a
 * reference sample, which is the same work at any batch. Nothing is paid up front for it.
 */
export function adviseBatch({ family, runs }: FamilyRuns, now: InstantSeconds): readonly (Advice | Withheld)[] {
  const comparable = comparableRuns(runs).filter(({ cost }) => cost > 0);
  const kinds = Map.groupBy(comparable, ({ gpuType, currency }) => `${gpuType} ${currency}`);
  if (kinds.size === 0) return [withheld(family, 'no run came to its end with a known cost')];
  return [...kinds.values()].map((of) => adviseKind(family, runs, of, now));
}

function adviseKind(
  family: string,
  runs: readonly RunRecord[],
  comparable: readonly RunRecord[],
  now: InstantSeconds,
): Advice | Withheld {
  const [{ gpuType, currency }] = comparable as readonly [RunRecord];
  const about = `${family} on ${gpuType}`;
  const batches = [...new Set(comparable.map(({ globalBatchSize }) => globalBatchSize))].sort(
    (one, other) => other - one,
  );
  const [larger, smaller] = batches;
  if (larger === undefined || smaller === undefined) {
    return withheld(about, `only batch ${larger} came to its end: another must be tried first`);
  }
  const at = (batch: number) =>
    meanOf(
      comparable
        .filter(({ globalBatchSize }) => globalBatchSize === batch)
        .map(({ cost, referenceSamples }) => cost / referenceSamples),
    );
  const [after, before] = [at(larger), at(smaller)];
  const demand = demandOf(runs, now, (run) =>
    run.gpuType === gpuType && run.currency === currency ? run.referenceSamples : undefined,
  );
  const samples = demand === undefined ? undefined : togetherOf([demand]);
  if (after === undefined || before === undefined || samples === undefined) {
    return withheld(about, 'how often it runs is not known: two runs at least must be remembered');
  }
  return told({ about, currency, larger, smaller }, { samples, before, ratio: ratioOf(after, before) });
}

function told(
  { about, currency, larger, smaller }: { about: string; currency: string; larger: number; smaller: number },
  { samples, before, ratio }: { samples: LogBelief; before: LogBelief; ratio: LogBelief },
): Advice {
  const savingPerMonth = over(
    [ratio, samples, before],
    (factor = Number.NaN, count = Number.NaN, price = Number.NaN) => count * price * (1 - factor),
  );
  const change = over([ratio], (factor = Number.NaN) => factor - 1);
  const verdict = verdictOn(savingPerMonth);
  const range = `${signedPercent(change.value)}, ${signedPercent(change.low)} to ${signedPercent(change.high)}`;
  return {
    subject: 'Batch',
    from: `${about}, batch ${smaller}`,
    to: `batch ${larger}`,
    verdict,
    currency,
    savingPerMonth,
    upfront: 0,
    breakEven: undefined,
    sentence: `${about}: batch ${larger} instead of ${smaller} is ${verdict.toLowerCase()} (${range} for the same work), ${savingInWords(savingPerMonth, currency)}.`,
  };
}

function withheld(about: string, reason: string): Withheld {
  return { subject: 'Batch', about, reason };
}
