import { expect } from 'chai';
import {
  DEFAULT_SCALING_POLICY_SPEC,
  parseEnergySource,
  parseGpuPool,
  parseScalingPolicy,
  parseTrainingJob,
  parseTrainingProfile,
} from '../../../src/api/parse.ts';
import { changed, type InvalidCases, type JsonObject, type ValidCases } from './cases/case.ts';
import { ENERGY_SOURCE_BASE, INVALID_ENERGY_SOURCES, VALID_ENERGY_SOURCES } from './cases/energy-source-cases.ts';
import { GPU_POOL_BASE, INVALID_GPU_POOLS, VALID_GPU_POOLS } from './cases/gpu-pool-cases.ts';
import { INVALID_SCALING_POLICIES, SCALING_POLICY_BASE, VALID_SCALING_POLICIES } from './cases/scaling-policy-cases.ts';
import { INVALID_TRAINING_JOBS, TRAINING_JOB_BASE, VALID_TRAINING_JOBS } from './cases/training-job-cases.ts';
import {
  INVALID_TRAINING_PROFILES,
  TRAINING_PROFILE_BASE,
  VALID_TRAINING_PROFILES,
} from './cases/training-profile-cases.ts';

interface Kind {
  readonly parse: (value: unknown) => unknown;
  readonly base: JsonObject;
  readonly valid: ValidCases;
  readonly invalid: InvalidCases;
}

const kinds: Record<string, Kind> = {
  TrainingJob: {
    parse: parseTrainingJob,
    base: TRAINING_JOB_BASE,
    valid: VALID_TRAINING_JOBS,
    invalid: INVALID_TRAINING_JOBS,
  },
  GPUPool: { parse: parseGpuPool, base: GPU_POOL_BASE, valid: VALID_GPU_POOLS, invalid: INVALID_GPU_POOLS },
  EnergySource: {
    parse: parseEnergySource,
    base: ENERGY_SOURCE_BASE,
    valid: VALID_ENERGY_SOURCES,
    invalid: INVALID_ENERGY_SOURCES,
  },
  ScalingPolicy: {
    parse: parseScalingPolicy,
    base: SCALING_POLICY_BASE,
    valid: VALID_SCALING_POLICIES,
    invalid: INVALID_SCALING_POLICIES,
  },
  TrainingProfile: {
    parse: parseTrainingProfile,
    base: TRAINING_PROFILE_BASE,
    valid: VALID_TRAINING_PROFILES,
    invalid: INVALID_TRAINING_PROFILES,
  },
};

describe('parse', () => {
  for (const [kind, { parse, base, valid, invalid }] of Object.entries(kinds)) {
    describe(kind, () => {
      for (const [name, change] of Object.entries(valid)) {
        it(`reads: ${name}`, () => {
          expect(() => parse(changed(base, change))).not.to.throw();
        });
      }
      for (const [name, { change, field, says, by }] of Object.entries(invalid)) {
        if (by === 'rule') {
          // The server never stores such an object; should it come from elsewhere, its structure can be read.
          it(`leaves to the server: ${name}`, () => {
            expect(() => parse(changed(base, change))).not.to.throw();
          });
        } else {
          it(`refuses, naming ${field}: ${name}`, () => {
            // zod blames the list where the server blames the second of two equal items.
            const blamed = /Duplicate/.test(says.source) ? field.replace(/\[\d+\]$/, '') : field;
            expect(() => parse(changed(base, change))).to.throw(Error, blamed);
          });
        }
      }
    });
  }

  it('names the object and every bad field', () => {
    const bad = changed(TRAINING_JOB_BASE, { spec: { replicas: 0, mode: 'Never' } });
    expect(() => parseTrainingJob(bad)).to.throw(
      Error,
      /the TrainingJob default\/char-lm is not valid:.*spec\.mode.*spec\.replicas/s,
    );
  });

  it('keeps the fields of a pod that the schema does not name', () => {
    const pod = { containers: [{ name: 'a', image: 'b', args: ['x'] }], hostNetwork: true };
    const job = parseTrainingJob(changed(TRAINING_JOB_BASE, { spec: { workload: { podTemplate: { spec: pod } } } }));
    expect(job.spec.workload.podTemplate.spec).to.deep.equal(pod);
  });

  it('fills in the defaults that the server would', () => {
    const { spec } = parseTrainingJob(TRAINING_JOB_BASE);
    expect(spec.mode).to.equal('Recommend');
    expect(spec.elasticity).to.deep.equal({
      minReplicas: 1,
      gpusPerReplica: 1,
      sizes: { type: 'Any' },
      rescale: 'CheckpointRestart',
    });
    expect(spec.checkpoint).to.deep.equal({ directory: '/checkpoints', timeoutSeconds: 120 });
  });

  it('gives the policy that holds when there is none', () => {
    expect(DEFAULT_SCALING_POLICY_SPEC).to.include({ minimumGainPercent: 5, planIntervalSeconds: 30 });
    expect(DEFAULT_SCALING_POLICY_SPEC).to.be.frozen;
  });
});
