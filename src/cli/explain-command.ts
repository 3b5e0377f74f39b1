import { stringify } from 'yaml';
import { HOLD_UNTIL_ANNOTATION } from '../api/annotations.ts';
import type { Interval } from '../api/status-parts.ts';
import type { TrainingJob } from '../api/training-job.ts';
import { policyFor } from '../controllers/fleet/limits.ts';
import { fromInstant, toInstant } from '../controllers/instants.ts';
import { duration, figure, money } from '../core/explain/figures.ts';
import type { Cluster } from './cluster.ts';
import { table } from './table.ts';
import type { OutputFormat, Terminal } from './terminal.ts';

type Status = NonNullable<TrainingJob['status']>;

/** Tells why a job is as it is: the last decisions, what they rest on, what else was weighed, when it may change. */
export async function runExplain(
  name: string,
  format: OutputFormat,
  terminal: Terminal,
  cluster: Cluster,
): Promise<void> {
  const job = await cluster.job(name);
  const { policies } = await cluster.surroundings(cluster.namespace);
  const policy = policyFor(cluster.namespace, policies);
  const next = nextChangeOf(job, {
    resize: job.spec.elasticity.cooldownSeconds ?? policy.cooldownSeconds,
    batch: policy.batchCooldownSeconds,
  });
  if (format === 'json') terminal.write(`${JSON.stringify(asData(job, next), undefined, 2)}\n`);
  else if (format === 'yaml') terminal.write(stringify(asData(job, next)));
  else terminal.write(`${asText(job, next, terminal.nowSeconds())}\n`);
}

/** No earlier than this may workers or batch change; undefined where nothing holds them. */
interface NextChange {
  readonly workers: number | undefined;
  readonly batch: number | undefined;
}

function nextChangeOf(job: TrainingJob, cooldown: { readonly resize: number; readonly batch: number }): NextChange {
  const kept = job.status?.bookkeeping;
  const heldUntil = fromInstant(job.metadata.annotations?.[HOLD_UNTIL_ANNOTATION]);
  const later = (last: string | undefined, pause: number) => {
    const at = fromInstant(last);
    const instants = [at === undefined ? undefined : at + pause, heldUntil].filter((each) => each !== undefined);
    return instants.length === 0 ? undefined : Math.max(...instants);
  };
  return {
    workers: later(kept?.lastRescaleTime, cooldown.resize),
    batch: later(kept?.lastBatchChangeTime, cooldown.batch),
  };
}

function asData(job: TrainingJob, next: NextChange) {
  const { state, decisions, recommendation, estimate, prediction, cost, eta, progress } = job.status ?? {};
  return {
    kind: 'Explanation',
    job: job.metadata.name,
    state,
    progress,
    cost,
    eta,
    prediction,
    estimate,
    recommendation,
    decisions,
    nextChange: {
      ...(next.workers === undefined ? {} : { workers: toInstant(next.workers) }),
      ...(next.batch === undefined ? {} : { batch: toInstant(next.batch) }),
    },
  };
}

function asText(job: TrainingJob, next: NextChange, now: number): string {
  const { status } = job;
  if (status === undefined) return `${job.metadata.name} has no status yet: is the operator running?`;
  const currency = status.cost?.currency ?? 'USD';
  const parts = [headOf(job, status, currency), predictionOf(status, currency), decisionsOf(status), inputsOf(status)];
  return [...parts, optionsOf(status, currency), nextOf(status, next, now)].filter((part) => part !== '').join('\n\n');
}

function headOf({ metadata, spec }: TrainingJob, status: Status, currency: string): string {
  const { state = 'Unknown', summary, pool, workers, batch } = status;
  const where = `${workers ?? '0/0'} workers on pool ${pool ?? 'none'}, global batch ${batch?.globalBatchSize ?? 'not set'}`;
  const spent = status.cost?.accrued === undefined ? '' : `, ${money(Number(status.cost.accrued), currency)} spent`;
  const done = summary?.progress === undefined ? '' : `, ${summary.progress} done`;
  const left = summary?.eta === undefined ? '' : `, ${summary.eta} to go`;
  return `${metadata.name}: ${state} in mode ${spec.mode}, ${where}${done}${left}${spent}`;
}

