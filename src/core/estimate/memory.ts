import { largestMicroBatchWithin, type MemoryUse } from '../model/memory.ts';
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

/** Largest micro batch whose memory stays under the limit with headroom; undefined when use or limit is unknown. */
export function largestMicroBatch(points: readonly MemoryPoint[], headroomFraction: number): number | undefined {
  const limits = points.flatMap((point) => (point.limitBytes === undefined ? [] : [point.limitBytes]));
  const use = memoryUse(points);
  if (use === undefined || limits.length === 0) return undefined;
  return largestMicroBatchWithin(use, Math.min(...limits) * (1 - headroomFraction));
}

/**
 * The line M0 + M1·m through the smallest and the largest micro batch. With one point it goes through the origin: that
 * can only overstate what a larger micro batch needs, since M0 is not negative.
 */
function memoryUse(points: readonly MemoryPoint[]): MemoryUse | undefined {
  const sorted = [...points].sort((one, other) => one.microBatchSize - other.microBatchSize);
  const smallest = sorted[0];
  const largest = sorted.at(-1);
  if (smallest === undefined || largest === undefined) return undefined;
  const throughOrigin = largest.usedBytes / largest.microBatchSize;
  const bytesPerSample =
    largest === smallest
      ? throughOrigin
      : Math.max(
          // A flat pair says nothing about larger batches; a tenth of the proportional slope is the least believed.
          (largest.usedBytes - smallest.usedBytes) / (largest.microBatchSize - smallest.microBatchSize),
          throughOrigin / 10,
        );
  return { baseBytes: largest.usedBytes - bytesPerSample * largest.microBatchSize, bytesPerSample };
}
