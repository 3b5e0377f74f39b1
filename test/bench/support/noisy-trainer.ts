import { TRAINER_METRICS as M } from '../../../src/api/trainer-metrics.ts';
import { type Configuration, globalBatchSize } from '../../../src/core/configuration.ts';
import { exchangeSeconds, overlapped, type StepTimeParameters } from '../../../src/core/model/step-time.ts';
import { normalNumbers } from '../../../src/simulator/random.ts';

/** Uniform numbers between 0 and 1 beside the normal ones, from one seed. */
export interface Chance {
  normal(): number;
  uniform(): number;
  /** Evenly on a logarithmic scale. */
  between(least: number, most: number): number;
}

export function chanceOf(seed: number): Chance {
  const normal = normalNumbers(seed);
  // The squared length of two normals is exponential, so this is uniform.
  const uniform = () => Math.exp(-(normal() ** 2 + normal() ** 2) / 2);
  return { normal, uniform, between: (least, most) => least * (most / least) ** uniform() };
}

/** What goes wrong between a trainer and the operator. */
export interface Disturbance {
  /** Standard deviation of the logarithm of a window's compute and exchange, each by itself. */
  readonly windowSd: number;
  readonly splitsPhases: boolean;
  readonly slowWindowShare: number;
  readonly lostScrapeShare: number;
  readonly blankShare: number;
  readonly restartShare: number;
}

const STEP_SD = 0.05;

/** A trainer that is watched through its metrics pages only, window by window. */
export class NoisyTrainer {
  readonly #truth: StepTimeParameters;
  readonly #disturbance: Disturbance;
  readonly #chance: Chance;
  #configuration: Configuration;
  #version = 1;
  /** Multiplies all times: 1.3 is a machine slowed by 30 %. */
  slowdown = 1;
  #steps = 0;
  #sums = { steps: 0, samples: 0, total: 0, compute: 0, exchange: 0 };

  constructor(truth: StepTimeParameters, configuration: Configuration, disturbance: Disturbance, chance: Chance) {
    this.#truth = truth;
    this.#configuration = configuration;
    this.#disturbance = disturbance;
    this.#chance = chance;
  }

  get version(): number {
    return this.#version;
  }

  /** Takes another layout; other ranks are other processes, whose counters begin at zero. */
  apply(configuration: Configuration): void {
    this.#version += 1;
    if (configuration.replicas !== this.#configuration.replicas) this.#restart();
    this.#configuration = configuration;
  }

  /** Trains for so many seconds; answers the pages that a scrape then finds, none when it fails. */
  window(seconds: number): readonly string[] {
    const { slowWindowShare, lostScrapeShare, restartShare } = this.#disturbance;
    if (this.#chance.uniform() < restartShare) this.#restart();
    const slow = this.#chance.uniform() < slowWindowShare ? 1.5 + 2 * this.#chance.uniform() : 1;
    this.#train(seconds, slow * this.slowdown);
    return this.#chance.uniform() < lostScrapeShare ? this.#fewerPages() : this.#pages();
  }

  #train(seconds: number, factor: number): void {
    const { dataParallelSize, microBatchSize, gradientAccumulationSteps } = this.#configuration;
    const pass = this.#truth.overheadSeconds + this.#truth.secondsPerSample * microBatchSize;
    const computed = gradientAccumulationSteps * pass * this.#windowFactor() * factor;
    const last = overlapped(pass, exchangeSeconds(this.#truth, this.#configuration), this.#truth.overlapExponent);
    const exchanged = (last - pass) * this.#windowFactor() * factor;
    const steps = Math.max(1, Math.round(seconds / (computed + exchanged)));
    const scatter = 1 + (STEP_SD * this.#chance.normal()) / Math.sqrt(steps);
    this.#steps += steps;
    this.#sums = {
      steps: this.#sums.steps + steps,
      samples: this.#sums.samples + (steps * globalBatchSize(this.#configuration)) / dataParallelSize,
      total: this.#sums.total + steps * (computed + exchanged) * scatter,
      compute: this.#sums.compute + steps * computed * scatter,
      exchange: this.#sums.exchange + steps * exchanged * scatter,
    };
  }

  /** With a mean of one. */
  #windowFactor(): number {
    const sd = this.#disturbance.windowSd;
    return Math.exp(sd * this.#chance.normal() - sd ** 2 / 2);
  }

  #restart(): void {
    this.#sums = { steps: 0, samples: 0, total: 0, compute: 0, exchange: 0 };
  }

  /** Half of the failed scrapes find nobody, the others all ranks but one. */
  #fewerPages(): readonly string[] {
    return this.#chance.uniform() < 0.5 ? [] : this.#pages().slice(1);
  }

  #pages(): readonly string[] {
    const { splitsPhases, blankShare } = this.#disturbance;
    const isBlank = this.#chance.uniform() < blankShare;
    const step = M.stepDuration.name;
    const phase = (name: string, sum: number) => [
      `${step}_bucket{phase="${name}",le="+Inf"} ${this.#sums.steps}`,
      `${step}_sum{phase="${name}"} ${isBlank ? '9223372036854775807' : sum}`,
      `${step}_count{phase="${name}"} ${this.#sums.steps}`,
    ];
    const page = [
      `# HELP ${M.steps.name} ${M.steps.meaning}`,
      `# TYPE ${M.steps.name} counter`,
      `${M.steps.name} ${this.#steps}`,
      `${M.samples.name} ${this.#sums.samples}`,
      `# TYPE ${step} histogram`,
      ...phase('total', this.#sums.total),
      ...(splitsPhases ? phase('compute', this.#sums.compute) : []),
      ...(splitsPhases ? phase('synchronization', this.#sums.exchange) : []),
      `${M.loss.name} NaN`,
      `${M.configVersion.name} ${this.#version}`,
      '',
    ].join('\n');
    return new Array<string>(this.#configuration.dataParallelSize).fill(page);
  }
}
