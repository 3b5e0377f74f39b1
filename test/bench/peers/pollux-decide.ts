import type { Allocations, PolluxDecision, PolluxJob, PolluxNode, PolluxPolicy } from './pollux-policy.ts';

/**
 * What the Pollux policy would have each job hold from now on, for a simulator that asks at its planning interval. When
 * the search finds nothing that fits the cluster, jobs keep what they hold: kinder to the policy than its own allocator,
 * which would stop them all.
 */
export function polluxDecide(policy: Pick<PolluxPolicy, 'decide'>) {
  return async (
    jobs: readonly PolluxJob[],
    nodes: readonly PolluxNode[],
    held: Allocations,
  ): Promise<PolluxDecision> => {
    if (jobs.length === 0)
      return { found: true, allocations: {}, batches: {}, desiredNodes: 0, seconds: 0, cpuSeconds: 0 };
    const active = new Set(jobs.map(({ name }) => name));
    const existing = new Set(nodes.map(({ name }) => name));
    const base = Object.fromEntries(
      Object.entries(held)
        .filter(([name]) => active.has(name))
        .map(([name, on]) => [name, on.filter((node) => existing.has(node))]),
    );
    const decision = await policy.decide(jobs, nodes, base);
    return decision.found ? decision : { ...decision, allocations: base };
  };
}