/** What was forecast of the whole run, beside what it has come to. */
function predictionOf({ prediction, cost, completionTime, startTime, eta }: Status, currency: string): string {
  if (prediction?.cost === undefined || prediction.seconds === undefined) return '';
  const by = {
    Family: 'earlier runs',
    OtherGpu: 'earlier runs on other GPUs',
    Model: 'its model',
    Measured: 'its first measurements',
  }[prediction.source];
  const lines = [
    `Forecast by ${by}: ${interval(prediction.cost, (value) => money(value, currency))} in ${interval(prediction.seconds, duration)}.`,
  ];
  const accrued = Number(cost?.accrued ?? Number.NaN);
  const spanTo = (end: number | undefined) => (end ?? Number.NaN) - (fromInstant(startTime) ?? Number.NaN);
  if (completionTime !== undefined) {
    lines.push(
      `It came to ${money(accrued, currency)} in ${duration(spanTo(fromInstant(completionTime)))}: ${error(accrued, prediction.cost)} in cost, ${error(spanTo(fromInstant(completionTime)), prediction.seconds)} in time.`,
    );
  } else if (cost?.toTarget !== undefined && eta !== undefined) {
    lines.push(
      `As it stands it comes to ${money(accrued + Number(cost.toTarget.value), currency)}: ${error(accrued + Number(cost.toTarget.value), prediction.cost)}.`,
    );
  }
  return lines.join('\n');
}

function error(actual: number, { value }: Interval): string {
  const percent = 100 * (actual / Number(value) - 1);
  if (!Number.isFinite(percent)) return 'unknown';
  return `${percent >= 0 ? '+' : '−'}${figure(Math.abs(percent))}%`;
}

function decisionsOf({ decisions = [] }: Status): string {
  if (decisions.length === 0) return 'Nothing was decided yet.';
  const rows = [...decisions].reverse().map(({ time, action, reason, message }) => [time, action, reason, message]);
  return `Last decisions, the newest first:\n${table(['TIME', 'ACTION', 'REASON', 'WHY'], rows)}`;
}

function inputsOf({ estimate }: Status): string {
  if (estimate === undefined) return '';
  const names = {
    overheadSecondsPerMicroStep: 'overhead of a pass, s',
    secondsPerSample: 'time per sample, s',
    synchronizationSeconds: 'exchange, s',
    gradientNoiseScale: 'gradient noise scale, samples',
  } as const;
  const rows = Object.entries(names).flatMap(([field, name]) => {
    const value = estimate[field as keyof typeof names];
    return value === undefined ? [] : [[name, figure(Number(value.value)), bounds(value)]];
  });
  return rows.length === 0 ? '' : `What they rest on:\n${table(['QUANTITY', 'VALUE', '90 % INTERVAL'], rows)}`;
}

function bounds({ low, high }: Interval): string {
  return low === undefined || high === undefined ? '' : `${figure(Number(low))} to ${figure(Number(high))}`;
}

function optionsOf({ recommendation }: Status, currency: string): string {
  const options = recommendation?.options ?? [];
  if (options.length === 0) return '';
  const rows = options.map(({ pool = '', replicas, globalBatchSize, costToTarget, eta, verdict }) => [
    pool,
    String(replicas),
    String(globalBatchSize ?? ''),
    costToTarget === undefined ? 'unknown' : interval(costToTarget, (value) => money(value, currency)),
    eta === undefined ? 'unknown' : duration(eta.seconds),
    verdict,
  ]);
  return `What was weighed:\n${table(['POOL', 'WORKERS', 'BATCH', 'COST TO TARGET', 'TIME', 'VERDICT'], rows)}`;
}

function nextOf({ completionTime }: Status, next: NextChange, now: number): string {
  if (completionTime !== undefined) return '';
  const tell = (at: number | undefined) =>
    at === undefined || at <= now ? 'now' : `in ${duration(at - now)} (${toInstant(at)})`;
  return `The next change is allowed: workers ${tell(next.workers)}, batch ${tell(next.batch)}.`;
}

function interval({ value, low, high }: Interval, tell: (value: number) => string): string {
  const range = low === undefined || high === undefined ? '' : ` (${tell(Number(low))}–${tell(Number(high))})`;
  return `${tell(Number(value))}${range}`;
}
