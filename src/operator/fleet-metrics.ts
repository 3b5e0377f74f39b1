import type { PoolBill } from '../controllers/fleet/books.ts';
import type { GpuPoolObject, TrainingJobObject } from '../controllers/kinds.ts';
import type { FleetPlan } from '../core/plan-fleet.ts';
import { isConditionTrue } from '../kube/conditions.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';

const JOULES_PER_KILOWATT_HOUR = 3.6e6;
const STATUSES = ['True', 'False', 'Unknown'] as const;

/**
 * Shows the status of all jobs and pools as metrics, afresh at every scrape: what is unknown, or gone, has no series.
 * Cost: about 40 series a job.
 */
export function showFleet(
  metrics: OperatorMetrics,
  jobs: readonly TrainingJobObject[],
  pools: readonly GpuPoolObject[],
): void {
  for (const gauge of metrics.fleetGauges) gauge.reset();
  for (const job of jobs) showJob(metrics, job);
  for (const pool of pools) showPool(metrics, pool);
}

/** Shows what the newest plan comes to. Amounts in several currencies add up to none, so then they have no series. */
export function showPlan(
  metrics: OperatorMetrics,
  { cost, lowerBound, gap }: Pick<FleetPlan, 'cost' | 'lowerBound' | 'gap'>,
  pools: readonly GpuPoolObject[],
): void {
  const { planCost, planLowerBound, planGap } = metrics;
  for (const gauge of [planCost, planLowerBound, planGap]) gauge.reset();
  const [currency, ...others] = new Set(pools.map((pool) => pool.spec.cost.currency));
  if (currency === undefined || others.length > 0) return;
  show(cost, (value) => planCost.set({ currency }, value));
  show(lowerBound, (value) => planLowerBound.set({ currency }, value));
  show(gap, (value) => planGap.set({ currency }, value));
}

function showJob(metrics: OperatorMetrics, job: TrainingJobObject): void {
  const labels = { namespace: job.metadata.namespace ?? '', name: job.metadata.name };
  const status = job.status ?? {};
  if (status.state !== undefined) metrics.jobState.set({ ...labels, state: status.state }, 1);
  show(status.replicas, (value) => metrics.workers.set({ ...labels, kind: 'desired' }, value));
  show(status.readyReplicas, (value) => metrics.workers.set({ ...labels, kind: 'ready' }, value));
  show(status.batch?.globalBatchSize, (value) => metrics.globalBatchSize.set(labels, value));
  show(status.progress?.samplesPerSecond, (value) => metrics.samplesPerSecond.set(labels, value));
  show(status.progress?.percent, (value) => metrics.progress.set(labels, value / 100));
  show(status.eta?.seconds, (value) => metrics.etaSeconds.set(labels, value));
  show(status.estimate?.gradientNoiseScale?.value, (value) => metrics.noiseScale.set(labels, value));
  showCost(metrics, labels, status.cost);
  showEnergy(metrics, labels, status.energy);
  show(status.pauses, (value) => metrics.pauses.set(labels, value));
  show(status.pausedSeconds, (value) => metrics.pausedSeconds.set(labels, value));
  showPredictionError(metrics, labels, status);
  for (const { type, status: is } of status.conditions ?? []) {
    for (const candidate of STATUSES) {
      metrics.condition.set({ ...labels, type, status: candidate }, candidate === is ? 1 : 0);
    }
  }
}

/** Total, and what of it no meter told. */
function showEnergy(
  metrics: OperatorMetrics,
  labels: { readonly namespace: string; readonly name: string },
  energy: NonNullable<TrainingJobObject['status']>['energy'],
): void {
  const joules = (kilowattHours: number) => kilowattHours * JOULES_PER_KILOWATT_HOUR;
  show(energy?.kilowattHours, (value) => metrics.energyJoules.set({ ...labels, kind: 'total' }, joules(value)));
  show(energy?.modelledKilowattHours, (value) =>
    metrics.energyJoules.set({ ...labels, kind: 'modelled' }, joules(value)),
  );
  show(energy?.co2eKilograms, (value) => metrics.co2eKilograms.set(labels, value));
}

/** Adds what a look at the fleet found that pools have cost. */
export function showBills(metrics: OperatorMetrics, bills: readonly PoolBill[]): void {
  for (const { pool, currency, ...parts } of bills) {
    for (const kind of ['jobs', 'foreign', 'unclaimed'] as const) {
      metrics.poolCost.inc({ pool, currency, kind }, parts[kind]);
    }
  }
}

function showCost(
  metrics: OperatorMetrics,
  labels: { readonly namespace: string; readonly name: string },
  cost: NonNullable<TrainingJobObject['status']>['cost'],
): void {
  if (cost === undefined) return;
  const { currency } = cost;
  show(cost.accrued, (value) => metrics.costAccrued.set({ ...labels, currency }, value));
  show(cost.ratePerHour, (value) => metrics.costPerHour.set({ ...labels, currency }, value));
  for (const bound of ['value', 'low', 'high'] as const) {
    show(cost.toTarget?.[bound], (value) => metrics.costToTarget.set({ ...labels, currency, bound }, value));
  }
}

/** What a complete run was forecast to cost and take, against what it did. */
function showPredictionError(
  metrics: OperatorMetrics,
  labels: { readonly namespace: string; readonly name: string },
  { prediction, cost, startTime, completionTime, conditions }: NonNullable<TrainingJobObject['status']>,
): void {
  if (!isConditionTrue(conditions, 'Complete') || prediction === undefined) return;
  const seconds = (Date.parse(completionTime ?? '') - Date.parse(startTime ?? '')) / 1000;
  const errors = {
    cost: Number(prediction.cost?.value) / Number(cost?.accrued) - 1,
    time: Number(prediction.seconds?.value) / seconds - 1,
  };
  for (const [quantity, error] of Object.entries(errors)) {
    show(error, (value) => metrics.predictionError.set({ ...labels, quantity }, value));
  }
}

function showPool(metrics: OperatorMetrics, pool: GpuPoolObject): void {
  const name = pool.metadata.name;
  for (const kind of ['desired', 'ready', 'busy'] as const) {
    show(pool.status?.nodes?.[kind], (value) => metrics.poolNodes.set({ pool: name, kind }, value));
  }
  for (const kind of ['total', 'allocated', 'foreign'] as const) {
    show(pool.status?.gpus?.[kind], (value) => metrics.poolGpus.set({ pool: name, kind }, value));
  }
}

function show(value: number | string | undefined, set: (value: number) => void): void {
  if (value === undefined) return;
  const number = Number(value);
  if (Number.isFinite(number)) set(number);
}
