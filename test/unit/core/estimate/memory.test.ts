import { expect } from 'chai';
import { foldMemory, largestMicroBatch, type MemoryPoint } from '../../../../src/core/estimate/memory.ts';
import { aReading } from '../../../support/a-reading.ts';

const at = (microBatchSize: number, usedBytes: number, limitBytes: number | undefined = 1000): MemoryPoint => ({
  microBatchSize,
  usedBytes,
  limitBytes,
});

describe('largestMicroBatch', () => {
  const table: readonly {
    readonly name: string;
    readonly points: readonly MemoryPoint[];
    readonly want: number | undefined;
  }[] = [
    { name: 'follows the line through two points', points: [at(10, 300), at(20, 400)], want: 70 },
    { name: 'takes one point for proportional, the safe side', points: [at(10, 300)], want: 30 },
    { name: 'believes a flat pair a tenth of the proportional slope', points: [at(10, 400), at(20, 400)], want: 270 },
    { name: 'goes below what runs when the headroom is gone', points: [at(10, 500), at(20, 1000)], want: 18 },
    { name: 'is not known without use', points: [], want: undefined },
    { name: 'is not known without limit', points: [{ ...at(10, 300), limitBytes: undefined }], want: undefined },
    { name: 'keeps to the smallest limit', points: [at(10, 300, 500), at(20, 400)], want: 25 },
  ];
  for (const { name, points, want } of table) {
    it(name, () => expect(largestMicroBatch(points, 0.1)).to.equal(want));
  }
});

describe('foldMemory', () => {
  it('keeps the highest peak of a micro batch', () => {
    const low = foldMemory([at(16, 500)], 16, aReading({ memoryUsedBytes: 400, memoryLimitBytes: 1000 }));
    expect(low).to.eql([at(16, 500)]);
    const high = foldMemory([at(16, 500)], 16, aReading({ memoryUsedBytes: 600, memoryLimitBytes: 1000 }));
    expect(high).to.eql([at(16, 600)]);
  });

  for (const memoryUsedBytes of [undefined, 0, -5, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`learns nothing from ${memoryUsedBytes}`, () => {
      expect(foldMemory([], 16, aReading({ memoryUsedBytes, memoryLimitBytes: 1000 }))).to.eql([]);
    });
  }

  it('keeps at most eight', () => {
    const many = Array.from({ length: 8 }, (_, index) => at(index + 1, 10));
    expect(foldMemory(many, 99, aReading({ memoryUsedBytes: 20, memoryLimitBytes: 1000 }))).to.have.length(8);
  });
});
