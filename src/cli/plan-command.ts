import { stringify } from 'yaml';
import type { TrainingJob } from '../api/training-job.ts';
import { policyFor, resolveLimits } from '../controllers/fleet/limits.ts';
import { poolSnapshotOf } from '../controllers/fleet/snapshot.ts';
import { toInstant } from '../controllers/instants.ts';
import { priorsFor } from '../controllers/training-profile/priors-for.ts';
import { globalBatchSize, ranksPerReplica } from '../core/configuration.ts';
import type { Interval } from '../core/estimate/estimate.ts';
import { NO_EVIDENCE } from '../core/estimate/evidence.ts';
import { duration, figure, money } from '../core/explain/figures.ts';
import { planStart, type StartOption, type StartPlan } from '../core/plan-start.ts';
import type { JobLimits, JobSnapshot } from '../core/snapshot.ts';
import type { Cluster } from './cluster.ts';
import { type Documents, readDocuments } from './documents.ts';
import { describeError, EXIT, Problem } from './problem.ts';
import { table } from './table.ts';
import type { OutputFormat, Terminal } from './terminal.ts';

export interface PlanCommandOptions {
  readonly files: readonly string[];
  readonly format: OutputFormat;
  readonly namespace: string | undefined;
}

const ROWS_SHOWN = 12;

/** Tells what a job would cost and take before it is submitted. Ends with `infeasible` where it cannot be done. */
export async function runPlan(
  options: PlanCommandOptions,
  terminal: Terminal,
  cluster: () => Cluster,
): Promise<number> {
  // 1. The job and what it may run on: from the files, and from the cluster where these do not hold its pools.
  const read = readDocuments(options.files, terminal);
  const [job, ...others] = read.jobs;
  if (job === undefined) throw new Problem(EXIT.badInput, 'no TrainingJob is in the files given with -f: add one');
  if (others.length > 0)
    throw new Problem(EXIT.badInput, 'plan takes one TrainingJob at a time: give it a file of its own');
  const known = await surroundingsOf(job, read, options.namespace, cluster);

  // 2. Ask the core.
  const plan = planOf(job, known, terminal.nowSeconds());

  // 3. Tell.
  terminal.write(render(job, plan, options.format, terminal.nowSeconds()));
  return plan.options[0]?.evaluation.meetsDeadline === true ? EXIT.done : EXIT.infeasible;
}

/** What a job is planned by, and the namespace that it goes to. */
interface Known extends Omit<Documents, 'jobs'> {
  readonly namespace: string;
}

async function surroundingsOf(
  job: TrainingJob,
  read: Documents,
  namespace: string | undefined,
  cluster: () => Cluster,
): Promise<Known> {
  const inFiles = read.pools.map(({ metadata }) => metadata.name);
  const isThere = (name: string) => inFiles.includes(name);
  const missing = job.spec.capacity.pools.map(({ name }) => name).filter((name) => !isThere(name));
  const asked = job.metadata.namespace ?? namespace;
  if (missing.length === 0) return { ...read, namespace: asked ?? 'default' };
  const found = await fromCluster(cluster, asked).catch((error: unknown) => {
    const { exitCode, message } = describeError(error);
    throw new Problem(exitCode, `${whyAsked(missing, inFiles)}: ${message}`);
  });
  // What is in the files is what is asked about; the cluster fills in the rest.
  return {
    namespace: found.namespace,
    pools: [...read.pools, ...found.pools.filter(({ metadata }) => !isThere(metadata.name))],
    policies: read.policies.length > 0 ? read.policies : found.policies,
    profiles: [...read.profiles, ...found.profiles],
  };
}

async function fromCluster(cluster: () => Cluster, asked: string | undefined): Promise<Known> {
  const opened = cluster();
  const namespace = asked ?? opened.namespace;
  return { ...(await opened.surroundings(namespace)), namespace };
}

/** A pool whose name is mistyped is looked for in the cluster, so its name is told when that fails. */
function whyAsked(missing: readonly string[], inFiles: readonly string[]): string {
  const those = missing.length === 1 ? `pool ${missing[0]} is` : `pools ${missing.join(' and ')} are`;
  const held = inFiles.length === 0 ? '' : `, which hold ${inFiles.join(' and ')}`;
  return `${those} in none of the files${held}, so the cluster was asked`;
}

function planOf(job: TrainingJob, known: Known, now: number): StartPlan {
  const limits = resolveLimits(job, policyFor(known.namespace, known.policies));
  const profile = known.profiles.find(({ metadata }) => metadata.name === job.spec.prediction?.family);
  const priors = priorsFor(job, limits, known.pools, profile);
  const pools = known.pools.map((pool) => {
    const { foreign = 0, allocated = 0 } = pool.status?.gpus ?? {};
    return poolSnapshotOf(pool, foreign + allocated, now);
  });
  return planStart({ now, job: unstarted(job, limits, priors), pools });
}

function unstarted(job: TrainingJob, limits: JobLimits, priors: JobSnapshot['priors']): JobSnapshot {
  const dataParallelSize = limits.initialReplicas * ranksPerReplica(limits.gpusPerReplica);
  return {
    key: job.metadata.name,
    limits,
    held: { everything: false, scaleUp: false, scaleDown: false, batch: false, until: undefined },
    history: {
      current: {
        pool: limits.pools[0] ?? '',
        replicas: limits.initialReplicas,
        nodes: 1,
        dataParallelSize,
        microBatchSize: limits.initialMicroBatchSize,
        gradientAccumulationSteps: 1,
      },
      busyWith: 'Waiting',
      unacknowledgedSince: undefined,
      lastReloadAt: undefined,
      lastResizeAt: undefined,
      resizedAt: [],
      microBatchSizeCeiling: undefined,
      globalBatchSizeCeiling: undefined,
      restartSeconds: undefined,
      accruedCost: 0,
    },
    evidence: NO_EVIDENCE,
    ...(priors === undefined || priors.length === 0 ? {} : { priors }),
  };
}

