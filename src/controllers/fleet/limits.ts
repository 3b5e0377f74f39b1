import { fromDecimal } from '../../api/decimal.ts';
import { DEFAULT_SCALING_POLICY_SPEC } from '../../api/parse.ts';
import type { ScalingPolicy, ScalingPolicySpec } from '../../api/scaling-policy.ts';
import { MODES, type Mode, type TrainingJob, type TrainingJobSpec } from '../../api/training-job.ts';
import { ranksPerReplica } from '../../core/configuration.ts';
import type { AllowedSizes, JobLimits, Work } from '../../core/snapshot.ts';
import { fromInstant } from '../instants.ts';
import { resolveEco } from './eco-limits.ts';

/** The policy that holds for a namespace: the first by name that names it, else the first that names none. */
export function policyFor(namespace: string, policies: readonly ScalingPolicy[]): ScalingPolicySpec {
  return holdingPolicy(namespace, policies)?.spec ?? DEFAULT_SCALING_POLICY_SPEC;
}

/** Name of that policy; undefined when the built-in defaults hold. */
export function policyNameFor(namespace: string, policies: readonly ScalingPolicy[]): string | undefined {
  return holdingPolicy(namespace, policies)?.metadata.name;
}

/** Asked at every look at every job. Cost: the policies. */
function holdingPolicy(namespace: string, policies: readonly ScalingPolicy[]): ScalingPolicy | undefined {
  let naming: ScalingPolicy | undefined;
  let forAll: ScalingPolicy | undefined;
  for (const policy of policies) {
    const { namespaces } = policy.spec;
    if (namespaces.length === 0) forAll = firstByName(forAll, policy);
    else if (namespaces.includes(namespace)) naming = firstByName(naming, policy);
  }
  return naming ?? forAll;
}

function firstByName(one: ScalingPolicy | undefined, other: ScalingPolicy): ScalingPolicy {
  return one === undefined || other.metadata.name < one.metadata.name ? other : one;
}

/** The mode in force: the wished one, or the most capable allowed one below it; Observe is always allowed. */
export function allowedMode(wished: Mode, allowed: readonly Mode[]): Mode {
  for (let index = MODES.indexOf(wished); index > 0; index--) {
    const mode = MODES[index];
    if (mode !== undefined && allowed.includes(mode)) return mode;
  }
  return 'Observe';
}

/** Merges what the user asked for with what the administrator allows. */
export function resolveLimits(job: TrainingJob, policy: ScalingPolicySpec): JobLimits {
  const { spec } = job;
  const { elasticity, batch, objective } = spec;
  const initial = batch.globalBatchSize.initial;
  const eco = resolveEco(spec, policy);
  return {
    mode: allowedMode(spec.mode, policy.modes),
    batchMode: batch.mode,
    minReplicas: elasticity.minReplicas,
    maxReplicas: elasticity.maxReplicas ?? spec.replicas,
    sizes: sizesOf(elasticity.sizes),
    canRescale: elasticity.rescale !== 'None',
    canPause: eco !== undefined,
    eco,
    gpusPerReplica: elasticity.gpusPerReplica,
    initialReplicas: spec.replicas,
    initialGlobalBatchSize: initial,
    initialMicroBatchSize: initialMicroBatch(spec),
    minGlobalBatchSize: batch.globalBatchSize.min ?? initial,
    maxGlobalBatchSize: batch.globalBatchSize.max ?? initial * policy.maxBatchGrowthFactor,
    globalBatchSizeMultipleOf: batch.globalBatchSize.multipleOf,
    minMicroBatchSize: batch.microBatchSize.min,
    maxMicroBatchSize: batch.microBatchSize.max,
    memoryHeadroomFraction: batch.memoryHeadroomPercent / 100,
    learningRateRule: batch.learningRate.rule ?? 'None',
    maxLossRegressionFraction: batch.guard.maxRegressionPercent / 100,
    lossWindowSteps: batch.guard.windowSteps,
    objective: objective.type,
    work: workOf(objective.work, initial),
    deadline: fromInstant(objective.deadline),
    timeValuePerHour: objective.timeValuePerHour === undefined ? 0 : fromDecimal(objective.timeValuePerHour),
    budgetCost: spec.budget?.cost === undefined ? undefined : fromDecimal(spec.budget.cost.amount),
    pools: spec.capacity.pools.map((pool) => pool.name),
    minimumGainFraction: policy.minimumGainPercent / 100,
    cooldownSeconds: elasticity.cooldownSeconds ?? policy.cooldownSeconds,
    batchCooldownSeconds: policy.batchCooldownSeconds,
    maxBatchGrowthFactor: policy.maxBatchGrowthFactor,
    maxRescalesPerHour: Math.min(elasticity.maxRescalesPerHour ?? 60, policy.maxRescalesPerHour),
    maxGpus: policy.maxGpusPerJob,
    maxPricePerHour: policy.maxPricePerHour === undefined ? undefined : fromDecimal(policy.maxPricePerHour),
    stalenessLimitSeconds: Math.min(spec.metrics.stalenessLimitSeconds, policy.stalenessLimitSeconds),
  };
}

function initialMicroBatch(spec: TrainingJobSpec): number {
  const { initial, max } = spec.batch.microBatchSize;
  const ranks = spec.replicas * ranksPerReplica(spec.elasticity.gpusPerReplica);
  const share = Math.max(1, Math.floor(spec.batch.globalBatchSize.initial / ranks));
  return Math.min(initial ?? share, share, max ?? share);
}

function sizesOf(sizes: TrainingJobSpec['elasticity']['sizes']): AllowedSizes {
  switch (sizes.type) {
    case 'MultipleOf':
      return { type: 'MultipleOf', multipleOf: sizes.multipleOf ?? 1 };
    case 'List':
      return { type: 'List', values: sizes.values ?? [] };
    default:
      return { type: sizes.type };
  }
}

function workOf(work: TrainingJobSpec['objective']['work'], initialGlobalBatchSize: number): Work {
  if (work.type === 'Steps' && work.steps !== undefined) {
    return { type: 'ReferenceSamples', referenceSamples: work.steps * initialGlobalBatchSize };
  }
  if (work.type === 'Samples' && work.samples !== undefined) {
    return { type: 'ReferenceSamples', referenceSamples: work.samples };
  }
  if (work.type === 'ValidationLoss' && work.validationLoss !== undefined) {
    return { type: 'ValidationLoss', target: fromDecimal(work.validationLoss) };
  }
  return { type: 'Unknown' };
}
