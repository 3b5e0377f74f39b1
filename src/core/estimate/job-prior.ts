import type { LogBelief, MemoryBelief } from './memory-belief.ts';
import type { StepTimePrior } from './step-time-prior.ts';

/**
 * The noise scale as a power of the work done, from earlier runs: ln N = logAtPivot + slope·(ln S − logPivot), with S in
 * reference samples.
 */
export interface NoiseBelief {
  readonly logPivot: number;
  readonly logAtPivot: LogBelief;
  readonly slope: number;
  readonly slopeSd: number;
}

/** What is believed of a job on one pool before it is measured: from runs of its family, or from its declared model. */
export interface JobPrior {
  readonly pool: string;
  /** Runs of the family on the same type of GPU, on another type, or the declared model alone. */
  readonly source: 'Family' | 'OtherGpu' | 'Model';
  readonly stepTime: StepTimePrior | undefined;
  /** The most ranks that the family was timed with on this type of GPU; 0 for none. */
  readonly largestDataParallelSize: number;
  readonly noise: NoiseBelief | undefined;
  readonly memory: MemoryBelief | undefined;
  /** The whole work in reference samples, where the job itself does not state it. */
  readonly work: LogBelief | undefined;
  /** Global batches with which runs of the family came to their end. */
  readonly batchBand: { readonly lowest: number; readonly highest: number } | undefined;
  readonly restartSeconds: number | undefined;
}

/** Noise scale that the family had after so many reference samples; its logarithm. */
export function believedNoise(belief: NoiseBelief, referenceSamples: number): LogBelief {
  const distance = Math.log(Math.max(1, referenceSamples)) - belief.logPivot;
  const { logMean, logSd } = belief.logAtPivot;
  return { logMean: logMean + belief.slope * distance, logSd: Math.hypot(logSd, belief.slopeSd * distance) };
}
