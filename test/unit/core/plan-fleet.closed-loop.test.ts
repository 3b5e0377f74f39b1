import { expect } from 'chai';
import fc from 'fast-check';
import { globalBatchSize } from '../../../src/core/configuration.ts';
import { aConfiguration } from '../../support/a-job.ts';
import {
  bestFixedBatch,
  type LoopOptions,
  type LoopResult,
  REFERENCE_TRAINING,
  runClosedLoop,
} from '../../support/closed-loop.ts';
import type { Training } from '../../support/simulated-trainer.ts';

const started = (microBatchSize: number) => aConfiguration({ microBatchSize });

/** Cost of the run over that of the batch which, known beforehand, would have been the cheapest. */
function ratioToBest(options: LoopOptions, result: LoopResult): number {
  const max = options.limits?.maxGlobalBatchSize ?? 4096;
  return result.cost / bestFixedBatch(options.training, { min: 1, max }).cost;
}

function run(training: Partial<Training>, batch: number, parts: Partial<LoopOptions> = {}) {
  const options = {
    training: { ...REFERENCE_TRAINING, ...training },
    start: started(batch),
    readEverySeconds: 5,
    seed: 1,
    ...parts,
  };
  const result = runClosedLoop(options);
  expect(result.finished, 'the run ends').to.equal(true);
  return { result, ratio: ratioToBest(options, result) };
}

/** Whatever is true of the training, the operator behaves. */
function expectGoodManners(
  result: LoopResult,
  limits: { readonly cooldownSeconds: number; readonly max: number },
): void {
  expect(result.changes.length, 'changes in all').to.be.at.most(8);
  let before = Number.NEGATIVE_INFINITY;
  for (const { atSeconds, decision } of result.changes) {
    expect(decision.action, 'without a deadline the smallest size stays').to.equal('Reload');
    expect(globalBatchSize(decision.target)).to.be.within(1, limits.max);
    expect(globalBatchSize(decision.target)).to.be.at.most(
      4 * globalBatchSize(decision.plan?.current.configuration ?? started(0)),
    );
    expect(atSeconds - before, 'seconds between two changes').to.be.at.least(limits.cooldownSeconds);
    before = atSeconds;
  }
}

