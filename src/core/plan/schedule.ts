import { globalBatchSize, type InstantSeconds, samePlacement } from '../configuration.ts';
import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolHour, PoolSnapshot } from '../snapshot.ts';
import { type AllowedHours, allowedHours, exclusionAt } from './allowed-hours.ts';
import type { Ranking } from './choose.ts';
import { pauseSeconds, resumeSeconds, startSeconds } from './evaluate.ts';
import { sameData } from './inputs.ts';
import type { Candidate, Judgement } from './judge.ts';
import { carryOut, type Run, runsAtOnce } from './slot-runs.ts';
import { type Forecast, readForecast, type SlotTable, tabulateSlots } from './slot-table.ts';
import { planSlots, type Slot, type SlotQuestion } from './slots.ts';
import { excludedSecondsOf, latestEnd, patienceOf, pausesLeft, scarcityOf } from './waiting.ts';

/** What a job is to do at an instant, as the hours' prices say. */
export interface Schedule {
  /** Where to run now; undefined says to pause. */
  readonly candidate: Candidate | undefined;
  /** When that changes; undefined when it lasts until the work is done. */
  readonly until: InstantSeconds | undefined;
  /**
   * For the work left, by the schedule and on the placement in force from now on without a pause: money, carbon at its
   * price and, so that they are avoided, time in excluded hours many times over.
   */
  readonly cost: number;
  readonly costAtOnce: number;
  /** Money and carbon alone. */
  readonly amount: number;
  readonly amountAtOnce: number;
  /** Seconds that it will run in hours which windows and limits exclude. */
  readonly excludedSeconds: number;
  /** Whether they exclude this hour. */
  readonly isExcludedNow: boolean;
}

/**
 * Age at which a schedule is made anew though nothing was learned: prices change by the hour, and a deadline is taken to
 * be so much earlier. Jobs take turns, so that a call plans a share of them.
 */
const PLANNED_EVERY_SECONDS = 600;
const TURNS = 20;
/** A run is worth so many times the time that its start takes, as for any other resize. */
const RUN_OVER_START = 10;

/**
 * In which hours, and on how many workers, a job's work costs least until its deadline; undefined where that is no
 * question: no hours, no freedom to pause or rescale, or no time to lose. What is planned is what the work takes with
 * probability 0.9 where there is a deadline. Unknown hours are taken as the mean of the known ones, so that they neither
 * attract nor repel.
 *
 * The same for the same snapshot. Cost: that of `planSlots` once in ten minutes and for every judgement, else nothing.
 *
 * @param mostReplicas what the other jobs leave
 */
export function scheduleOf(
  ranking: Ranking,
  pool: PoolSnapshot,
  now: InstantSeconds,
  mostReplicas: number,
): Schedule | undefined {
  const { job } = ranking;
  if (job.limits.objective === 'TimeToTarget' || !(job.limits.canPause || job.limits.canRescale)) return undefined;
  const allowed = allowedHours(job.limits, pool, now);
  if (allowed === undefined) return undefined;
  const turn = (PLANNED_EVERY_SECONDS / TURNS) * turnOf(job.key);
  const lastTurn = Math.floor((now - turn) / PLANNED_EVERY_SECONDS) * PLANNED_EVERY_SECONDS + turn;
  // A paused job can't have run since before its pause.
  const plannedAt = Math.max(lastTurn, job.history.pausedSince ?? lastTurn);
  const known = remembered.get(ranking.judgement);
  const { busyWith, pauses = 0 } = job.history;
  const asked = { allowed, plannedAt, isPaused: busyWith === 'Paused', pauses, mostReplicas };
  const isSame =
    known !== undefined &&
    known.kilowattsPerGpu === pool.kilowattsPerGpu &&
    (Object.keys(asked) as (keyof typeof asked)[]).every((field) => known[field] === asked[field]);
  const made = isSame ? known.made : makeSchedule(ranking, pool, asked);
  if (!isSame) remembered.set(ranking.judgement, { ...asked, kilowattsPerGpu: pool.kilowattsPerGpu, made });
  if (made === undefined) return undefined;
  return { ...made, ...at(now, made), isExcludedNow: exclusionAt(allowed, now) !== undefined };
}

