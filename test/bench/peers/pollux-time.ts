import { type Allocations, type PolluxJob, type PolluxNode, PolluxPolicy } from './pollux-policy.ts';
import { APPLICATIONS, aPolluxJob, measurementsOf, type PolluxProfile, profileOf } from './pollux-profiles.ts';

export const JOB_COUNTS = [16, 64, 160] as const;
const NODES: readonly PolluxNode[] = Array.from({ length: 16 }, (_, index) => ({ name: `node-${index}`, gpus: 4 }));
/** A run asks every 30 to 60 s with what it held before: the first decision starts cold, the others do not. */
const DECISIONS = 3;
const SECONDS_BETWEEN_ARRIVALS = 180;
/** Every job may grow to eight GPUs: as if it had been profiled on a whole node of four. */
const MAX_REPLICAS = 8;

export interface PolluxTime {
  readonly jobs: number;
  /** Of each decision, in order: on the clock, and of the processor. */
  readonly seconds: readonly number[];
  readonly cpuSeconds: readonly number[];
  /** How many of the decisions fitted the cluster, and GPUs given by the last one. */
  readonly found: number;
  readonly gpusGiven: number;
}

/** The authors' fit of the four T4 applications to all their measured steps. */
export async function fittedProfiles(): Promise<readonly PolluxProfile[]> {
  const policy = await PolluxPolicy.start({ seed: 1, fixedCluster: true });
  try {
    const profiles: PolluxProfile[] = [];
    for (const application of Object.keys(APPLICATIONS)) {
      const { perfParams } = await policy.fit(measurementsOf(application));
      profiles.push(profileOf(application, perfParams));
    }
    return profiles;
  } finally {
    await policy.close();
  }
}

/** Jobs of the four applications in turn. */
export function jobsFor(profiles: readonly PolluxProfile[], count: number): readonly PolluxJob[] {
  return Array.from({ length: count }, (_, index) => {
    const profile = profiles[index % profiles.length];
    if (profile === undefined) throw new Error('no profile was given');
    return aPolluxJob(profile, `${profile.application}-${index}`, index * SECONDS_BETWEEN_ARRIVALS, MAX_REPLICAS);
  });
}

/** Seconds that the Pollux policy takes to decide about `count` jobs on 16 nodes of 4 GPUs, in a process of its own. */
export async function timePollux(profiles: readonly PolluxProfile[], count: number): Promise<PolluxTime> {
  const policy = await PolluxPolicy.start({ seed: 1, fixedCluster: true });
  try {
    const jobs = jobsFor(profiles, count);
    let held: Allocations = {};
    let found = 0;
    const seconds: number[] = [];
    const cpuSeconds: number[] = [];
    for (let decision = 0; decision < DECISIONS; decision += 1) {
      const answer = await policy.decide(jobs, NODES, held);
      seconds.push(answer.seconds);
      cpuSeconds.push(answer.cpuSeconds);
      if (answer.found) {
        found += 1;
        held = answer.allocations;
      }
    }
    return { jobs: count, seconds, cpuSeconds, found, gpusGiven: Object.values(held).flat().length };
  } finally {
    await policy.close();
  }
}
