import { between, type SlotTable, slotAt } from './slot-table.ts';

/** A stretch of time on one level. Seconds on the clock of the question, half-open. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly level: number;
}

export interface Outcome {
  /** Cut where the work is done. */
  readonly runs: readonly Run[];
  /** Currency until the work is done, value of time included. */
  readonly cost: number;
  readonly finish: number;
  readonly kgCo2e: number;
}

/** Share of the work below which none is left: rounding. */
const NOTHING = 1e-9;
const ROUNDING_SECONDS = 1e-6;

/** Whether a run begins with a restart: nothing at its level ran just before. */
function restarts({ question }: SlotTable, runs: readonly Run[], index: number): boolean {
  const run = runs[index];
  const before = runs[index - 1];
  if (run === undefined) return false;
  if (before !== undefined) return before.to < run.from || before.level !== run.level;
  return run.from > question.now || run.level !== question.currentLevel;
}

function workOf(table: SlotTable, runs: readonly Run[], index: number): number {
  const run = runs[index];
  if (run === undefined) return 0;
  const lost = restarts(table, runs, index) ? table.question.restartSeconds : 0;
  return (table.work[run.level] as number) * (run.to - run.from - lost);
}

/** Carries out runs in their order until the work is done; undefined when they do not do it all. */
export function carryOut(table: SlotTable, runs: readonly Run[]): Outcome | undefined {
  const { now, workLeft, timeValuePerSecond } = table.question;
  const done: Run[] = [];
  let left = workLeft;
  let finish = now;
  for (let index = 0; index < runs.length && left > NOTHING * workLeft; index++) {
    const run = runs[index] as Run;
    const work = workOf(table, runs, index);
    const to = work > left ? run.to - (work - left) / (table.work[run.level] as number) : run.to;
    done.push({ ...run, to });
    left -= work;
    finish = to;
  }
  if (left > NOTHING * workLeft || finish > (table.edge[table.slotCount] as number) + ROUNDING_SECONDS)
    return undefined;
  const sum = (what: 'spent' | 'carbon') =>
    done.reduce((total, { level, from, to }) => total + between(table, what, level, from, to), 0);
  const paused = idle(now, done).reduce((total, [from, to]) => total + between(table, 'spent', 0, from, to), 0);
  const cost = sum('spent') + paused + timeValuePerSecond * (finish - now);
  return { runs: done, cost, finish, kgCo2e: sum('carbon') };
}

/** The pauses between now and the end of the last run. */
function idle(now: number, runs: readonly Run[]): readonly (readonly [number, number])[] {
  return runs.flatMap(({ from }, index) => {
    const since = runs[index - 1]?.to ?? now;
    return from > since ? [[since, from] as const] : [];
  });
}

/** How often a job that runs is paused. */
export function pausesOf({ question }: SlotTable, runs: readonly Run[]): number {
  const first = runs[0];
  const atOnce = first !== undefined && first.from > question.now && question.currentLevel !== 0 ? 1 : 0;
  return runs.filter(({ from }, index) => from > (runs[index - 1]?.to ?? from)).length + atOnce;
}

/** What a job would do without any forecast: each level from now on. */
export function runsAtOnce({ question, work }: SlotTable): readonly Run[] {
  const { now, workLeft, currentLevel, restartSeconds } = question;
  return [...work.keys()].slice(1).map((level) => {
    const lost = level === currentLevel ? 0 : restartSeconds;
    return { from: now, to: now + lost + workLeft / (work[level] as number), level };
  });
}

/** The cheapest plan of one run after now, among those that begin or end at a boundary of slots. */
export function bestSingleRun(table: SlotTable): Run | undefined {
  const { question, edge, slotCount, levelCount, work } = table;
  const latest = (edge[slotCount] as number) + ROUNDING_SECONDS;
  let best: Run | undefined;
  let least = Number.POSITIVE_INFINITY;
  const consider = (level: number, from: number, to: number) => {
    if (from <= question.now || to > latest) return;
    const paused = between(table, 'spent', 0, question.now, from) + question.timeValuePerSecond * (to - question.now);
    const cost = between(table, 'spent', level, from, to) + paused;
    if (cost >= least) return;
    least = cost;
    best = { from, to, level };
  };
  for (let level = 1; level < levelCount; level++) {
    const seconds = question.restartSeconds + question.workLeft / (work[level] as number);
    for (const boundary of edge) {
      consider(level, boundary, boundary + seconds);
      consider(level, boundary - seconds, boundary);
    }
  }
  return best;
}

/** The runs of one plan until an instant, then those of another. */
export function splice(before: readonly Run[], after: readonly Run[], at: number): readonly Run[] {
  const runs = before.filter(({ from }) => from < at).map((run) => ({ ...run, to: Math.min(run.to, at) }));
  for (const run of after) {
    if (run.to <= at) continue;
    const from = Math.max(run.from, at);
    const last = runs.at(-1);
    if (last !== undefined && last.to === from && last.level === run.level) last.to = run.to;
    else runs.push({ ...run, from });
  }
  return runs;
}

export function totalWork(table: SlotTable, runs: readonly Run[]): number {
  return runs.reduce((sum, _, index) => sum + workOf(table, runs, index), 0);
}

