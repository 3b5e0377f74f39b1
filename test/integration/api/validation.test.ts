import { expect } from 'chai';
import {
  parseEnergySource,
  parseGpuPool,
  parseScalingPolicy,
  parseTrainingJob,
  parseTrainingProfile,
} from '../../../src/api/parse.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { Resource } from '../../../src/kube/resource.ts';
import { changed, type InvalidCases, type JsonObject, type ValidCases } from '../../unit/api/cases/case.ts';
import {
  ENERGY_SOURCE_BASE,
  INVALID_ENERGY_SOURCES,
  VALID_ENERGY_SOURCES,
} from '../../unit/api/cases/energy-source-cases.ts';
import { GPU_POOL_BASE, INVALID_GPU_POOLS, VALID_GPU_POOLS } from '../../unit/api/cases/gpu-pool-cases.ts';
import {
  INVALID_SCALING_POLICIES,
  SCALING_POLICY_BASE,
  VALID_SCALING_POLICIES,
} from '../../unit/api/cases/scaling-policy-cases.ts';
import {
  INVALID_TRAINING_JOBS,
  TRAINING_JOB_BASE,
  VALID_TRAINING_JOBS,
} from '../../unit/api/cases/training-job-cases.ts';
import {
  INVALID_TRAINING_PROFILES,
  TRAINING_PROFILE_BASE,
  VALID_TRAINING_PROFILES,
} from '../../unit/api/cases/training-profile-cases.ts';
import {
  clientWithCrds,
  ENERGY_SOURCES,
  GPU_POOLS,
  type LooseObject,
  refusalOf,
  SCALING_POLICIES,
  TRAINING_JOBS,
  TRAINING_PROFILES,
} from './api-server.ts';

interface Kind {
  readonly resource: Resource<LooseObject>;
  readonly parse: (value: unknown) => { spec: unknown };
  readonly base: JsonObject;
  readonly valid: ValidCases;
  readonly invalid: InvalidCases;
}

const kinds: readonly Kind[] = [
  {
    resource: TRAINING_JOBS,
    parse: parseTrainingJob,
    base: TRAINING_JOB_BASE,
    valid: VALID_TRAINING_JOBS,
    invalid: INVALID_TRAINING_JOBS,
  },
  { resource: GPU_POOLS, parse: parseGpuPool, base: GPU_POOL_BASE, valid: VALID_GPU_POOLS, invalid: INVALID_GPU_POOLS },
  {
    resource: SCALING_POLICIES,
    parse: parseScalingPolicy,
    base: SCALING_POLICY_BASE,
    valid: VALID_SCALING_POLICIES,
    invalid: INVALID_SCALING_POLICIES,
  },
  {
    resource: ENERGY_SOURCES,
    parse: parseEnergySource,
    base: ENERGY_SOURCE_BASE,
    valid: VALID_ENERGY_SOURCES,
    invalid: INVALID_ENERGY_SOURCES,
  },
  {
    resource: TRAINING_PROFILES,
    parse: parseTrainingProfile,
    base: TRAINING_PROFILE_BASE,
    valid: VALID_TRAINING_PROFILES,
    invalid: INVALID_TRAINING_PROFILES,
  },
];

/** The tables hold JSON that is an object of the API, or wrong on purpose. */
const asObject = (json: JsonObject) => json as unknown as LooseObject;

describe('the API server', function () {
  // The first run on a machine builds the server.
  this.timeout(600_000);
  let client: KubeClient;

  before(async () => {
    client = await clientWithCrds();
  });

  for (const { resource, parse, base, valid, invalid } of kinds) {
    describe(resource.kind, () => {
      for (const [name, change] of Object.entries(valid)) {
        it(`admits and completes: ${name}`, async () => {
          const admitted = await client.create(resource, asObject(changed(base, change)), { dryRun: true });
          // The server's defaults are those that TypeScript fills in.
          expect(admitted.spec).to.deep.equal(parse(changed(base, change)).spec);
        });
      }
      for (const [name, { change, field, says }] of Object.entries(invalid)) {
        it(`refuses: ${name}`, async () => {
          const object = asObject(changed(base, change));
          const refusal = await refusalOf(client.create(resource, object, { dryRun: true }));
          expect(refusal.status).to.equal(422);
          const causes = refusal.details?.causes ?? [];
          const blamed = causes.filter((cause) => (cause.field ?? '') === (field === '' ? '<nil>' : field));
          expect(blamed, `causes: ${JSON.stringify(causes)}`).not.to.be.empty;
          expect(blamed.map(({ message }) => message).join('\n')).to.match(says);
        });
      }
    });
  }
});
