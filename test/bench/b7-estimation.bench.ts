import path from 'node:path';
import { type Configuration, globalBatchSize } from '../../src/core/configuration.ts';
import { quantile } from '../../src/core/estimate/draws.ts';
import { estimateJob, interval, type Posterior } from '../../src/core/estimate/estimate.ts';
import { type Evidence, foldReading, NO_EVIDENCE } from '../../src/core/estimate/evidence.ts';
import { fitStepTime } from '../../src/core/estimate/step-time-fit.ts';
import { independentPrior, type StepTimePrior } from '../../src/core/estimate/step-time-prior.ts';
import { type StepTimeParameters, stepSeconds } from '../../src/core/model/step-time.ts';
import { aConfiguration, aJob } from '../support/a-job.ts';
import type { Bench, Figures } from './bench.ts';
import { hindcastNoise } from './support/noise-hindcast.ts';
import { type Chance, chanceOf, type Disturbance, NoisyTrainer } from './support/noisy-trainer.ts';
import { readingOf } from './support/trainer-text.ts';

const RUNS = 400;
const WINDOW_SECONDS = 30;
const WINDOWS_PER_LAYOUT = 12;
/** The layout in which the machine slows is held longer, to see how long that stays unnoticed. */
const WINDOWS_AT_SLOWDOWN = 36;
const SLOWDOWN = 1.3;
const PRIOR_FACTOR = 5;
const GPUS_PER_NODE = 4;

/** Layouts that tell the parameters apart: two sizes of a pass, two sizes of a ring on one node and on several. */
const VISITED = [
  layout(1, 16),
  layout(1, 256),
  layout(2, 16),
  layout(2, 128),
  layout(4, 32),
  layout(4, 256, 2),
  layout(8, 16),
  layout(8, 128),
  layout(16, 32),
  layout(16, 256),
];
/** Layouts that are only predicted, within what was visited. */
const PREDICTED = [layout(1, 64), layout(2, 64, 2), layout(3, 48), layout(8, 64), layout(12, 128)];

function layout(ranks: number, microBatchSize: number, gradientAccumulationSteps = 1): Configuration {
  const nodes = Math.ceil(ranks / GPUS_PER_NODE);
  return aConfiguration({ replicas: ranks, nodes, microBatchSize, gradientAccumulationSteps });
}

export const b7Estimation: Bench = {
  key: 'b7',
  title: 'estimation from Prometheus text: errors, slowdowns, intervals',
  async run(report) {
    const runs = Array.from({ length: RUNS }, (_, seed) => oneRun(seed + 1));
    for (const split of [true, false]) {
      const some = runs.filter((run) => run.splitsPhases === split);
      const errors = some.flatMap((run) => run.parameters.map(({ error }) => error));
      report(
        `${split ? 'phases told apart' : 'total only'}: median parameter error ${(100 * quantile(errors, 0.5)).toFixed(2)} %`,
      );
    }
    return { ...figuresOf(runs), ...noiseFigures(report) };
  },
};

/** One quantity after a run: its relative error, and whether the 90 % interval held it. */
interface Judged {
  readonly error: number;
  readonly sd: number;
  readonly inside: boolean;
}

interface Run {
  readonly splitsPhases: boolean;
  readonly parameters: readonly Judged[];
  readonly stepTimes: readonly Judged[];
  /** Windows with a timing from the slowdown until it was noticed; infinite when it never was. */
  readonly delay: number;
  readonly falseAlarms: number;
  readonly quietWindows: number;
  readonly fitMilliseconds: number;
  readonly estimateMilliseconds: number;
}

function oneRun(seed: number): Run {
  const chance = chanceOf(seed);
  const truth = aTruth(chance);
  const disturbance: Disturbance = {
    windowSd: 0.03 + 0.07 * chance.uniform(),
    splitsPhases: seed % 2 === 0,
    slowWindowShare: 0.03,
    lostScrapeShare: 0.05,
    blankShare: 0.01,
    restartShare: 0.02,
  };
  const prior = wrongPrior(truth, chance);
  const { evidence, delay, falseAlarms, quietWindows } = watch(truth, disturbance, chance);

  const job = aJob({ evidence });
  const fitMilliseconds = timed(() => fitStepTime(evidence.stepTimes, evidence.scatter, prior));
  const estimateMilliseconds = timed(() => estimateJob(job, prior));
  const estimate = estimateJob(job, prior);
  if (estimate === undefined) throw new Error(`run ${seed} timed nothing`);
  const slowed = slow(truth);
  return {
    splitsPhases: disturbance.splitsPhases,
    parameters: PARAMETERS.map((of) => judge(estimate, slowed, of)),
    stepTimes: PREDICTED.map((at) => judge(estimate, slowed, (parameters) => stepSeconds(parameters, at))),
    delay,
    falseAlarms,
    quietWindows,
    fitMilliseconds,
    estimateMilliseconds,
  };
}

