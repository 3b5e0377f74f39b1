import { type Configuration, globalBatchSize, ranksPerReplica } from '../configuration.ts';
import type { Posterior } from '../estimate/estimate.ts';
import { nodesFor } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolSnapshot } from '../snapshot.ts';
import { configurationKey, listPlacements } from './candidates.ts';
import { type Score, score } from './evaluate.ts';

/** Scores of the candidates of a job, and of the layout that its user started with. */
export interface Scores {
  readonly candidates: readonly Score[];
  readonly current: Score | undefined;
  readonly baseline: Score | undefined;
}

/** Of the batches of a placement, so many are scored over all possible worlds: the best ones of the middle world. */
const FINALISTS = 3;

/**
 * Scores every placement at its best batches, and the placement in force at all of them, since a batch is tried there
 * without a restart.
 *
 * Cost: about 30 evaluations of one world for each placement and 3 × 48 more, under 0.1 ms in all for six placements.
 */
export function scoreCandidates(job: JobSnapshot, estimate: Posterior, pools: readonly PoolSnapshot[]): Scores {
  const { current } = job.history;
  const byName = new Map(pools.map((pool) => [pool.name, pool]));
  const found = new Map<string, Score>();
  const keep = (pool: PoolSnapshot, configuration: Configuration) => {
    const key = configurationKey(configuration);
    if (!found.has(key)) found.set(key, score(job, estimate, pool, configuration));
  };
  const currentPool = byName.get(current.pool);
  if (currentPool !== undefined) keep(currentPool, current);
  for (const { pool, replicas, layouts } of listPlacements(job, estimate, pools)) {
    const inForce = pool.name === current.pool && replicas === current.replicas;
    for (const layout of inForce ? layouts : finalists(job, estimate, pool, layouts)) keep(pool, layout);
  }
  const baseline =
    currentPool === undefined
      ? undefined
      : score(job, estimate, currentPool, initialConfiguration(job, currentPool), { pause: 0 });
  return {
    candidates: [...found.values()],
    current: found.get(configurationKey(current)),
    // What takes longer than a number can say is nothing to compare with.
    baseline: Number.isFinite(baseline?.meanObjective) ? baseline : undefined,
  };
}

function finalists(
  job: JobSnapshot,
  estimate: Posterior,
  pool: PoolSnapshot,
  layouts: readonly Configuration[],
): readonly Configuration[] {
  const sorted = layouts
    .map((layout) => score(job, estimate, pool, layout, { worlds: [estimate.middle] }))
    .sort((one, other) => one.meanObjective - other.meanObjective)
    .map(({ configuration }) => configuration);
  // The batch in force is one of them: where it may not be changed, the workers still may.
  const batch = globalBatchSize(job.history.current);
  return sorted.filter((layout, place) => place < FINALISTS || globalBatchSize(layout) === batch);
}

function initialConfiguration({ limits }: JobSnapshot, pool: PoolSnapshot): Configuration {
  const { initialReplicas: replicas, initialMicroBatchSize: microBatchSize } = limits;
  const dataParallelSize = replicas * ranksPerReplica(limits.gpusPerReplica);
  const passes = limits.initialGlobalBatchSize / microBatchSize / dataParallelSize;
  const gradientAccumulationSteps = Math.max(1, Math.round(passes));
  const nodes = nodesFor(pool, replicas, limits.gpusPerReplica);
  return { pool: pool.name, replicas, nodes, dataParallelSize, microBatchSize, gradientAccumulationSteps };
}
