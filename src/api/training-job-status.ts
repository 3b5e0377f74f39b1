import { z } from 'zod';
import { OPTION_VERDICTS, type OptionVerdict } from './conditions.ts';
import { currencyCode, decimal, dnsSubdomain, instant, integer, listOf, pascalCase, text } from './fields.ts';
import { conditions, count, interval, observedGeneration } from './status-parts.ts';
import { GLOBAL_BATCH_SIZE_MAX } from './training-job-batch.ts';
import { bookkeepingSchema } from './training-job-bookkeeping.ts';
import { WORKERS_MAX } from './training-job-elasticity.ts';

const batchSize = () => integer(1, GLOBAL_BATCH_SIZE_MAX);
const replicas = () => integer(0, WORKERS_MAX);

/** The three batch words and their product, with the learning rate that belongs to them. */
const tunedBatch = {
  globalBatchSize: batchSize().describe('globalBatchSize is the samples in one optimizer step.'),
  microBatchSize: batchSize().describe('microBatchSize is the samples in one pass of one rank.'),
  gradientAccumulationSteps: batchSize().describe('gradientAccumulationSteps is the passes of a rank in one step.'),
  dataParallelSize: batchSize().describe('dataParallelSize is the number of ranks.'),
  learningRateScale: decimal().describe('learningRateScale is the factor on the learning rate of the initial batch.'),
};

const lastGoodSchema = z.object({ version: count().describe('version of the tuning.'), ...tunedBatch });

const batchStatusSchema = z.object({
  ...tunedBatch,
  version: count().describe('version of the newest tuning sent to the trainer.'),
  appliedVersion: count().optional().describe('appliedVersion is the version that the trainer reports in force.'),
  appliedAtStep: count().optional().describe('appliedAtStep is the optimizer step at which it took effect.'),
  rejectedVersion: count().optional().describe('rejectedVersion is the newest version that the trainer refused.'),
  rejectedReason: text(64).optional().describe('rejectedReason as the trainer reports it, such as out_of_memory.'),
  lastGood: lastGoodSchema.optional().describe('lastGood tuning, restored when a newer one harms convergence.'),
  microBatchSizeCeiling: batchSize()
    .optional()
    .describe('microBatchSizeCeiling is the largest micro batch that is still tried after an out-of-memory.'),
});

const tuningStatusSchema = z.object({
  version: count().describe('version that was sent and is not acknowledged yet.'),
  sentAt: instant().describe('sentAt is when it was sent.'),
  ackDeadline: instant().describe('ackDeadline is when the wait for the acknowledgement ends.'),
});

const allocationSchema = z.object({
  pool: dnsSubdomain().optional().describe('pool of the workers.'),
  replicas: replicas().describe('replicas is the number of workers.'),
  globalBatchSize: batchSize().optional().describe('globalBatchSize is the samples in one optimizer step.'),
  microBatchSize: batchSize().optional().describe('microBatchSize is the samples in one pass of one rank.'),
  gradientAccumulationSteps: batchSize()
    .optional()
    .describe('gradientAccumulationSteps is the passes of a rank in one step.'),
});

const resizeStatusSchema = z.object({
  phase: z
    .enum(['WaitingForCapacity', 'CheckpointRequested', 'Stopping', 'Starting'])
    .describe('phase of the resize, in this order; WaitingForCapacity is left out when the nodes are there.'),
  from: allocationSchema.describe('from which allocation.'),
  to: allocationSchema.describe('to which allocation.'),
  startedAt: instant().describe('startedAt is when the resize began.'),
  phaseStartedAt: instant().optional().describe('phaseStartedAt is when the present phase began.'),
  stoppedAt: instant().optional().describe('stoppedAt is when the old workers were told to stop.'),
  checkpointRequest: count().optional().describe('checkpointRequest that the trainer was sent for it.'),
  stepAtStart: count().optional().describe('stepAtStart is the optimizer step when it began.'),
});

const pauseSchema = z.object({
  reason: pascalCase().describe('reason for the pause, a stable word.'),
  message: text(1024).describe('message for people: what is waited for and what that saves.'),
  since: instant().describe('since when the run waits.'),
  until: instant().optional().describe('until when it will wait as planned now; left out when that is not known.'),
  isStart: z.boolean().describe('isStart is true for a run that waits for its first start.'),
  resumes: allocationSchema.optional().describe('resumes with this allocation.'),
});

const overrunSchema = z.object({
  resource: z.enum(['Cost', 'Energy', 'Carbon']).describe('resource whose budget is overrun.'),
  limit: text(32).describe('limit as the spec had it; another one in the spec ends the overrun.'),
  isSpent: z.boolean().describe('isSpent is true when all of it is used up, and not only by the forecast.'),
  since: instant().describe('since when it is.'),
  message: text(1024).describe('message for people, with figures.'),
});

