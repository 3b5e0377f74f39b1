import { z } from 'zod';
import {
  amount,
  type CelRule,
  currencyCode,
  dnsLabel,
  immutable,
  instant,
  integer,
  listByKey,
  mapOf,
  pascalCase,
  text,
  withRules,
} from './fields.ts';
import { API_VERSION, GPU_POOL } from './group.ts';
import { objectMetadataSchema } from './metadata.ts';
import { conditions, count, observedGeneration } from './status-parts.ts';

const NODES_MAX = 10_000;

const acceleratorSchema = z.object({
  type: withRules(
    z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/),
    [
      immutable(
        'spec.accelerator.type',
        'what was learned is kept by type, so create another GPUPool for another type',
      ),
    ],
  ).describe('type of the GPUs, such as nvidia-t4; lower-case letters, digits, dashes and dots.'),
  memoryMiB: integer(1, 10_485_760).optional().describe('memoryMiB of one GPU; unset leaves it to the metrics.'),
});

const scaleTargetSchema = z.object({
  apiVersion: z
    .string()
    .min(1)
    .max(128)
    .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v[0-9]+((alpha|beta)[0-9]+)?$/)
    .describe('apiVersion of the object, such as karpenter.sh/v1.'),
  kind: pascalCase().describe('kind of the object, such as NodePool.'),
  name: z.string().min(1).max(253).describe('name of the object.'),
  namespace: dnsLabel().optional().describe('namespace of the object; unset for a cluster-scoped one.'),
});

const providerSchema = withRules(
  z.object({
    type: z
      .enum(['ScaleSubresource', 'None'])
      .default('None')
      .describe(
        'type says how the nodes are scaled: ScaleSubresource writes the scale of another object, None leaves it to others.',
      ),
    scaleTarget: scaleTargetSchema
      .optional()
      .describe(
        'scaleTarget is the object whose scale subresource sets the number of nodes; with type ScaleSubresource only.',
      ),
  }),
  [
    {
      fieldPath: '.scaleTarget',
      rule: "self.type == 'ScaleSubresource' ? has(self.scaleTarget) : !has(self.scaleTarget)",
      message:
        'spec.provider.scaleTarget belongs to type ScaleSubresource: set it with that type and remove it with type None',
    },
  ],
);

const limitsSchema = withRules(
  z.object({
    minNodes: integer(0, NODES_MAX).default(0).describe('minNodes that are kept even when no job needs them.'),
    maxNodes: integer(1, NODES_MAX).describe('maxNodes that may be asked for.'),
  }),
  [
    {
      fieldPath: '.minNodes',
      rule: 'self.minNodes <= self.maxNodes',
      message: 'spec.limits.minNodes is above spec.limits.maxNodes: lower minNodes or raise maxNodes',
    },
  ],
);

const reservationSchema = z.object({
  nodes: integer(1, NODES_MAX).describe('nodes that are committed to and paid for, used or not.'),
  pricePerNodeHour: amount().describe(
    'pricePerNodeHour of a committed node; further nodes cost spec.cost.pricePerNodeHour.',
  ),
  endsAt: instant().describe('endsAt is when the term of the commitment ends.'),
});

const ownershipSchema = z.object({
  purchasePricePerNode: amount().describe('purchasePricePerNode, with what it took to set it up.'),
  amortisationMonths: integer(1, 240).describe('amortisationMonths over which the purchase is to pay for itself.'),
  maintenancePerNodeMonth: amount().describe(
    'maintenancePerNodeMonth is space, service and staff, and electricity where spec.energy.billing is IncludedInNode.',
  ),
});

