import { type Configuration, globalBatchSize, sameBatch, samePlacement } from '../../src/core/configuration.ts';
import { ratePerHour } from '../../src/core/model/cost-rate.ts';
import { isAllowed } from '../../src/core/plan/sizes.ts';
import { type FleetPlan, type JobDecision, planFleet } from '../../src/core/plan-fleet.ts';
import type { JobSnapshot, Snapshot } from '../../src/core/snapshot.ts';

/** What is wrong with the plan of a snapshot: nothing, whatever the snapshot. */
export function brokenPromises(snapshot: Snapshot): readonly string[] {
  let plan: FleetPlan;
  try {
    plan = planFleet(snapshot);
  } catch (error) {
    return [`threw ${error instanceof Error ? error.stack : String(error)}`];
  }
  return [...wrongAsAWhole(snapshot, plan), ...plan.decisions.flatMap((each) => wrongOf(snapshot, each))];
}

function wrongAsAWhole({ jobs }: Snapshot, { decisions, cost, lowerBound, gap }: FleetPlan): readonly string[] {
  const keys = (all: readonly { readonly key: string }[]) => all.map(({ key }) => key).sort();
  return [
    ...complain(keys(decisions).join() !== keys(jobs).join(), 'not one decision for each job'),
    ...complain(!(gap >= 0 && Number.isFinite(gap)), `gap ${gap}`),
    ...complain(!Number.isFinite(cost) || !(lowerBound <= cost), `cost ${cost}, lower bound ${lowerBound}`),
  ];
}

function wrongOf(snapshot: Snapshot, decision: JobDecision): readonly string[] {
  const job = snapshot.jobs.find(({ key }) => key === decision.key);
  if (job === undefined) return [`${decision.key} is no job`];
  const { target, learningRateScale, plan, action } = decision;
  const changes = action === 'Reload' || action === 'Resize';
  const stays = samePlacement(target, job.history.current) && sameBatch(target, job.history.current);
  const problems = [
    ...complain(decision.reason === 'PlanningFailed', decision.message),
    ...complain(changes === stays, `${action} to ${JSON.stringify(target)}`),
    ...complain(!(learningRateScale > 0 && Number.isFinite(learningRateScale)), `scale ${learningRateScale}`),
    ...complain(/NaN|Infinity|undefined/.test(decision.message), decision.message),
    ...unfinished(plan, 'plan'),
    ...complain(changes && plan?.current.keepsBudget === true && !plan.best.keepsBudget, 'leaves its budget'),
    ...(stays ? [] : outsideLimits(job, snapshot, target)),
  ];
  return problems.map((problem) => `${decision.key}: ${problem}`);
}

function outsideLimits(job: JobSnapshot, { pools }: Snapshot, target: Configuration): readonly string[] {
  const { limits, history } = job;
  const { replicas } = target;
  const pool = pools.find(({ name }) => name === target.pool);
  const moved = !samePlacement(target, history.current);
  const batch = globalBatchSize(target);
  const rebatched = batch !== globalBatchSize(history.current);
  // Of what nothing is known but the price of a node that others may share, this is the least it can be.
  const fewestPaid =
    pool === undefined ? Number.NaN : ratePerHour({ ...pool, billing: 'Gpu' }, replicas, limits.gpusPerReplica);
  const bounds = `${limits.minReplicas} to ${limits.maxReplicas}`;
  return [
    ...complain(limits.mode !== 'Auto', `changed in mode ${limits.mode}`),
    ...complain(pool === undefined, `pool ${target.pool} is not known`),
    ...complain(!Number.isInteger(batch) || !Number.isInteger(target.microBatchSize), `global batch ${batch}`),
    ...(moved
      ? [
          ...complain(
            replicas < limits.minReplicas || replicas > limits.maxReplicas,
            `${replicas} of ${bounds} workers`,
          ),
          ...complain(!isAllowed(limits.sizes, replicas) && replicas !== limits.minReplicas, `${replicas} workers`),
          ...complain(replicas * limits.gpusPerReplica > (limits.maxGpus ?? Number.POSITIVE_INFINITY), 'above maxGpus'),
          ...complain(fewestPaid > (limits.maxPricePerHour ?? Number.POSITIVE_INFINITY) * (1 + 1e-9), 'above maxPrice'),
        ]
      : []),
    ...(rebatched
      ? [
          ...complain(batch > limits.maxGlobalBatchSize, `batch ${batch} above ${limits.maxGlobalBatchSize}`),
          ...complain(batch < limits.minGlobalBatchSize, `batch ${batch} below ${limits.minGlobalBatchSize}`),
          ...complain(target.microBatchSize < limits.minMicroBatchSize, `micro batch ${target.microBatchSize}`),
          ...complain(limits.batchMode !== 'Auto', `batch changed in batch mode ${limits.batchMode}`),
        ]
      : []),
    ...complain(
      !sameBatch(target, history.current) && target.microBatchSize > largestMicro(job),
      'micro batch too large',
    ),
  ];
}

function largestMicro({ limits, history }: JobSnapshot): number {
  const ceiling = history.microBatchSizeCeiling ?? Number.POSITIVE_INFINITY;
  return Math.max(1, Math.min(limits.maxMicroBatchSize ?? Number.POSITIVE_INFINITY, ceiling));
}

/** Every number of a plan is finite, or not there. */
function unfinished(value: unknown, path: string): readonly string[] {
  if (typeof value === 'number') return complain(!Number.isFinite(value), `${path} is ${value}`);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([field, part]) => unfinished(part, `${path}.${field}`));
}

function complain(isWrong: boolean, problem: string): readonly string[] {
  return isWrong ? [problem] : [];
}
