import { fitSamplesToTarget, type SamplesCurve, samplesAt } from './samples-to-target.ts';

/** One try of a recurring training at a batch. */
export interface Attempt {
  readonly globalBatchSize: number;
  /** Passes over the data until the target; undefined for one that did not come to it. */
  readonly epochs: number | undefined;
}

/** What one pass over the data costs at a batch, the cheapest power limit known there. */
export interface EpochCost {
  readonly globalBatchSize: number;
  readonly cost: number;
}

export interface RecurringFamily {
  readonly attempts: readonly Attempt[];
  readonly epochCosts: readonly EpochCost[];
  /** What the user runs it with. */
  readonly initialGlobalBatchSize: number;
  /** All that may be chosen, in rising order. */
  readonly batches: readonly number[];
}

/** A batch is never more than this factor away from one that came to its target. */
const LARGEST_MOVE = 4;
/** A training that came once is expected so many times more; later as many times as it has come. */
const LEAST_UPCOMING = 10;
/** Share of a pass over the data that is overhead at the first batch tried (`step-time-prior.ts`: 0.3 over 1.3). */
const OVERHEAD_SHARE = 0.23;
/** Doubt about the cost of a pass at a batch that was not timed: more, the further it is and the fewer were timed. */
const EPOCH_COST_SD = 0.15;
/** Runs at one batch need so many more or fewer passes than another. */
const RUN_SCATTER = 0.08;
/** An attempt that has cost this many times what the best is believed to cost is given up (Zeus, NSDI 2023, section 4.4). */
export const GIVE_UP_FACTOR = 2;

/**
 * The batch of the next run. All batches share one curve of passes and one of cost a pass, so that a run at one batch
 * tells of all. Another batch is tried only where what it may save all runs to come exceeds what trying it may lose:
 * expected improvement (Jones et al. 1998, Journal of Global Optimization 13, 455), times the runs to come.
 */
export function nextBatch(family: RecurringFamily): number {
  const { initialGlobalBatchSize, attempts } = family;
  const curve = fitSamplesToTarget(
    attempts.flatMap(({ globalBatchSize, epochs }) =>
      epochs === undefined ? [] : [{ globalBatchSize, samples: epochs }],
    ),
  );
  if (curve === undefined) return untriedNear(family);
  const reachable = reachableBatches(family);
  const beliefs = reachable.map((batch) => ({ batch, ...costAt(family, curve, batch) }));
  const tried = beliefs.filter(({ batch }) => attempts.some((each) => each.globalBatchSize === batch));
  const [best] = [...tried].sort((one, other) => one.mean - other.mean);
  if (best === undefined) return initialGlobalBatchSize;
  const upcoming = Math.max(LEAST_UPCOMING, attempts.length);
  const worth = beliefs.map((belief) => {
    const gain = upcoming * expectedImprovement(belief, best.mean);
    const loss = Math.max(0, belief.mean - best.mean);
    return { batch: belief.batch, net: belief === best ? 0 : gain - loss };
  });
  return worth.reduce((one, other) => (other.net > one.net ? other : one), { batch: best.batch, net: 0 }).batch;
}

/** What a run at the best known batch is believed to cost; undefined before one came to its target. */
export function bestKnownCost({ attempts, epochCosts }: RecurringFamily): number | undefined {
  const costs = epochCosts.flatMap(({ globalBatchSize, cost }) => {
    const own = attempts
      .filter((each) => each.globalBatchSize === globalBatchSize)
      .flatMap(({ epochs }) => epochs ?? []);
    return own.length === 0 ? [] : [cost * mean(own)];
  });
  return costs.length === 0 ? undefined : Math.min(...costs);
}

/** One pass is dear or cheap by chance: so many neighbours must be dearer before the search ends on a side. */
const DEARER_NEIGHBOURS = 2;

/**
 * The power limit for the next pass over the data: down from where the search begins while that makes a pass cheaper,
 * then up. Each pass under a limit is training like any other, so that nothing is spent on measuring alone.
 */
export function nextPowerLimit(
  measured: readonly { readonly watts: number; readonly cost: number }[],
  limits: readonly number[],
  first: number,
): number {
  const [best] = [...measured].sort((one, other) => one.cost - other.cost);
  if (best === undefined) return first;
  const place = limits.indexOf(best.watts);
  const below = limits.slice(Math.max(0, place - DEARER_NEIGHBOURS), place).reverse();
  const above = limits.slice(place + 1, place + 1 + DEARER_NEIGHBOURS);
  return [...below, ...above].find((watts) => !measured.some((each) => each.watts === watts)) ?? best.watts;
}

