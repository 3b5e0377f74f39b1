import { largestMicroBatchWithin } from '../model/memory.ts';

/** A positive value known up to a factor: a normal distribution of its logarithm. */
export interface LogBelief {
  readonly logMean: number;
  readonly logSd: number;
}

/** Peak memory of one rank as it is believed before it is measured: M0 + M1·m, and no less than its least. */
export interface MemoryBelief {
  readonly baseBytes: LogBelief;
  /** A part of M0 on top that the ranks share among them; 0 where each holds all of it. */
  readonly shardedBytes: number;
  readonly bytesPerSample: LogBelief;
  /** A peak below which nobody has seen it fall; undefined where M0 is known. */
  readonly leastBytes: LogBelief | undefined;
  /** Memory of one GPU; undefined when nobody says. */
  readonly limitBytes: number | undefined;
}

/** Both ends of an interval of 90 % stand so many standard deviations from the middle. */
const Z90 = 1.645;

export function logBelief(value: number, logSd: number): LogBelief {
  return { logMean: Math.log(value), logSd };
}

export function lowOf({ logMean, logSd }: LogBelief): number {
  return Math.exp(logMean - Z90 * logSd);
}

export function highOf({ logMean, logSd }: LogBelief): number {
  return Math.exp(logMean + Z90 * logSd);
}

/**
 * Largest micro batch that fits even if both parts are at the high ends of their intervals. 0 when not even one sample
 * does; undefined while the limit is not known.
 */
export function largestBelievedMicroBatch(
  belief: MemoryBelief,
  dataParallelSize: number,
  headroomFraction: number,
): number | undefined {
  if (belief.limitBytes === undefined) return undefined;
  const baseBytes = highOf(belief.baseBytes) + belief.shardedBytes / dataParallelSize;
  const use = { baseBytes, bytesPerSample: highOf(belief.bytesPerSample) };
  const room = belief.limitBytes * (1 - headroomFraction);
  if (belief.leastBytes !== undefined && highOf(belief.leastBytes) > room) return 0;
  return use.baseBytes + use.bytesPerSample > room ? 0 : largestMicroBatchWithin(use, room);
}

/** The peak of a micro batch with its interval of 90 %; what is uncertain in both parts adds up. */
export function believedPeakBytes(
  { baseBytes, shardedBytes, bytesPerSample, leastBytes }: MemoryBelief,
  dataParallelSize: number,
  microBatchSize: number,
): { readonly value: number; readonly low: number; readonly high: number } {
  const at = (end: (belief: LogBelief) => number) =>
    Math.max(
      leastBytes === undefined ? 0 : end(leastBytes),
      end(baseBytes) + shardedBytes / dataParallelSize + end(bytesPerSample) * microBatchSize,
    );
  return { value: at(({ logMean }) => Math.exp(logMean)), low: at(lowOf), high: at(highOf) };
}
