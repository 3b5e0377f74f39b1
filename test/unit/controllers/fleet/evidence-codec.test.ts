import { expect } from 'chai';
import fc from 'fast-check';
import { decodeEvidence, encodeEvidence } from '../../../../src/controllers/fleet/evidence-codec.ts';
import { type Evidence, foldReading, NO_EVIDENCE } from '../../../../src/core/estimate/evidence.ts';
import { aConfiguration } from '../../../support/a-job.ts';
import { aReading } from '../../../support/a-reading.ts';

/** The field of the status that holds it. */
const EVIDENCE_MAX_LENGTH = 16_384;

/** A run that fills every bounded list with numbers as long as numbers get. */
function fullestEvidence(): Evidence {
  let evidence = NO_EVIDENCE;
  const odd = (index: number, size: number) => size * (1 + ((index * 0.6180339887498949) % 1));
  for (let index = 1; index <= 400; index++) {
    const layout = {
      replicas: 8,
      dataParallelSize: 8,
      microBatchSize: 1000 + (index >> 2),
      gradientAccumulationSteps: 3,
    };
    const reading = aReading({
      observedAt: 1_700_000_000 + index * 5.123456789,
      ranks: 8,
      steps: 1_000_000 * index,
      samples: 1_234_567_891 * index,
      stepSecondsSum: odd(0, 123_456.789) * index,
      stepSecondsCount: 1_000_000 * index,
      computeSecondsSum: odd(0, 100_000.123) * index,
      synchronizationSecondsSum: odd(0, 23_456.789) * index,
      gradientSmallSum: odd(1, 1e-5) * index,
      gradientLargeSum: odd(2, 1e-6) * index,
      gradientObservations: 100 * index,
      gradientSmallBatch: 1000,
      gradientLargeBatch: 24_000,
      loss: odd(index, 1e-3),
      validationLoss: odd(index, 1e-3),
      memoryUsedBytes: 76_543_210_987 + index,
      memoryLimitBytes: 85_899_345_920,
      configVersion: index >> 2,
      rejectedVersion: 3,
      rejectionReason: 'out_of_memory',
      checkpointStep: 999_999 * index,
      checkpointRequest: index,
      targetSteps: 1_000_000_000,
      completedRatio: odd(index, 0.3),
    });
    evidence = foldReading(evidence, reading, aConfiguration(layout), 256);
  }
  return evidence;
}

describe('the evidence of a job in its status', () => {
  it('comes back as it was to nine digits, but begins its windows anew', () => {
    const evidence = fullestEvidence();
    const back = decodeEvidence(encodeEvidence(evidence));
    expect(back.cleanReadings).to.equal(0);
    expect(encodeEvidence(back)).to.equal(encodeEvidence({ ...evidence, cleanReadings: 0 }));
    expect(back.stepTimes).to.have.length(evidence.stepTimes.length);
    expect(back.stepTimes[0]?.meanSeconds).to.be.closeTo(evidence.stepTimes[0]?.meanSeconds ?? 0, 1e-9);
  });

  it('fits its field when every list is full', () => {
    const evidence = fullestEvidence();
    expect(evidence.stepTimes, 'step times').to.have.length(12);
    expect(evidence.memory, 'memory points').to.have.length(8);
    expect(evidence.losses.length, 'losses').to.be.above(15);
    expect(encodeEvidence(evidence).length).to.be.below(EVIDENCE_MAX_LENGTH);
  });

  it('keeps what is unknown unknown', () => {
    const values = fc.record({
      loss: fc.oneof(fc.constant(undefined), fc.double()),
      steps: fc.oneof(fc.constant(undefined), fc.double()),
    });
    fc.assert(
      fc.property(values, ({ loss, steps }) => {
        const back = decodeEvidence(encodeEvidence({ ...NO_EVIDENCE, last: aReading({ loss, steps }) })).last;
        for (const [before, after] of [
          [loss, back?.loss],
          [steps, back?.steps],
        ]) {
          if (before === undefined || !Number.isFinite(before)) expect(after).to.equal(undefined);
          else expect(after).to.be.closeTo(before, Math.abs(before) * 1e-8);
        }
      }),
    );
  });

  it('is forgotten when another version wrote it', () => {
    const other = encodeEvidence(fullestEvidence()).replace('"version":2', '"version":1');
    expect(decodeEvidence(other)).to.deep.equal(NO_EVIDENCE);
  });

  for (const text of [undefined, '', '{', 'null', '[]', '{"version":2}', '{"version":2,"evidence":[]}']) {
    it(`is forgotten when it reads ${text}`, () => {
      expect(decodeEvidence(text)).to.deep.equal(NO_EVIDENCE);
    });
  }
});
