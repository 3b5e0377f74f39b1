import type { z } from 'zod';
import type { ConditionCatalog } from './condition-catalog.ts';
import {
  GPU_POOL_CONDITIONS,
  SCALING_POLICY_CONDITIONS,
  TRAINING_JOB_CONDITIONS,
  TRAINING_PROFILE_CONDITIONS,
} from './conditions.ts';
import { ENERGY_SOURCE_CONDITIONS } from './energy-conditions.ts';
import { energySourceSchema } from './energy-source.ts';
import { gpuPoolSchema } from './gpu-pool.ts';
import {
  ENERGY_SOURCE,
  GPU_POOL,
  type ResourceNames,
  SCALING_POLICY,
  TRAINING_JOB,
  TRAINING_PROFILE,
} from './group.ts';
import { scalingPolicySchema } from './scaling-policy.ts';
import { trainingJobSchema } from './training-job.ts';
import { trainingProfileSchema } from './training-profile.ts';

/** A column of `kubectl get`; a wide one shows with `-o wide` only. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly wide?: true;
}

export interface CustomResource {
  readonly names: ResourceNames;
  readonly schema: z.ZodType;
  readonly columns: readonly PrinterColumn[];
  readonly conditions: ConditionCatalog;
  /** Paths of the scale subresource, where the kind has one. */
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly labelSelectorPath: string;
  };
}

const AGE: PrinterColumn = { name: 'AGE', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const TRAINING_JOB_COLUMNS: readonly PrinterColumn[] = [
  { name: 'STATE', type: 'string', jsonPath: '.status.state' },
  { name: 'WORKERS', type: 'string', jsonPath: '.status.workers' },
  { name: 'GPUS', type: 'integer', jsonPath: '.status.gpus' },
  { name: 'BATCH', type: 'integer', jsonPath: '.status.batch.globalBatchSize' },
  { name: 'SAMPLES/S', type: 'string', jsonPath: '.status.summary.samplesPerSecond' },
  { name: 'PROGRESS', type: 'string', jsonPath: '.status.summary.progress' },
  { name: 'ETA', type: 'string', jsonPath: '.status.summary.eta' },
  { name: 'COST', type: 'string', jsonPath: '.status.summary.cost' },
  AGE,
  { name: 'MODE', type: 'string', jsonPath: '.spec.mode', wide: true },
  { name: 'RATE/H', type: 'string', jsonPath: '.status.summary.ratePerHour', wide: true },
  { name: 'FORECAST', type: 'string', jsonPath: '.status.summary.forecast', wide: true },
  { name: 'POOL', type: 'string', jsonPath: '.status.pool', wide: true },
  { name: 'ENERGY', type: 'string', jsonPath: '.status.summary.energy', wide: true },
  { name: 'CO2E', type: 'string', jsonPath: '.status.summary.co2e', wide: true },
  { name: 'PAUSED-UNTIL', type: 'string', jsonPath: '.status.pause.until', wide: true },
  { name: 'RESCALES', type: 'integer', jsonPath: '.status.rescales', wide: true },
  { name: 'LAST-DECISION', type: 'string', jsonPath: '.status.summary.lastDecision', wide: true },
];

const GPU_POOL_COLUMNS: readonly PrinterColumn[] = [
  { name: 'TYPE', type: 'string', jsonPath: '.spec.accelerator.type' },
  { name: 'NODES', type: 'integer', jsonPath: '.status.nodes.desired' },
  { name: 'READY', type: 'integer', jsonPath: '.status.nodes.ready' },
  { name: 'GPUS', type: 'integer', jsonPath: '.status.gpus.total' },
  { name: 'PRICE/H', type: 'string', jsonPath: '.spec.cost.pricePerNodeHour' },
  AGE,
];

const SCALING_POLICY_COLUMNS: readonly PrinterColumn[] = [
  { name: 'MODES', type: 'string', jsonPath: '.spec.modes' },
  { name: 'JOBS', type: 'integer', jsonPath: '.status.appliesTo' },
  AGE,
  { name: 'NAMESPACES', type: 'string', jsonPath: '.spec.namespaces', wide: true },
];

const ENERGY_SOURCE_COLUMNS: readonly PrinterColumn[] = [
  { name: 'SIGNAL', type: 'string', jsonPath: '.spec.signal' },
  { name: 'PROVIDER', type: 'string', jsonPath: '.spec.provider.type' },
  { name: 'NOW', type: 'string', jsonPath: '.status.current.value' },
  { name: 'UNIT', type: 'string', jsonPath: '.status.unit' },
  { name: 'READ', type: 'date', jsonPath: '.status.lastReadTime' },
  { name: 'GAIN%', type: 'integer', jsonPath: '.status.expectedGainPercent' },
  { name: 'READY', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  AGE,
  { name: 'BASIS', type: 'string', jsonPath: '.spec.basis', wide: true },
  { name: 'KNOWN-UNTIL', type: 'string', jsonPath: '.status.knownUntil', wide: true },
  { name: 'LAST-ERROR', type: 'string', jsonPath: '.status.lastError.message', wide: true },
];

const TRAINING_PROFILE_COLUMNS: readonly PrinterColumn[] = [
  { name: 'RUNS', type: 'integer', jsonPath: '.status.runs' },
  { name: 'COMPLETED', type: 'integer', jsonPath: '.status.completed' },
  { name: 'COST-ERROR-%', type: 'integer', jsonPath: '.status.predictionError.meanCostErrorPercent' },
  AGE,
  { name: 'NOISE-SCALE', type: 'string', jsonPath: '.status.gradientNoiseScale.value', wide: true },
  { name: 'HIGHEST-BATCH', type: 'integer', jsonPath: '.status.batchBand.highest', wide: true },
];

/** Every kind of the group; CRDs and the reference page are made from this list. */
export const CUSTOM_RESOURCES: readonly CustomResource[] = [
  {
    names: TRAINING_JOB,
    schema: trainingJobSchema,
    columns: TRAINING_JOB_COLUMNS,
    conditions: TRAINING_JOB_CONDITIONS,
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
  },
  { names: GPU_POOL, schema: gpuPoolSchema, columns: GPU_POOL_COLUMNS, conditions: GPU_POOL_CONDITIONS },
  {
    names: SCALING_POLICY,
    schema: scalingPolicySchema,
    columns: SCALING_POLICY_COLUMNS,
    conditions: SCALING_POLICY_CONDITIONS,
  },
  {
    names: ENERGY_SOURCE,
    schema: energySourceSchema,
    columns: ENERGY_SOURCE_COLUMNS,
    conditions: ENERGY_SOURCE_CONDITIONS,
  },
  {
    names: TRAINING_PROFILE,
    schema: trainingProfileSchema,
    columns: TRAINING_PROFILE_COLUMNS,
    conditions: TRAINING_PROFILE_CONDITIONS,
  },
];
