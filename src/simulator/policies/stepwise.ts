import { globalBatchSize } from '../../core/configuration.ts';
import type { JobDecision } from '../../core/plan-fleet.ts';
import { planFleet } from '../../core/plan-fleet.ts';
import type { PoolSnapshot } from '../../core/snapshot.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Order } from '../fleet/carry-out.ts';
import type { SimulatedJob, Target } from '../fleet/simulated-job.ts';
import type { WatchedJob } from '../fleet/watched-job.ts';
import type { Prediction } from '../result.ts';
import type { PoolSpec, Scenario } from '../scenario.ts';
import type { EnergySeries } from '../traces/energy.ts';
import { hoursOfPools } from './hours.ts';
import type { Fleet, Policy } from './policy.ts';

export interface OperatorKnowledge {
  readonly scenario: Scenario;
  /** Start of the simulation on the calendar, in seconds since the Unix epoch. */
  readonly startsAt: number;
  readonly watched: (job: SimulatedJob) => WatchedJob;
  readonly accruedCost: (job: SimulatedJob) => number;
}

/** The operator's own decision code, fed with what an operator would know; energy by zone, of which it hears forecasts. */
export function stepwisePolicy(
  knowledge: OperatorKnowledge,
  energy: ReadonlyMap<string, EnergySeries> = new Map(),
): Policy {
  const { scenario, startsAt, watched, accruedCost } = knowledge;
  const provisioning = new Set<string>();
  const hoursOf = hoursOfPools(scenario, startsAt, energy);
  return {
    name: 'Stepwise',
    decide({ now, jobs, cluster }: Fleet) {
      for (const node of cluster.nodes) {
        if (node.readyAt > node.launchedAt && node.readyAt <= now) provisioning.add(node.pool.name);
      }
      const snapshots = jobs.flatMap(
        (job) => watched(job).snapshot(startsAt, accruedCost(job), scenario.restartSeconds) ?? [],
      );
      const pools = cluster.pools.map((pool) => ({
        ...snapshotPool(pool, scenario, now, provisioning.has(pool.name)),
        ...hoursOf(pool, now),
      }));
      const { decisions } = planFleet({ now: startsAt + now, jobs: snapshots, pools });
      const byName = new Map(jobs.map((job) => [job.name, job]));
      const changes = decisions.flatMap((decision): readonly Order[] => {
        const job = byName.get(decision.key);
        return job === undefined ? [] : ordersFor(decision, job);
      });
      const predictions = decisions.flatMap((decision) => {
        const job = byName.get(decision.key);
        const prediction = job === undefined ? undefined : predictionOf(decision, now, accruedCost(job));
        return prediction === undefined ? [] : [{ job: decision.key, prediction }];
      });
      return { orders: [...changes, ...startJobs(jobs, watched, cluster, now, changes)], predictions };
    },
  };
}

/**
 * Starts the jobs that wait, first come, first served: one replica at the batch that its user began with, for as long
 * as a pool has a free GPU.
 */
function startJobs(
  jobs: readonly SimulatedJob[],
  watched: OperatorKnowledge['watched'],
  cluster: Cluster,
  now: number,
  changes: readonly Order[],
): readonly Order[] {
  const promised = (pool: PoolSpec) =>
    changes.reduce((sum, order) => {
      if (order.kind !== 'Run' || order.target.pool !== pool.name) return sum;
      return sum + Math.max(0, order.target.gpus - order.job.gpus);
    }, 0);
  const free = new Map(cluster.pools.map((pool) => [pool, cluster.freeGpus(pool, now) - promised(pool)]));
  return jobs.flatMap((job): readonly Order[] => {
    if (job.target !== undefined || job.state === 'Paused') return [];
    const pool = cluster.pools.find((candidate) => (free.get(candidate) ?? 0) >= 1);
    if (pool === undefined) return [];
    free.set(pool, (free.get(pool) ?? 0) - 1);
    const { initialGlobalBatchSize: batch, initialMicroBatchSize: microBatchSize } = watched(job).limits;
    const gradientAccumulationSteps = Math.max(1, Math.round(batch / microBatchSize));
    const target = { pool: pool.name, gpus: 1, globalBatchSize: batch, microBatchSize, gradientAccumulationSteps };
    return [{ job, kind: 'Run', target }];
  });
}

function ordersFor(decision: JobDecision, job: SimulatedJob): readonly Order[] {
  switch (decision.action) {
    case 'Reload':
    case 'Resize':
    case 'Resume':
      return [{ job, kind: 'Run', target: targetOf(decision) }];
    case 'Pause':
      return [{ job, kind: 'Pause' }];
    case 'Hold':
    case 'Recommend':
      return [];
  }
}

function targetOf({ target }: JobDecision): Target {
  return {
    pool: target.pool,
    gpus: target.dataParallelSize,
    globalBatchSize: globalBatchSize(target),
    microBatchSize: target.microBatchSize,
    gradientAccumulationSteps: target.gradientAccumulationSteps,
  };
}

function predictionOf(decision: JobDecision, now: number, accrued: number): Prediction | undefined {
  const current = decision.plan?.current;
  if (current === undefined) return undefined;
  const shifted = (by: number, of: Prediction['finish']) => ({
    value: by + of.value,
    low: by + of.low,
    high: by + of.high,
  });
  return { at: now, finish: shifted(now, current.secondsToTarget), cost: shifted(accrued, current.costToTarget) };
}

function snapshotPool(pool: PoolSpec, scenario: Scenario, now: number, provisioned: boolean): PoolSnapshot {
  const stockOut = scenario.options.stockOuts.find(
    ({ pool: name, fromSeconds, toSeconds }) => name === pool.name && fromSeconds <= now && now < toSeconds,
  );
  const startsAt = Date.parse(scenario.startsAt) / 1000;
  return {
    name: pool.name,
    gpusPerNode: pool.gpusPerNode,
    maxNodes: pool.maxNodes,
    foreignGpus: 0,
    billing: pool.billing,
    pricePerNodeHour: pool.pricePerNodeHour,
    currency: scenario.currency,
    // Known once a node has come.
    provisioningSeconds: provisioned ? pool.provisioningSeconds : undefined,
    stockOutUntil: stockOut === undefined ? undefined : startsAt + now + STOCK_OUT_WAIT_SECONDS,
  };
}

/** A pool that did not deliver is asked again after so long: nobody knows when it will. */
const STOCK_OUT_WAIT_SECONDS = 600;
