import type { TrainingJobSpec, TrainingJobStatus } from '../../api/training-job.ts';
import { type BudgetedResource, type BudgetLine, type BudgetVerdict, judgeBudget } from '../../core/account/budget.ts';
import { type JobAccount, predictEnergy } from '../../core/account/job-account.ts';
import { figure, money } from '../../core/explain/figures.ts';
import type { JobLimits } from '../../core/snapshot.ts';
import type { JobFindings } from '../fleet/fleet-memory.ts';
import { toInstant } from '../instants.ts';
import { costForecastAbove } from './budget-forecast.ts';
import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

type Budget = NonNullable<TrainingJobSpec['budget']>;
type Overrun = NonNullable<TrainingJobStatus['overrun']>;

const FIELDS: Readonly<Record<BudgetedResource, string>> = {
  Cost: 'spec.budget.cost.amount',
  Energy: 'spec.budget.energyKilowattHours',
  Carbon: 'spec.budget.carbonKilograms',
};

/** Says how the budget stands, and notes an overrun that is to be acted on: what acts reads it from the status. */
export function reportBudget(view: JobView, draft: Draft, findings: JobFindings): void {
  const { budget } = view.job.spec;
  const verdict = budget === undefined ? undefined : judgeBudget(linesOf(budget, findings), budget.warnAtPercent / 100);
  if (budget === undefined || verdict === undefined) {
    delete draft.status.overrun;
    draft.condition('WithinBudget', 'True', 'NoBudget', 'no budget is set');
    return;
  }
  describe(view, draft, verdict, { budget, findings });
  if (overrunOf(view) === undefined) delete draft.status.overrun;
  const acts =
    budget.onExceeded === 'Shrink' ? verdict.state !== 'Within' && verdict.state !== 'Warning' : verdict.isCertain;
  if (!acts || budget.onExceeded === 'Notify') return;
  const { resource } = verdict.line;
  if (draft.status.overrun?.resource === resource && draft.status.overrun.isSpent === (verdict.state === 'Exceeded'))
    return;
  const limit = limitOf(budget, resource);
  if (limit === undefined) return;
  const isSpent = verdict.state === 'Exceeded';
  draft.status.overrun = { resource, limit, isSpent, since: toInstant(view.now), message: sentence(verdict, budget) };
  draft.event('Warning', 'BudgetOverrun', `${sentence(verdict, budget)}; onExceeded is ${budget.onExceeded}`);
}

/** The overrun that is in force: it is forgotten once the limit that it is about has been changed. */
export function overrunOf({ job, status }: Pick<JobView, 'job' | 'status'>): Overrun | undefined {
  const { budget } = job.spec;
  const { overrun } = status;
  if (budget === undefined || overrun === undefined || budget.onExceeded === 'Notify') return undefined;
  return limitOf(budget, overrun.resource) === overrun.limit ? overrun : undefined;
}

/** Why the workers are stopped for the budget; undefined where they are not. */
export function budgetStop(view: JobView): string | undefined {
  const { budget } = view.job.spec;
  if (budget?.onExceeded !== 'Suspend' && budget?.onExceeded !== 'Fail') return undefined;
  const overrun = overrunOf(view);
  if (overrun !== undefined) return `${overrun.message}; raise ${FIELDS[overrun.resource]} to go on`;
  const spent = Number(view.status.cost?.accrued ?? Number.NaN);
  if (budget.cost === undefined || !(spent >= Number(budget.cost.amount))) return undefined;
  const { amount, currency } = budget.cost;
  return `${spent.toFixed(2)} of ${amount} ${currency} are spent; raise ${FIELDS.Cost} to go on`;
}

/** A job that shrinks for its budget is run as cheaply as its limits allow, and on the fewest workers once all is spent. */
export function limitsWithin(limits: JobLimits, job: Pick<JobView, 'job' | 'status'>): JobLimits {
  const overrun = job.job.spec.budget?.onExceeded === 'Shrink' ? overrunOf(job) : undefined;
  if (overrun === undefined) return limits;
  const cheapest = { ...limits, objective: 'CostToTarget' as const, timeValuePerHour: 0 };
  return overrun.isSpent ? { ...cheapest, maxReplicas: limits.minReplicas } : cheapest;
}

function limitOf(budget: Budget, resource: BudgetedResource): string | undefined {
  if (resource === 'Cost') return budget.cost?.amount;
  return resource === 'Energy' ? budget.energyKilowattHours : budget.carbonKilograms;
}