const progressSchema = z.object({
  stepsCompleted: count().optional().describe('stepsCompleted is the optimizer steps done, over all restarts.'),
  samplesCompleted: count().optional().describe('samplesCompleted is the samples processed, over all restarts.'),
  referenceSamplesCompleted: count()
    .optional()
    .describe(
      'referenceSamplesCompleted is the samples that the same progress would have taken at the initial global batch.',
    ),
  percent: integer(0, 100).optional().describe('percent of the work that is done.'),
  samplesPerSecond: decimal().optional().describe('samplesPerSecond of the whole run.'),
  loss: decimal().optional().describe('loss in training, smoothed.'),
  validationLoss: decimal().optional().describe('validationLoss is the last one measured.'),
  observedAt: instant().optional().describe('observedAt is when the newest of these samples was taken.'),
});

const estimateSchema = z.object({
  overheadSecondsPerMicroStep: interval()
    .optional()
    .describe('overheadSecondsPerMicroStep is the part of a pass that does not depend on the micro batch (a).'),
  secondsPerSample: interval()
    .optional()
    .describe('secondsPerSample is what each sample of a micro batch adds to a pass (b).'),
  synchronizationSeconds: interval()
    .optional()
    .describe('synchronizationSeconds is the time a step spends in exchange between ranks.'),
  gradientNoiseScale: interval().optional().describe('gradientNoiseScale in samples.'),
  memoryBaseBytes: interval()
    .optional()
    .describe('memoryBaseBytes is the memory of a GPU that does not depend on the micro batch.'),
  memoryBytesPerSample: interval()
    .optional()
    .describe('memoryBytesPerSample is the memory that each sample of a micro batch adds.'),
  observedAt: instant().optional().describe('observedAt is when the newest sample that went in was taken.'),
});

const costSchema = z.object({
  currency: currencyCode().describe('currency of all amounts here, an ISO 4217 code.'),
  accrued: decimal().optional().describe('accrued is what has been spent.'),
  accruedUntil: instant().optional().describe('accruedUntil is the time up to which it is counted.'),
  ratePerHour: decimal().optional().describe('ratePerHour is what the present allocation costs.'),
  toTarget: interval().optional().describe('toTarget is what the rest of the work is estimated to cost as planned.'),
  baselineToTarget: interval()
    .optional()
    .describe(
      'baselineToTarget is what the rest would cost with spec.replicas workers and the initial batch on the first pool.',
    ),
});

export const ENERGY_SOURCES = ['Counter', 'Power', 'Model'] as const;

const energySchema = z.object({
  kilowattHours: decimal().describe(
    'kilowattHours used at the meter, the share of the hosts and of the building included.',
  ),
  modelledKilowattHours: decimal().optional().describe('modelledKilowattHours are those of them that no meter told.'),
  source: z
    .enum(ENERGY_SOURCES)
    .optional()
    .describe('source of most of the newest energy: counters of the GPUs, their power, or a model of their draw.'),
  unknownGpuSeconds: count().optional().describe('unknownGpuSeconds is the GPU time of which no energy is known.'),
  busySeconds: count().optional().describe('busySeconds is the time in which nodes stood for the run.'),
  co2eKilograms: decimal()
    .optional()
    .describe('co2eKilograms is the CO2e of the energy, by the carbon intensity of each hour.'),
  kilowattHoursWithoutIntensity: decimal()
    .optional()
    .describe('kilowattHoursWithoutIntensity are those whose carbon intensity is not known; co2eKilograms lacks them.'),
  toTargetKilowattHours: decimal()
    .optional()
    .describe('toTargetKilowattHours is what the rest of the work is estimated to use.'),
  toTargetCo2eKilograms: decimal()
    .optional()
    .describe('toTargetCo2eKilograms is what the rest is estimated to emit, at the mean intensity so far.'),
});

const etaSchema = z.object({
  seconds: count().describe('seconds until the work is done.'),
  low: count().optional().describe('low end of the 90 % interval, in seconds.'),
  high: count().optional().describe('high end of the 90 % interval, in seconds.'),
});

const predictionSchema = z.object({
  madeAt: instant().describe('madeAt is when the forecast was made.'),
  source: z
    .enum(['Family', 'OtherGpu', 'Model', 'Measured'])
    .describe(
      'source of the forecast: runs of the family, such runs on other GPUs, the declared model, or the first measurements of the run itself.',
    ),
  allocation: allocationSchema.optional().describe('allocation that is best to start with; carried out in mode Auto.'),
  cost: interval().optional().describe('cost of the whole run, in the currency of the pool.'),
  seconds: interval().optional().describe('seconds from the start of the run to its end.'),
  message: text(1024).optional().describe('message for people.'),
});

const OPTION_VERDICT_WORDS = Object.keys(OPTION_VERDICTS) as readonly OptionVerdict[];

const optionSchema = z.object({
  ...allocationSchema.shape,
  costToTarget: interval().optional().describe('costToTarget is what the rest of the work would cost.'),
  eta: etaSchema.optional().describe('eta is the time until the work would be done.'),
  meetsDeadline: z.boolean().describe('meetsDeadline is true when it ends in time, or when there is no deadline.'),
  verdict: z.enum(OPTION_VERDICT_WORDS).describe('verdict is what came of it, in one word.'),
});

