import { duration } from '../../core/explain/figures.ts';
import { fromInstant, toInstant } from '../instants.ts';
import { newPoolDraft, type PoolDraft, type PoolView, setCondition } from './pool-draft.ts';
import { reportPoolProblems } from './pool-problems.ts';

/** After a stock-out the pool is asked again no sooner than this. */
const STOCK_OUT_BACKOFF_SECONDS = 600;
const MAX_CLAIMS = 256;

/** What is to be done with one pool: up at once, down after a delay and never below a node that somebody uses. */
export function advancePool(view: PoolView): PoolDraft {
  const { pool, demand, asked, now } = view;
  const draft = newPoolDraft(pool);
  describeUse(view, draft);
  if (asked === undefined) {
    setCondition(draft, view, 'ScalerAvailable', 'True', 'NotScaled', 'the provider is None: nodes are left to others');
    reportPoolProblems(view, draft);
    return draft;
  }
  setCondition(draft, view, 'ScalerAvailable', 'True', 'ScalerAvailable', 'the scale target can be read');
  reportPoolProblems(view, draft);
  followScaling(view, draft);

  const stockOutUntil = fromInstant(draft.status.stockOutUntil);
  const blocked = stockOutUntil !== undefined && stockOutUntil > now;
  if (demand.nodes > asked && !blocked) {
    delete draft.status.surplusSince;
    scaleTo(view, draft, demand.nodes);
  } else if (demand.nodes < asked) {
    scaleDownLater(view, draft);
  } else {
    delete draft.status.surplusSince;
  }
  return draft;
}

function describeUse(view: PoolView, draft: PoolDraft): void {
  const { use, claims } = view.demand;
  draft.status.nodes = {
    ...(view.asked === undefined ? {} : { desired: view.asked }),
    ready: use.readyNodes,
    busy: use.busyNodes,
  };
  draft.status.gpus = { total: use.totalGpus, allocated: use.ownGpus, foreign: use.foreignGpus };
  draft.status.claims = claims.slice(0, MAX_CLAIMS).map((claim) => ({ ...claim }));
}

/** Watches nodes that were asked for until they are there, or late. */
function followScaling(view: PoolView, draft: PoolDraft): void {
  const { now, pool, demand } = view;
  const scaling = draft.status.scaling;
  if (scaling === undefined) {
    if (draft.status.stockOutUntil === undefined || (fromInstant(draft.status.stockOutUntil) ?? 0) <= now) {
      setCondition(draft, view, 'StockOut', 'False', 'InStock', 'the last nodes asked for came');
    }
    return;
  }
  const startedAt = fromInstant(scaling.startedAt) ?? now;
  if (scaling.to <= scaling.from || demand.use.readyNodes >= scaling.to) {
    if (scaling.to > scaling.from) draft.status.provisioningSeconds = Math.round(now - startedAt);
    delete draft.status.scaling;
    // Nodes given back say nothing of nodes to be had.
    if (scaling.to <= scaling.from) return;
    delete draft.status.stockOutUntil;
    setCondition(draft, view, 'StockOut', 'False', 'InStock', 'the last nodes asked for came');
    return;
  }
  draft.requeueAfterSeconds = 5;
  const limit = pool.spec.provisioningTimeoutSeconds;
  if (now - startedAt < limit) return;
  const message = `${demand.use.readyNodes} of ${scaling.to} nodes are ready after ${duration(limit)}; asked again in ${duration(STOCK_OUT_BACKOFF_SECONDS)}`;
  delete draft.status.scaling;
  draft.status.stockOutUntil = toInstant(now + STOCK_OUT_BACKOFF_SECONDS);
  setCondition(draft, view, 'StockOut', 'True', 'ProvisioningTimedOut', message);
  draft.event = { type: 'Warning', reason: 'PoolStockOut', message };
  // What did not come is not waited for at the pool's expense; what is there, and in use, stays.
  draft.setNodes = Math.max(demand.use.readyNodes, demand.use.busyNodes, pool.spec.limits.minNodes);
}

function scaleDownLater(view: PoolView, draft: PoolDraft): void {
  const { now, pool, demand, asked = 0 } = view;
  draft.status.surplusSince ??= toInstant(now);
  const since = fromInstant(draft.status.surplusSince) ?? now;
  const left = since + pool.spec.scaleDownDelaySeconds - now;
  if (left > 0) {
    draft.requeueAfterSeconds = Math.max(1, left);
    return;
  }
  // A node with somebody's pod on it is not for us to take, even if the work would fit on fewer.
  const target = Math.max(demand.nodes, demand.use.busyNodes);
  if (target < asked) scaleTo(view, draft, target);
}

function scaleTo(view: PoolView, draft: PoolDraft, nodes: number): void {
  const from = view.asked ?? 0;
  draft.setNodes = nodes;
  draft.status.nodes = { ...draft.status.nodes, desired: nodes };
  draft.status.scaling = { from, to: nodes, startedAt: toInstant(view.now) };
  if (nodes < from) delete draft.status.surplusSince;
  const jobs = view.demand.claims.map(({ namespace, name }) => `${namespace}/${name}`);
  const why =
    jobs.length === 0 ? 'no job needs it' : `for ${jobs.slice(0, 3).join(', ')}${jobs.length > 3 ? ', …' : ''}`;
  draft.event = { type: 'Normal', reason: 'PoolScaled', message: `${from}→${nodes} nodes, ${why}` };
  draft.requeueAfterSeconds = 5;
}
