import { type InvalidCases, type JsonObject, spec, type ValidCases } from './case.ts';

export const GPU_POOL_BASE: JsonObject = {
  apiVersion: 'stepwise.dev/v1alpha1',
  kind: 'GPUPool',
  metadata: { name: 't4' },
  spec: {
    accelerator: { type: 'nvidia-t4' },
    gpusPerNode: 1,
    nodeSelector: { 'stepwise.dev/pool': 't4' },
    limits: { maxNodes: 8 },
    cost: { pricePerNodeHour: '0.526' },
  },
};

const scaleTarget = { apiVersion: 'karpenter.sh/v1', kind: 'NodePool', name: 't4' };
const target = (change: JsonObject): JsonObject =>
  spec({ provider: { type: 'ScaleSubresource', scaleTarget: { ...scaleTarget, ...change } } });

const reservation = { nodes: 8, pricePerNodeHour: '0.31', endsAt: '2027-12-01T00:00:00Z' };
const ownership = { purchasePricePerNode: '9800', amortisationMonths: 36, maintenancePerNodeMonth: '60' };

export const VALID_GPU_POOLS: ValidCases = {
  minimal: {},
  'scaled through Karpenter': target({}),
  'scaled through Cluster API': target({
    apiVersion: 'cluster.x-k8s.io/v1beta2',
    kind: 'MachineDeployment',
    namespace: 'fleet',
  }),
  'scaled by others': spec({ provider: { type: 'None' } }),
  'most GPUs on a node': spec({ gpusPerNode: 16 }),
  'memory stated': spec({ accelerator: { type: 'nvidia-h100-80gb', memoryMiB: 81_559 } }),
  'eight labels': spec({ nodeSelector: { a: '1', b: '2', c: '3', d: '4', e: '5', f: '6', g: '7' } }),
  'a fixed size': spec({ limits: { minNodes: 8, maxNodes: 8 } }),
  'billed by GPU in euros': spec({ cost: { billing: 'Gpu', pricePerNodeHour: '12', currency: 'EUR' } }),
  'owned and free': spec({ cost: { pricePerNodeHour: '0' } }),
  'metered electricity': spec({
    energy: {
      priceSource: 'de-price',
      carbonSource: 'de-carbon',
      billing: 'Metered',
      powerUsageEffectivenessPercent: 115,
      busyWattsPerGpu: 90,
      idleWattsPerGpu: 25,
    },
  }),
  'spot nodes': spec({ cost: { capacityType: 'Spot', interruptionsPerNodeHour: '0.05' } }),
  'spot nodes of unknown risk': spec({ cost: { capacityType: 'Spot' } }),
  'all nodes reserved': spec({ cost: { capacityType: 'Reserved', reservation } }),
  'nodes of its own': spec({ cost: { capacityType: 'Owned', ownership } }),
  'given back at once': spec({ scaleDownDelaySeconds: 0, provisioningTimeoutSeconds: 30 }),
};

