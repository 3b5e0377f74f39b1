import { expect } from 'chai';
import fc from 'fast-check';
import {
  declaredMemory,
  stateBytes,
  transformerActivationBytes,
} from '../../../../src/core/estimate/declared-memory.ts';
import { believedPeakBytes, largestBelievedMicroBatch } from '../../../../src/core/estimate/memory-belief.ts';
import { aModel } from '../../../support/a-model.ts';

const GIB = 2 ** 30;

describe('memory of a declared model', () => {
  // Rajbhandari et al. 2020, figure 1: 7.5 billion parameters on 64 ranks, in decimal gigabytes.
  const published = { None: 120, OptimizerState: 31.4, Gradients: 16.6, Parameters: 1.88 } as const;
  for (const [sharding, gigabytes] of Object.entries(published)) {
    it(`holds what ZeRO's authors publish for sharding ${sharding}`, () => {
      const { whole, sharded } = stateBytes(aModel({ sharding: sharding as keyof typeof published }));
      expect((7.5e9 * (whole + sharded / 64)) / 1e9).to.be.closeTo(gigabytes, 0.05);
    });
  }

  it('keeps what the optimizer keeps', () => {
    const bytes = (parts: Parameters<typeof aModel>[0]) => stateBytes(aModel(parts)).whole;
    expect(bytes({ precision: 'FP32', optimizer: 'SGD' })).to.equal(8);
    expect(bytes({ precision: 'FP32', optimizer: 'Momentum' })).to.equal(12);
    expect(bytes({ precision: 'TF32', optimizer: 'Adam' })).to.equal(16);
    expect(bytes({ precision: 'BF16', optimizer: 'Adam' })).to.equal(16);
  });

  it("finds the shares of GPT-3's activations that Korthikanti et al. 2022 publish", () => {
    const gpt3 = { sequenceLength: 2048, layers: 96, hiddenSize: 12_288 };
    const bytes = (recomputation: 'None' | 'Selective') =>
      transformerActivationBytes(aModel({ ...gpt3, attentionHeads: 96, recomputation }), gpt3);
    // Section 5: 5·a·s/h is 80, so that selective recomputation saves 70 % of 34 + 80.
    expect(1 - bytes('Selective') / bytes('None')).to.be.closeTo(0.7, 0.005);
  });

  // Layers, width, heads, vocabulary, length; megabytes that autograd keeps for one sample more: with dropout in 16 and 32
  // bits, without in 16 and 32 (`test/bench/support/activations.py`, PyTorch 1.13 on a CPU).
  const measured = [
    [4, 256, 4, 1000, 256, [16.76, 32.5, 11.52, 22.02]],
    [2, 512, 8, 2000, 512, [48.67, 93.25, 29.8, 55.5]],
    [6, 384, 6, 65, 256, [35.27, 70.48, 23.48, 46.89]],
    [3, 256, 8, 30_000, 128, [21.3, 27.23, 19.33, 23.3]],
    [12, 128, 2, 256, 64, [4.14, 8.21, 3.35, 6.63]],
  ] as const;
  for (const [layers, hiddenSize, attentionHeads, vocabularySize, sequenceLength, megabytes] of measured) {
    it(`is what PyTorch keeps of ${layers} layers of ${hiddenSize} at ${sequenceLength} tokens`, () => {
      const variants = (['Used', 'None'] as const).flatMap((dropout) =>
        (['BF16', 'FP32'] as const).map((precision) => ({ dropout, precision })),
      );
      variants.forEach((variant, index) => {
        const model = aModel({ ...variant, layers, hiddenSize, attentionHeads, vocabularySize, sequenceLength });
        const bytes = transformerActivationBytes(model, { sequenceLength, layers, hiddenSize });
        // The logits and the gradient of their softmax come on top at the peak; they are not kept.
        const atPeak = sequenceLength * vocabularySize * ((variant.precision === 'BF16' ? 2 : 4) + 4);
        const ratio = (bytes - atPeak) / (megabytes[index] ?? Number.NaN) / 1e6;
        // On a CPU dropout keeps its masks in the model's precision, on a GPU in a byte.
        const least = variant.dropout === 'Used' ? 0.87 : 0.98;
        expect(ratio, JSON.stringify(variant)).to.be.within(least, 1.02);
      });
    });
  }

  it('says nothing of a model whose activations nobody knows', () => {
    const model = aModel({ sequenceLength: undefined, layers: undefined, hiddenSize: undefined });
    expect(declaredMemory(model, 16 * GIB)).to.equal(undefined);
    expect(declaredMemory({ ...model, activationBytesPerSample: 1e8 }, 16 * GIB)).not.to.equal(undefined);
  });

  it('allows no micro batch whose peak might pass the limit, and the next larger one might', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 4, max: 48 }),
        fc.integer({ min: 8, max: 160 }),
        fc.integer({ min: 1, max: 64 }),
        (heads, layers, limitGib, ranks) => {
          const model = aModel({ parameters: undefined, layers, hiddenSize: 64 * heads, attentionHeads: heads });
          const belief = declaredMemory(model, limitGib * GIB) ?? expect.fail('all dimensions are known');
          const micro = largestBelievedMicroBatch(belief, ranks, 0.1) ?? expect.fail('the limit is known');
          const room = 0.9 * limitGib * GIB;
          if (micro > 0) expect(believedPeakBytes(belief, ranks, micro).high).to.be.at.most(room * (1 + 1e-9));
          expect(believedPeakBytes(belief, ranks, micro + 1).high).to.be.greaterThan(room * (1 - 1e-9));
        },
      ),
    );
  });

  it('is undefined while the memory of the GPU is not known', () => {
    const belief = declaredMemory(aModel(), undefined) ?? expect.fail();
    expect(largestBelievedMicroBatch(belief, 1, 0.1)).to.equal(undefined);
  });
});
