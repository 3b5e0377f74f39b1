import { duration, money } from '../explain/figures.ts';
import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import type { JobSnapshot, NodeSnapshot, PoolSnapshot, Snapshot } from '../snapshot.ts';
import type { Ranking } from './choose.ts';
import { PRIOR_RESTART_SECONDS } from './evaluate.ts';
import { takeRoom } from './room.ts';

/** A job to be restarted at its size on other nodes, so that nodes can be given back. */
export interface Move {
  readonly key: string;
  /** The node that it has to leave; undefined when it is brought together from several, of which it may keep some. */
  readonly node: string | undefined;
  /** One sentence with figures. */
  readonly message: string;
}

/** A restart has to bring so many times what it costs. */
const GAIN_FACTOR = 1.5;
/** Nobody knows the fleet of later hours: new jobs may fill a node by themselves. */
const HORIZON_SECONDS = 6 * SECONDS_PER_HOUR;
/** A run is moved again only after this share of its rest, so that it is moved a few times, a short one never. */
const SETTLED_SHARE = 0.1;
const SETTLED_SECONDS = { least: 600, most: 3600 };

/** Jobs that are placed anew together, and the node that none of them may stay on. */
interface Proposal {
  readonly node: NodeSnapshot | undefined;
  readonly keys: readonly string[];
}

/**
 * In each pool whose nodes are paid for as a whole, what saves most of: emptying one node whose jobs fit into what is
 * free on the other nodes in use, and bringing together one job that stands on more nodes than it fills. Without nodes
 * in the snapshot nothing is moved. Cost: nodes² of a pool at worst.
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
    return ranking !== undefined && mayRestart(ranking, snapshot.now) ? ranking : undefined;
  };
  return snapshot.pools.flatMap((pool) => {
    if (pool.billing !== 'Node') return [];
    const nodes = (snapshot.nodes ?? []).filter((node) => node.pool === pool.name && usedOn(node) > 0);
    let best: { readonly net: number; readonly moves: readonly Move[] } = { net: 0, moves: [] };
    for (const proposal of proposalsFor(nodes)) {
      const moved = proposal.keys.map(movable).filter((ranking) => ranking !== undefined);
      if (moved.length !== proposal.keys.length) continue;
      const nodesSaved = nodesSavedBy(proposal, moved, nodes, pool);
      const seconds = Math.min(HORIZON_SECONDS, Math.max(...moved.map(secondsLeft)));
      const gain = (nodesSaved * pool.pricePerNodeHour * seconds) / SECONDS_PER_HOUR;
      const loss = moved.reduce((sum, ranking) => sum + restartCost(ranking), 0);
      if (gain < GAIN_FACTOR * loss || gain - loss <= best.net) continue;
      const saving = `whose ${money(gain, pool.currency)} for ${duration(seconds)} are saved by ${moved.length} restart${moved.length === 1 ? '' : 's'} for ${money(loss, pool.currency)}`;
      best = { net: gain - loss, moves: moved.map(({ job }) => describe(job, proposal.node, nodesSaved, saving)) };
    }
    return best.moves;
  });
}

function describe({ key }: JobSnapshot, node: NodeSnapshot | undefined, nodesSaved: number, saving: string): Move {
  const message =
    node === undefined
      ? `brought together, which frees ${nodesSaved} node${nodesSaved === 1 ? '' : 's'} ${saving}`
      : `moved off node ${node.name}, ${saving}`;
  return { key, node: node?.name, message };
}

/** The emptiest node first; names make the order the same for any input. */
function proposalsFor(nodes: readonly NodeSnapshot[]): readonly Proposal[] {
  const order = nodes.toSorted((one, other) => usedOn(one) - usedOn(other) || (one.name < other.name ? -1 : 1));
  const emptied = order.flatMap((node): readonly Proposal[] =>
    node.foreignGpus > 0 ? [] : [{ node, keys: node.held.map(({ key }) => key).sort() }],
  );
  const counts = new Map<string, number>();
  for (const { held } of nodes) for (const { key } of held) counts.set(key, (counts.get(key) ?? 0) + 1);
  const spread = [...counts].filter(([, count]) => count > 1).map(([key]) => key);
  return [...spread.sort().map((key): Proposal => ({ node: undefined, keys: [key] })), ...emptied];
}

/** Nodes fewer in use once the jobs are placed anew, the largest first; 0 when they do not fit. */
function nodesSavedBy(
  { node: emptied, keys }: Proposal,
  moved: readonly Ranking[],
  nodes: readonly NodeSnapshot[],
  pool: PoolSnapshot,
): number {
  const goes = new Set(keys);
  const others = nodes.filter((node) => node !== emptied);
  const rooms = others.map((node) => ({ free: pool.gpusPerNode - usedOn(node, goes) }));
  const gpusOf = ({ job: { history, limits } }: Ranking) => history.current.replicas * limits.gpusPerReplica;
  for (const { job } of moved.toSorted((one, other) => gpusOf(other) - gpusOf(one))) {
    const { current } = job.history;
    if (!takeRoom(rooms, current.replicas, job.limits.gpusPerReplica, pool.gpusPerNode)) return 0;
  }
  return nodes.length - rooms.filter(({ free }) => free < pool.gpusPerNode).length;
}

/** Whether the job is Stepwise's to restart, is not in a hurry, and was not restarted a short while ago. */
function mayRestart({ job, current }: Ranking, now: number): boolean {
  const { limits, history, held } = job;
  if (limits.mode !== 'Auto' || !limits.canRescale || history.busyWith !== 'Nothing' || held.everything) return false;
  const left = (limits.deadline ?? Number.POSITIVE_INFINITY) - now;
  if (current.score.secondsToTarget90 + restartSeconds(job) > left) return false;
  const { least, most } = SETTLED_SECONDS;
  const rest = Math.min(most, Math.max(least, SETTLED_SHARE * current.score.meanSeconds));
  // What ends sooner than it settles is left where it is.
  if (current.score.meanSeconds < rest) return false;
  return history.lastResizeAt === undefined || now - history.lastResizeAt >= rest;
}

/** GPUs in use on a node, but for those of the jobs that go. */
function usedOn({ held, foreignGpus }: NodeSnapshot, without: ReadonlySet<string> = new Set()): number {
  return held.reduce((sum, { key, gpus }) => sum + (without.has(key) ? 0 : gpus), foreignGpus);
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
