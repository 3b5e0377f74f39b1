import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from '../snapshot.ts';
import type { Ranked, Ranking } from './choose.ts';
import { type CouplingJob, type CouplingOption, couple } from './couple.ts';
import { latenessPricePerHour } from './evaluate.ts';

/** Where one job is to be so that all jobs together cost least. */
export interface Share {
  readonly pool: string;
  readonly replicas: number;
  /** What one more GPU of that pool would save the fleet, in money until the runs end; 0 while there are enough. */
  readonly worthPerGpu: number;
}

export interface Shares {
  /** By the key of the job; a job without a share makes its own choice. */
  readonly byKey: ReadonlyMap<string, Share>;
  /** Cost of all runs to their ends as planned, and what no choice among the same placements can go below. */
  readonly cost: number;
  readonly lowerBound: number;
  /** Proven distance between the two as a share of the cost. */
  readonly gap: number;
}

/** What misses its deadline while another placement meets it is at least so much dearer than that one. */
const MISSED_DEADLINE_FACTOR = 1.05;

/**
 * Shares the pools between the jobs: one placement each, so that their costs to target, lateness priced, add up to the
 * least. Jobs come the most urgent first; those that may not be resized now keep what they hold. Cost: jobs × placements while there is enough for
 * everyone's cheapest; else that of `couple`.
 */
export function sharePools(rankings: readonly Ranking[], snapshot: Snapshot): Shares {
  const movable = rankings.filter(({ job }) => isMovable(job));
  const pools = new Map(snapshot.pools.map((pool, index) => [pool.name, { pool, index }]));
  const placements = movable.map((ranking) => bestPerPlacement(ranking));
  const jobs = movable.map((ranking, index): CouplingJob => {
    const options = (placements[index] ?? []).map((ranked) => optionOf(ranking, ranked, pools));
    return { key: urgencyKey(index), options };
  });
  const keys = new Set(movable.map(({ job }) => job.key));
  const { choice, prices, cost, lowerBound, gap } = couple(jobs, gpusFor(keys, jobs, snapshot));

  const byKey = new Map<string, Share>();
  movable.forEach(({ job }, index) => {
    const chosen = placements[index]?.[choice[index] ?? -1]?.candidate.score.configuration;
    if (chosen === undefined) return;
    const worthPerGpu = prices[pools.get(chosen.pool)?.index ?? -1] ?? 0;
    byKey.set(job.key, { pool: chosen.pool, replicas: chosen.replicas, worthPerGpu });
  });
  return { byKey, cost, lowerBound, gap };
}

function isMovable({ limits, history, held }: JobSnapshot): boolean {
  return limits.mode === 'Auto' && limits.canRescale && history.busyWith === 'Nothing' && !held.everything;
}

/** Of equal gains the more urgent job's comes first. */
function urgencyKey(place: number): string {
  return String(place).padStart(9, '0');
}

/**
 * GPUs of each pool that these jobs may share: what others hold, and who waits for a start, comes first. At least the
 * smallest placements of all, since what runs is not stopped for anybody.
 */
function gpusFor(movable: ReadonlySet<string>, jobs: readonly CouplingJob[], snapshot: Snapshot): readonly number[] {
  return snapshot.pools.map((pool, index) => {
    let free = pool.maxNodes * pool.gpusPerNode - pool.foreignGpus;
    for (const { key, limits, history } of snapshot.jobs) {
      if (history.current.pool !== pool.name || movable.has(key)) continue;
      free -= history.current.replicas * limits.gpusPerReplica;
    }
    let least = 0;
    for (const { options } of jobs) least += leastOf(options, index);
    return Math.max(free, least);
  });
}

function leastOf(options: readonly CouplingOption[], resource: number): number {
  const amounts = options.flatMap(({ uses }) => uses.filter((use) => use.resource === resource));
  return amounts.length === 0 ? 0 : Math.min(...amounts.map(({ amount }) => amount));
}

/** The best batch of every placement: what a placement costs is what it costs at that batch. */
function bestPerPlacement({ ranked, current }: Ranking): readonly Ranked[] {
  const found = new Map<string, Ranked>();
  for (const each of [...ranked, current]) {
    const { pool, replicas } = each.candidate.score.configuration;
    const key = `${replicas}@${pool}`;
    if (!found.has(key)) found.set(key, each);
  }
  return [...found.values()];
}

function optionOf(
  { job, ranked: all }: Ranking,
  { candidate, held }: Ranked,
  pools: ReadonlyMap<string, { readonly pool: PoolSnapshot; readonly index: number }>,
): CouplingOption {
  const { pool: name, replicas } = candidate.score.configuration;
  const known = pools.get(name);
  const resource = known?.index ?? -1;
  const best = all[0]?.held;
  const least =
    best?.meetsDeadline && !held.meetsDeadline ? MISSED_DEADLINE_FACTOR * best.meanObjectiveWithLateness : 0;
  const objective = Math.max(held.meanObjectiveWithLateness, least);
  const cost = known === undefined ? objective : objective * moneyPerObjective(job, known.pool);
  return { cost, uses: [{ resource, amount: replicas * job.limits.gpusPerReplica }] };
}

/** Jobs that count seconds instead of money count each at what it costs them to be late by it. */
function moneyPerObjective(job: JobSnapshot, pool: PoolSnapshot): number {
  if (job.limits.objective !== 'TimeToTarget') return 1;
  const asIfForMoney = { ...job, limits: { ...job.limits, objective: 'CostToTarget' as const } };
  return latenessPricePerHour(asIfForMoney, pool) / SECONDS_PER_HOUR;
}
