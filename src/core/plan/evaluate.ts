import { mean, quantile } from '../estimate/draws.ts';
import { type Estimate, type Interval, interval } from '../estimate/estimate.ts';
import { ratePerHour, SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import { stepSeconds } from '../model/step-time.ts';
import { stepsForWork } from '../model/steps-to-target.ts';
import {
  type Configuration,
  globalBatchSize,
  type JobSnapshot,
  type PoolSnapshot,
  samePlacement,
} from '../snapshot.ts';

/** What a configuration would cost from now to the end, over the possible worlds. */
export interface Evaluation {
  readonly configuration: Configuration;
  /** Money per hour while it runs. */
  readonly ratePerHour: number;
  readonly costToTarget: Interval;
  readonly meanCostToTarget: number;
  readonly secondsToTarget: Interval;
  /** Seconds within which it ends with probability 0.9. */
  readonly secondsToTarget90: number;
  readonly stepSeconds: number;
  readonly stepsToTarget: number;
  /** What is minimised: money, value of time included, per possible world. */
  readonly objectivePerWorld: readonly number[];
  readonly meanObjective: number;
  readonly meetsDeadline: boolean;
}

/** Prior for the time without steps of a checkpoint and restart (algorithms.md 3.5). */
export const PRIOR_RESTART_SECONDS = 60;
const PRIOR_PROVISIONING_SECONDS = 180;

export function evaluate(
  job: JobSnapshot,
  estimate: Estimate,
  pool: PoolSnapshot,
  configuration: Configuration,
  now: number,
): Evaluation {
  const { limits } = job;
  const rate = ratePerHour(pool, configuration.replicas, limits.gpusPerReplica);
  const pause = pauseSeconds(job, pool, configuration);
  const batch = globalBatchSize(configuration);

  const perWorld = estimate.worlds.map((world) => {
    const steps = stepsForWork({
      referenceSamples: world.remainingReferenceSamples,
      gradientNoiseScale: world.gradientNoiseScale,
      globalBatchSize: batch,
      referenceBatchSize: limits.initialGlobalBatchSize,
    });
    return { steps, seconds: steps * stepSeconds(world.stepTime, configuration) + pause };
  });
  const seconds = perWorld.map((world) => world.seconds);
  const costs = seconds.map((value) => (value * rate) / SECONDS_PER_HOUR);
  const secondsToTarget90 = quantile(seconds, 0.9);
  const objectivePerWorld = seconds.map((value) =>
    limits.objective === 'TimeToTarget' ? value : (value * (rate + limits.timeValuePerHour)) / SECONDS_PER_HOUR,
  );
  return {
    configuration,
    ratePerHour: rate,
    costToTarget: interval(costs),
    meanCostToTarget: mean(costs),
    secondsToTarget: interval(seconds),
    secondsToTarget90,
    stepSeconds: quantile(
      estimate.worlds.map((world) => stepSeconds(world.stepTime, configuration)),
      0.5,
    ),
    stepsToTarget: quantile(
      perWorld.map((world) => world.steps),
      0.5,
    ),
    objectivePerWorld,
    meanObjective: mean(objectivePerWorld),
    meetsDeadline: limits.deadline === undefined || now + secondsToTarget90 <= limits.deadline,
  };
}

/** Time without steps that changing to the configuration costs: none for a reload, a restart for a resize. */
export function pauseSeconds(job: JobSnapshot, pool: PoolSnapshot, configuration: Configuration): number {
  const { current, restartSeconds } = job.history;
  if (samePlacement(current, configuration)) return 0;
  const restart = restartSeconds ?? PRIOR_RESTART_SECONDS;
  if (configuration.replicas <= current.replicas) return restart;
  // Nodes are asked for before the run stops, so provisioning costs rent, not time; a quarter is charged for it.
  return restart + (pool.provisioningSeconds ?? PRIOR_PROVISIONING_SECONDS) / 4;
}
