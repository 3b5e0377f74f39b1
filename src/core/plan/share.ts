import { samePlacement } from '../configuration.ts';
import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from '../snapshot.ts';
import { bestPerPlacement, type Ranking, type Share } from './choose.ts';
import { type CouplingJob, type CouplingOption, couple } from './couple.ts';
import { latenessPricePerHour } from './evaluate.ts';
import type { Candidate } from './judge.ts';

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
/** Of equal gains the more urgent job's comes first: its costs count more by no more than this share. */
const URGENCY = 1e-6;

/**
 * Shares the pools between the jobs: one placement each, so that their costs to target, lateness priced, add up to the
 * least. Jobs come the most urgent first; those that may not be resized now keep what they hold. Cost: jobs × placements while there is enough for
 * everyone's cheapest; else that of `couple`.
 */
export function sharePools(rankings: readonly Ranking[], snapshot: Snapshot): Shares {
  const movable = rankings.filter(({ job }) => isMovable(job));
  const pools = new Map(snapshot.pools.map((pool, index) => [pool.name, { pool, index }]));
  const placements = movable.map(({ ranked }) => bestPerPlacement(ranked));
  const jobs = movable.map(
    (ranking, place): CouplingJob => ({
      key: ranking.job.key,
      options: (placements[place] ?? []).map((candidate) => {
        return optionOf(ranking, candidate, pools, 1 + URGENCY * (1 - place / movable.length));
      }),
    }),
  );
  const { choice, prices, cost, lowerBound, gap } = couple(jobs, gpusFor(jobs, snapshot));

  const gains = gainsPerGpu(jobs, movable, placements, choice);
  const byKey = new Map<string, Share>();
  movable.forEach(({ job }, place) => {
    const chosen = placements[place]?.[choice[place] ?? -1]?.score.configuration;
    if (chosen === undefined) return;
    const price = prices[pools.get(chosen.pool)?.index ?? -1] ?? 0;
    // The price is what a GPU is worth to the job that gives it up for least, never more; those who get it gain more.
    const worthPerGpu = price === 0 ? 0 : Math.max(price, gains.get(chosen.pool) ?? 0);
    byKey.set(job.key, { pool: chosen.pool, replicas: chosen.replicas, worthPerGpu });
  });
  return { byKey, cost, lowerBound, gap };
}

/** Money that the jobs which grow on each pool save by it, for each GPU that they get: their mean. */
function gainsPerGpu(
  jobs: readonly CouplingJob[],
  rankings: readonly Ranking[],
  placements: readonly (readonly Candidate[])[],
  choice: readonly (number | undefined)[],
): ReadonlyMap<string, number> {
  const sums = new Map<string, { gain: number; gpus: number }>();
  rankings.forEach(({ job: { history, limits } }, place) => {
    const { current } = history;
    const at = choice[place] ?? -1;
    const chosen = placements[place]?.[at]?.score.configuration;
    if (chosen === undefined || chosen.pool !== current.pool || chosen.replicas <= current.replicas) return;
    const before = placements[place]?.findIndex(({ score }) => samePlacement(score.configuration, current)) ?? -1;
    const gain = (jobs[place]?.options[before]?.cost ?? Number.NaN) - (jobs[place]?.options[at]?.cost ?? Number.NaN);
    if (!(gain > 0)) return;
    const sum = sums.get(current.pool) ?? { gain: 0, gpus: 0 };
    const gpus = sum.gpus + (chosen.replicas - current.replicas) * limits.gpusPerReplica;
    sums.set(current.pool, { gain: sum.gain + gain, gpus });
  });
  return new Map([...sums].flatMap(([pool, { gain, gpus }]) => (gpus > 0 ? [[pool, gain / gpus]] : [])));
}

function isMovable({ limits, history, held }: JobSnapshot): boolean {
  return limits.mode === 'Auto' && limits.canRescale && history.busyWith === 'Nothing' && !held.everything;
}

/**
 * GPUs of each pool that these jobs may share: what others hold, and who waits for a start, comes first. At least the
 * smallest placements of all, since what runs is not stopped for anybody.
 */
function gpusFor(jobs: readonly CouplingJob[], snapshot: Snapshot): readonly number[] {
  const movable = new Set(jobs.map(({ key }) => key));
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
  let least = Number.POSITIVE_INFINITY;
  for (const { uses } of options) {
    const use = uses[0];
    if (use !== undefined && use.resource === resource) least = Math.min(least, use.amount);
  }
  return least === Number.POSITIVE_INFINITY ? 0 : least;
}

function optionOf(
  { job, ranked, hold }: Ranking,
  candidate: Candidate,
  pools: ReadonlyMap<string, { readonly pool: PoolSnapshot; readonly index: number }>,
  urgency: number,
): CouplingOption {
  const { pool: name, replicas } = candidate.score.configuration;
  const known = pools.get(name);
  const best = ranked[0] === undefined ? undefined : hold(ranked[0]);
  const held = hold(candidate);
  const least =
    best?.meetsDeadline && !held.meetsDeadline ? MISSED_DEADLINE_FACTOR * best.meanObjectiveWithLateness : 0;
  const objective = Math.max(held.meanObjectiveWithLateness, least) * urgency;
  return {
    cost: known === undefined ? objective : objective * moneyPerObjective(job, known.pool),
    uses: [{ resource: known?.index ?? -1, amount: replicas * job.limits.gpusPerReplica }],
  };
}

/** Jobs that count seconds instead of money count each at what it costs them to be late by it. */
function moneyPerObjective(job: JobSnapshot, pool: PoolSnapshot): number {
  if (job.limits.objective !== 'TimeToTarget') return 1;
  const asIfForMoney = { ...job, limits: { ...job.limits, objective: 'CostToTarget' as const } };
  return latenessPricePerHour(asIfForMoney, pool) / SECONDS_PER_HOUR;
}