/** One trainer seen through its pages, and what was noticed of its slowdown. */
class Watch {
  evidence: Evidence = NO_EVIDENCE;
  /** Windows that held a timing, from the slowdown until it was noticed. */
  delay = Number.POSITIVE_INFINITY;
  falseAlarms = 0;
  quietWindows = 0;
  readonly #trainer: NoisyTrainer;
  #now = 1_700_000_000;
  #windowsSinceSlowed = 0;

  constructor(trainer: NoisyTrainer) {
    this.#trainer = trainer;
  }

  look(configuration: Configuration): void {
    this.#now += WINDOW_SECONDS;
    const reading = readingOf(this.#trainer.window(WINDOW_SECONDS), this.#now);
    if (reading === undefined) return;
    const { changedAt } = this.evidence;
    const inForce = reading.configVersion === this.#trainer.version ? configuration : undefined;
    this.evidence = foldReading(this.evidence, reading, inForce, globalBatchSize(configuration));
    if (this.evidence.cleanReadings >= 2) this.#count(this.evidence.changedAt !== changedAt);
  }

  #count(alarmed: boolean): void {
    if (this.#trainer.slowdown === 1 || Number.isFinite(this.delay)) {
      this.quietWindows += 1;
      if (alarmed) this.falseAlarms += 1;
      return;
    }
    this.#windowsSinceSlowed += 1;
    if (alarmed) this.delay = this.#windowsSinceSlowed;
  }
}

/** Visits all layouts, on a machine that slows half-way. */
function watch(truth: StepTimeParameters, disturbance: Disturbance, chance: Chance): Watch {
  const slowAt = Math.floor(VISITED.length / 2);
  const trainer = new NoisyTrainer(truth, VISITED[0] ?? layout(1, 16), disturbance, chance);
  const seen = new Watch(trainer);
  VISITED.forEach((configuration, index) => {
    if (index > 0) trainer.apply(configuration);
    const windows = index === slowAt ? WINDOWS_AT_SLOWDOWN : WINDOWS_PER_LAYOUT;
    for (let window = 0; window < windows; window++) {
      if (index === slowAt && window === windows / 3) trainer.slowdown = SLOWDOWN;
      seen.look(configuration);
    }
  });
  return seen;
}

function aTruth(chance: Chance): StepTimeParameters {
  const overheadSeconds = chance.between(0.02, 0.2);
  const secondsPerSample = overheadSeconds / chance.between(20, 200);
  const pass = overheadSeconds + 64 * secondsPerSample;
  const within = pass * chance.between(0.1, 0.6);
  const between = within * chance.between(1.2, 4);
  return {
    overheadSeconds,
    secondsPerSample,
    exchangeSecondsWithinNode: within,
    exchangeSecondsPerRankWithinNode: within * chance.between(0.02, 0.2),
    exchangeSecondsBetweenNodes: between,
    exchangeSecondsPerRankBetweenNodes: between * chance.between(0.02, 0.2),
    overlapExponent: 1 + chance.between(0.2, 1.5),
    loaderSecondsPerSample: 0,
    trustedDataParallelSize: Number.MAX_SAFE_INTEGER,
    factorBeyondTrust: 1,
  };
}

function slow(truth: StepTimeParameters): StepTimeParameters {
  return {
    ...truth,
    overheadSeconds: truth.overheadSeconds * SLOWDOWN,
    secondsPerSample: truth.secondsPerSample * SLOWDOWN,
    exchangeSecondsWithinNode: truth.exchangeSecondsWithinNode * SLOWDOWN,
    exchangeSecondsPerRankWithinNode: truth.exchangeSecondsPerRankWithinNode * SLOWDOWN,
    exchangeSecondsBetweenNodes: truth.exchangeSecondsBetweenNodes * SLOWDOWN,
    exchangeSecondsPerRankBetweenNodes: truth.exchangeSecondsPerRankBetweenNodes * SLOWDOWN,
  };
}

/** As vague as the built-in prior, with overhead, work and exchange each five times too large or too small. */
function wrongPrior(truth: StepTimeParameters, chance: Chance): StepTimePrior {
  const off = () => (chance.uniform() < 0.5 ? -1 : 1) * Math.log(PRIOR_FACTOR);
  return independentPrior(
    [
      Math.log(truth.overheadSeconds) + off(),
      Math.log(truth.secondsPerSample) + off(),
      Math.log(truth.exchangeSecondsWithinNode) + off(),
      Math.log(0.1),
      Math.log(2),
      Math.log(0.1),
      Math.log(0.8),
    ],
    [1.5, 1, 1, 1, 0.7, 1, 1],
  );
}