const recommendationSchema = z.object({
  ...allocationSchema.shape,
  options: listOf(optionSchema, 6)
    .optional()
    .describe('options that were weighed: the one chosen, the one in force, and the best batch of other placements.'),
  savingPercent: integer(-1000, 100)
    .optional()
    .describe('savingPercent of the cost of the remaining work, rounded down.'),
  message: text(1024).optional().describe('message for people: the change, what it saves and why.'),
});

const DECISION_ACTIONS = [
  'Start',
  'Resize',
  'ChangeBatch',
  'RollBackBatch',
  'MovePool',
  'Suspend',
  'Pause',
  'Resume',
  'Hold',
] as const;

const decisionSchema = z.object({
  time: instant().describe('time of the decision.'),
  action: z.enum(DECISION_ACTIONS).describe('action that was decided.'),
  from: allocationSchema.optional().describe('from which allocation.'),
  to: allocationSchema.optional().describe('to which allocation.'),
  reason: pascalCase().describe('reason, a stable word.'),
  message: text(1024).describe('message for people, a sentence with figures.'),
});

const summarySchema = z.object({
  samplesPerSecond: text(32).optional().describe('samplesPerSecond for kubectl get, such as "4,310".'),
  progress: text(32).optional().describe('progress for kubectl get, such as "42%".'),
  eta: text(32).optional().describe('eta for kubectl get, such as "3h10m".'),
  cost: text(32).optional().describe('cost accrued for kubectl get, such as "$118.40".'),
  ratePerHour: text(32).optional().describe('ratePerHour for kubectl get, such as "$2.10".'),
  forecast: text(64).optional().describe('forecast of the whole cost for kubectl get, such as "$240-$262".'),
  energy: text(32).optional().describe('energy used for kubectl get, such as "12.4 kWh".'),
  co2e: text(32).optional().describe('co2e emitted for kubectl get, such as "4.1 kg".'),
  lastDecision: text(1024).optional().describe('lastDecision for kubectl get, its sentence.'),
});

export const trainingJobStatusSchema = z.object({
  observedGeneration: observedGeneration(),
  state: pascalCase().optional().describe('state in one word, for people only; programs read the conditions.'),
  summary: summarySchema
    .optional()
    .describe('summary holds the same figures as the rest, written for the columns of kubectl get.'),
  replicas: replicas()
    .optional()
    .describe('replicas is the number of workers decided on; read by the scale subresource.'),
  readyReplicas: replicas().optional().describe('readyReplicas is the number of workers that are ready.'),
  selector: text(512).optional().describe('selector of the worker pods, for the scale subresource.'),
  workers: text(16).optional().describe('workers that are ready and decided on, such as "2/2", for kubectl get.'),
  gpus: count().optional().describe('gpus is the number of GPUs that the workers hold.'),
  pool: dnsSubdomain().optional().describe('pool that the workers run on.'),
  batch: batchStatusSchema.optional().describe('batch and learning rate sent to the trainer, and its answer.'),
  tuning: tuningStatusSchema.optional().describe('tuning in flight; absent when the trainer has answered.'),
  resize: resizeStatusSchema.optional().describe('resize in flight; absent when there is none.'),
  pause: pauseSchema.optional().describe('pause until better hours; absent when the run is not waiting for any.'),
  pauses: count().optional().describe('pauses so far for cheaper hours.'),
  pausedSeconds: count()
    .optional()
    .describe('pausedSeconds is how long the run has waited for hours, the present pause left out.'),
  progress: progressSchema.optional().describe('progress of the run.'),
  estimate: estimateSchema.optional().describe('estimate of the parameters of the run, each with its interval.'),
  cost: costSchema.optional().describe('cost of the run.'),
  overrun: overrunSchema.optional().describe('overrun of a budget that is acted on; absent when there is none.'),
  energy: energySchema.optional().describe('energy of the run and its CO2e.'),
  eta: etaSchema.optional().describe('eta is the time until the work is done.'),
  prediction: predictionSchema
    .optional()
    .describe('prediction of the whole run, made once: before the start, or by the first measurements.'),
  recommendation: recommendationSchema
    .optional()
    .describe('recommendation of what would be best now; carried out in mode Auto.'),
  decisions: listOf(decisionSchema, 10).optional().describe('decisions, the last ten, newest last.'),
  restarts: count().optional().describe('restarts of workers for whatever reason.'),
  rescales: count().optional().describe('rescales is the number of changes of workers that Stepwise made.'),
  restartSeconds: interval()
    .optional()
    .describe('restartSeconds is the measured time from stop to first step of a resize.'),
  startTime: instant().optional().describe('startTime is when the first workers were created.'),
  completionTime: instant().optional().describe('completionTime is when the run completed or failed.'),
  bookkeeping: bookkeepingSchema
    .optional()
    .describe('bookkeeping of the operator between its restarts; not part of the contract.'),
  conditions: conditions(),
});
