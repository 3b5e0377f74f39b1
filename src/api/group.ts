/** Names of the API group. One served version for now; the group name also prefixes our labels and annotations. */
export const API_GROUP = 'stepwise.dev';
export const API_VERSION_NAME = 'v1alpha1';
/** As it stands in `apiVersion` of every object. */
export const API_VERSION = `${API_GROUP}/${API_VERSION_NAME}`;

export interface ResourceNames {
  readonly kind: string;
  readonly singular: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly scope: 'Namespaced' | 'Cluster';
}

export const TRAINING_JOB = {
  kind: 'TrainingJob',
  singular: 'trainingjob',
  plural: 'trainingjobs',
  shortNames: ['tj'],
  scope: 'Namespaced',
} as const satisfies ResourceNames;

export const GPU_POOL = {
  kind: 'GPUPool',
  singular: 'gpupool',
  plural: 'gpupools',
  shortNames: ['gp'],
  scope: 'Cluster',
} as const satisfies ResourceNames;

export const ENERGY_SOURCE = {
  kind: 'EnergySource',
  singular: 'energysource',
  plural: 'energysources',
  shortNames: ['es'],
  scope: 'Cluster',
} as const satisfies ResourceNames;

export const TRAINING_PROFILE = {
  kind: 'TrainingProfile',
  singular: 'trainingprofile',
  plural: 'trainingprofiles',
  shortNames: ['tp'],
  scope: 'Namespaced',
} as const satisfies ResourceNames;

export const SCALING_POLICY = {
  kind: 'ScalingPolicy',
  singular: 'scalingpolicy',
  plural: 'scalingpolicies',
  shortNames: ['sp'],
  scope: 'Cluster',
} as const satisfies ResourceNames;
