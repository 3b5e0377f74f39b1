import { expect } from 'chai';
import { flopsPerSampleOf, parametersOf } from '../../../../src/core/estimate/declared-model.ts';
import { declaredStepTime } from '../../../../src/core/estimate/declared-step-time.ts';
import { flopsPerSecond, GPU_PEAKS, peakOf } from '../../../../src/core/estimate/gpu-peaks.ts';
import { LOG_PER_SAMPLE } from '../../../../src/core/estimate/step-time-prior.ts';
import { aModel } from '../../../support/a-model.ts';

describe('what a GPU can do', () => {
  const found = {
    'nvidia-t4': 15_360,
    'Tesla-T4': 15_360,
    'nvidia-a100': 40_960,
    'NVIDIA-A100-SXM4-80GB': 81_920,
    'nvidia-h100-80gb-hbm3': 81_559,
    'nvidia-l40s': 46_068,
    'nvidia-l4': 23_034,
    // A pool counts and a driver reports each of its two dies as a GPU.
    AMD_Instinct_MI250X: 65_536,
    'NVIDIA-RTX-6000-Ada-Generation': 49_140,
    'Quadro-RTX-6000': 24_576,
  };
  for (const [type, memoryMiB] of Object.entries(found)) {
    it(`is found for ${type}`, () => expect(peakOf(type)?.memoryMiB).to.equal(memoryMiB));
  }

  it('is not made up for another type', () => {
    for (const type of ['nvidia-a1000', 'tpu-v5', '', 'h1000']) expect(peakOf(type), type).to.equal(undefined);
  });

  it('is not that of the whole card for a slice of it, or for one that several share', () => {
    for (const type of ['NVIDIA-A100-SXM4-80GB-MIG-1g.10gb', 'NVIDIA-H100-80GB-HBM3-MIG-3g.40gb', 'Tesla-T4-SHARED']) {
      expect(peakOf(type), type).to.equal(undefined);
    }
  });

  it('is that of 32 bits for BF16 where the card has no units for it', () => {
    const teraflops = (type: string) => flopsPerSecond(peakOf(type) ?? expect.fail(type), 'BF16') / 1e12;
    expect(teraflops('nvidia-t4')).to.equal(8.1);
    expect(teraflops('nvidia-v100-32gb')).to.equal(15.7);
    expect(teraflops('nvidia-p100')).to.equal(9.3);
    expect(teraflops('nvidia-a100')).to.equal(312);
    expect(teraflops('nvidia-h100')).to.equal(989);
  });

  it('is at least as much in a narrower precision', () => {
    for (const peak of GPU_PEAKS) {
      expect(flopsPerSecond(peak, 'FP16')).to.be.at.least(flopsPerSecond(peak, 'TF32'));
      expect(flopsPerSecond(peak, 'TF32')).to.be.at.least(flopsPerSecond(peak, 'FP32'));
    }
  });

  it('has each row found by its own words', () => {
    for (const peak of GPU_PEAKS) expect(peakOf(peak.words.join('-'))).to.equal(peak);
  });
});

describe('step time of a declared model', () => {
  it("counts a transformer's operations as PaLM's authors do", () => {
    // 6·P·s of the parameters, 12·L·h·s² of the attention.
    expect(flopsPerSampleOf(aModel())).to.equal(6 * 110e6 * 512 + 12 * 12 * 768 * 512 ** 2);
    expect(flopsPerSampleOf(aModel({ flopsPerSample: 1e9, recomputation: 'Full' }))).to.equal((4 / 3) * 1e9);
  });

  it('takes the size of a model from its layers', () => {
    expect(parametersOf(aModel({ parameters: undefined, vocabularySize: 30_522 }))).to.be.closeTo(108.4e6, 1e5);
    expect(parametersOf(aModel({ parameters: undefined, layers: undefined }))).to.equal(undefined);
  });

  it('is as many times longer as the GPU is slower', () => {
    const perSample = (type: string) => {
      const peak = peakOf(type) ?? expect.fail(type);
      return Math.exp(declaredStepTime(aModel(), peak, 16)?.logMeans[LOG_PER_SAMPLE] ?? Number.NaN);
    };
    expect(perSample('t4') / perSample('a100')).to.be.closeTo(312 / 65, 1e-9);
  });

  it('is not made up without operations', () => {
    const model = aModel({ sequenceLength: undefined });
    expect(declaredStepTime(model, peakOf('t4') ?? expect.fail(), 16)).to.equal(undefined);
  });
});
