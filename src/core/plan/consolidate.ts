import { duration, money } from '../explain/figures.ts';
import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import type { JobSnapshot, NodeSnapshot, PoolSnapshot, Snapshot } from '../snapshot.ts';
import type { Ranking } from './choose.ts';
import { PRIOR_RESTART_SECONDS } from './evaluate.ts';

/** A job to be restarted at its size on other nodes, so that one of them can be given back. */
export interface Move {
  readonly key: string;
  readonly node: string;
  /** One sentence with figures. */
  readonly message: string;
}

/** A restart has to bring so many times what it costs. */
const GAIN_FACTOR = 1.5;
/** Nobody knows the fleet of later hours: new jobs may fill a node by themselves. */
const HORIZON_SECONDS = 6 * SECONDS_PER_HOUR;
/** A run is moved again only after this share of its rest, so that a long one is moved a few times, a short one never. */
const SETTLED_SHARE = 0.1;
const SETTLED_SECONDS = 600;

/**
 * Empties, in each pool whose nodes are paid for as a whole, at most one node whose jobs fit into what is free on other
 * nodes in use. Without nodes in the snapshot nothing is moved. Cost: nodes² of a pool at worst.
 */
export function consolidate(
  snapshot: Snapshot,
  rankings: readonly Ranking[],
  changing: ReadonlySet<string>,
): readonly Move[] {
  if (snapshot.nodes === undefined) return [];
  const byKey = new Map(rankings.map((ranking) => [ranking.job.key, ranking]));
  const movable = (key: string) => {
    const ranking = changing.has(key) ? undefined : byKey.get(key);
    return ranking !== undefined && isSettled(ranking, snapshot.now) ? ranking : undefined;
  };
  return snapshot.pools.flatMap((pool) => {
    if (pool.billing !== 'Node') return [];
    const nodes = (snapshot.nodes ?? []).filter((node) => node.pool === pool.name && usedOn(node) > 0);
    // The emptiest first: it frees most for the fewest restarts; names make the order the same for any input.
    const order = nodes.toSorted((one, other) => usedOn(one) - usedOn(other) || (one.name < other.name ? -1 : 1));
    for (const node of order) {
      const moved = node.held.map(({ key }) => movable(key)).filter((ranking) => ranking !== undefined);
      if (moved.length !== node.held.length || !canEmpty(node, nodes, pool)) continue;
      const seconds = Math.min(HORIZON_SECONDS, Math.max(...moved.map(secondsLeft)));
      const gain = (pool.pricePerNodeHour * seconds) / SECONDS_PER_HOUR;
      const loss = moved.reduce((sum, ranking) => sum + restartCost(ranking), 0);
      if (gain < GAIN_FACTOR * loss) continue;
      const message = `moved off node ${node.name}, whose ${money(gain, pool.currency)} for ${duration(seconds)} are saved by ${moved.length} restart${moved.length === 1 ? '' : 's'} for ${money(loss, pool.currency)}`;
      return moved.map(({ job }) => ({ key: job.key, node: node.name, message }));
    }
    return [];
  });
}

function isSettled({ job, current }: Ranking, now: number): boolean {
  const { limits, history, held } = job;
  if (limits.mode !== 'Auto' || !limits.canRescale || history.busyWith !== 'Nothing' || held.everything) return false;
  const rest = Math.max(SETTLED_SECONDS, SETTLED_SHARE * current.score.meanSeconds);
  // What ends sooner than it settles is left where it is.
  if (current.score.meanSeconds < rest) return false;
  return history.lastResizeAt === undefined || now - history.lastResizeAt >= rest;
}

/** Whether all jobs of the node stand on it alone and fit, one by one, into the free GPUs of the others. */
function canEmpty(node: NodeSnapshot, nodes: readonly NodeSnapshot[], pool: PoolSnapshot): boolean {
  const others = nodes.filter((other) => other !== node);
  const spread = new Set(others.flatMap(({ held }) => held.map(({ key }) => key)));
  if (node.foreignGpus > 0 || node.held.some(({ key }) => spread.has(key))) return false;
  const room = others.map((other) => pool.gpusPerNode - usedOn(other));
  for (const { gpus } of node.held.toSorted((one, other) => other.gpus - one.gpus)) {
    const place = bestFit(room, gpus);
    if (place === undefined) return false;
    room[place] = (room[place] ?? 0) - gpus;
  }
  return true;
}

function bestFit(room: readonly number[], gpus: number): number | undefined {
  let best: number | undefined;
  room.forEach((free, place) => {
    if (free >= gpus && (best === undefined || free < (room[best] ?? 0))) best = place;
  });
  return best;
}

function usedOn({ held, foreignGpus }: NodeSnapshot): number {
  return held.reduce((sum, { gpus }) => sum + gpus, foreignGpus);
}

function secondsLeft({ current }: Ranking): number {
  return current.score.meanSeconds;
}

function restartCost({ job, current }: Ranking): number {
  return (current.score.ratePerHour * restartSeconds(job)) / SECONDS_PER_HOUR;
}

function restartSeconds({ history }: JobSnapshot): number {
  return history.restartSeconds ?? PRIOR_RESTART_SECONDS;
}
