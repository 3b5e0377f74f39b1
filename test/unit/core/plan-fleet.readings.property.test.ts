import { expect } from 'chai';
import fc from 'fast-check';
import { type Evidence, foldReading, NO_EVIDENCE } from '../../../src/core/estimate/evidence.ts';
import type { TrainerReading } from '../../../src/core/estimate/reading.ts';
import { planFleet } from '../../../src/core/plan-fleet.ts';
import { aConfiguration, aJob, aSnapshot, NOW } from '../../support/a-job.ts';
import { aReading } from '../../support/a-reading.ts';

const READINGS = 8;
const START = aConfiguration({ replicas: 2, microBatchSize: 16 });
const FIELDS = [
  'steps',
  'samples',
  'stepSecondsSum',
  'stepSecondsCount',
  'gradientSmallSum',
  'gradientLargeSum',
  'gradientObservations',
  'gradientSmallBatch',
  'gradientLargeBatch',
  'memoryUsedBytes',
  'memoryLimitBytes',
  'validationLoss',
  'configVersion',
] as const;

/** A trainer of two ranks, looked at every ten seconds. */
function readingAt(index: number, secondsPerStep: number, noise: number): TrainerReading {
  const steps = 1000 + 100 * index;
  return aReading({
    observedAt: NOW - 10 * (READINGS - 1 - index) - 1,
    ranks: 2,
    steps,
    samples: steps * 32,
    stepSecondsSum: steps * 2 * secondsPerStep,
    stepSecondsCount: steps * 2,
    gradientSmallSum: steps * (1 + noise / 16),
    gradientLargeSum: steps * (1 + noise / 32),
    gradientObservations: steps,
    gradientSmallBatch: 16,
    gradientLargeBatch: 32,
    validationLoss: 5 - 0.01 * index,
    memoryUsedBytes: 2e9,
    memoryLimitBytes: 16e9,
  });
}

function decide(readings: readonly TrainerReading[]) {
  let evidence: Evidence = NO_EVIDENCE;
  for (const reading of readings) evidence = foldReading(evidence, reading, START, 32);
  const limits = { canRescale: true, maxReplicas: 4, initialGlobalBatchSize: 32 };
  const [decision] = planFleet(aSnapshot([aJob({ limits, history: { current: START }, evidence })])).decisions;
  if (decision === undefined) expect.fail('a decision for every job');
  const { action, target, reason } = decision;
  return { action, target, reason };
}

describe('planFleet, of a reading in which one value is none', () => {
  const broken = fc.constantFrom(Number.NaN, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 63 - 1);

  it('decides as if the value had not been told, or holds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FIELDS),
        broken,
        fc.integer({ min: 0, max: READINGS - 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.double({ min: 50, max: 5000, noNaN: true }),
        (field, value, at, secondsPerStep, noise) => {
          const told = Array.from({ length: READINGS }, (_, index) => readingAt(index, secondsPerStep, noise));
          const replaced = (by: number | undefined) =>
            decide(told.map((reading, index) => (index === at ? { ...reading, [field]: by } : reading)));
          const decision = replaced(value);
          if (decision.action !== 'Hold') expect(decision).to.eql(replaced(undefined));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('decides something when all values are told', () => {
    expect(decide(Array.from({ length: READINGS }, (_, index) => readingAt(index, 0.1, 2000))).action).not.to.equal(
      'Hold',
    );
  });
});