function render(job: TrainingJob, plan: StartPlan, format: OutputFormat, now: number): string {
  if (format === 'json') return `${JSON.stringify(asData(job, plan), undefined, 2)}\n`;
  if (format === 'yaml') return stringify(asData(job, plan));
  return `${asText(job, plan, format === 'wide', now)}\n`;
}

/** The contract of `-o json` and `-o yaml`. Amounts are numbers in the unit that their name gives. */
function asData(job: TrainingJob, plan: StartPlan) {
  const { gpusPerReplica } = job.spec.elasticity;
  return {
    kind: 'StartPlan',
    job: job.metadata.name,
    endIsKnown: plan.endIsKnown,
    ...(plan.earliestDeadline === undefined ? {} : { earliestDeadline: toInstant(plan.earliestDeadline) }),
    options: plan.options.map((option) => {
      const { configuration, costToTarget, secondsToTarget, meetsDeadline, stepSeconds } = option.evaluation;
      return {
        verdict: option.verdict,
        pool: configuration.pool,
        workers: configuration.replicas,
        gpus: configuration.replicas * gpusPerReplica,
        globalBatchSize: globalBatchSize(configuration),
        microBatchSize: configuration.microBatchSize,
        gradientAccumulationSteps: configuration.gradientAccumulationSteps,
        stepSeconds,
        ...(plan.endIsKnown ? { cost: { ...costToTarget, currency: option.currency }, seconds: secondsToTarget } : {}),
        ...(option.kilowattHours === undefined ? {} : { kilowattHours: option.kilowattHours }),
        ...(option.peakBytes === undefined ? {} : { peakMemoryBytes: option.peakBytes }),
        meetsDeadline,
        source: option.source,
      };
    }),
    infeasible: plan.refused,
  };
}

const BY = { Family: 'family', OtherGpu: 'other GPUs', Model: 'model' } as const;

function asText(job: TrainingJob, plan: StartPlan, wide: boolean, now: number): string {
  const parts: string[] = [];
  const shown = wide ? plan.options : plan.options.slice(0, ROWS_SHOWN);
  if (shown.length > 0) {
    const heads = ['', 'POOL', 'WORKERS', 'GPUS', 'BATCH', 'COST', 'TIME', 'GPU-MEMORY', 'VERDICT'];
    const more = ['MICRO', 'PASSES', 'STEP', 'KWH', 'BY'];
    parts.push(
      table(
        wide ? [...heads, ...more] : heads,
        shown.map((option) => rowOf(job, plan, option, wide)),
      ),
    );
  }
  const hidden = plan.options.length - shown.length;
  if (hidden > 0) parts.push(`${hidden} more with -o wide.`);
  if (!plan.endIsKnown && shown.length > 0) {
    parts.push('How long the run will be is not known: set spec.objective.work to see cost and time.');
  }
  parts.push(...deadlineLines(job, plan, now));
  if (plan.refused.length > 0) {
    parts.push(
      `Not possible:\n${table(
        ['POOL', 'REASON', 'WHY'],
        plan.refused.map((each) => [each.pool, each.reason, each.message]),
      )}`,
    );
  }
  if (plan.refused.some(({ reason, message }) => reason === 'NothingKnown' && !message.startsWith('there is no'))) {
    parts.push(
      'Set spec.prediction.model, or spec.prediction.family to the name of a TrainingProfile, for a forecast.',
    );
  }
  return parts.join('\n\n');
}

function rowOf(job: TrainingJob, plan: StartPlan, option: StartOption, wide: boolean): readonly string[] {
  const { evaluation, currency, peakBytes, kilowattHours } = option;
  const { configuration, costToTarget, secondsToTarget, stepSeconds } = evaluation;
  const cells = [
    option.verdict === 'Chosen' ? '*' : '',
    configuration.pool,
    String(configuration.replicas),
    String(configuration.replicas * job.spec.elasticity.gpusPerReplica),
    String(globalBatchSize(configuration)),
    plan.endIsKnown ? range(costToTarget, (value) => money(value, currency)) : 'unknown',
    plan.endIsKnown ? range(secondsToTarget, duration) : 'unknown',
    peakBytes === undefined ? 'unknown' : range(peakBytes, gibibytes),
    option.verdict,
  ];
  if (!wide) return cells;
  return [
    ...cells,
    String(configuration.microBatchSize),
    String(configuration.gradientAccumulationSteps),
    `${figure(stepSeconds)}s`,
    kilowattHours === undefined ? 'unknown' : figure(kilowattHours),
    BY[option.source],
  ];
}

function range({ value, low, high }: Interval, tell: (value: number) => string): string {
  const [middle, from, to] = [tell(value), tell(low), tell(high)];
  return from === to ? middle : `${middle} (${from}–${to})`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)}Gi`;
}

function deadlineLines(job: TrainingJob, plan: StartPlan, now: number): readonly string[] {
  const { earliestDeadline } = plan;
  if (earliestDeadline === undefined || !plan.endIsKnown) return [];
  const earliest = `${toInstant(earliestDeadline)}, in ${duration(earliestDeadline - now)}`;
  if (job.spec.objective.deadline === undefined || plan.options[0]?.evaluation.meetsDeadline === true) {
    return [`Earliest deadline that can be kept in nine of ten cases: ${earliest}.`];
  }
  return [`No start keeps the deadline ${job.spec.objective.deadline}. The earliest that can be kept: ${earliest}.`];
}
