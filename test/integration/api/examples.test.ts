import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { parseTrainingJob } from '../../../src/api/parse.ts';
import { CUSTOM_RESOURCES } from '../../../src/api/resources.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { crdFor } from '../../../tools/codegen/crd.ts';
import { type StructuralSchema, visitFields } from '../../../tools/codegen/structural-schema.ts';
import {
  clientWithCrds,
  ENERGY_SOURCES,
  GPU_POOLS,
  type LooseObject,
  SCALING_POLICIES,
  TRAINING_JOBS,
  TRAINING_PROFILES,
} from './api-server.ts';

const directory = path.join(import.meta.dirname, '../../../deploy/examples');
const files = readdirSync(directory).filter((name) => name.endsWith('.yaml'));
const resources = [TRAINING_JOBS, GPU_POOLS, SCALING_POLICIES, ENERGY_SOURCES, TRAINING_PROFILES];

const read = (file: string): string => readFileSync(path.join(directory, file), 'utf8');

describe('examples', function () {
  this.timeout(600_000);
  let client: KubeClient;

  before(async () => {
    client = await clientWithCrds();
  });

  for (const file of files) {
    it(`${file} is admitted and would be stored as it is written`, async () => {
      const example: LooseObject = parse(read(file));
      const resource = resources.find(({ kind }) => kind === example.kind);
      if (resource === undefined) throw new Error(`${file}: kind ${example.kind} is none of ours`);
      const metadata = {
        ...example.metadata,
        name: `${example.metadata.name}-api-test`,
        ...(resource.namespaced && { namespace: 'default' }),
      };
      const stored = await client.create(resource, { ...example, metadata }, { dryRun: true });
      // A field that the schema does not know would have been dropped.
      expect(leavesOf(stored.spec)).to.include(leavesOf(example.spec));
    });
  }

  it('the minimal TrainingJob has 15 lines', () => {
    expect(read('training-job-minimal.yaml').trimEnd().split('\n')).to.have.length(15);
  });

  it('the full TrainingJob shows every field but those of other choices', () => {
    const { spec } = parseTrainingJob(parse(read('training-job-full.yaml')));
    const [version] = crdFor(CUSTOM_RESOURCES[0]!).spec.versions;
    const known: string[] = [];
    visitFields(version!.schema.openAPIV3Schema.properties?.['spec'] as StructuralSchema, (field, node) => {
      if (!node.properties && !node.additionalProperties) known.push(field.replace(/\[\].*/, ''));
    });
    const shown = Object.keys(leavesOf(spec)).map((leaf) => leaf.replace(/\.\d+(\..*)?$/, ''));
    const otherChoices = ['multipleOf', 'values'].map((name) => `elasticity.sizes.${name}`);
    otherChoices.push('objective.work.steps', 'objective.work.validationLoss');
    otherChoices.push('workload.podTemplate.metadata.annotations[key]', 'workload.podTemplate.metadata.labels[key]');
    expect(known.filter((field) => !shown.includes(field) && !otherChoices.includes(field))).to.deep.equal([]);
  });
});

/** Every value that is not an object or a list, by its path. */
function leavesOf(value: unknown, prefix = ''): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return { [prefix]: value };
  return Object.assign(
    {},
    ...Object.entries(value).map(([field, child]) => leavesOf(child, prefix === '' ? field : `${prefix}.${field}`)),
  );
}
