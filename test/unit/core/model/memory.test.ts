import { expect } from 'chai';
import fc from 'fast-check';
import { largestMicroBatchWithin, memoryBytes } from '../../../../src/core/model/memory.ts';

describe('memory of a micro batch', () => {
  it('fits at the largest micro batch and not at the next', () => {
    const bytes = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(bytes(1e9), bytes(1e7), bytes(1e11), (baseBytes, bytesPerSample, spare) => {
        const use = { baseBytes, bytesPerSample };
        const limit = baseBytes + bytesPerSample + spare;
        const largest = largestMicroBatchWithin(use, limit);
        expect(memoryBytes(use, largest)).to.be.at.most(limit);
        expect(memoryBytes(use, largest + 1)).to.be.greaterThan(limit);
      }),
    );
  });

  it('is one sample at least', () => {
    expect(largestMicroBatchWithin({ baseBytes: 10, bytesPerSample: 1 }, 5)).to.equal(1);
  });
});
