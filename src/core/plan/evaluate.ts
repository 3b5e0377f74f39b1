import { type Configuration, samePlacement } from '../configuration.ts';
import { mean, quantile, quantileIsAtMost } from '../estimate/draws.ts';
import { estimateJob, type Interval, interval, type Posterior } from '../estimate/estimate.ts';
import { ratePerHour, SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import { stepSeconds } from '../model/step-time.ts';
import { stepsForWorkAhead } from '../model/steps-to-target.ts';
import type { JobSnapshot, PoolSnapshot } from '../snapshot.ts';
import { courseOf, presentSecondsOf, secondsOf } from './course.ts';

/**
 * What a configuration would bring, over the possible worlds: enough to rank it, whatever the hour. It depends on the
 * job's evidence and limits and on prices, not on the instant, so it holds until one of them changes.
 */
export interface Score {
  readonly configuration: Configuration;
  /** Money per hour while it runs. */
  readonly ratePerHour: number;
  /** What a second counts in what is minimised: money, value of time included, or the second itself. */
  readonly objectivePerSecond: number;
  /** Seconds to the end; and for one reference sample as things are. */
  readonly secondsPerWorld: readonly number[];
  readonly presentSecondsPerWorld: readonly number[];
  readonly meanSeconds: number;
  readonly longestSeconds: number;
  /** Seconds within which it ends with probability 0.9. */
  readonly secondsToTarget90: number;
  readonly meanObjective: number;
}

/** A score held against the deadline and the budget. */
export interface Timed {
  /** Whether what is spent and what is to come stay within the budget with probability 0.9; so too without a budget. */
  readonly keepsBudget: boolean;
  readonly meetsDeadline: boolean;
  /** The mean objective with lateness priced, to compare configurations of which none is in time. */
  readonly meanObjectiveWithLateness: number;
}

/** What a configuration would cost from now to the end, as people are told it. */
export interface Evaluation extends Description, Timed {}

interface Description {
  readonly configuration: Configuration;
  readonly ratePerHour: number;
  readonly meanObjective: number;
  readonly costToTarget: Interval;
  readonly meanCostToTarget: number;
  readonly secondsToTarget: Interval;
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
const PROBABLE = 0.6;
const ALMOST_SURE = 0.9;
/** When a run's speed is judged again: a share of the time left, but after enough time to pay for a restart. */
const REVIEW_SHARE = 0.05;
const REVIEW_RESTARTS = 10;

/** Cost: possible worlds × a few dozen multiplications; what only people need is left to `describe`. */
export function score(
  job: JobSnapshot,
  estimate: Posterior,
  pool: PoolSnapshot,
  configuration: Configuration,
  { worlds = estimate.worlds, pause = pauseSeconds(job, pool, configuration) } = {},
): Score {
  const { limits } = job;
  const rate = ratePerHour(pool, configuration.replicas, limits.gpusPerReplica);
  const objectivePerSecond =
    limits.objective === 'TimeToTarget' ? 1 : (rate + limits.timeValuePerHour) / SECONDS_PER_HOUR;
  const course = courseOf(job, estimate, configuration);
  const secondsPerWorld = worlds.map((world) => secondsOf(world, course) + pause);
  const meanSeconds = mean(secondsPerWorld);
  return {
    configuration,
    ratePerHour: rate,
    objectivePerSecond,
    secondsPerWorld,
    presentSecondsPerWorld: worlds.map((world) => presentSecondsOf(world, course)),
    meanSeconds,
    longestSeconds: Math.max(...secondsPerWorld),
    secondsToTarget90: quantile(secondsPerWorld, 0.9),
    meanObjective: meanSeconds * objectivePerSecond,
  };
}

/** Money that the rest of the run stays below with probability 0.9. */
export function costToTarget90({
  ratePerHour: rate,
  secondsToTarget90,
}: Pick<Score, 'ratePerHour' | 'secondsToTarget90'>): number {
  return (rate * secondsToTarget90) / SECONDS_PER_HOUR;
}

/** What may still be spent; without end where no budget is set. */
export function budgetLeft({ limits, history }: JobSnapshot): number {
  return limits.budgetCost === undefined ? Number.POSITIVE_INFINITY : limits.budgetCost - history.accruedCost;
}

/** 0 when budget and deadline are kept, 1 when it is only late, 2 when it exceeds the budget: the lower goes first. */
export function limitsBroken({ keepsBudget, meetsDeadline }: Timed): 0 | 1 | 2 {
  if (!keepsBudget) return 2;
  return meetsDeadline ? 0 : 1;
}

/**
 * Holds a score against the budget and the seconds left until the deadline.
 *
 * While there is time a run that proves slow can still be moved to the fastest placement. So what is asked is that it
 * probably ends in time as it is, and almost surely when it may be moved at the next review: certainty from the first
 * minute would be paid for with GPUs that most runs turn out not to need. As the deadline comes nearer the review does
 * too, and in the end there is none. Cost: one pass over the worlds.
 */
export function hold(job: JobSnapshot, pool: PoolSnapshot, scored: Score, fastest: Score, left: number): Timed {
  const { meanObjective, secondsPerWorld } = scored;
  const keepsBudget = costToTarget90(scored) <= budgetLeft(job);
  if (scored.longestSeconds <= left) {
    return { keepsBudget, meetsDeadline: true, meanObjectiveWithLateness: meanObjective };
  }
  let late = 0;
  for (const seconds of secondsPerWorld) late += Math.max(0, seconds - left);
  const hoursLate = late / secondsPerWorld.length / SECONDS_PER_HOUR;
  // A review can only make it faster, so what is almost surely in time as it is need not be held against one.
  const meetsDeadline =
    scored.secondsToTarget90 <= left ||
    (quantileIsAtMost(secondsPerWorld, PROBABLE, left) &&
      quantileIsAtMost(secondsWithReview(job, scored, fastest, left), ALMOST_SURE, left));
  return {
    keepsBudget,
    meetsDeadline,
    meanObjectiveWithLateness: meanObjective + latenessPricePerHour(job, pool) * hoursLate,
  };
}

/** Seconds to the end, in each world, of a run that goes on as it is until the next review and then the fastest way. */
function secondsWithReview(job: JobSnapshot, scored: Score, fastest: Score, left: number): readonly number[] {
  const restart = job.history.restartSeconds ?? PRIOR_RESTART_SECONDS;
  const review = Math.max(REVIEW_SHARE * left, REVIEW_RESTARTS * restart);
  return scored.secondsPerWorld.map((seconds, world) => {
    const rest = (fastest.secondsPerWorld[world] ?? seconds) * Math.max(0, 1 - review / seconds);
    return Math.min(seconds, review + restart + rest);
  });
}

/** A score with the figures that people read. */
export function describe(job: JobSnapshot, scored: Score, held: Timed): Evaluation {
  const known = described.get(scored) ?? describeInTime(job, estimateJob(job), scored);
  const isWithin = held.keepsBudget && held.meetsDeadline && held.meanObjectiveWithLateness === scored.meanObjective;
  return isWithin ? known : { ...known, ...held };
}

/**
 * The same while neither deadline nor budget is near. It does not change with the hour, so each score is described once: the ones that
 * are told most at once when the job is judged, for the sake of which its possible worlds then need not be kept.
 */
export function describeInTime(job: JobSnapshot, estimate: Posterior | undefined, scored: Score): Evaluation {
  if (estimate === undefined) throw new Error(`${job.key} has a score but no estimate`);
  const known = {
    ...figuresOf(job, estimate, scored),
    keepsBudget: true,
    meetsDeadline: true,
    meanObjectiveWithLateness: scored.meanObjective,
  };
  described.set(scored, known);
  return known;
}

const described = new WeakMap<Score, Evaluation>();

function figuresOf(job: JobSnapshot, estimate: Posterior, scored: Score): Description {
  const seconds = scored.secondsPerWorld;
  const secondsToTarget = interval(seconds);
  const perSecond = scored.ratePerHour / SECONDS_PER_HOUR;
  const course = courseOf(job, estimate, scored.configuration);
  return {
    configuration: scored.configuration,
    ratePerHour: scored.ratePerHour,
    meanObjective: scored.meanObjective,
    secondsToTarget90: scored.secondsToTarget90,
    costToTarget: {
      value: secondsToTarget.value * perSecond,
      low: secondsToTarget.low * perSecond,
      high: secondsToTarget.high * perSecond,
    },
    meanCostToTarget: scored.meanSeconds * perSecond,
    secondsToTarget,
    meanSecondsToTarget: scored.meanSeconds,
    stepSeconds: median(estimate.worlds.map((world) => stepSeconds(world.stepTime, scored.configuration))),
    stepsToTarget: median(
      estimate.worlds.map((world) =>
        stepsForWorkAhead(
          world.remainingReferenceSamples,
          world.noiseScaleAhead,
          course.batch,
          course.referenceBatchSize,
        ),
      ),
    ),
  };
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** What an hour of lateness counts in what is minimised. */
export function latenessPricePerHour({ limits }: JobSnapshot, pool: PoolSnapshot): number {
  if (limits.objective === 'TimeToTarget') return LATENESS_PRICE_FACTOR * SECONDS_PER_HOUR;
  const smallest = ratePerHour(pool, limits.minReplicas, limits.gpusPerReplica) + limits.timeValuePerHour;
  return LATENESS_PRICE_FACTOR * smallest;
}

/** Time without steps that changing to the configuration costs: none for a reload, a restart for a resize. */
export function pauseSeconds(job: JobSnapshot, pool: PoolSnapshot, configuration: Configuration): number {
  const { current, restartSeconds } = job.history;
  if (samePlacement(current, configuration)) return 0;
  if (configuration.replicas <= current.replicas) return restartSeconds ?? PRIOR_RESTART_SECONDS;
  return startSeconds(job, pool);
}

/** The same for a start that may have to wait for nodes. */
export function startSeconds({ history }: JobSnapshot, pool: PoolSnapshot): number {
  // Nodes are asked for before the run stops, so provisioning costs rent, not time; a quarter is charged for it.
  return (
    (history.restartSeconds ?? PRIOR_RESTART_SECONDS) + (pool.provisioningSeconds ?? PRIOR_PROVISIONING_SECONDS) / 4
  );
}

/** The same after a pause, in which the nodes were given back: all of the time that they take is lost. */
export function resumeSeconds({ history }: JobSnapshot, pool: PoolSnapshot): number {
  return (history.restartSeconds ?? PRIOR_RESTART_SECONDS) + (pool.provisioningSeconds ?? PRIOR_PROVISIONING_SECONDS);
}