type Quantity = (parameters: StepTimeParameters) => number;

/** Overhead, work per sample, and the exchange of the smallest ring on one node and on several. */
const PARAMETERS: readonly Quantity[] = [
  (parameters) => parameters.overheadSeconds,
  (parameters) => parameters.secondsPerSample,
  (parameters) => parameters.exchangeSecondsWithinNode,
  (parameters) => parameters.exchangeSecondsBetweenNodes + 6 * parameters.exchangeSecondsPerRankBetweenNodes,
];

function judge(estimate: Posterior, truth: StepTimeParameters, of: Quantity): Judged {
  const { value, low, high } = interval(estimate.worlds.map(({ stepTime }) => of(stepTime)));
  const true_ = of(truth);
  return {
    error: Math.abs(value / true_ - 1),
    sd: Math.log(high / low) / (2 * 1.645),
    inside: low <= true_ && true_ <= high,
  };
}

const REPEATS = 20;

function timed(work: () => unknown): number {
  const startedAt = performance.now();
  for (let repeat = 0; repeat < REPEATS; repeat++) work();
  return (performance.now() - startedAt) / REPEATS;
}

/** A parameter counts as identified once its own interval says so: within 10 % with probability 0.9. */
const IDENTIFIED_SD = 0.1 / 1.645;

function figuresOf(runs: readonly Run[]): Figures {
  const parameters = runs.flatMap((run) => run.parameters);
  const identified = parameters.filter(({ sd }) => sd <= IDENTIFIED_SD);
  const stepTimes = runs.flatMap((run) => run.stepTimes);
  const within = (judged: readonly Judged[]) => share(judged, ({ error }) => error <= 0.1);
  const quiet = runs.reduce((sum, run) => sum + run.quietWindows, 0);
  const alarms = runs.reduce((sum, run) => sum + run.falseAlarms, 0);
  return {
    runs: runs.length,
    identifiedParameterShare: identified.length / parameters.length,
    identifiedParameterMedianError: quantile(errorsOf(identified), 0.5),
    identifiedParameterWithinTenPercentShare: within(identified),
    parameterMedianError: quantile(errorsOf(parameters), 0.5),
    parameterWithinTenPercentShare: within(parameters),
    stepTimeMedianError: quantile(errorsOf(stepTimes), 0.5),
    stepTimeWithinTenPercentShare: within(stepTimes),
    slowdownDelayMedianWindows: quantile(delaysOf(runs), 0.5),
    slowdownDelayP95Windows: quantile(delaysOf(runs), 0.95),
    slowdownWithinTenWindowsShare: share(runs, ({ delay }) => delay <= 10),
    falseAlarmsPerThousandWindows: (1000 * alarms) / quiet,
    parameterCoverage: share(parameters, ({ inside }) => inside),
    stepTimeCoverage: share(stepTimes, ({ inside }) => inside),
    fitMillisecondsMedian: quantile(
      runs.map((run) => run.fitMilliseconds),
      0.5,
    ),
    estimateMillisecondsMedian: quantile(
      runs.map((run) => run.estimateMilliseconds),
      0.5,
    ),
  };
}

/** Steps to go of published trainings, looked back on from 10, 25 and 50 % of their work. */
function noiseFigures(report: (line: string) => void): Figures {
  const all = hindcastNoise(process.env['STEPWISE_DATA'] ?? path.resolve('../shared/data'));
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  for (const { name, progress, batchFactor, without, with: forecast } of all) {
    report(`${name} at ${percent(progress)}, batch ×${batchFactor}: ${percent(without)} → ${percent(forecast)}`);
  }
  return {
    stepsToGoMedianErrorWithoutForecast: quantile(
      all.map(({ without }) => Math.abs(without)),
      0.5,
    ),
    stepsToGoMedianError: quantile(
      all.map((each) => Math.abs(each.with)),
      0.5,
    ),
    stepsToGoWorseWithForecastShare: share(all, (each) => Math.abs(each.with) > Math.abs(each.without)),
  };
}

function errorsOf(judged: readonly Judged[]): readonly number[] {
  return judged.map(({ error }) => error);
}

function delaysOf(runs: readonly Run[]): readonly number[] {
  return runs.map(({ delay }) => delay);
}

function share<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.filter(holds).length / values.length;
}
