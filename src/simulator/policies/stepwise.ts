import { globalBatchSize } from '../../core/configuration.ts';
import type { JobDecision } from '../../core/plan-fleet.ts';
import { planFleet } from '../../core/plan-fleet.ts';
import type { JobSnapshot, NodeSnapshot, PoolSnapshot } from '../../core/snapshot.ts';
import type { SimulatedNode } from '../cluster/cluster.ts';
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

/** What earlier runs told, and who listens to what this one tells. */
export interface StepwiseMemory {
  readonly priorsOf: (job: SimulatedJob) => JobSnapshot['priors'];
  readonly onSeen: (job: SimulatedJob, seen: JobSnapshot) => void;
}

const NO_MEMORY: StepwiseMemory = { priorsOf: () => undefined, onSeen: () => undefined };

/** The operator's own decision code, fed with what an operator would know; energy by zone, of which it hears forecasts. */
export function stepwisePolicy(
  knowledge: OperatorKnowledge,
  energy: ReadonlyMap<string, EnergySeries> = new Map(),
  memory: StepwiseMemory = NO_MEMORY,
): Policy {
  const { scenario, startsAt, watched, accruedCost } = knowledge;
  const provisioning = new Set<string>();
  const hoursOf = hoursOfPools(scenario, startsAt, energy);
  return {
    name: 'Stepwise',
    decide({ now, jobs, cluster }: Fleet) {
      for (const node of cluster.nodes) {
        // Those that stood there from the start tell nothing.
        if (node.launchedAt > 0 && node.readyAt <= now) provisioning.add(node.pool.name);
      }
      const snapshots = jobs.map((job) => {
        const seen = watched(job).snapshot(startsAt, accruedCost(job), scenario.restartSeconds);
        memory.onSeen(job, seen);
        const priors = memory.priorsOf(job);
        return priors === undefined ? seen : { ...seen, priors };
      });
      const pools = cluster.pools.map((pool) => ({
        ...snapshotPool(pool, scenario, now, provisioning.has(pool.name)),
        ...hoursOf(pool, now),
      }));
      const nodes = cluster.nodes.filter(({ readyAt }) => readyAt <= now).map(snapshotNode);
      const { decisions, moves, gap } = planFleet({ now: startsAt + now, jobs: snapshots, pools, nodes });
      const byName = new Map(jobs.map((job) => [job.name, job]));
      const changes = decisions.flatMap((decision): readonly Order[] => {
        const job = byName.get(decision.key);
        return job === undefined ? [] : orderFor(job, decision);
      });
      for (const { key, isPromised } of decisions) {
        const job = byName.get(key);
        if (job !== undefined && isPromised === true) watched(job).isPromised = true;
      }
      const predictions = decisions.flatMap((decision) => {
        const job = byName.get(decision.key);
        const prediction = job === undefined ? undefined : predictionOf(decision, now, accruedCost(job));
        return prediction === undefined ? [] : [{ job: decision.key, prediction }];
      });
      // Where new jobs come in they fill the nodes by themselves.
      const isStarting = decisions.some(({ action }) => action === 'Start');
      const moved = (isStarting ? [] : moves).flatMap(({ key, node }): readonly Order[] => {
        const job = byName.get(key);
        const off = cluster.nodes.find((each) => nodeName(each) === node);
        return job === undefined ? [] : [{ job, kind: 'Move', off }];
      });
      const orders: readonly Order[] = [...changes, ...moved];
      return { orders, predictions, gap };
    },
  };
}

function orderFor(job: SimulatedJob, decision: JobDecision): readonly Order[] {
  switch (decision.action) {
    case 'Start':
    case 'Reload':
    case 'Resize':
    case 'Resume':
      return [{ job, kind: 'Run', target: targetOf(decision) }];
    case 'Pause':
      return [{ job, kind: 'Pause' }];
    case 'Refuse':
      return [{ job, kind: 'Refuse' }];
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

function nodeName({ id, pool }: SimulatedNode): string {
  return `${pool.name}-${id}`;
}

function snapshotNode(node: SimulatedNode): NodeSnapshot {
  const { pool, held } = node;
  return {
    name: nodeName(node),
    pool: pool.name,
    held: [...held].map(([key, gpus]) => ({ key, gpus })),
    foreignGpus: 0,
  };
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
    paidNodes: pool.kind === 'Paid' ? pool.maxNodes : pool.minNodes,
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