const costSchema = z.object({
  billing: z
    .enum(['Node', 'Gpu'])
    .default('Node')
    .describe(
      'billing says what is paid for: Node the whole node as soon as it stands, Gpu only the share of its GPUs in use.',
    ),
  pricePerNodeHour: amount().describe(
    'pricePerNodeHour of one node, a decimal string such as "0.526"; decisions and the accounts of jobs go by it, whatever the capacityType.',
  ),
  currency: currencyCode().default('USD').describe('currency of all prices here, an ISO 4217 code.'),
  capacityType: z
    .enum(['OnDemand', 'Spot', 'Reserved', 'Owned'])
    .default('OnDemand')
    .describe(
      'capacityType says how the nodes are had: rented OnDemand, rented as Spot and taken back at times, Reserved for a term, or Owned.',
    ),
  interruptionsPerNodeHour: amount()
    .optional()
    .describe(
      'interruptionsPerNodeHour by which a spot node is taken back, such as "0.05"; with capacityType Spot only.',
    ),
  reservation: reservationSchema
    .optional()
    .describe('reservation is what was committed to; with capacityType Reserved only.'),
  ownership: ownershipSchema
    .optional()
    .describe('ownership is what all spec.limits.maxNodes nodes were bought for; with capacityType Owned only.'),
});

const costRules: readonly CelRule[] = [
  {
    fieldPath: '.interruptionsPerNodeHour',
    rule: "self.capacityType == 'Spot' || !has(self.interruptionsPerNodeHour)",
    message:
      'spec.cost.interruptionsPerNodeHour belongs to capacityType Spot: set spec.cost.capacityType to Spot or remove it',
  },
  {
    fieldPath: '.reservation',
    rule: "self.capacityType == 'Reserved' ? has(self.reservation) : !has(self.reservation)",
    message:
      'spec.cost.reservation belongs to capacityType Reserved: set it with that type and remove it with any other',
  },
  {
    fieldPath: '.ownership',
    rule: "self.capacityType == 'Owned' ? has(self.ownership) : !has(self.ownership)",
    message: 'spec.cost.ownership belongs to capacityType Owned: set it with that type and remove it with any other',
  },
];

const reservationFitsRule: CelRule = {
  fieldPath: '.cost.reservation.nodes',
  rule: '!has(self.cost.reservation) || self.cost.reservation.nodes <= self.limits.maxNodes',
  message:
    'spec.cost.reservation.nodes is above spec.limits.maxNodes: raise spec.limits.maxNodes, or nodes that are paid for are never used',
};

const sourceName = () => dnsLabel().optional();

const energySchema = z.object({
  priceSource: sourceName().describe('priceSource is the EnergySource of the price of electricity; unset is none.'),
  carbonSource: sourceName().describe('carbonSource is the EnergySource of the carbon intensity; unset is none.'),
  renewableSource: sourceName().describe('renewableSource is the EnergySource of the renewable share; unset is none.'),
  billing: z
    .enum(['IncludedInNode', 'Metered'])
    .default('IncludedInNode')
    .describe(
      'billing of electricity: IncludedInNode is paid with the price of the node, Metered is paid on top of it.',
    ),
  powerUsageEffectivenessPercent: integer(100, 300)
    .default(120)
    .describe('powerUsageEffectivenessPercent is what the site draws for each 100 that its machines do.'),
  busyWattsPerGpu: integer(1, 20_000)
    .optional()
    .describe('busyWattsPerGpu of a GPU that trains, its share of the node included; used where nothing is measured.'),
  idleWattsPerGpu: integer(0, 20_000)
    .optional()
    .describe('idleWattsPerGpu of a GPU that nobody holds, its share of the node included, where nodes stay.'),
});

const energyRules: readonly CelRule[] = [
  {
    fieldPath: '.idleWattsPerGpu',
    rule: '!has(self.idleWattsPerGpu) || (has(self.busyWattsPerGpu) && self.idleWattsPerGpu <= self.busyWattsPerGpu)',
    message:
      'spec.energy.idleWattsPerGpu is above spec.energy.busyWattsPerGpu, or that is missing: set what a GPU draws at work, and no more for one at rest',
  },
];

const nodeSelectorRule: CelRule = {
  rule: 'self.size() > 0 && self.all(key, size(key) > 0 && size(key) <= 317)',
  message:
    'spec.nodeSelector must name the labels that every node of the pool carries: set at least one, with keys of 1 to 317 characters',
};

