import type { StepTimeParameters } from '../../src/core/model/step-time.ts';

/** A model without overlap, loader or doubt. */
export function aStepTime(parts: Partial<StepTimeParameters> = {}): StepTimeParameters {
  return {
    overheadSeconds: 0.1,
    secondsPerSample: 0.001,
    exchangeSecondsWithinNode: 0.02,
    exchangeSecondsPerRankWithinNode: 0.002,
    exchangeSecondsBetweenNodes: 0.08,
    exchangeSecondsPerRankBetweenNodes: 0.008,
    overlapExponent: 1,
    loaderSecondsPerSample: 0,
    trustedDataParallelSize: Number.MAX_SAFE_INTEGER,
    factorBeyondTrust: 1,
    ...parts,
  };
}
