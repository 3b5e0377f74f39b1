import { toDecimal } from '../../api/decimal.ts';
import type { TrainingJobStatus } from '../../api/training-job.ts';
import { type Configuration, ranksPerReplica } from '../../core/configuration.ts';
import type { Interval } from '../../core/estimate/estimate.ts';
import { NO_EVIDENCE } from '../../core/estimate/evidence.ts';
import type { JobPrior } from '../../core/estimate/job-prior.ts';
import { duration, money } from '../../core/explain/figures.ts';
import { planStart, type StartOption, type StartPlan } from '../../core/plan-start.ts';
import type { PoolSnapshot } from '../../core/snapshot.ts';
import { type ClusterView, poolUse } from '../cluster-view.ts';
import { poolSnapshotOf, snapshotJob } from '../fleet/snapshot.ts';
import { toInstant } from '../instants.ts';
import { allocationOf, type Draft } from './draft.ts';
import { configurationOf, type JobView, type PoolShape } from './view.ts';

/** How the job would best start, by what is believed of it; undefined when nothing is. */
export function startPlanFor(cluster: ClusterView, view: JobView, priors: readonly JobPrior[]): StartPlan | undefined {
  if (priors.length === 0) return undefined;
  const told = snapshotJob(view, NO_EVIDENCE, 0);
  // What other jobs hold is as little to be had as what is not Stepwise's.
  const pools = view.pools.map((pool) => {
    const { foreignGpus, ownGpus } = poolUse(cluster, pool);
    return poolSnapshotOf(pool, foreignGpus + ownGpus, view.now);
  });
  const job = {
    ...told,
    limits: { ...told.limits, pools: poolsToStartOn(told.limits.pools, pools, view.now) },
    priors,
  };
  return planStart({ now: view.now, job, pools });
}

/**
 * Amounts in two currencies cannot be compared, so only pools priced as the preferred one count. Where nodes have just
 * failed to come a start is not sent, as long as there is another pool.
 */
function poolsToStartOn(names: readonly string[], pools: readonly PoolSnapshot[], now: number): readonly string[] {
  const [preferred, ...others] = names.flatMap((name) => pools.find((pool) => pool.name === name) ?? []);
  if (preferred === undefined) return names;
  const comparable = [preferred, ...others.filter(({ currency }) => currency === preferred.currency)];
  const inStock = comparable.filter(({ stockOutUntil }) => stockOutUntil === undefined || stockOutUntil <= now);
  return (inStock.length === 0 ? comparable : inStock).map(({ name }) => name);
}

const WORDS_FOR_SOURCE = {
  Family: 'by earlier runs of its family',
  OtherGpu: 'by earlier runs of its family on other GPUs',
  Model: 'by its declared model',
} as const;

/**
 * Before the first workload: says what the run is forecast to cost and take, and in Auto decides on pool, workers and
 * batch. The intent is stored before it is acted on; true while that is still to be done.
 */
export function chooseStart(view: JobView, draft: Draft): boolean {
  const { status, limits, job } = view;
  if (view.workerJob !== undefined || view.tuning !== undefined || status.startTime !== undefined) return false;
  if (status.prediction !== undefined || job.spec.suspend === true || limits.mode === 'Observe') return false;
  const plan = view.startPlan?.();
  const [best] = plan?.options ?? [];
  if (plan === undefined || best === undefined) return false;
  const { configuration } = best.evaluation;
  const told = describeOption(plan, best);
  draft.status.prediction = {
    madeAt: toInstant(view.now),
    source: best.source,
    allocation: allocationOf(configuration),
    ...(plan.endIsKnown
      ? { cost: toInterval(best.evaluation.costToTarget), seconds: toInterval(best.evaluation.secondsToTarget) }
      : {}),
    message: told,
  };
  draft.event('Normal', 'StartPlanned', told);
  if (limits.mode !== 'Auto') return false;
  draft.status.pool = configuration.pool;
  draft.status.replicas = configuration.replicas;
  draft.lookAgainIn(1);
  return true;
}

function describeOption(plan: StartPlan, { evaluation, currency, source }: StartOption): string {
  const { configuration, costToTarget: cost, secondsToTarget: seconds } = evaluation;
  const { pool, replicas, globalBatchSize } = allocationOf(configuration);
  const size = `${replicas} worker${replicas === 1 ? '' : 's'} on pool ${pool}, global batch ${globalBatchSize}`;
  const forecast = plan.endIsKnown
    ? `: ${money(cost.value, currency)} (${money(cost.low, currency)} to ${money(cost.high, currency)}), ${duration(seconds.value)} (${duration(seconds.low)} to ${duration(seconds.high)})`
    : '';
  return `best start with ${size}${forecast}, ${WORDS_FOR_SOURCE[source]}`;
}

/** What was decided on for the start, while it is still what is wanted. */
export function plannedStart(
  { status, limits, tuning }: JobView,
  pool: PoolShape,
  replicas: number,
): Configuration | undefined {
  const allocation = status.prediction?.allocation;
  if (limits.mode !== 'Auto' || tuning !== undefined || status.startTime !== undefined) return undefined;
  if (allocation?.pool !== pool.name || allocation.replicas !== replicas) return undefined;
  const { microBatchSize, gradientAccumulationSteps } = allocation;
  if (microBatchSize === undefined || gradientAccumulationSteps === undefined) return undefined;
  const dataParallelSize = replicas * ranksPerReplica(limits.gpusPerReplica);
  return configurationOf({ dataParallelSize, microBatchSize, gradientAccumulationSteps }, limits, pool, replicas);
}

/** Keeps the first forecast of the whole run that rests on measurements, where none was made before the start. */
export function keepFirstForecast(view: JobView, status: { prediction?: TrainingJobStatus['prediction'] }): void {
  const plan = view.decision?.plan;
  const { cost, eta, startTime } = view.status;
  if (status.prediction?.cost !== undefined || plan === undefined || startTime === undefined) return;
  if (view.decision?.estimate?.remainingWork === 'Assumed' || eta === undefined) return;
  const accrued = Number(cost?.accrued ?? 0);
  const elapsed = view.now - Date.parse(startTime) / 1000;
  status.prediction = {
    madeAt: toInstant(view.now),
    source: 'Measured',
    cost: toInterval(shifted(plan.current.costToTarget, accrued)),
    seconds: toInterval(shifted(plan.current.secondsToTarget, elapsed)),
  };
}

function shifted({ value, low, high }: Interval, by: number): Interval {
  return { value: value + by, low: low + by, high: high + by };
}

function toInterval({ value, low, high }: Interval) {
  return { value: toDecimal(value), low: toDecimal(low), high: toDecimal(high) };
}
