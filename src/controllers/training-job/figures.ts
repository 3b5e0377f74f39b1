import { toDecimal } from '../../api/decimal.ts';
import type { Interval as ApiInterval } from '../../api/status-parts.ts';
import type { TrainingJobStatus } from '../../api/training-job.ts';
import type { Interval } from '../../core/estimate/estimate.ts';
import { isPlausible } from '../../core/estimate/reading.ts';
import { duration, figure, money, percent } from '../../core/explain/figures.ts';
import { encodeEvidence } from '../fleet/evidence-codec.ts';
import type { JobFindings } from '../fleet/fleet-memory.ts';
import { toInstant } from '../instants.ts';
import { allocationOf, type Draft } from './draft.ts';
import type { JobView } from './view.ts';

/** Writes the figures that the planning cycle found: progress, estimates, cost, forecast. Unknown ones are left out. */
export function reportFigures(view: JobView, draft: Draft, findings: JobFindings): void {
  const { status } = draft;
  const currency = view.pool?.spec.cost.currency ?? 'USD';
  const progress = progressOf(view, findings);
  const cost = costOf(findings, currency);
  const eta = etaOf(findings);
  assign(status, 'progress', progress);
  assign(status, 'estimate', estimateOf(findings));
  assign(status, 'cost', cost);
  assign(status, 'eta', eta);
  assign(status, 'recommendation', recommendationOf(findings));
  draft.keep({ evidence: encodeEvidence(findings.evidence) });
  status.summary = summaryOf(view, findings, currency);
}

function assign<K extends keyof TrainingJobStatus>(
  status: { -readonly [F in keyof TrainingJobStatus]: TrainingJobStatus[F] },
  field: K,
  value: TrainingJobStatus[K] | undefined,
): void {
  if (value === undefined) delete status[field];
  else status[field] = value;
}

function progressOf(view: JobView, findings: JobFindings): TrainingJobStatus['progress'] {
  const { progress, last } = findings.evidence;
  if (last === undefined) return undefined;
  const share = doneShare(view, findings);
  return {
    stepsCompleted: Math.round(progress.steps),
    samplesCompleted: Math.round(progress.samples),
    referenceSamplesCompleted: Math.round(progress.referenceSamples),
    ...(share === undefined ? {} : { percent: Math.floor(share * 100) }),
    ...(progress.samplesPerSecond === undefined ? {} : { samplesPerSecond: toDecimal(progress.samplesPerSecond) }),
    ...(isPlausible(last.loss) ? { loss: toDecimal(last.loss) } : {}),
    ...(isPlausible(last.validationLoss) ? { validationLoss: toDecimal(last.validationLoss) } : {}),
    observedAt: toInstant(last.observedAt),
  };
}

/** Share of the work that is done, 0 to 1; undefined while nothing is known of its end. */
function doneShare(view: JobView, findings: JobFindings): number | undefined {
  const finished = view.status.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True');
  if (finished) return 1;
  const done = findings.evidence.progress.referenceSamples;
  const { work } = view.limits;
  if (work.type === 'ReferenceSamples') return Math.min(1, done / work.referenceSamples);
  const estimate = findings.decision?.estimate;
  if (estimate === undefined || estimate.remainingWork === 'Assumed') return undefined;
  return done / (done + estimate.remainingReferenceSamples.value);
}

function estimateOf(findings: JobFindings): TrainingJobStatus['estimate'] {
  const estimate = findings.decision?.estimate;
  if (estimate === undefined) return undefined;
  return {
    overheadSecondsPerMicroStep: toInterval(estimate.overheadSeconds),
    secondsPerSample: toInterval(estimate.secondsPerSample),
    ...(estimate.synchronizationSeconds === undefined
      ? {}
      : { synchronizationSeconds: toInterval(estimate.synchronizationSeconds) }),
    ...(estimate.gradientNoiseScale === undefined
      ? {}
      : { gradientNoiseScale: toInterval(estimate.gradientNoiseScale) }),
    ...(findings.evidence.last === undefined ? {} : { observedAt: toInstant(findings.evidence.last.observedAt) }),
  };
}

function costOf(findings: JobFindings, currency: string): TrainingJobStatus['cost'] {
  const plan = findings.decision?.plan;
  const known = findings.decision?.estimate?.remainingWork !== 'Assumed';
  return {
    currency,
    accrued: toDecimal(findings.accruedCost),
    ...(findings.accruedUntil === undefined ? {} : { accruedUntil: toInstant(findings.accruedUntil) }),
    ...(plan === undefined ? {} : { ratePerHour: toDecimal(plan.current.ratePerHour) }),
    ...(plan === undefined || !known ? {} : { toTarget: toInterval(plan.current.costToTarget) }),
  };
}

function etaOf(findings: JobFindings): TrainingJobStatus['eta'] {
  const plan = findings.decision?.plan;
  if (plan === undefined || findings.decision?.estimate?.remainingWork === 'Assumed') return undefined;
  const { value, low, high } = plan.current.secondsToTarget;
  return { seconds: Math.round(value), low: Math.round(low), high: Math.round(high) };
}

function recommendationOf(findings: JobFindings): TrainingJobStatus['recommendation'] {
  const decision = findings.decision;
  const plan = decision?.plan;
  if (decision === undefined || plan === undefined) return undefined;
  return {
    ...allocationOf(plan.best.configuration),
    savingPercent: Math.max(-1000, Math.min(100, Math.floor(plan.savingFraction * 100))),
    message: decision.message.slice(0, 1024),
  };
}

function summaryOf(view: JobView, findings: JobFindings, currency: string): NonNullable<TrainingJobStatus['summary']> {
  const { evidence, decision, accruedCost } = findings;
  const share = doneShare(view, findings);
  const rate = evidence.progress.samplesPerSecond;
  const plan = decision?.plan;
  const known = plan !== undefined && decision?.estimate?.remainingWork !== 'Assumed';
  return {
    ...(rate === undefined ? {} : { samplesPerSecond: figure(rate) }),
    ...(share === undefined ? {} : { progress: percent(Math.floor(share * 100) / 100) }),
    ...(known ? { eta: duration(plan.current.secondsToTarget.value) } : {}),
    cost: money(accruedCost, currency),
    ...(plan === undefined ? {} : { ratePerHour: money(plan.current.ratePerHour, currency) }),
    ...(known
      ? {
          forecast: `${money(accruedCost + plan.current.costToTarget.low, currency)}–${money(
            accruedCost + plan.current.costToTarget.high,
            currency,
          )}`.slice(0, 64),
        }
      : {}),
    ...(decision === undefined ? {} : { lastDecision: `${decision.reason}: ${decision.message}`.slice(0, 1024) }),
  };
}

function toInterval(interval: Interval): ApiInterval {
  return { value: toDecimal(interval.value), low: toDecimal(interval.low), high: toDecimal(interval.high) };
}
