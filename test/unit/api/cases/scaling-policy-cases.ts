import { type InvalidCases, type JsonObject, spec, type ValidCases } from './case.ts';

export const SCALING_POLICY_BASE: JsonObject = {
  apiVersion: 'stepwise.dev/v1alpha1',
  kind: 'ScalingPolicy',
  metadata: { name: 'default' },
  spec: {},
};

export const VALID_SCALING_POLICIES: ValidCases = {
  'all defaults': {},
  'without a spec': { spec: null },
  'for two namespaces': spec({ namespaces: ['research', 'nlp'] }),
  'advice only': spec({ modes: ['Observe', 'Recommend'] }),
  'act on any gain': spec({ minimumGainPercent: 0, cooldownSeconds: 0, batchCooldownSeconds: 0 }),
  'no growth': spec({ maxBatchGrowthFactor: 1 }),
  bounded: spec({ maxGpusPerJob: 16, maxPricePerHour: '40.00', maxRescalesPerHour: 1 }),
  'never in the peak': spec({
    hours: {
      timeZone: 'Asia/Kolkata',
      forbidden: [{ name: 'peak', days: ['Mon', 'Fri'], from: '17:30', to: '21:00' }],
      preferred: [{ name: 'night', from: '22:00', to: '06:00' }],
    },
  }),
  'quick plans': spec({ planIntervalSeconds: 5, stalenessLimitSeconds: 10 }),
};

export const INVALID_SCALING_POLICIES: InvalidCases = {
  'no mode': { change: spec({ modes: [] }), field: 'spec.modes', says: /at least 1/, by: 'schema' },
  'a mode there is not': {
    change: spec({ modes: ['Manual'] }),
    field: 'spec.modes[0]',
    says: /supported values: "Observe", "Recommend", "Auto"/,
    by: 'schema',
  },
  'a namespace that no object can have': {
    change: spec({ namespaces: ['Research'] }),
    field: 'spec.namespaces[0]',
    says: /should match/,
    by: 'schema',
  },
  'more gain than there is': {
    change: spec({ minimumGainPercent: 101 }),
    field: 'spec.minimumGainPercent',
    says: /less than or equal to 100/,
    by: 'schema',
  },
  'a cooldown in words': {
    change: spec({ cooldownSeconds: '2m' }),
    field: 'spec.cooldownSeconds',
    says: /type integer/,
    by: 'schema',
  },
  'growth by a fraction': {
    change: spec({ maxBatchGrowthFactor: 1.5 }),
    field: 'spec.maxBatchGrowthFactor',
    says: /type integer/,
    by: 'schema',
  },
  'no rescale at all': {
    change: spec({ maxRescalesPerHour: 0 }),
    field: 'spec.maxRescalesPerHour',
    says: /greater than or equal to 1/,
    by: 'schema',
  },
  'a forbidden window that never opens': {
    change: spec({ hours: { forbidden: [{ name: 'never', from: '08:00', to: '08:00' }] } }),
    field: 'spec.hours.forbidden[0].to',
    says: /spec\.hours\.forbidden\.from and \.to are the same time/,
    by: 'rule',
  },
  'a preferred window that never opens': {
    change: spec({ hours: { preferred: [{ name: 'never', from: '08:00', to: '08:00' }] } }),
    field: 'spec.hours.preferred[0].to',
    says: /spec\.hours\.preferred\.from and \.to are the same time/,
    by: 'rule',
  },
  'plans without a pause': {
    change: spec({ planIntervalSeconds: 1 }),
    field: 'spec.planIntervalSeconds',
    says: /greater than or equal to 5/,
    by: 'schema',
  },
  'a price as a float': {
    change: spec({ maxPricePerHour: 40 }),
    field: 'spec.maxPricePerHour',
    says: /type string/,
    by: 'schema',
  },
};
