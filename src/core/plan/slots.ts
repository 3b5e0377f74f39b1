import { findPaths, type PathPair } from './slot-path.ts';
import {
  bestSingleRun,
  carryOut,
  extend,
  isCheaper,
  type Outcome,
  pausesOf,
  type Run,
  runsAtOnce,
  splice,
  totalWork,
  trim,
} from './slot-runs.ts';
import { type Forecast, type SlotQuestion, type SlotTable, tabulateSlots } from './slot-table.ts';

export type { Run } from './slot-runs.ts';
export type { Level, Slot, SlotQuestion } from './slot-table.ts';

/** Gap at which no other plan is looked for: far less than a forecast is off. */
const CLOSE_ENOUGH = 2e-3;

export interface SlotPlan {
  /** In order of time, without pauses; empty when nothing is left to do. */
  readonly runs: readonly Run[];
  /** Currency, carbon and time at their prices. */
  readonly cost: number;
  readonly finish: number;
  readonly kgCo2e: number;
  readonly pauses: number;
  /** The deadline cannot be met: the plan is the fastest, at once. */
  readonly isLate: boolean;
  /** No plan for this job in these slots costs less; of late ones, none that is done as early. */
  readonly lowerBound: number;
  /** Share of the cost by which it may exceed the least possible. */
  readonly gap: number;
}

/** Weights of a restart that are tried until runs are long and pauses few enough. */
const RESTART_FACTORS = [1.5, 2, 3, 5, 8, 13, 21];

/** Quick leaves out what seldom helps: for answers that are asked for again and again. */
type Effort = 'Thorough' | 'Quick';

/**
 * Which level a job runs on in which hours, so that its work costs least: electricity by its price and carbon by its
 * shadow price in each slot, restarts, and the value of time until it is done. Never dearer than running at once on
 * any level that meets the deadline. What no forecast says counts as the mean of what is known.
 *
 * O(slots × levels) for each of a bounded number of rounds, some ten in practice.
 *
 * @param forecast of the question's slots, where many jobs share it
 */
export function planSlots(question: SlotQuestion, forecast?: Forecast, effort: Effort = 'Thorough'): SlotPlan {
  const table = tabulateSlots(question, forecast);
  if (question.workLeft === 0) return describe(table, { runs: [], cost: 0, finish: question.now, kgCo2e: 0 }, 0, false);
  const paths = findPaths(table);
  if (paths === undefined) return planLate(question, forecast);
  // A table whose end is far enough away has a path; so has the list below.
  const best = cheapest(table, candidates(table, paths, effort), paths.bound);
  if (best === undefined) return planLate(question, forecast);
  return describe(table, best, Math.min(paths.bound, best.cost), false);
}

/** Plans that do the work, in the form of runs; the first of equally cheap ones is taken. */
function* candidates(table: SlotTable, paths: PathPair, effort: Effort): Generator<readonly Run[]> {
  for (const run of runsAtOnce(table)) yield [run];
  yield* between(table, paths);
  if (effort === 'Quick') return;
  const single = bestSingleRun(table);
  if (single !== undefined) yield [single];
  for (const factor of RESTART_FACTORS) {
    const { question } = table;
    const longer = findPaths({ ...table, question: { ...question, restartSeconds: factor * question.restartSeconds } });
    if (longer === undefined) return;
    yield* between(table, longer);
  }
}

/**
 * The paths beside the work that is left, made to fit it; and where the one goes over into the other so that they do
 * about that work, these as well.
 */
function* between(table: SlotTable, { under, over }: PathPair): Generator<readonly Run[]> {
  const { workLeft } = table.question;
  yield trim(table, over);
  yield extend(table, under);
  for (const [first, second] of [
    [under, over],
    [over, under],
  ] as const) {
    let before: readonly Run[] = second;
    for (const boundary of table.edge) {
      const spliced = splice(first, second, boundary);
      if (totalWork(table, before) >= workLeft !== totalWork(table, spliced) >= workLeft) {
        for (const runs of [before, spliced])
          yield totalWork(table, runs) >= workLeft ? trim(table, runs) : extend(table, runs);
      }
      before = spliced;
    }
  }
}

function cheapest(table: SlotTable, candidates: Iterable<readonly Run[]>, bound: number): Outcome | undefined {
  let best: Outcome | undefined;
  for (const runs of candidates) {
    if (best !== undefined && best.cost - bound <= CLOSE_ENOUGH * Math.abs(best.cost)) break;
    const outcome = carryOut(table, runs);
    if (outcome === undefined || (best !== undefined && !isCheaper(outcome.cost, best.cost))) continue;
    if (isAllowed(table, outcome.runs)) best = outcome;
  }
  return best;
}

function isAllowed(table: SlotTable, runs: readonly Run[]): boolean {
  const { now, currentLevel, minRunSeconds, maxPauses } = table.question;
  if (runs.length === 1) return pausesOf(table, runs) <= maxPauses;
  // What is in force began before now; the last one ends with the job, not with a change.
  const begun = runs[0]?.from === now && runs[0].level === currentLevel ? 1 : 0;
  const short = runs.slice(begun, -1).some(({ from, to }) => to - from < minRunSeconds - 1e-6);
  return !short && pausesOf(table, runs) <= maxPauses;
}

/** The fastest way from now on, as long as it takes. */
function planLate(question: SlotQuestion, forecast: Forecast | undefined): SlotPlan {
  const { now, workLeft, restartSeconds, currentLevel, levels } = question;
  const secondsOn = (level: number) =>
    (level === currentLevel ? 0 : restartSeconds) + workLeft / (levels[level]?.workPerSecond ?? 0);
  const fastest = levels.reduce(
    (best, _, level) => (level > 0 && secondsOn(level) < secondsOn(best) ? level : best),
    0,
  );
  const deadline = now + secondsOn(fastest);
  const table = tabulateSlots({ ...question, deadline }, forecast);
  const outcome = carryOut(table, [{ from: now, to: deadline, level: fastest }]);
  if (outcome === undefined) throw new Error('the fastest level does not do the work in its own time');
  return describe(table, outcome, outcome.cost, true);
}

function describe(table: SlotTable, outcome: Outcome, lowerBound: number, isLate: boolean): SlotPlan {
  const size = Math.max(Math.abs(outcome.cost), Math.abs(lowerBound));
  return {
    ...outcome,
    pauses: pausesOf(table, outcome.runs),
    isLate,
    lowerBound,
    gap: size === 0 ? 0 : (outcome.cost - lowerBound) / size,
  };
}
