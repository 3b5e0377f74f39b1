import type { Interval as ApiInterval } from '../../api/status-parts.ts';
import type { TrainingJobStatus } from '../../api/training-job.ts';
import type { Interval } from '../../core/estimate/estimate.ts';
import { duration, figure, money, percent } from '../../core/explain/figures.ts';
import { type WeighedOption, weighedOptions } from '../../core/explain/options.ts';
import type { JobLimits } from '../../core/snapshot.ts';
import { hasEnded } from '../ended.ts';
import { energyOf, moneyOf } from '../fleet/account-codec.ts';
import { encodeEvidence } from '../fleet/evidence-codec.ts';
import type { JobFindings } from '../fleet/fleet-memory.ts';
import { toInstant } from '../instants.ts';
import { decimalIfKnown, present } from '../present.ts';
import { allocationOf, type Draft } from './draft.ts';
import type { JobView } from './view.ts';

/** Writes the figures that the planning cycle found: progress, estimates, cost, forecast. Unknown ones are left out. */
export function reportFigures(view: JobView, draft: Draft, found: JobFindings): void {
  const { status } = draft;
  // Nothing is forecast or recommended for a run that has ended; what was estimated of it stays.
  const ended = hasEnded(status);
  const findings = ended ? { ...found, decision: undefined } : found;
  const currency = view.pool?.spec.cost.currency ?? 'USD';
  const progress = progressOf(view, status, findings);
  const cost = costOf(findings, currency);
  const eta = etaOf(findings);
  assign(status, 'progress', progress);
  if (!ended) assign(status, 'estimate', estimateOf(findings));
  assign(status, 'cost', cost);
  assign(status, 'energy', energyOf(findings.account, eta?.seconds));
  assign(status, 'eta', eta);
  assign(status, 'recommendation', recommendationOf(findings, view.limits.objective));
  draft.keep({ evidence: encodeEvidence(findings.evidence) });
  status.summary = summaryOf(view, status, findings, currency);
}

function assign<K extends keyof TrainingJobStatus>(
  status: { -readonly [F in keyof TrainingJobStatus]: TrainingJobStatus[F] },
  field: K,
  value: TrainingJobStatus[K] | undefined,
): void {
  if (value === undefined) delete status[field];
  else status[field] = value;
}

function progressOf(view: JobView, status: TrainingJobStatus, findings: JobFindings): TrainingJobStatus['progress'] {
  const { progress, last } = findings.evidence;
  if (last === undefined) return undefined;
  const share = doneShare(view, status, findings);
  return {
    stepsCompleted: Math.round(progress.steps),
    samplesCompleted: Math.round(progress.samples),
    referenceSamplesCompleted: Math.round(progress.referenceSamples),
    ...(share === undefined ? {} : { percent: Math.floor(share * 100) }),
    ...present({
      samplesPerSecond: decimalIfKnown(progress.samplesPerSecond),
      loss: decimalIfKnown(last.loss),
      validationLoss: decimalIfKnown(last.validationLoss),
    }),
    observedAt: toInstant(last.observedAt),
  };
}

/** Share of the work that is done, 0 to 1; undefined while nothing is known of its end. */
function doneShare(view: JobView, { conditions }: TrainingJobStatus, findings: JobFindings): number | undefined {
  const complete = conditions?.some(({ type, status }) => type === 'Complete' && status === 'True');
  if (complete) return 1;
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
    ...present({
      overheadSecondsPerMicroStep: toInterval(estimate.overheadSeconds),
      secondsPerSample: toInterval(estimate.secondsPerSample),
      synchronizationSeconds: toInterval(estimate.synchronizationSeconds),
      gradientNoiseScale: toInterval(estimate.gradientNoiseScale),
    }),
    ...(findings.evidence.last === undefined ? {} : { observedAt: toInstant(findings.evidence.last.observedAt) }),
  };
}

function costOf(findings: JobFindings, currency: string): TrainingJobStatus['cost'] {
  const plan = findings.decision?.plan;
  const known = findings.decision?.estimate?.remainingWork !== 'Assumed';
  return {
    currency,
    ...moneyOf(findings.account),
    ...present({
      ratePerHour: decimalIfKnown(plan?.current.ratePerHour),
      toTarget: known ? toInterval(plan?.current.costToTarget) : undefined,
    }),
  };
}

function etaOf(findings: JobFindings): TrainingJobStatus['eta'] {
  const plan = findings.decision?.plan;
  if (plan === undefined || findings.decision?.estimate?.remainingWork === 'Assumed') return undefined;
  return toEta(plan.current.secondsToTarget);
}

function toEta({ value, low, high }: Interval): TrainingJobStatus['eta'] {
  if (![value, low, high].every(Number.isFinite)) return undefined;
  return { seconds: Math.round(value), low: Math.round(low), high: Math.round(high) };
}

function recommendationOf(
  findings: JobFindings,
  objective: JobLimits['objective'],
): TrainingJobStatus['recommendation'] {
  const decision = findings.decision;
  const plan = decision?.plan;
  if (decision === undefined || plan === undefined) return undefined;
  return {
    ...allocationOf(plan.best.configuration),
    // Where nothing costs anything no share of it can be saved.
    ...(Number.isNaN(plan.savingFraction)
      ? {}
      : { savingPercent: Math.max(-1000, Math.min(100, Math.floor(plan.savingFraction * 100))) }),
    options: weighedOptions(plan, objective).map(optionIn(decision.estimate?.remainingWork !== 'Assumed')),
    message: decision.message.slice(0, 1024),
  };
}

/** Amounts are told only where the end of the work is known. */
function optionIn(endIsKnown: boolean) {
  return ({ evaluation, verdict }: WeighedOption) => ({
    ...allocationOf(evaluation.configuration),
    ...present({
      costToTarget: endIsKnown ? toInterval(evaluation.costToTarget) : undefined,
      eta: endIsKnown ? toEta(evaluation.secondsToTarget) : undefined,
    }),
    meetsDeadline: evaluation.meetsDeadline,
    verdict,
  });
}

function summaryOf(
  view: JobView,
  status: TrainingJobStatus,
  findings: JobFindings,
  currency: string,
): NonNullable<TrainingJobStatus['summary']> {
  const { evidence, decision, account } = findings;
  const accruedCost = account.cost;
  const share = doneShare(view, status, findings);
  const rate = evidence.progress.samplesPerSecond;
  const plan = decision?.plan;
  const known = plan !== undefined && decision?.estimate?.remainingWork !== 'Assumed';
  return {
    ...(rate === undefined ? {} : { samplesPerSecond: figure(rate) }),
    ...(share === undefined ? {} : { progress: percent(Math.floor(share * 100) / 100) }),
    ...(known ? { eta: duration(plan.current.secondsToTarget.value) } : {}),
    cost: money(accruedCost, currency),
    ...energySummary(status.energy),
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

function energySummary(energy: TrainingJobStatus['energy']) {
  return {
    ...(energy === undefined ? {} : { energy: `${figure(Number(energy.kilowattHours))} kWh` }),
    ...(energy?.co2eKilograms === undefined ? {} : { co2e: `${figure(Number(energy.co2eKilograms))} kg` }),
  };
}

function toInterval(interval: Interval | undefined): ApiInterval | undefined {
  const value = decimalIfKnown(interval?.value);
  if (interval === undefined || value === undefined) return undefined;
  return { value, ...present({ low: decimalIfKnown(interval.low), high: decimalIfKnown(interval.high) }) };
}
