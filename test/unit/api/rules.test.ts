import { expect } from 'chai';
import { CUSTOM_RESOURCES } from '../../../src/api/resources.ts';
import { structuralSchema, visitFields } from '../../../tools/codegen/structural-schema.ts';
import { INVALID_ENERGY_SOURCES } from './cases/energy-source-cases.ts';
import { FIXED_IN_GPU_POOL, FIXED_IN_TRAINING_JOB } from './cases/fixed-fields.ts';
import { INVALID_GPU_POOLS } from './cases/gpu-pool-cases.ts';
import { INVALID_SCALING_POLICIES } from './cases/scaling-policy-cases.ts';
import { INVALID_TRAINING_JOBS } from './cases/training-job-cases.ts';
import { INVALID_TRAINING_PROFILES } from './cases/training-profile-cases.ts';

const TRIED: Record<string, readonly RegExp[]> = {
  TrainingJob: [...Object.values(INVALID_TRAINING_JOBS), ...Object.values(FIXED_IN_TRAINING_JOB)].map(
    ({ says }) => says,
  ),
  GPUPool: [...Object.values(INVALID_GPU_POOLS), ...Object.values(FIXED_IN_GPU_POOL)].map(({ says }) => says),
  EnergySource: Object.values(INVALID_ENERGY_SOURCES).map(({ says }) => says),
  ScalingPolicy: Object.values(INVALID_SCALING_POLICIES).map(({ says }) => says),
  TrainingProfile: Object.values(INVALID_TRAINING_PROFILES).map(({ says }) => says),
};

/** The messages of all CEL rules of a kind. */
function messagesOf(kind: string): string[] {
  const resource = CUSTOM_RESOURCES.find(({ names }) => names.kind === kind);
  if (resource === undefined) throw new Error(`there is no kind ${kind}`);
  const schema = structuralSchema(resource.schema);
  const messages = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => message);
  visitFields(schema, (_path, { 'x-kubernetes-validations': rules = [] }) => {
    for (const { message } of rules) messages.push(message);
  });
  return messages;
}

describe('rules of the API server', () => {
  for (const [kind, tried] of Object.entries(TRIED)) {
    it(`each one of ${kind} is broken by a case that a real server refuses`, () => {
      const untried = messagesOf(kind).filter((message) => !tried.some((says) => says.test(message)));
      expect(untried).to.deep.equal([]);
    });
  }

  it('are found at all', () => {
    expect(messagesOf('TrainingJob').length).to.be.greaterThan(20);
  });
});
