import { expect } from 'chai';
import { ringFactor, stepSeconds } from '../../../../src/core/model/step-time.ts';

describe('stepSeconds', () => {
  const parameters = { overheadSeconds: 0.1, secondsPerSample: 0.01, synchronizationSeconds: 0.2 };
  const table = [
    { name: 'one rank pays no synchronisation', ranks: 1, micro: 10, passes: 1, want: 0.2 },
    { name: 'passes repeat compute', ranks: 1, micro: 10, passes: 3, want: 0.6 },
    { name: 'two ranks synchronise once whatever the passes', ranks: 2, micro: 10, passes: 3, want: 0.8 },
    { name: 'many ranks approach twice the gradients', ranks: 100, micro: 10, passes: 1, want: 0.2 + 0.2 * 1.98 },
  ];
  for (const { name, ranks, micro, passes, want } of table) {
    it(name, () => {
      const layout = { dataParallelSize: ranks, microBatchSize: micro, gradientAccumulationSteps: passes };
      expect(stepSeconds(parameters, layout)).to.be.closeTo(want, 1e-9);
    });
  }

  it('moves nothing for one rank', () => expect(ringFactor(1)).to.equal(0));
});