describe('a training under planFleet', function () {
  this.timeout(10_000);

  describe('costs little more than at the batch that would have been best', () => {
    const short = { batchCooldownSeconds: 10 };
    const slow = {
      overheadSeconds: 0.1,
      secondsPerSample: 0.004,
      noiseScaleStart: 500,
      noiseScaleEnd: 5000,
      minimumSteps: 300,
    };
    const perSample = {
      overheadSeconds: 0.001,
      secondsPerSample: 0.001,
      noiseScaleStart: 1000,
      noiseScaleEnd: 3000,
      minimumSteps: 500,
    };
    const table: readonly {
      readonly name: string;
      readonly training: Partial<Training>;
      readonly batch: number;
      readonly parts?: Partial<LoopOptions>;
      readonly want: number;
    }[] = [
      {
        name: 'from 16, read often',
        training: {},
        batch: 16,
        parts: { limits: short, readEverySeconds: 2 },
        want: 1.08,
      },
      { name: 'from 16', training: {}, batch: 16, parts: { limits: short }, want: 1.15 },
      { name: 'from 16 with the default cooldown', training: {}, batch: 16, want: 1.15 },
      {
        name: 'from 16, read every 30 s',
        training: { minimumSteps: 15_000 },
        batch: 16,
        parts: { readEverySeconds: 30 },
        want: 1.1,
      },
      { name: 'from far too large', training: {}, batch: 4096, parts: { limits: short }, want: 1.25 },
      { name: 'from far too large, a longer run', training: { minimumSteps: 6000 }, batch: 4096, want: 1.1 },
      { name: 'from too large', training: {}, batch: 1024, parts: { limits: short }, want: 1.08 },
      { name: 'from the best', training: {}, batch: 300, want: 1.04 },
      {
        name: 'with little memory',
        training: { memoryBytesPerSample: 6e8 },
        batch: 16,
        parts: { limits: short, readEverySeconds: 2 },
        want: 1.1,
      },
      {
        name: 'with gradients that scatter widely',
        training: { gradientSd: 0.3 },
        batch: 16,
        parts: { limits: short, readEverySeconds: 2 },
        want: 1.15,
      },
      { name: 'slow steps', training: slow, batch: 64, parts: { limits: { maxGlobalBatchSize: 1024 } }, want: 1.05 },
      { name: 'hardly any overhead', training: perSample, batch: 8, want: 1.05 },
      {
        name: 'a noise scale far above',
        training: { noiseScaleStart: 1e4, noiseScaleEnd: 2e4, minimumSteps: 700 },
        batch: 256,
        want: 1.05,
      },
    ];
    for (const { name, training, batch, parts, want } of table) {
      it(name, () => {
        for (const seed of [1, 2]) {
          const { result, ratio } = run(training, batch, { ...parts, seed });
          expect(ratio, `seed ${seed}`).to.be.at.most(want);
          const limits = { batchCooldownSeconds: 30, maxGlobalBatchSize: 4096, ...parts?.limits };
          expectGoodManners(result, { cooldownSeconds: limits.batchCooldownSeconds, max: limits.maxGlobalBatchSize });
        }
      });
    }
  });

  it('costs little more for random trainings from random batches', () => {
    const between = (min: number, max: number) =>
      fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map(Math.exp);
    const training = fc.record({
      overheadSeconds: between(0.02, 0.1),
      overheadBatch: between(20, 500),
      noise: between(100, 3000),
      growth: between(1, 5),
      bestSeconds: between(300, 1500),
      batch: between(16, 1024),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(training, ({ overheadSeconds, overheadBatch, noise, growth, bestSeconds, batch, seed }) => {
        const parts = {
          overheadSeconds,
          secondsPerSample: overheadSeconds / overheadBatch,
          noiseScaleStart: noise,
          noiseScaleEnd: noise * growth,
        };
        const once = bestFixedBatch({ ...REFERENCE_TRAINING, ...parts, minimumSteps: 1 }, { min: 1, max: 4096 });
        const minimumSteps = bestSeconds / once.seconds;
        const { result, ratio } = run({ ...parts, minimumSteps }, Math.round(batch), { seed });
        // About a minute goes by until the first batch is measured and left, however short the run.
        expect(ratio).to.be.at.most(1.1 + 60 / bestSeconds);
        expectGoodManners(result, { cooldownSeconds: 30, max: 4096 });
      }),
      { numRuns: 6 },
    );
  });

  describe('that misleads', () => {
    it('keeps its batch when it is slowed by 30 % at the best', () => {
      const slowed = (seconds: number, trainer: { slowdown: number }) => {
        trainer.slowdown = seconds > 300 && seconds < 600 ? 1.3 : 1;
        return undefined;
      };
      const { result } = run({ minimumSteps: 8000 }, 64, { disturb: slowed });
      const during = result.changes.filter(({ atSeconds }) => atSeconds > 300 && atSeconds < 600);
      expect(during.length).to.be.at.most(1);
      for (const { decision } of during) expect(globalBatchSize(decision.target)).to.be.within(200, 500);
    });

    it('keeps its batch without gradient statistics', () => {
      const { result } = run({ exportsGradients: false, minimumSteps: 500 }, 64);
      expect(result.changes).to.eql([]);
    });

    it('keeps its micro batch when neither memory nor a maximum is known', () => {
      const { result } = run({ exportsMemory: false }, 64, { limits: { maxMicroBatchSize: undefined } });
      for (const { decision } of result.changes) expect(decision.target.microBatchSize).to.be.at.most(64);
    });

    it('does not exceed the maximum of the user when memory is unknown', () => {
      const { result } = run({ exportsMemory: false }, 16, { limits: { maxMicroBatchSize: 50 } });
      expect(result.changes).to.not.be.empty;
      for (const { decision } of result.changes) expect(decision.target.microBatchSize).to.be.at.most(50);
    });

    it('learns the ceiling from a rejection', () => {
      const { result } = run({ exportsMemory: false, memoryBaseBytes: 0, memoryBytesPerSample: 1e9 }, 32);
      const refused = result.changes.filter(({ decision }) => decision.target.microBatchSize > 80);
      expect(refused.length).to.be.at.most(2);
      expect(result.final.microBatchSize).to.be.at.most(80);
    });

    it('is left alone while Prometheus is silent', () => {
      const silent = (seconds: number) => (seconds > 12 && seconds < 200 ? 'Lost' : undefined);
      const { result } = run({ minimumSteps: 3000 }, 16, { disturb: silent });
      const during = result.decisions.filter(({ atSeconds }) => atSeconds > 75 && atSeconds < 200);
      expect(during.map(({ decision }) => decision.reason)).to.include('MetricsStale');
      expect(result.changes.filter(({ atSeconds }) => atSeconds > 12 && atSeconds < 200)).to.eql([]);
    });
  });

  describe('with a deadline', () => {
    const parts = { minimumSteps: 8000, secondsPerSample: 0.0004 };
    const withDeadline = (seconds: number) => {
      const limits = { canRescale: true, maxReplicas: 8, deadline: 1_000_000 + seconds };
      return run(parts, 64, { limits }).result;
    };

    it('takes workers and meets it', () => {
      const result = withDeadline(2000);
      expect(result.seconds).to.be.at.most(2000);
      expect(result.changes.some(({ decision }) => decision.action === 'Resize')).to.equal(true);
    });

    it('stays on one worker when there is time', () => {
      const result = withDeadline(6000);
      expect(result.changes.every(({ decision }) => decision.action === 'Reload')).to.equal(true);
    });

    it('comes much nearer to one that cannot be met, and says so', () => {
      const alone = run(parts, 64).result;
      const result = withDeadline(300);
      expect(result.seconds).to.be.lessThan(0.5 * alone.seconds);
      expect(result.cost).to.be.lessThan(3 * alone.cost);
      expect(result.decisions.some(({ decision }) => decision.deadlineAtRisk)).to.equal(true);
    });
  });
});
