import type { Configuration } from '../../src/core/configuration.ts';
import { type Evidence, foldReading, NO_EVIDENCE } from '../../src/core/estimate/evidence.ts';
import type { JobHistory, JobLimits, JobSnapshot, PoolSnapshot, Snapshot } from '../../src/core/snapshot.ts';
import { uniformNumbers } from '../../src/simulator/random.ts';
import { aJob, aPool, evidenceOf, NOW } from './a-job.ts';
import { aReading } from './a-reading.ts';

/** What a measurement can turn out to be that is none. */
const BROKEN: readonly number[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -1,
  0,
  1e308,
  5e-324,
];

/** Draws of one snapshot: the same seed and index give the same. */
class Draws {
  readonly #uniform: () => number;

  constructor(seed: number, index: number) {
    // Both are mixed in, so that neighbouring indices have nothing in common.
    this.#uniform = uniformNumbers((Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0);
    for (let skipped = 0; skipped < 3; skipped++) this.#uniform();
  }

  chance(share: number): boolean {
    return this.#uniform() < share;
  }

  /** Both bounds included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.#uniform() * (most - least + 1));
  }

  /** Even on a logarithmic scale. */
  log(least: number, most: number): number {
    return least * (most / least) ** this.#uniform();
  }

  of<T>(values: readonly [T, ...T[]]): T {
    return values[this.whole(0, values.length - 1)] ?? values[0];
  }

  maybe<T>(share: number, draw: () => T): T | undefined {
    return this.chance(share) ? draw() : undefined;
  }
}

/** One of the snapshots that an operator might have to plan, or that only a bug could make it plan. */
export function randomSnapshot(seed: number, index: number): Snapshot {
  const draws = new Draws(seed, index);
  const names = ['t4', 'a100', 'h100'].slice(0, draws.whole(1, 3));
  const count = draws.chance(0.02) ? 30 : draws.whole(1, 4);
  return {
    now: NOW,
    jobs: Array.from({ length: count }, (_, job) => randomJob(draws, `team-${job % 3}/job-${job}`, names)),
    pools: names.filter(() => !draws.chance(0.05)).map((name) => randomPool(draws, name)),
  };
}

function randomPool(draws: Draws, name: string): PoolSnapshot {
  const gpusPerNode = draws.of([1, 2, 4, 8, 8, 16]);
  const maxNodes = draws.chance(0.1) ? 0 : Math.round(draws.log(1, 500));
  const price = draws.chance(0.1) ? 0 : draws.log(1e-6, 1e6);
  return aPool({
    name,
    gpusPerNode,
    maxNodes,
    // Sometimes more than there are: a pool that was made smaller by hand.
    foreignGpus: draws.chance(0.5) ? 0 : draws.whole(0, Math.ceil(1.3 * maxNodes * gpusPerNode)),
    billing: draws.of(['Node', 'Gpu']),
    pricePerNodeHour: draws.chance(0.02) ? draws.of([Number.NaN, -1, Number.POSITIVE_INFINITY]) : price,
    currency: draws.of(['USD', 'EUR']),
    provisioningSeconds: draws.maybe(0.7, () => draws.log(1, 1e5)),
    stockOutUntil: draws.maybe(0.1, () => NOW + draws.whole(-500, 500)),
  });
}

function randomJob(draws: Draws, key: string, pools: readonly string[]): JobSnapshot {
  const limits = randomLimits(draws, pools);
  const current = randomConfiguration(draws, limits, pools);
  return aJob({
    key,
    limits,
    held: {
      everything: draws.chance(0.05),
      scaleUp: draws.chance(0.1),
      scaleDown: draws.chance(0.1),
      batch: draws.chance(0.1),
      until: draws.maybe(0.05, () => NOW + draws.whole(-500, 500)),
    },
    history: randomHistory(draws, current),
    evidence: randomEvidence(draws, current, limits),
  });
}