function linesOf(budget: Budget, { account, decision }: JobFindings): readonly BudgetLine[] {
  const plan = decision?.estimate?.remainingWork === 'Assumed' ? undefined : decision?.plan;
  const { value, low } = plan?.current.secondsToTarget ?? { value: Number.NaN, low: Number.NaN };
  const energy = predictEnergy(account, value);
  const share = low / value;
  const ahead = (total: number | undefined) =>
    total === undefined || !Number.isFinite(share) ? undefined : { value: total, low: total * share };
  const cost = plan?.current.costToTarget;
  const lines: readonly (Omit<BudgetLine, 'limit'> & { readonly limit: string | undefined })[] = [
    {
      resource: 'Cost',
      limit: budget.cost?.amount,
      spent: account.cost,
      ahead: cost === undefined || !Number.isFinite(cost.value) ? undefined : cost,
    },
    {
      resource: 'Energy',
      limit: budget.energyKilowattHours,
      spent: account.kilowattHours,
      ahead: ahead(energy?.kilowattHours),
    },
    { resource: 'Carbon', limit: budget.carbonKilograms, spent: account.kgCo2e, ahead: ahead(energy?.kgCo2e) },
  ];
  return lines.flatMap(({ limit, ...line }) => (limit === undefined ? [] : [{ ...line, limit: Number(limit) }]));
}

function describe(
  view: JobView,
  draft: Draft,
  verdict: BudgetVerdict,
  { budget, findings }: { readonly budget: Budget; readonly findings: JobFindings },
): void {
  // Of money it is known what another number of workers would cost.
  const isOfMoney =
    verdict.state !== 'Exceeded' && (verdict.line.resource === 'Cost' || verdict.state !== 'ForecastExceeds');
  const above = isOfMoney && budget.cost !== undefined ? costForecastAbove(findings, budget.cost) : undefined;
  if (above !== undefined) {
    draft.condition('WithinBudget', 'False', 'ForecastExceedsBudget', above);
    return;
  }
  const message = sentence(verdict, budget);
  const before = view.status.conditions?.find(({ type }) => type === 'WithinBudget')?.reason;
  switch (verdict.state) {
    case 'Exceeded':
      draft.condition('WithinBudget', 'False', 'BudgetExceeded', message);
      if (before !== 'BudgetExceeded') draft.event('Warning', 'BudgetExceeded', message);
      break;
    case 'ForecastExceeds':
      draft.condition('WithinBudget', 'False', 'ForecastExceedsBudget', message);
      break;
    case 'Warning':
      draft.condition('WithinBudget', 'True', 'BudgetWarning', message);
      if (before !== 'BudgetWarning') draft.event('Warning', 'BudgetWarning', message);
      break;
    case 'Within': {
      const unknown = unknownOf(budget, findings.account);
      if (unknown === undefined) draft.condition('WithinBudget', 'True', 'WithinBudget', message);
      else draft.condition('WithinBudget', 'Unknown', 'UsageUnknown', unknown);
    }
  }
}

/** What is limited and was used without anybody telling how much: nothing spent is not what that means. */
function unknownOf(budget: Budget, account: JobAccount): string | undefined {
  const { kilowattHours, kilowattHoursWithoutIntensity, unknownGpuSeconds } = account;
  const isEnergyUnknown = kilowattHours === 0 && unknownGpuSeconds > 0;
  const isLimited = budget.energyKilowattHours !== undefined || budget.carbonKilograms !== undefined;
  if (isEnergyUnknown && isLimited) {
    return 'the energy of the run is neither measured nor modelled: set spec.energy.busyWattsPerGpu of the pool';
  }
  const isCarbonUnknown = kilowattHours > 0 && kilowattHours <= kilowattHoursWithoutIntensity;
  if (!isCarbonUnknown || budget.carbonKilograms === undefined) return undefined;
  return 'the carbon intensity of the run is not known: set spec.energy.carbonSource of the pool';
}

function sentence({ line, state }: BudgetVerdict, budget: Budget): string {
  const { resource, limit, spent, ahead } = line;
  const amount = (value: number) => amountOf(resource, value, budget.cost?.currency ?? 'USD');
  if (state === 'ForecastExceeds') return `the forecast is ${amount(spent + (ahead?.value ?? 0))} of ${amount(limit)}`;
  const forecast = ahead === undefined ? '' : `, ${amount(spent + ahead.value)} by the forecast`;
  const verb = resource === 'Carbon' ? 'emitted' : resource === 'Energy' ? 'used' : 'spent';
  return `${amount(spent)} of ${amount(limit)} are ${verb}${state === 'Exceeded' ? '' : forecast}`;
}

function amountOf(resource: BudgetedResource, value: number, currency: string): string {
  if (resource === 'Cost') return money(value, currency);
  return `${figure(value)} ${resource === 'Energy' ? 'kWh' : 'kg CO2e'}`;
}
