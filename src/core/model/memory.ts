/** Peak device memory of one rank, linear in the micro batch: M(m) = M0 + M1·m. */
export interface MemoryUse {
  /** M0: weights, gradients, optimizer state and the runtime's own. */
  readonly baseBytes: number;
  /** M1: activations of one sample. */
  readonly bytesPerSample: number;
}

export function memoryBytes(use: MemoryUse, microBatchSize: number): number {
  return use.baseBytes + use.bytesPerSample * microBatchSize;
}

/** Largest micro batch that fits into so many bytes, at least 1: a rank that runs at all runs with one sample. */
export function largestMicroBatchWithin(use: MemoryUse, bytes: number): number {
  return Math.max(1, Math.floor((bytes - use.baseBytes) / use.bytesPerSample));
}
