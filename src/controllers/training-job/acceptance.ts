import { fromDecimal } from '../../api/decimal.ts';
import type { GpuPool } from '../../api/gpu-pool.ts';
import { money } from '../../core/explain/figures.ts';
import { ratePerHour } from '../../core/model/cost-rate.ts';
import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

/** Refusals that only the making of the workload brings to light. */
const AT_CREATION = new Set(['PodTemplateRefused', 'NameTaken']);
const RETRY_SECONDS = 60;

/** Checks what the API server cannot see: other objects. Says what is missing and what would mend it. */
export function checkAccepted(view: JobView, draft: Draft): boolean {
  const { job, limits, pools, pool } = view;
  const missing = job.spec.capacity.pools.find(({ name }) => !pools.some((known) => known.metadata.name === name));
  if (view.nameTaken) {
    const message = `a Job named ${job.metadata.name} exists and belongs to someone else: rename the TrainingJob`;
    return refuse(draft, 'NameTaken', message);
  }
  if (pool === undefined || missing !== undefined) {
    const name = missing?.name ?? draft.status.pool ?? '';
    const known = pools.map(({ metadata }) => metadata.name).sort();
    const choice = known.length === 0 ? 'there are none yet' : `there are: ${known.join(', ')}`;
    return refuse(draft, 'PoolNotFound', `spec.capacity.pools names GPUPool ${name}, which does not exist; ${choice}`);
  }
  if (limits.gpusPerReplica > pool.spec.gpusPerNode) {
    const message =
      `spec.elasticity.gpusPerReplica is ${limits.gpusPerReplica}, a node of pool ${pool.metadata.name} has ` +
      `${pool.spec.gpusPerNode}: lower it or choose another pool`;
    return refuse(draft, 'GpusExceedNode', message);
  }
  const budget = job.spec.budget?.cost?.currency;
  if (budget !== undefined && budget !== pool.spec.cost.currency) {
    const message = `spec.budget.cost.currency is ${budget}, pool ${pool.metadata.name} is priced in ${pool.spec.cost.currency}`;
    return refuse(draft, 'CurrencyMismatch', message);
  }
  const gpus = job.spec.replicas * limits.gpusPerReplica;
  if (limits.maxGpus !== undefined && gpus > limits.maxGpus) {
    const message = `spec.replicas asks for ${gpus} GPUs, the ScalingPolicy allows ${limits.maxGpus} per job`;
    return refuse(draft, 'PolicyLimitExceeded', message);
  }
  const price = priceProblem(view, pool);
  if (price !== undefined) return refuse(draft, 'PolicyLimitExceeded', price);
  if (limits.mode !== job.spec.mode) {
    const message = `the ScalingPolicy does not allow mode ${job.spec.mode}; ${limits.mode} is in force`;
    draft.condition('Accepted', 'True', 'ModeNotAllowed', message);
    return true;
  }
  if (isStillRefused(view)) return waitAfterRefusal(view, draft);
  draft.condition('Accepted', 'True', 'Accepted', 'the job can be carried out');
  return true;
}

function priceProblem({ job, status, limits }: JobView, { metadata, spec }: GpuPool): string | undefined {
  // A start that was planned may be on another pool, with fewer workers than were asked for.
  const planned = limits.mode === 'Auto' && status.pool === metadata.name ? status.replicas : undefined;
  const replicas = planned === undefined || planned === 0 ? job.spec.replicas : planned;
  const { billing, pricePerNodeHour, currency } = spec.cost;
  const price = { billing, gpusPerNode: spec.gpusPerNode, pricePerNodeHour: fromDecimal(pricePerNodeHour) };
  const rate = ratePerHour(price, replicas, limits.gpusPerReplica);
  if (limits.maxPricePerHour === undefined || rate <= limits.maxPricePerHour) return undefined;
  const what = replicas === job.spec.replicas ? 'spec.replicas' : `a start with ${replicas} workers`;
  return `${what} costs ${money(rate, currency)} per hour, the ScalingPolicy allows ${money(limits.maxPricePerHour, currency)}`;
}

/** What the API server refused stays refused until it has taken it, or the user has changed the spec. */
function isStillRefused({ job, status, workerJob }: JobView): boolean {
  const known = status.conditions?.find(({ type }) => type === 'Accepted');
  return (
    workerJob === undefined &&
    known?.status === 'False' &&
    AT_CREATION.has(known.reason) &&
    known.observedGeneration === (job.metadata.generation ?? 0)
  );
}

/** True when it is time to try again. */
function waitAfterRefusal(view: JobView, draft: Draft): boolean {
  if (!view.creationPaused) return true;
  draft.status.state = 'Refused';
  draft.lookAgainIn(RETRY_SECONDS);
  return false;
}

function refuse(
  draft: Draft,
  reason: 'NameTaken' | 'PoolNotFound' | 'GpusExceedNode' | 'CurrencyMismatch' | 'PolicyLimitExceeded',
  message: string,
): false {
  draft.condition('Accepted', 'False', reason, message);
  draft.status.state = 'Refused';
  return false;
}