function randomLimits(draws: Draws, pools: readonly string[]): JobLimits {
  const minReplicas = draws.whole(1, 4);
  const maxReplicas = minReplicas + Math.round(draws.log(1, 200)) - 1;
  const initialMicroBatchSize = Math.round(draws.log(1, 1000));
  const initialGlobalBatchSize = initialMicroBatchSize * minReplicas * draws.whole(1, 4);
  return {
    ...aJob().limits,
    mode: draws.of(['Auto', 'Auto', 'Auto', 'Auto', 'Recommend', 'Observe']),
    batchMode: draws.of(['Auto', 'Auto', 'Auto', 'Recommend', 'Off']),
    minReplicas,
    maxReplicas,
    sizes: draws.of<JobLimits['sizes']>([
      { type: 'Any' },
      { type: 'PowersOfTwo' },
      { type: 'MultipleOf', multipleOf: draws.whole(1, 4) },
      { type: 'List', values: [minReplicas, draws.whole(1, 64)] },
    ]),
    canRescale: draws.chance(0.8),
    gpusPerReplica: draws.of([0, 1, 1, 1, 2, 4, 8]),
    initialReplicas: minReplicas,
    initialGlobalBatchSize,
    initialMicroBatchSize,
    minGlobalBatchSize: Math.round(draws.log(1, initialGlobalBatchSize)),
    maxGlobalBatchSize: Math.round(initialGlobalBatchSize * draws.log(1, 1e5)),
    globalBatchSizeMultipleOf: draws.of([1, 1, 1, 2, 8, 7]),
    minMicroBatchSize: draws.of([1, 1, 1, 4]),
    maxMicroBatchSize: draws.maybe(0.5, () => Math.round(initialMicroBatchSize * draws.log(1, 1000))),
    learningRateRule: draws.of(['None', 'Linear', 'Sqrt', 'AdaScale']),
    objective: draws.of(['CostToTarget', 'CostToTarget', 'TimeToTarget']),
    work: draws.of<JobLimits['work']>([
      { type: 'ReferenceSamples', referenceSamples: draws.log(1, 1e15) },
      { type: 'ReferenceSamples', referenceSamples: draws.log(1e6, 1e9) },
      { type: 'ValidationLoss', target: draws.log(1e-6, 1e3) },
      { type: 'Unknown' },
    ]),
    deadline: draws.maybe(0.5, () => NOW + draws.of([-1, 1, 1, 1]) * draws.log(1, 1e8)),
    timeValuePerHour: draws.chance(0.7) ? 0 : draws.log(1e-3, 1e5),
    budgetCost: draws.maybe(0.3, () => draws.log(1e-3, 1e9)),
    pools,
    minimumGainFraction: draws.of([0, 0.05, 0.05, 0.5]),
    cooldownSeconds: draws.of([0, 60, 3600]),
    batchCooldownSeconds: draws.of([0, 30, 600]),
    maxBatchGrowthFactor: draws.of([1, 2, 4, 1e6]),
    maxRescalesPerHour: draws.whole(0, 6),
    maxGpus: draws.maybe(0.3, () => draws.whole(1, 64)),
    maxPricePerHour: draws.maybe(0.3, () => draws.log(1e-4, 1e6)),
  };
}

function randomConfiguration(draws: Draws, limits: JobLimits, pools: readonly string[]): Configuration {
  // A user may have set limits that what runs does not keep.
  const replicas = draws.chance(0.9)
    ? Math.min(limits.maxReplicas, limits.minReplicas + draws.whole(0, 3))
    : draws.whole(1, 20);
  return {
    pool: pools[draws.whole(0, pools.length - 1)] ?? 't4',
    replicas,
    nodes: draws.whole(1, replicas),
    dataParallelSize: replicas * Math.max(1, limits.gpusPerReplica),
    microBatchSize: draws.chance(0.5) ? limits.initialMicroBatchSize : Math.round(draws.log(1, 1e4)),
    gradientAccumulationSteps: draws.of([1, 1, 1, 2, 5]),
  };
}

function randomHistory(draws: Draws, current: Configuration): Partial<JobHistory> {
  const past = () => NOW - draws.log(1, 1e5);
  return {
    current,
    busyWith: draws.of(['Nothing', 'Nothing', 'Nothing', 'Nothing', 'Nothing', 'Reload', 'Resize', 'NotRunning']),
    unacknowledgedSince: draws.maybe(0.1, past),
    lastReloadAt: draws.maybe(0.3, past),
    lastResizeAt: draws.maybe(0.3, past),
    resizedAt: Array.from({ length: draws.whole(0, 3) }, past).sort((one, other) => one - other),
    microBatchSizeCeiling: draws.maybe(0.1, () => Math.round(draws.log(1, 1e4))),
    globalBatchSizeCeiling: draws.maybe(0.1, () => Math.round(draws.log(1, 1e6))),
    restartSeconds: draws.maybe(0.6, () => (draws.chance(0.1) ? 0 : draws.log(0.1, 1e4))),
    accruedCost: draws.chance(0.3) ? 0 : draws.log(1e-3, 1e7),
  };
}

