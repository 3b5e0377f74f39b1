import { mean, quantile } from '../estimate/draws.ts';
import { type Estimate, type Interval, interval } from '../estimate/estimate.ts';
import { ratePerHour, SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import { stepSeconds } from '../model/step-time.ts';
import { stepsForWork } from '../model/steps-to-target.ts';
import {
  type Configuration,
  globalBatchSize,
  type InstantSeconds,
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
  /** The mean objective with lateness priced, to compare configurations of which none is in time. */
  readonly meanObjectiveWithLateness: number;
  readonly meanSecondsToTarget: number;
}

/** Prior for the time without steps of a checkpoint and restart (algorithms.md 3.5). */
export const PRIOR_RESTART_SECONDS = 60;
const PRIOR_PROVISIONING_SECONDS = 180;
/**
 * An hour late is as bad as paying for so many hours of the smallest allocation. Priced, not forbidden: "fastest at any
 * price" missed more deadlines (algorithms.md 3.3).
 */
const LATENESS_PRICE_FACTOR = 10;

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
  const meanObjective = mean(objectivePerWorld);
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
    meanObjective,
    meetsDeadline: limits.deadline === undefined || now + secondsToTarget90 <= limits.deadline,
    meanObjectiveWithLateness:
      meanObjective + latenessPrice(job, pool, mean(seconds.map((value) => hoursLate(job, now + value)))),
    meanSecondsToTarget: mean(seconds),
  };
}

function hoursLate({ limits }: JobSnapshot, end: InstantSeconds): number {
  return limits.deadline === undefined ? 0 : Math.max(0, end - limits.deadline) / SECONDS_PER_HOUR;
}

function latenessPrice({ limits }: JobSnapshot, pool: PoolSnapshot, hours: number): number {
  if (limits.objective === 'TimeToTarget') return LATENESS_PRICE_FACTOR * hours * SECONDS_PER_HOUR;
  const smallest = ratePerHour(pool, limits.minReplicas, limits.gpusPerReplica) + limits.timeValuePerHour;
  return LATENESS_PRICE_FACTOR * hours * smallest;
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