export const INVALID_GPU_POOLS: InvalidCases = {
  'a risk of interruption on demand': {
    change: spec({ cost: { interruptionsPerNodeHour: '0.05' } }),
    field: 'spec.cost.interruptionsPerNodeHour',
    says: /interruptionsPerNodeHour belongs to capacityType Spot: set spec\.cost\.capacityType to Spot or remove it/,
    by: 'rule',
  },
  'reserved without a commitment': {
    change: spec({ cost: { capacityType: 'Reserved' } }),
    field: 'spec.cost.reservation',
    says: /reservation belongs to capacityType Reserved: set it with that type/,
    by: 'rule',
  },
  'a commitment on demand': {
    change: spec({ cost: { reservation } }),
    field: 'spec.cost.reservation',
    says: /reservation belongs to capacityType Reserved: .*remove it with any other/,
    by: 'rule',
  },
  'a commitment without an end': {
    change: spec({ cost: { capacityType: 'Reserved', reservation: { ...reservation, endsAt: null } } }),
    field: 'spec.cost.reservation.endsAt',
    says: /Required value/,
    by: 'schema',
  },
  'more reserved than may be had': {
    change: spec({ cost: { capacityType: 'Reserved', reservation: { ...reservation, nodes: 9 } } }),
    field: 'spec.cost.reservation.nodes',
    says: /reservation\.nodes is above spec\.limits\.maxNodes: raise spec\.limits\.maxNodes/,
    by: 'rule',
  },
  'owned for no price': {
    change: spec({ cost: { capacityType: 'Owned' } }),
    field: 'spec.cost.ownership',
    says: /ownership belongs to capacityType Owned: set it with that type/,
    by: 'rule',
  },
  'bought and rented at once': {
    change: spec({ cost: { capacityType: 'Spot', ownership } }),
    field: 'spec.cost.ownership',
    says: /ownership belongs to capacityType Owned: .*remove it with any other/,
    by: 'rule',
  },
  'a purchase that is never to pay for itself': {
    change: spec({ cost: { capacityType: 'Owned', ownership: { ...ownership, amortisationMonths: 0 } } }),
    field: 'spec.cost.ownership.amortisationMonths',
    says: /greater than or equal to 1/,
    by: 'schema',
  },
  'a way to have nodes that there is not': {
    change: spec({ cost: { capacityType: 'Leased' } }),
    field: 'spec.cost.capacityType',
    says: /supported values: "OnDemand", "Spot", "Reserved", "Owned"/,
    by: 'schema',
  },
  'a GPU that draws more at rest': {
    change: spec({ energy: { busyWattsPerGpu: 60, idleWattsPerGpu: 70 } }),
    field: 'spec.energy.idleWattsPerGpu',
    says: /spec\.energy\.idleWattsPerGpu is above/,
    by: 'rule',
  },
  'a site that draws less than its machines': {
    change: spec({ energy: { powerUsageEffectivenessPercent: 90 } }),
    field: 'spec.energy.powerUsageEffectivenessPercent',
    says: /greater than or equal to 100/,
    by: 'schema',
  },
  'no accelerator': {
    change: spec({ accelerator: null }),
    field: 'spec.accelerator',
    says: /Required value/,
    by: 'schema',
  },
  'an accelerator by its trade name': {
    change: spec({ accelerator: { type: 'NVIDIA T4' } }),
    field: 'spec.accelerator.type',
    says: /should match/,
    by: 'schema',
  },
  'nodes without GPUs': {
    change: spec({ gpusPerNode: 0 }),
    field: 'spec.gpusPerNode',
    says: /greater than or equal to 1/,
    by: 'schema',
  },
  'no number of GPUs': {
    change: spec({ gpusPerNode: null }),
    field: 'spec.gpusPerNode',
    says: /Required value/,
    by: 'schema',
  },
  'an empty selector': {
    change: spec({ nodeSelector: { 'stepwise.dev/pool': null } }),
    field: 'spec.nodeSelector',
    says: /must name the labels that every node of the pool carries: set at least one/,
    by: 'rule',
  },
  'too many labels': {
    change: spec({ nodeSelector: { a: '1', b: '2', c: '3', d: '4', e: '5', f: '6', g: '7', h: '8' } }),
    field: 'spec.nodeSelector',
    says: /at most 8/,
    by: 'schema',
  },
  'no bound of nodes': {
    change: spec({ limits: { maxNodes: null } }),
    field: 'spec.limits.maxNodes',
    says: /Required value/,
    by: 'schema',
  },
  'min above max': {
    change: spec({ limits: { minNodes: 9 } }),
    field: 'spec.limits.minNodes',
    says: /minNodes is above spec\.limits\.maxNodes: lower minNodes or raise maxNodes/,
    by: 'rule',
  },
  'no price': {
    change: spec({ cost: { pricePerNodeHour: null } }),
    field: 'spec.cost.pricePerNodeHour',
    says: /Required value/,
    by: 'schema',
  },
  'a price as a float': {
    change: spec({ cost: { pricePerNodeHour: 0.526 } }),
    field: 'spec.cost.pricePerNodeHour',
    says: /type string/,
    by: 'schema',
  },
  'a price with its sign': {
    change: spec({ cost: { pricePerNodeHour: '$0.526' } }),
    field: 'spec.cost.pricePerNodeHour',
    says: /should match/,
    by: 'schema',
  },
  'a billing there is not': {
    change: spec({ cost: { billing: 'Hour' } }),
    field: 'spec.cost.billing',
    says: /supported values: "Node", "Gpu"/,
    by: 'schema',
  },
  'a provider without its target': {
    change: spec({ provider: { type: 'ScaleSubresource' } }),
    field: 'spec.provider.scaleTarget',
    says: /belongs to type ScaleSubresource: set it with that type/,
    by: 'rule',
  },
  'a target without its provider': {
    change: spec({ provider: { type: 'None', scaleTarget } }),
    field: 'spec.provider.scaleTarget',
    says: /remove it with type None/,
    by: 'rule',
  },
  'a target without a version': {
    change: target({ apiVersion: 'karpenter.sh' }),
    field: 'spec.provider.scaleTarget.apiVersion',
    says: /should match/,
    by: 'schema',
  },
  'a target of a lower-case kind': {
    change: target({ kind: 'nodepool' }),
    field: 'spec.provider.scaleTarget.kind',
    says: /should match/,
    by: 'schema',
  },
  'a provider there is not': {
    change: spec({ provider: { type: 'Eks' } }),
    field: 'spec.provider.type',
    says: /supported values: "ScaleSubresource", "None"/,
    by: 'schema',
  },
  'a name with dots': {
    change: { metadata: { name: 't4.large' } },
    field: '',
    says: /metadata\.name .*without dots/,
    by: 'rule',
  },
};
