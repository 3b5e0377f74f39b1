import { expect } from 'chai';
import { TRAINER_METRICS, type TrainerMetric } from '../../../src/api/trainer-metrics.ts';
import { parseTuning, TRAINER_PROTOCOL, type Tuning } from '../../../src/api/trainer-protocol.ts';

const TUNING: Tuning = {
  protocol: TRAINER_PROTOCOL,
  version: 7,
  globalBatchSize: 768,
  microBatchSize: 24,
  gradientAccumulationSteps: 4,
  dataParallelSize: 8,
  learningRateScale: 1.41,
  effectiveAt: 'nextStep',
  checkpointRequest: 0,
  reason: 'less overhead',
};

describe('trainer protocol', () => {
  it('reads a tuning and ignores fields it does not know', () => {
    expect(parseTuning({ ...TUNING, workers: 8 })).to.deep.equal(TUNING);
  });

  const bad: Record<string, [Partial<Record<keyof Tuning, unknown>>, RegExp]> = {
    'a product that does not hold': [{ globalBatchSize: 700 }, /microBatchSize x gradientAccumulationSteps x/],
    'another protocol': [{ protocol: 'stepwise.dev/trainer/v2' }, /protocol/],
    'no passes': [{ gradientAccumulationSteps: 0 }, /gradientAccumulationSteps/],
    'half a sample': [{ microBatchSize: 0.5 }, /microBatchSize/],
    'a learning rate of nothing': [{ learningRateScale: 0 }, /learningRateScale/],
    'a time there is not': [{ effectiveAt: 'now' }, /effectiveAt/],
  };
  for (const [name, [change, says]] of Object.entries(bad)) {
    it(`refuses ${name}`, () => {
      expect(() => parseTuning({ ...TUNING, ...change })).to.throw(Error, says);
    });
  }

  // Trainers that no one here wrote rely on these names: this list may grow, no line of it may change.
  it('keeps the names of the metrics', () => {
    expect(Object.values(TRAINER_METRICS).map(({ name, type }) => `${type} ${name}`)).to.deep.equal([
      'counter stepwise_trainer_steps_total',
      'counter stepwise_trainer_samples_total',
      'histogram stepwise_trainer_step_duration_seconds',
      'counter stepwise_trainer_gradient_small_batch_square_norm_total',
      'counter stepwise_trainer_gradient_large_batch_square_norm_total',
      'counter stepwise_trainer_gradient_observations_total',
      'gauge stepwise_trainer_gradient_batch_size',
      'gauge stepwise_trainer_loss',
      'gauge stepwise_trainer_validation_loss',
      'gauge stepwise_trainer_memory_used_bytes',
      'gauge stepwise_trainer_memory_limit_bytes',
      'gauge stepwise_trainer_config_version',
      'gauge stepwise_trainer_config_applied_step',
      'gauge stepwise_trainer_config_rejected_version',
      'counter stepwise_trainer_config_rejections_total',
      'gauge stepwise_trainer_checkpoint_step',
      'gauge stepwise_trainer_checkpoint_request',
      'histogram stepwise_trainer_checkpoint_duration_seconds',
      'gauge stepwise_trainer_target_steps',
      'gauge stepwise_trainer_completed_ratio',
    ]);
  });

  it('names counters and units as Prometheus does', () => {
    const metrics: readonly TrainerMetric[] = Object.values(TRAINER_METRICS);
    for (const { name, type } of metrics) {
      expect(name, name).to.match(/^stepwise_trainer_[a-z_]+$/);
      expect(name.endsWith('_total'), name).to.equal(type === 'counter');
      if (type === 'histogram') expect(name, name).to.match(/_seconds$/);
    }
  });
});