interface Asked {
  readonly allowed: AllowedHours;
  readonly plannedAt: InstantSeconds;
  readonly isPaused: boolean;
  readonly pauses: number;
  readonly mostReplicas: number;
}

interface Remembered extends Asked {
  readonly kilowattsPerGpu: number | undefined;
  readonly made: Made | undefined;
}

/** Goes with the judgement that it was made by. */
const remembered = new WeakMap<Judgement, Remembered>();

interface Made {
  readonly runs: readonly Run[];
  readonly levels: readonly Candidate[];
  readonly cost: number;
  readonly costAtOnce: number;
  readonly amount: number;
  readonly amountAtOnce: number;
  readonly excludedSeconds: number;
}

/** Under Prefer a budget that a plan would break is a reason to take no notice of carbon, windows and limits. */
function makeSchedule(ranking: Ranking, pool: PoolSnapshot, asked: Asked): Made | undefined {
  const { limits, history } = ranking.job;
  const { eco, budgetCost } = limits;
  const made = planHours(ranking, pool, asked, eco?.carbonPricePerKilogram ?? 0);
  if (made === undefined || eco?.mode !== 'Prefer' || budgetCost === undefined) return made;
  if (history.accruedCost + made.money <= budgetCost) return made;
  const isExcluded = asked.allowed.isExcluded.map(() => false);
  return planHours(ranking, pool, { ...asked, allowed: { ...asked.allowed, isExcluded } }, 0);
}

function planHours(
  ranking: Ranking,
  pool: PoolSnapshot,
  { allowed, plannedAt: now, mostReplicas }: Asked,
  carbonPrice: number,
): (Made & { readonly money: number }) | undefined {
  const { job, current } = ranking;
  const { limits, history } = job;
  const levels = levelsOf(ranking, mostReplicas);
  const inForce = levels.indexOf(current);
  if (inForce < 0) return undefined;
  const workSeconds = (each: Candidate) => each.score.meanSeconds - pauseSeconds(job, pool, each.score.configuration);
  const mean = workSeconds(current);
  const likely = current.score.secondsToTarget90;
  if (!(mean > 0 && likely < Number.POSITIVE_INFINITY)) return undefined;
  const deadline = latestEnd(job, now, likely);
  const question = {
    now,
    slots: slotsOf(allowed.hours),
    levels: [PAUSE, ...levels.map((each) => levelOf(each, workSeconds(each), job, pool))],
    workLeft: deadline === undefined ? 1 : likely / mean,
    // The plan may be as old as that when it is followed.
    deadline: deadline === undefined ? undefined : deadline - PLANNED_EVERY_SECONDS,
    restartSeconds: limits.canPause ? resumeSeconds(job, pool) : startSeconds(job, pool),
    currentLevel: history.busyWith === 'Paused' ? 0 : 1 + inForce,
    minRunSeconds: Math.max(limits.cooldownSeconds, RUN_OVER_START * startSeconds(job, pool)),
    maxPauses: pausesLeft(job, allowed),
    timeValuePerSecond: limits.timeValuePerHour / SECONDS_PER_HOUR,
    carbonPrice,
  };
  const forecast = forecastOf(allowed.hours, now);
  const patient = { ...question, timeValuePerSecond: patienceOf(job, question, 1 + inForce, forecast) };
  const scarcity = scarcityOf(question, allowed, forecast);
  const priced = scarcity === undefined ? forecast : { ...forecast, scarcity };
  // What a forecast errs by is many times what a thorough search would still find.
  const plan = planSlots(patient, priced, 'Quick');
  if (plan.isLate) return undefined;
  // Costs are compared as they were planned with, and told without what only weighs: patience and exclusion.
  const weighed = tableOf(patient, priced);
  const isPlain = scarcity === undefined && patient.timeValuePerSecond === question.timeValuePerSecond;
  const plain = isPlain ? weighed : tableOf(question, forecast);
  const billed = carbonPrice === 0 ? plain : tableOf({ ...question, carbonPrice: 0 }, forecast);
  const costIn = (table: SlotTable, runs: readonly Run[]) => carryOut(table, runs)?.cost ?? Number.NaN;
  const atOnce = runsAtOnce(weighed)[inForce];
  const runAtOnce = atOnce === undefined ? [] : [atOnce];
  return {
    runs: plan.runs,
    levels,
    cost: plan.cost,
    costAtOnce: costIn(weighed, runAtOnce),
    amount: costIn(plain, plan.runs),
    amountAtOnce: costIn(plain, runAtOnce),
    money: costIn(billed, plan.runs),
    excludedSeconds: excludedSecondsOf(plan.runs, allowed),
  };
}