function randomEvidence(draws: Draws, current: Configuration, limits: JobLimits): Evidence {
  if (draws.chance(0.05)) return NO_EVIDENCE;
  if (draws.chance(0.3)) return evidenceFromReadings(draws, current, limits);
  const sizes = Array.from({ length: draws.whole(0, 4) }, () => Math.round(draws.log(1, 1000)));
  const others = sizes.map((microBatchSize) => ({ ...current, microBatchSize }));
  const evidence = evidenceOf({
    overheadSeconds: draws.log(1e-6, 1e3),
    secondsPerSample: draws.log(1e-9, 10),
    synchronizationSeconds: draws.log(1e-6, 100),
    gradientNoiseScale: draws.maybe(0.8, () => draws.log(1e-3, 1e9)),
    timed: [...others, current],
    referenceSamplesDone: draws.chance(0.1) ? 0 : draws.log(1, 1e12),
  });
  return draws.chance(0.4) ? withBrokenNumbers(draws, evidence) : evidence;
}

/** One to three numbers anywhere in it become what no measurement is. */
function withBrokenNumbers(draws: Draws, evidence: Evidence): Evidence {
  const copy = structuredClone(evidence);
  const places: { readonly holder: Record<string, unknown>; readonly field: string }[] = [];
  const walk = (holder: object) => {
    for (const [field, value] of Object.entries(holder)) {
      if (typeof value === 'number') places.push({ holder: holder as Record<string, unknown>, field });
      else if (typeof value === 'object' && value !== null) walk(value);
    }
  };
  walk(copy);
  for (let broken = draws.whole(1, 3); broken > 0; broken--) {
    const place = places[draws.whole(0, places.length - 1)];
    if (place !== undefined) place.holder[place.field] = BROKEN[draws.whole(0, BROKEN.length - 1)];
  }
  return copy;
}

/** Evidence as it comes about: folded from a few readings, some of which are nonsense. */
function evidenceFromReadings(draws: Draws, current: Configuration, limits: JobLimits): Evidence {
  const perStep = draws.log(1e-4, 100);
  const signal = draws.log(1e-6, 1e6);
  const noise = draws.log(1, 1e6);
  const batch = current.microBatchSize * current.gradientAccumulationSteps * current.dataParallelSize;
  const broken = draws.chance(0.4);
  let evidence = NO_EVIDENCE;
  let steps = draws.whole(0, 1000);
  for (let reading = draws.whole(1, 8); reading > 0; reading--) {
    steps += draws.whole(0, 300);
    const seconds = perStep * draws.log(0.9, 1.1);
    const told = {
      observedAt: NOW - 10 * reading + 5,
      ranks: current.dataParallelSize,
      steps,
      samples: steps * batch,
      stepSecondsSum: steps * seconds * current.dataParallelSize,
      stepSecondsCount: steps * current.dataParallelSize,
      gradientSmallSum: steps * signal * (1 + noise / current.microBatchSize),
      gradientLargeSum: steps * signal * (1 + noise / batch),
      gradientObservations: steps,
      gradientSmallBatch: current.microBatchSize,
      gradientLargeBatch: batch,
      validationLoss: 10 / Math.log(10 + steps),
      memoryUsedBytes: 1e9 + 1e6 * current.microBatchSize,
      memoryLimitBytes: 16e9,
    };
    const fields = Object.keys(told) as (keyof typeof told)[];
    if (broken && draws.chance(0.3)) {
      const field = fields[draws.whole(0, fields.length - 1)] ?? 'steps';
      told[field] = BROKEN[draws.whole(0, BROKEN.length - 1)] ?? Number.NaN;
    }
    evidence = foldReading(evidence, aReading(told), current, limits.initialGlobalBatchSize);
  }
  return evidence;
}
