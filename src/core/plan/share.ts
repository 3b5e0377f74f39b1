import { samePlacement } from '../configuration.ts';
import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from '../snapshot.ts';
import type { Ranking, Share } from './choose.ts';
import { type CouplingJob, type CouplingOption, couple } from './couple.ts';
import { latenessPricePerHour, limitsBroken } from './evaluate.ts';
import { heldGpus } from './free-gpus.ts';
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

/** What a job may be given: its placements, and what each costs in money, lateness priced. */
interface Offer {
  readonly job: JobSnapshot;
  readonly placements: readonly Candidate[];
  readonly costs: readonly number[];
}

type Pools = ReadonlyMap<string, { readonly pool: PoolSnapshot; readonly index: number }>;

/** What breaks the budget or the deadline while another placement keeps it is at least so much dearer than that one. */
const BROKEN_LIMIT_FACTOR = 1.05;
/** Of equal gains the more urgent job's comes first: its costs count more by no more than this share. */
const URGENCY = 1e-6;

/**
 * Shares the pools between the jobs: one placement each, so that their costs to target, lateness priced, add up to the
 * least. Jobs come the most urgent first; those that may not be resized now keep what they hold. Where there is enough
 * for everyone's cheapest nobody has to share. Cost: jobs × placements then; else that of `couple` beside it.
 */
export function sharePools(rankings: readonly Ranking[], snapshot: Snapshot): Shares {
  const movable = rankings.filter(({ job }) => isMovable(job));
  const pools: Pools = new Map(snapshot.pools.map((pool, index) => [pool.name, { pool, index }]));
  const offers = movable.map((ranking, place) => offerOf(ranking, pools, 1 + URGENCY * (1 - place / movable.length)));
  const free = freeGpus(offers, snapshot);
  return cheapestOfAll(offers, pools, free) ?? coupled(offers, pools, free);
}

/** Everybody's cheapest placement; undefined where there is not enough, or where a cost cannot be planned with. */
function cheapestOfAll(offers: readonly Offer[], pools: Pools, free: readonly number[]): Shares | undefined {
  const left = [...free];
  let sum = 0;
  for (const { job, placements, costs } of offers) {
    let cheapest = 0;
    for (let option = 1; option < costs.length; option++) {
      if ((costs[option] as number) < (costs[cheapest] as number)) cheapest = option;
    }
    const placement = placements[cheapest];
    const pool = placement === undefined ? undefined : pools.get(placement.score.configuration.pool);
    const cost = costs[cheapest] ?? Number.NaN;
    if (placement === undefined || pool === undefined || !Number.isFinite(cost)) return undefined;
    const rest = (left[pool.index] ?? 0) - placement.score.configuration.replicas * job.limits.gpusPerReplica;
    if (rest < 0) return undefined;
    left[pool.index] = rest;
    sum += cost;
  }
  return { byKey: new Map(), cost: sum, lowerBound: sum, gap: 0 };
}

function coupled(offers: readonly Offer[], pools: Pools, free: readonly number[]): Shares {
  const jobs = offers.map(
    ({ job, placements, costs }): CouplingJob => ({
      key: job.key,
      options: placements.map(({ score: { configuration } }, option) => ({
        cost: costs[option] ?? Number.NaN,
        uses: [
          {
            resource: pools.get(configuration.pool)?.index ?? -1,
            amount: configuration.replicas * job.limits.gpusPerReplica,
          },
        ],
      })),
    }),
  );
  const { choice, prices, cost, lowerBound, gap } = couple(jobs, limitsFor(jobs, free));

  const gains = gainsPerGpu(offers, choice);
  const byKey = new Map<string, Share>();
  offers.forEach(({ job, placements }, place) => {
    const chosen = placements[choice[place] ?? -1]?.score.configuration;
    if (chosen === undefined) return;
    const price = prices[pools.get(chosen.pool)?.index ?? -1] ?? 0;
    // The price is what a GPU is worth to the job that gives it up for least, never more; those who get it gain more.
    const worthPerGpu = price === 0 ? 0 : Math.max(price, gains.get(chosen.pool) ?? 0);
    byKey.set(job.key, { pool: chosen.pool, replicas: chosen.replicas, worthPerGpu });
  });
  return { byKey, cost, lowerBound, gap };
}

/** Money that the jobs which grow on each pool save by it, for each GPU that they get: their mean. */
function gainsPerGpu(offers: readonly Offer[], choice: readonly (number | undefined)[]): ReadonlyMap<string, number> {
  const sums = new Map<string, { gain: number; gpus: number }>();
  offers.forEach(({ job: { history, limits }, placements, costs }, place) => {
    const { current } = history;
    const at = choice[place] ?? -1;
    const chosen = placements[at]?.score.configuration;
    if (chosen === undefined || chosen.pool !== current.pool || chosen.replicas <= current.replicas) return;
    const before = placements.findIndex(({ score }) => samePlacement(score.configuration, current));
    const gain = (costs[before] ?? Number.NaN) - (costs[at] ?? Number.NaN);
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

/** GPUs of each pool that these jobs may share: what others hold, and who waits for a start, comes first. */
function freeGpus(offers: readonly Offer[], snapshot: Snapshot): readonly number[] {
  const movable = new Set(offers.map(({ job }) => job.key));
  const held = new Map<string, number>();
  for (const job of snapshot.jobs) {
    if (movable.has(job.key)) continue;
    const { pool } = job.history.current;
    held.set(pool, (held.get(pool) ?? 0) + heldGpus(job));
  }
  return snapshot.pools.map(
    ({ name, maxNodes, gpusPerNode, foreignGpus }) => maxNodes * gpusPerNode - foreignGpus - (held.get(name) ?? 0),
  );
}

/** At least the smallest placements of all, since what runs is not stopped for anybody. */
function limitsFor(jobs: readonly CouplingJob[], free: readonly number[]): readonly number[] {
  return free.map((gpus, index) => {
    let least = 0;
    for (const { options } of jobs) least += leastOf(options, index);
    return Math.max(gpus, least);
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

function offerOf({ job, ranked, hold, placements }: Ranking, pools: Pools, urgency: number): Offer {
  const best = ranked[0] === undefined ? undefined : hold(ranked[0]);
  const costs = placements.map((candidate) => {
    const held = hold(candidate);
    const breaks = best !== undefined && limitsBroken(best) < limitsBroken(held);
    const least = breaks ? BROKEN_LIMIT_FACTOR * best.meanObjectiveWithLateness : 0;
    const objective = Math.max(held.meanObjectiveWithLateness, least) * urgency;
    const known = pools.get(candidate.score.configuration.pool);
    return known === undefined ? objective : objective * moneyPerObjective(job, known.pool);
  });
  return { job, placements, costs };
}

/** Jobs that count seconds instead of money count each at what it costs them to be late by it. */
function moneyPerObjective(job: JobSnapshot, pool: PoolSnapshot): number {
  if (job.limits.objective !== 'TimeToTarget') return 1;
  const asIfForMoney = { ...job, limits: { ...job.limits, objective: 'CostToTarget' as const } };
  return latenessPricePerHour(asIfForMoney, pool) / SECONDS_PER_HOUR;
}
