import { globalBatchSize } from '../configuration.ts';
import type { Evaluation } from '../plan/evaluate.ts';
import { figure, money, signedPercent } from './figures.ts';

/**
 * One sentence for a change: what changes, what it does to step time and steps, what it saves. Both factors of
 * cost to target are told, since their product is what is minimised.
 */
export function describeChange(options: {
  readonly current: Evaluation;
  readonly best: Evaluation;
  /** Share of the remaining cost, time at its value included, that is saved; negative when something else matters more. */
  readonly saving: number;
  /** What a dearer or slower configuration is taken for. */
  readonly purpose: string;
  /** Undefined while the end of the work is not known: amounts would then be made up. */
  readonly currency: string | undefined;
}): string {
  const { current, best, currency } = options;
  const changes: string[] = [];
  const from = current.configuration;
  const to = best.configuration;
  if (from.replicas !== to.replicas) changes.push(`${from.replicas}→${to.replicas} workers`);
  if (from.pool !== to.pool) changes.push(`pool ${from.pool}→${to.pool}`);
  if (globalBatchSize(from) !== globalBatchSize(to)) {
    changes.push(`global batch ${globalBatchSize(from)}→${globalBatchSize(to)}`);
  } else if (from.microBatchSize !== to.microBatchSize) {
    changes.push(`micro batch ${from.microBatchSize}→${to.microBatchSize}`);
  }
  // Where it costs nothing to run, what a step takes is its time.
  const isFree = current.ratePerHour === 0;
  const rates = isFree ? 1 : best.ratePerHour / current.ratePerHour;
  const perStep = (best.stepSeconds / current.stepSeconds) * rates - 1;
  const steps = best.stepsToTarget / current.stepsToTarget - 1;
  const amounts =
    currency === undefined
      ? ''
      : ` (${money(current.costToTarget.value, currency)}→${money(best.costToTarget.value, currency)})`;
  return `${changes.join('; ')}: ${signedPercent(perStep)} ${isFree ? 'time' : 'cost'} per step, ${signedPercent(steps)} steps, ${resultOf(options)}${amounts}`;
}

/** Where time has a value, what saves may cost more money, and what loses may cost less: that is said. */
function resultOf({
  current,
  best,
  saving,
  purpose,
}: Pick<Parameters<typeof describeChange>[0], 'current' | 'best' | 'saving' | 'purpose'>): string {
  const isDearer = best.costToTarget.value > current.costToTarget.value;
  if (saving >= 0) return `saves ${figure(saving * 100)}% to finish${isDearer ? ', its time counted' : ''}`;
  const longer = best.secondsToTarget.value / current.secondsToTarget.value - 1;
  if (!isDearer && longer > 0) return `takes ${figure(longer * 100)}% longer to finish, ${purpose}`;
  return `costs ${figure(-saving * 100)}% more to finish, ${purpose}`;
}