const gpuPoolSpecSchema = z.object({
  accelerator: acceleratorSchema.describe('accelerator that every node of the pool has.'),
  gpusPerNode: withRules(integer(1, 16), [
    immutable('spec.gpusPerNode', 'create another GPUPool for nodes of another size'),
  ]).describe('gpusPerNode is the number of GPUs on each node.'),
  nodeSelector: withRules(mapOf(text(63), 8), [nodeSelectorRule]).describe(
    'nodeSelector is the labels that every node of the pool carries and no other node does.',
  ),
  provider: providerSchema.prefault({ type: 'None' }).describe('provider says how the pool gets its nodes.'),
  limits: limitsSchema.describe('limits of the number of nodes.'),
  cost: withRules(costSchema, costRules).describe('cost of the nodes.'),
  energy: withRules(energySchema, energyRules)
    .optional()
    .describe('energy that the nodes draw, and where its price and carbon are read; unset leaves it out.'),
  scaleDownDelaySeconds: integer(0, 86_400)
    .default(60)
    .describe('scaleDownDelaySeconds is how long a node stays idle before it is given back.'),
  provisioningTimeoutSeconds: integer(30, 86_400)
    .default(900)
    .describe(
      'provisioningTimeoutSeconds is how long a node may take to become ready before the pool counts as out of stock.',
    ),
});

const claimSchema = z.object({
  namespace: dnsLabel().describe('namespace of the TrainingJob.'),
  name: dnsLabel().describe('name of the TrainingJob.'),
  replicas: integer(0, 1024).describe('replicas is the number of its workers.'),
  gpus: count().optional().describe('gpus that its workers need in all.'),
});

const scalingSchema = z.object({
  from: integer(0, NODES_MAX).describe('from how many nodes.'),
  to: integer(0, NODES_MAX).describe('to how many nodes.'),
  startedAt: instant().describe('startedAt is when the scale was written.'),
});

const gpuPoolStatusSchema = z.object({
  observedGeneration: observedGeneration(),
  nodes: z
    .object({
      desired: integer(0, NODES_MAX).optional().describe('desired is the number of nodes asked for.'),
      ready: integer(0, NODES_MAX).optional().describe('ready is the number of nodes that are ready with their GPUs.'),
      busy: integer(0, NODES_MAX).optional().describe('busy is the number of nodes on which a pod holds a GPU.'),
    })
    .optional()
    .describe('nodes of the pool.'),
  gpus: z
    .object({
      total: count().optional().describe('total is the GPUs of the ready nodes.'),
      allocated: count().optional().describe('allocated is the GPUs held by workers of TrainingJobs.'),
      foreign: count().optional().describe('foreign is the GPUs held by other pods.'),
    })
    .optional()
    .describe('gpus of the pool.'),
  claims: listByKey(claimSchema, ['namespace', 'name'], 256).optional().describe('claims of TrainingJobs on the pool.'),
  scaling: scalingSchema.optional().describe('scaling in flight; absent when there is none.'),
  surplusSince: instant()
    .optional()
    .describe('surplusSince is when the pool last came to have more nodes than needed.'),
  stockOutUntil: instant().optional().describe('stockOutUntil is when more nodes will be asked for again.'),
  provisioningSeconds: count()
    .optional()
    .describe('provisioningSeconds is how long the last nodes took to become ready.'),
  conditions: conditions(),
});

const gpuPoolNameRule: CelRule = {
  rule: "size(self.metadata.name) <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
  message:
    'metadata.name of a GPUPool is used as a label value: use at most 63 lower-case letters, digits and dashes, without dots',
};

export const gpuPoolSchema = withRules(
  z.object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(GPU_POOL.kind),
    metadata: objectMetadataSchema,
    spec: withRules(gpuPoolSpecSchema, [reservationFitsRule]).describe('spec is what the administrator states.'),
    status: gpuPoolStatusSchema.optional().describe('status is what Stepwise found and did; only Stepwise writes it.'),
  }),
  [gpuPoolNameRule],
).describe('GPUPool is a set of identical GPU nodes: how it is scaled, what it costs and how far it may grow.');

/** As the API server returns it: defaults filled in. */
export type GpuPool = z.output<typeof gpuPoolSchema>;
/** As a user writes it: fields with a default may be left out. */
export type GpuPoolInput = z.input<typeof gpuPoolSchema>;
export type GpuPoolStatus = NonNullable<GpuPool['status']>;
