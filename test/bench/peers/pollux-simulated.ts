import type { Order } from '../../../src/simulator/fleet/carry-out.ts';
import type { SimulatedJob } from '../../../src/simulator/fleet/simulated-job.ts';
import { mainPool } from '../../../src/simulator/policies/layouts.ts';
import type { Fleet, Policy } from '../../../src/simulator/policies/policy.ts';
import type { PoolSpec } from '../../../src/simulator/scenario.ts';
import { polluxDecide } from './pollux-decide.ts';
import type { PolluxDecision, PolluxJob, PolluxPolicy } from './pollux-policy.ts';
import { aPolluxJob, type PolluxProfile } from './pollux-profiles.ts';

/**
 * The Pollux policy in the fleet simulator. It is treated kindly: it knows from the start the fit to all measured step
 * times and at any time the true gradient statistics, and pays no restart for other nodes with as many GPUs.
 */
export function polluxSimulated(policy: PolluxPolicy, profiles: readonly PolluxProfile[]): Policy {
  const byApplication = new Map(profiles.map((profile) => [profile.application, profile]));
  const decide = polluxDecide(policy);
  const largest = new Map<string, number>();
  return {
    name: 'Pollux',
    async decide({ jobs, cluster }: Fleet) {
      for (const job of jobs) largest.set(job.name, Math.max(job.gpus, largest.get(job.name) ?? 0));
      const asked = jobs.map((job) => describe(job, byApplication, largest.get(job.name) ?? 0));
      const nodes = cluster.nodes.map(({ id, pool }) => ({ name: `node-${id}`, gpus: pool.gpusPerNode }));
      const held = Object.fromEntries(jobs.map((job) => [job.name, nodesOf(job)]));
      const decision = await decide(asked, nodes, held);
      return { orders: jobs.flatMap((job) => orderFor(job, decision, mainPool(cluster.pools))) };
    },
  };
}

/** The deployed allocator lets a job grow to twice the replicas that it has been profiled with. */
function describe(
  job: SimulatedJob,
  profiles: ReadonlyMap<string, PolluxProfile>,
  profiledReplicas: number,
): PolluxJob {
  const { world, submittedAt } = job.arriving;
  const profile = profiles.get(world.application);
  if (profile === undefined) throw new Error(`there is no profile of ${world.application}`);
  const batch = job.target?.globalBatchSize ?? profile.initBatchSize;
  const moments = world.course(batch).gradients(job.run.share, job.run.share);
  const gradParams =
    moments === undefined ? profile.gradParams : { sqr: moments.signal, var: moments.trace / profile.initBatchSize };
  const known = aPolluxJob(profile, job.name, submittedAt, Math.max(1, 2 * profiledReplicas));
  return { ...known, gradParams };
}

function nodesOf({ grant }: SimulatedJob): readonly string[] {
  return (grant?.parts ?? []).flatMap(({ node, gpus }) => new Array<string>(gpus).fill(`node-${node.id}`));
}

function orderFor(job: SimulatedJob, { allocations, batches }: PolluxDecision, pool: PoolSpec): readonly Order[] {
  const gpus = allocations[job.name]?.length ?? 0;
  const [microBatchSize, gradientAccumulationSteps] = batches[job.name] ?? [];
  if (gpus === 0) return job.target === undefined ? [] : [{ job, kind: 'Pause' }];
  if (microBatchSize === undefined || gradientAccumulationSteps === undefined) return [];
  const globalBatchSize = microBatchSize * gradientAccumulationSteps * gpus;
  const target = { pool: pool.name, gpus, globalBatchSize, microBatchSize, gradientAccumulationSteps };
  return [{ job, kind: 'Run', target }];
}
