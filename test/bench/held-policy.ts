import type { Target } from '../../src/simulator/fleet/simulated-job.ts';
import type { Policy } from '../../src/simulator/policies/policy.ts';

/** Gives every job the same target and leaves it alone. */
export function heldPolicy(target: Target): Policy {
  return {
    name: 'Held',
    decide: ({ jobs }) => ({
      orders: jobs.filter((job) => job.target === undefined).map((job) => ({ job, kind: 'Run' as const, target })),
    }),
  };
}
