import { type InvalidCases, type JsonObject, spec, type ValidCases } from './case.ts';

const RUN = {
  uid: 'a',
  job: 'char-lm',
  endedAt: '2026-11-02T07:40:00Z',
  outcome: 'Complete',
  acceleratorType: 'nvidia-t4',
  replicas: 2,
  globalBatchSize: 1024,
  microBatchSize: 32,
  initialGlobalBatchSize: 512,
  referenceSamples: 4_000_000,
  seconds: '41200.5',
  cost: '12.04',
  currency: 'USD',
  batchBand: { lowest: 512, highest: 1024 },
};

const runs = (...changes: readonly object[]) => spec({ runs: changes.map((change) => ({ ...RUN, ...change })) });

export const TRAINING_PROFILE_BASE: JsonObject = {
  apiVersion: 'stepwise.dev/v1alpha1',
  kind: 'TrainingProfile',
  metadata: { name: 'char-lm', namespace: 'default' },
  spec: {},
};

export const VALID_TRAINING_PROFILES: ValidCases = {
  'without runs': {},
  'without a spec': { spec: null },
  'two runs': runs({}, { uid: 'b', outcome: 'Failed' }),
  'a timed run': runs({
    stepTime: { logMeans: ['-4.6', '0'], logCovariance: ['0.01'], largestDataParallelSize: 2 },
    noise: [{ referenceSamples: 1000, gradientNoiseScale: '812.5' }],
    memory: [{ microBatchSize: 32, usedBytes: 9_900_000_000 }],
    restartSeconds: '48',
    predicted: { seconds: '40000', cost: '11.50' },
  }),
};

export const INVALID_TRAINING_PROFILES: InvalidCases = {
  'a run without its outcome': {
    change: runs({ outcome: null }),
    field: 'spec.runs[0].outcome',
    says: /Required value|Invalid value/,
    by: 'schema',
  },
  'a float for money': {
    change: runs({ cost: 12.04 }),
    field: 'spec.runs[0].cost',
    says: /must be of type string/,
    by: 'schema',
  },
  'the same run twice': {
    change: runs({}, {}),
    field: 'spec.runs[1]',
    says: /Duplicate value/,
    by: 'schema',
  },
};
