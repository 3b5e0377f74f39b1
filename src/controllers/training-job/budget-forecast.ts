import { money } from '../../core/explain/figures.ts';
import { costToTarget90 } from '../../core/plan/evaluate.ts';
import type { JobFindings } from '../fleet/fleet-memory.ts';

/** What is to be said of a run that may cost more than its budget; undefined when it will not, or nobody can tell. */
export function costForecastAbove(
  { decision, account }: JobFindings,
  { amount, currency }: { readonly amount: string; readonly currency: string },
): string | undefined {
  const plan = decision?.plan;
  if (plan === undefined || plan.current.keepsBudget) return undefined;
  if (decision?.estimate?.remainingWork === 'Assumed') return undefined;
  const total = (rest: number) => money(account.cost + rest, currency);
  const forecast = `the run costs up to ${total(costToTarget90(plan.current))} of ${money(Number(amount), currency)}`;
  if (!plan.best.keepsBudget) return `${forecast}; no lower budget than ${total(plan.cheapest90)} can be kept`;
  const { replicas } = plan.best.configuration;
  const on = `on ${replicas} worker${replicas === 1 ? '' : 's'}`;
  return `${forecast}; it can keep it ${on}, with up to ${total(costToTarget90(plan.best))}`;
}
