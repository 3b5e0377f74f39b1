import type { Scenario } from '../scenario.ts';
import type { ArrivingJob } from '../traces/arriving-job.ts';
import type { EnergySeries } from '../traces/energy.ts';
import { carbonGreedy } from './carbon-greedy.ts';
import { greedyShares } from './greedy-shares.ts';
import { optimumPolicy } from './optimum.ts';
import type { Policy } from './policy.ts';
import { staticAsRequested } from './static-as-requested.ts';
import { staticOraclePolicy } from './static-oracle.ts';
import { type OperatorKnowledge, stepwisePolicy } from './stepwise.ts';

export interface PolicySources {
  readonly scenario: Scenario;
  readonly jobs: readonly ArrivingJob[];
  readonly energy: ReadonlyMap<string, EnergySeries>;
}

/**
 * The policy that a scenario names. The operator's own comes as a function of what it may know, which only the running
 * simulation has; the others may know the truth.
 */
export async function policyOf(sources: PolicySources): Promise<(knowledge: OperatorKnowledge) => Policy> {
  const { scenario, jobs, energy } = sources;
  switch (scenario.policy) {
    case 'Stepwise':
      return (knowledge) => stepwisePolicy(knowledge, energy);
    case 'StaticAsRequested':
      return staticAsRequested;
    case 'GreedyShares':
      return () => greedyShares(scenario);
    case 'CarbonGreedy':
      return ({ startsAt }) => carbonGreedy(scenario, startsAt, energy);
    case 'StaticOracle':
      return () => staticOraclePolicy(scenario.restartSeconds);
    case 'Optimum': {
      const optimum = await optimumPolicy({ scenario, jobs });
      return () => optimum;
    }
  }
}