/** Far enough for what ends after the deadline, too. */
function tableOf(question: SlotQuestion, forecast: Forecast): SlotTable {
  return tabulateSlots({ ...question, deadline: undefined }, forecast);
}

const PAUSE = { workPerSecond: 0, rentPerSecond: 0, kilowatts: 0 };

/** The best candidate of every number of workers, its batch the one in force where that is not Stepwise's to change. */
function levelsOf({ job, ranked, current }: Ranking, mostReplicas: number): readonly Candidate[] {
  const { limits, held } = job;
  const batch = globalBatchSize(current.score.configuration);
  const isFree = limits.batchMode === 'Auto' && !held.batch;
  const levels: Candidate[] = [current];
  if (!limits.canRescale) return levels;
  for (const each of ranked) {
    const { configuration } = each.score;
    if (configuration.pool !== current.score.configuration.pool || configuration.replicas > mostReplicas) continue;
    if (!isFree && globalBatchSize(configuration) !== batch) continue;
    if (!levels.some(({ score }) => samePlacement(score.configuration, configuration))) levels.push(each);
  }
  return levels;
}

/** Work is counted in shares of what is left. */
function levelOf({ score }: Candidate, workSeconds: number, { limits }: JobSnapshot, pool: PoolSnapshot) {
  const gpus = score.configuration.replicas * limits.gpusPerReplica;
  return {
    workPerSecond: 1 / workSeconds,
    rentPerSecond: score.ratePerHour / SECONDS_PER_HOUR,
    kilowatts: gpus * (pool.kilowattsPerGpu ?? 0),
    holds: 1,
  };
}

function at(now: InstantSeconds, { runs, levels }: Made): Pick<Schedule, 'candidate' | 'until'> {
  const next = runs.findIndex(({ to }) => to > now);
  const run = runs[next];
  // What takes longer than planned goes on as it was.
  if (run === undefined) return { candidate: levels[(runs.at(-1)?.level ?? 1) - 1], until: undefined };
  if (run.from > now) return { candidate: undefined, until: run.from };
  return { candidate: levels[run.level - 1], until: next === runs.length - 1 ? undefined : run.to };
}

/** The same job has the same turn everywhere. FNV-1a (Fowler, Noll and Vo, 1991). */
function turnOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % TURNS;
}

function slotsOf(hours: readonly PoolHour[]): readonly Slot[] {
  const known = slots.get(hours) ?? hours.map((hour) => ({ ...hour, kgCo2ePerKwh: hour.kgCo2ePerKwh }));
  slots.set(hours, known);
  return known;
}

const slots = new WeakMap<readonly PoolHour[], readonly Slot[]>();

/** Jobs whose turn is the same share what is read. */
function forecastOf(hours: readonly PoolHour[], now: InstantSeconds): Forecast {
  const byInstant = forecasts.get(hours) ?? new Map<InstantSeconds, Forecast>();
  forecasts.set(hours, byInstant);
  const known = byInstant.get(now) ?? readForecast(slotsOf(hours), now);
  if (byInstant.size > TURNS) byInstant.clear();
  byInstant.set(now, known);
  return known;
}

const forecasts = new WeakMap<readonly PoolHour[], Map<InstantSeconds, Forecast>>();

/**
 * Pools whose hours say what the pool's last ones said get those, so that a glance tells whether they changed. What they
 * say is the same with and without this memory.
 */
export function withLastingHours(pools: readonly PoolSnapshot[]): readonly PoolSnapshot[] {
  return pools.map((pool) => {
    if (pool.hours === undefined) return pool;
    const before = lastHours.get(pool.name);
    const hours = before !== undefined && sameData(before, pool.hours) ? before : pool.hours;
    lastHours.set(pool.name, hours);
    return hours === pool.hours ? pool : { ...pool, hours };
  });
}

const lastHours = new Map<string, readonly PoolHour[]>();