/** Before any run came to its target: the user's batch, then ever smaller ones, as too large a batch may never get there. */
function untriedNear({ attempts, batches, initialGlobalBatchSize }: RecurringFamily): number {
  const isUntried = (batch: number) => !attempts.some(({ globalBatchSize }) => globalBatchSize === batch);
  const smaller = batches.filter((batch) => batch <= initialGlobalBatchSize && isUntried(batch));
  return smaller.at(-1) ?? batches.find(isUntried) ?? initialGlobalBatchSize;
}

/** Near a batch that came to its target, and between those that failed below and above. */
function reachableBatches({ attempts, batches }: RecurringFamily): readonly number[] {
  const came = attempts.filter(({ epochs }) => epochs !== undefined).map(({ globalBatchSize }) => globalBatchSize);
  const failed = attempts.map(({ globalBatchSize }) => globalBatchSize).filter((batch) => !came.includes(batch));
  const floor = Math.max(0, ...failed.filter((batch) => came.every((good) => good > batch)));
  const ceiling = Math.min(...failed.filter((batch) => came.every((good) => good < batch)));
  return batches.filter(
    (batch) =>
      batch > floor &&
      batch < ceiling &&
      !failed.includes(batch) &&
      came.some((good) => Math.max(batch / good, good / batch) <= LARGEST_MOVE),
  );
}

interface CostBelief {
  /** Expected cost of a run, and standard deviation of what is believed of it. */
  readonly mean: number;
  readonly sd: number;
}

/** The curve's word on the passes and that of the batch's own runs, by their precision; times the cost of a pass. */
function costAt(family: RecurringFamily, curve: SamplesCurve, batch: number): CostBelief {
  const own = family.attempts.filter((each) => each.globalBatchSize === batch).flatMap(({ epochs }) => epochs ?? []);
  const byCurve = samplesAt(curve, batch);
  const ownPrecision = own.length / RUN_SCATTER ** 2;
  const precision = 1 / byCurve.logSd ** 2 + ownPrecision;
  const ownLog = own.length === 0 ? 0 : Math.log(mean(own));
  const logEpochs = (byCurve.logMean / byCurve.logSd ** 2 + ownLog * ownPrecision) / precision;
  const pass = epochCostAt(family, batch);
  const expected = Math.exp(logEpochs) * pass.cost;
  return { mean: expected, sd: expected * Math.hypot(Math.sqrt(1 / precision), pass.sd) };
}

/** As it was timed, else by k0 + k1/B through the two nearest batches that were. */
function epochCostAt({ epochCosts }: RecurringFamily, batch: number): { readonly cost: number; readonly sd: number } {
  const known = epochCosts.find(({ globalBatchSize }) => globalBatchSize === batch);
  if (known !== undefined) return { cost: known.cost, sd: 0 };
  const distance = ({ globalBatchSize }: EpochCost) => Math.abs(Math.log(globalBatchSize / batch));
  const [near, next] = [...epochCosts].sort((one, other) => distance(one) - distance(other));
  if (near === undefined) return { cost: Number.NaN, sd: Number.NaN };
  const sd = EPOCH_COST_SD * distance(near);
  if (next === undefined) {
    const { globalBatchSize, cost } = near;
    return { cost: cost * (1 - OVERHEAD_SHARE + (OVERHEAD_SHARE * globalBatchSize) / batch), sd: 2 * sd };
  }
  const slope = Math.max(0, (near.cost - next.cost) / (1 / near.globalBatchSize - 1 / next.globalBatchSize));
  const cost = near.cost + slope * (1 / batch - 1 / near.globalBatchSize);
  return { cost: Math.max(cost, near.cost / 4), sd };
}

/** E[max(0, best − X)] of a normal X. */
function expectedImprovement({ mean: expected, sd }: CostBelief, best: number): number {
  if (!(sd > 0)) return Math.max(0, best - expected);
  const z = (best - expected) / sd;
  const density = Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI);
  return (best - expected) * normalDistribution(z) + sd * density;
}

/** Abramowitz and Stegun 1964, formula 26.2.17, |error| < 7.5e-8. */
function normalDistribution(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const coefficients = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.31938153];
  const tail = coefficients.reduce((sum, coefficient) => sum * t + coefficient, 0) * t;
  const above = (tail * Math.exp(-(z ** 2) / 2)) / Math.sqrt(2 * Math.PI);
  return z >= 0 ? 1 - above : above;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