/** Cheaper by more than rounding: a flat price is no reason to wait. */
export function isCheaper(cost: number, than: number): boolean {
  return than === Number.POSITIVE_INFINITY || cost < than - NOTHING * Math.abs(than);
}

interface Cut {
  readonly index: number;
  readonly side: 'front' | 'back' | 'whole';
  readonly seconds: number;
  /** Currency saved per work given up. */
  readonly worth: number;
}

/** Takes from runs that do too much what costs most for the work it does, from their ends or as a whole. */
export function trim(table: SlotTable, given: readonly Run[]): readonly Run[] {
  const runs = [...given];
  const { workLeft } = table.question;
  for (let round = 0; round < table.slotCount + given.length; round++) {
    const excess = totalWork(table, runs) - workLeft;
    if (excess <= NOTHING * workLeft) break;
    const best = cuts(table, runs, excess).reduce<Cut | undefined>(
      (one, other) => (one === undefined || other.worth > one.worth ? other : one),
      undefined,
    );
    if (best === undefined) break;
    apply(runs, best);
  }
  return runs;
}

function apply(runs: Run[], { index, side, seconds }: Cut): void {
  const run = runs[index] as Run;
  if (side === 'whole') runs.splice(index, 1);
  else if (side === 'front') runs[index] = { ...run, from: run.from + seconds };
  else runs[index] = { ...run, to: run.to - seconds };
}

function cuts(table: SlotTable, runs: readonly Run[], excess: number): readonly Cut[] {
  const { edge, rate, levelCount, question } = table;
  const least = Math.max(question.minRunSeconds, question.restartSeconds);
  return runs.flatMap((run, index) => {
    const found: Cut[] = [];
    const pace = table.work[run.level] as number;
    const spare = Math.min(run.to - run.from - least, excess / pace);
    const isLast = index === runs.length - 1;
    const isRestart = restarts(table, runs, index);
    const worthIn = (slot: number, timeValue: number) =>
      ((rate[slot * levelCount + run.level] as number) - (rate[slot * levelCount] as number) + timeValue) / pace;
    if (spare > 0) {
      const last = lastSlotOf(table, run);
      const seconds = Math.min(spare, run.to - Math.max(run.from, edge[last] as number));
      found.push({ index, side: 'back', seconds, worth: worthIn(last, isLast ? question.timeValuePerSecond : 0) });
    }
    if (spare > 0 && isRestart) {
      const first = slotAt(table, run.from);
      const seconds = Math.min(spare, Math.min(run.to, edge[first + 1] as number) - run.from);
      found.push({ index, side: 'front', seconds, worth: worthIn(first, 0) });
    }
    const work = workOf(table, runs, index);
    if (isRestart && work > 0 && work <= excess) {
      const saved = between(table, 'spent', run.level, run.from, run.to) - between(table, 'spent', 0, run.from, run.to);
      const sooner = isLast ? run.to - (runs[index - 1]?.to ?? question.now) : 0;
      const worth = (saved + question.timeValuePerSecond * sooner) / work;
      found.push({ index, side: 'whole', seconds: 0, worth });
    }
    return found;
  });
}

function lastSlotOf(table: SlotTable, { to }: Run): number {
  const slot = slotAt(table, to);
  return to > (table.edge[slot] as number) ? slot : slot - 1;
}

/** Lengthens runs that do too little where work costs least, at their ends; they may still do too little. */
export function extend(table: SlotTable, given: readonly Run[]): readonly Run[] {
  const runs = [...given];
  const { workLeft } = table.question;
  for (let round = 0; round < table.slotCount + given.length; round++) {
    const missing = workLeft - totalWork(table, runs);
    if (missing <= NOTHING * workLeft) break;
    const best = additions(table, runs, missing).reduce<Cut | undefined>(
      (one, other) => (one === undefined || other.worth < one.worth ? other : one),
      undefined,
    );
    if (best === undefined) break;
    apply(runs, { ...best, seconds: -best.seconds });
  }
  return runs;
}

function additions(table: SlotTable, runs: readonly Run[], missing: number): readonly Cut[] {
  const { edge, slotCount, rate, levelCount, question } = table;
  return runs.flatMap((run, index) => {
    const found: Cut[] = [];
    const pace = table.work[run.level] as number;
    const isLast = index === runs.length - 1;
    const before = runs[index - 1]?.to ?? question.now;
    const after = runs[index + 1]?.from ?? (edge[slotCount] as number);
    const worthIn = (slot: number, timeValue: number) =>
      ((rate[slot * levelCount + run.level] as number) - (rate[slot * levelCount] as number) + timeValue) / pace;
    if (after > run.to) {
      const slot = slotAt(table, run.to);
      const seconds = Math.min(missing / pace, after - run.to, (edge[slot + 1] as number) - run.to);
      found.push({ index, side: 'back', seconds, worth: worthIn(slot, isLast ? question.timeValuePerSecond : 0) });
    }
    if (run.from > before) {
      const slot = lastSlotOf(table, { ...run, to: run.from });
      const seconds = Math.min(missing / pace, run.from - Math.max(before, edge[slot] as number));
      found.push({ index, side: 'front', seconds, worth: worthIn(slot, 0) });
    }
    return found;
  });
}
