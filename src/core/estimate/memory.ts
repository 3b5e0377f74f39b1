import { isPlausible, type TrainerReading } from './reading.ts';

/** Peak device memory that one rank used at a micro batch. */
export interface MemoryPoint {
  readonly microBatchSize: number;
  readonly usedBytes: number;
  readonly limitBytes: number | undefined;
}

const MAX_POINTS = 8;

/** Keeps the highest peak seen for each of the last eight micro batches. */
export function foldMemory(
  points: readonly MemoryPoint[],
  microBatchSize: number,
  reading: TrainerReading,
): readonly MemoryPoint[] {
  const used = reading.memoryUsedBytes;
  if (!isPlausible(used) || used === 0) return points;
  const known = points.find((point) => point.microBatchSize === microBatchSize);
  const limit = isPlausible(reading.memoryLimitBytes) ? reading.memoryLimitBytes : known?.limitBytes;
  if (known !== undefined && used <= known.usedBytes && limit === known.limitBytes) return points;
  const point = { microBatchSize, usedBytes: Math.max(used, known?.usedBytes ?? 0), limitBytes: limit };
  return [...points.filter((other) => other !== known), point].slice(-MAX_POINTS);
}

/**
 * Largest micro batch whose memory, by the line M0 + M1·m, stays under the limit with headroom. With one point the
 * line through the origin is taken: it can only overstate what a larger micro batch needs, since M0 is not negative.
 * Undefined when use or limit is unknown.
 */
export function largestMicroBatch(points: readonly MemoryPoint[], headroomFraction: number): number | undefined {
  const limits = points.flatMap((point) => (point.limitBytes === undefined ? [] : [point.limitBytes]));
  const sorted = [...points].sort((one, other) => one.microBatchSize - other.microBatchSize);
  const smallest = sorted[0];
  const largest = sorted.at(-1);
  if (smallest === undefined || largest === undefined || limits.length === 0) return undefined;

  const usable = Math.min(...limits) * (1 - headroomFraction);
  const throughOrigin = largest.usedBytes / largest.microBatchSize;
  const slope =
    largest === smallest
      ? throughOrigin
      : Math.max(
          // A flat pair says nothing about larger batches; a tenth of the proportional slope is the least believed.
          (largest.usedBytes - smallest.usedBytes) / (largest.microBatchSize - smallest.microBatchSize),
          throughOrigin / 10,
        );
  const spare = usable - largest.usedBytes;
  return Math.max(1, Math.floor(largest.microBatchSize + spare / slope));
}
