import type { OptionVerdict } from '../../api/conditions.ts';
import { type Configuration, sameBatch, samePlacement } from '../configuration.ts';
import type { JobPlan } from '../plan/choose.ts';
import { type Evaluation, limitsBroken } from '../plan/evaluate.ts';

export interface WeighedOption {
  readonly evaluation: Evaluation;
  readonly verdict: OptionVerdict;
}

const MAX_OPTIONS = 6;

/** The record of a choice: what was chosen, what is in force, and the best batch of every other placement, at most six. */
export function weighedOptions(plan: JobPlan, objective: 'CostToTarget' | 'TimeToTarget'): readonly WeighedOption[] {
  const { best, current, alternatives } = plan;
  const others = alternatives.filter((each) => !isSame(each.configuration, current.configuration));
  const inForce = isSame(best.configuration, current.configuration)
    ? []
    : [{ evaluation: current, verdict: 'Current' as const }];
  const rejected = others.map((each) => ({ evaluation: each, verdict: rejection(plan, each, objective) }));
  return [{ evaluation: best, verdict: 'Chosen' as const }, ...inForce, ...rejected].slice(0, MAX_OPTIONS);
}

function rejection(plan: JobPlan, option: Evaluation, objective: 'CostToTarget' | 'TimeToTarget'): OptionVerdict {
  const { best } = plan;
  if (best.keepsBudget && !option.keepsBudget) return 'ExceedsBudget';
  if (best.meetsDeadline && !option.meetsDeadline) return 'MissesDeadline';
  const isBetter =
    limitsBroken(option) === limitsBroken(best)
      ? option.meanObjectiveWithLateness < best.meanObjectiveWithLateness
      : limitsBroken(option) < limitsBroken(best);
  if (!isBetter) return objective === 'TimeToTarget' ? 'Slower' : 'Dearer';
  // What is better and was not chosen was not to be had: the GPUs are left to other jobs, or are not free.
  const needsOtherGpus = !samePlacement(option.configuration, best.configuration);
  return needsOtherGpus && plan.contest !== undefined ? 'NoRoom' : 'Held';
}

function isSame(one: Configuration, other: Configuration): boolean {
  return samePlacement(one, other) && sameBatch(one, other);
}
