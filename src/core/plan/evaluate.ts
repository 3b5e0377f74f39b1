import { type Configuration, globalBatchSize, type InstantSeconds, samePlacement } from '../configuration.ts';
import { mean, quantile } from '../estimate/draws.ts';
import { type Estimate, type Interval, interval } from '../estimate/estimate.ts';
import { ratePerHour, SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import { stepSeconds } from '../model/step-time.ts';
import { stepsForWork } from '../model/steps-to-target.ts';
import type { JobSnapshot, PoolSnapshot } from '../snapshot.ts';

/** What a configuration would bring, over the possible worlds: enough to rank it. */
export interface Score {
  readonly configuration: Configuration;
  /** Money per hour while it runs. */
  readonly ratePerHour: number;
  readonly secondsPerWorld: readonly number[];
  /** What is minimised: money, value of time included, per possible world. */
  readonly objectivePerWorld: readonly number[];
  readonly meanObjective: number;
  readonly meetsDeadline: boolean;
  /** The mean objective with lateness priced, to compare configurations of which none is in time. */
  readonly meanObjectiveWithLateness: number;
}

/** What a configuration would cost from now to the end, as people are told it. */
export interface Evaluation extends Score {
  readonly costToTarget: Interval;
  readonly meanCostToTarget: number;
  readonly secondsToTarget: Interval;
  /** Seconds within which it ends with probability 0.9. */
  readonly secondsToTarget90: number;
  readonly meanSecondsToTarget: number;
  readonly stepSeconds: number;
  readonly stepsToTarget: number;
}

/** Prior for the time without steps of a checkpoint and restart. */
export const PRIOR_RESTART_SECONDS = 60;
const PRIOR_PROVISIONING_SECONDS = 180;
/**
 * An hour late is as bad as paying for so many hours of the smallest allocation. Priced, not forbidden: "fastest at any
 * price" missed more deadlines.
 */
const LATENESS_PRICE_FACTOR = 10;

/** Cost: possible worlds × a dozen multiplications; quantiles are left to `describe`, which few candidates need. */
export function score(
  job: JobSnapshot,
  estimate: Estimate,
  pool: PoolSnapshot,
  configuration: Configuration,
  now: InstantSeconds,
  pause = pauseSeconds(job, pool, configuration),
): Score {
  const { limits } = job;
  const rate = ratePerHour(pool, configuration.replicas, limits.gpusPerReplica);
  const seconds = stepsPerWorld(job, estimate, configuration).map(
    (steps, index) => steps * stepSecondsIn(estimate, index, configuration) + pause,
  );
  const perSecond = limits.objective === 'TimeToTarget' ? 1 : (rate + limits.timeValuePerHour) / SECONDS_PER_HOUR;
  const objectivePerWorld = seconds.map((value) => value * perSecond);
  const meanObjective = mean(objectivePerWorld);
  const { deadline } = limits;
  const hoursLate =
    deadline === undefined ? 0 : mean(seconds.map((value) => Math.max(0, now + value - deadline))) / SECONDS_PER_HOUR;
  return {
    configuration,
    ratePerHour: rate,
    secondsPerWorld: seconds,
    objectivePerWorld,
    meanObjective,
    meetsDeadline: deadline === undefined || now + quantile(seconds, 0.9) <= deadline,
    meanObjectiveWithLateness: meanObjective + latenessPrice(job, pool, hoursLate),
  };
}

/** A score with the figures that people read. */
export function describe(job: JobSnapshot, estimate: Estimate, scored: Score): Evaluation {
  const seconds = scored.secondsPerWorld;
  const costs = seconds.map((value) => (value * scored.ratePerHour) / SECONDS_PER_HOUR);
  const secondsToTarget = interval(seconds);
  return {
    ...scored,
    costToTarget: interval(costs),
    meanCostToTarget: mean(costs),
    secondsToTarget,
    secondsToTarget90: secondsToTarget.high,
    meanSecondsToTarget: mean(seconds),
    stepSeconds: median(estimate.worlds.map((world) => stepSeconds(world.stepTime, scored.configuration))),
    stepsToTarget: median(stepsPerWorld(job, estimate, scored.configuration)),
  };
}

function stepsPerWorld(job: JobSnapshot, estimate: Estimate, configuration: Configuration): readonly number[] {
  const batch = globalBatchSize(configuration);
  const referenceBatchSize = job.limits.initialGlobalBatchSize;
  return estimate.worlds.map(({ remainingReferenceSamples: referenceSamples, gradientNoiseScale }) =>
    stepsForWork({ referenceSamples, gradientNoiseScale, globalBatchSize: batch, referenceBatchSize }),
  );
}

function stepSecondsIn(estimate: Estimate, world: number, configuration: Configuration): number {
  const parameters = estimate.worlds[world]?.stepTime;
  return parameters === undefined ? Number.NaN : stepSeconds(parameters, configuration);
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
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
