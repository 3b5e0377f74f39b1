import * as highs from 'highs';
import { InputError } from '../input-error.ts';
import type { Scenario } from '../scenario.ts';
import type { ArrivingJob } from '../traces/arriving-job.ts';
import { mainPool, sizeOf, targetFor } from './layouts.ts';
import type { Fleet, Policy } from './policy.ts';
import { type HeldLayout, heldLayouts } from './static-oracle.ts';

/** The package's types are those of its CommonJS form; as an ES module its default export is the loader itself. */
const loadHighs = highs.default as unknown as typeof highs.default.default;

/** Beyond this HiGHS takes minutes. */
const MAX_CHOICES = 4000;
const MAX_SLOTS = 96;
const TIME_LIMIT_SECONDS = 60;
const RELATIVE_GAP = 0.005;
/** An hour late is as bad as so many GPU-hours: priced, as not every load can be in time. */
const LATENESS_GPUS = 64;

interface Choice {
  readonly job: number;
  readonly layout: HeldLayout;
  /** Seconds since the start. */
  readonly startsAt: number;
  /** First slot that it touches, and the first one after the end. */
  readonly from: number;
  readonly to: number;
  readonly value: number;
}

export interface OptimumOptions {
  readonly scenario: Scenario;
  readonly jobs: readonly ArrivingJob[];
}

/**
 * The best fixed layouts and starts of all jobs together, known beforehand: one binary variable for each job, layout
 * and slot to start in, GPUs counted in every slot, GPU-seconds and lateness least. Static: nothing is changed once it
 * runs. For small loads; refuses larger ones with an `InputError`.
 */
export async function optimumPolicy({ scenario, jobs }: OptimumOptions): Promise<Policy> {
  const pool = mainPool(scenario.pools);
  const choices = listChoices(scenario, jobs);
  if (choices.choices.length > MAX_CHOICES) {
    const fewer = Math.max(1, Math.floor((jobs.length * MAX_CHOICES) / choices.choices.length));
    throw new InputError(
      `policy: Optimum would have ${choices.choices.length} choices, at most ${MAX_CHOICES} can be solved; ` +
        `set jobs.first to ${fewer} or less`,
    );
  }
  const solver = await loadHighs();
  const solution = solver.solve(problemText(choices, jobs.length, sizeOf(pool)), {
    time_limit: TIME_LIMIT_SECONDS,
    mip_rel_gap: RELATIVE_GAP,
  });
  if (!('Columns' in solution)) throw new Error(`HiGHS found no plan: ${JSON.stringify(solution)}`);
  const chosen = new Map<string, Choice>();
  choices.choices.forEach((choice, index) => {
    const column = solution.Columns[`x${index}`];
    const name = jobs[choice.job]?.name;
    if (name !== undefined && column !== undefined && 'Primal' in column && column.Primal > 0.5)
      chosen.set(name, choice);
  });
  if (chosen.size < jobs.length) {
    throw new InputError(
      `policy: HiGHS found no plan for ${jobs.length} jobs in ${TIME_LIMIT_SECONDS} s; lower jobs.first`,
    );
  }
  return {
    name: 'Optimum',
    decide({ now, jobs: active, cluster }: Fleet) {
      let free = cluster.freeGpus(pool, now);
      const orders = active.flatMap((job) => {
        const choice = chosen.get(job.name);
        if (job.target !== undefined || choice === undefined) return [];
        const { layout, startsAt } = choice;
        if (now + 1e-6 < startsAt || layout.gpus > free) return [];
        free -= layout.gpus;
        const target = targetFor(job.arriving.world, pool, layout.gpus, layout.globalBatchSize);
        return [{ job, kind: 'Run' as const, target }];
      });
      return { orders };
    },
  };
}

interface Choices {
  readonly choices: readonly Choice[];
  readonly slotSeconds: number;
}

function listChoices(scenario: Scenario, jobs: readonly ArrivingJob[]): Choices {
  const pool = mainPool(scenario.pools);
  const layouts = jobs.map((job) => undominated(heldLayouts(job, pool)));
  const slowest = layouts.map((all) => Math.max(0, ...all.map(({ seconds }) => seconds)));
  const end = Math.max(...jobs.map((job, index) => job.deadline ?? job.submittedAt + (slowest[index] ?? 0)));
  // A slot is a whole number of planning intervals, as nothing starts between them but what has just come.
  const interval = scenario.planningIntervalSeconds;
  const slotSeconds = Math.max(1, Math.ceil(end / MAX_SLOTS / interval)) * interval;
  const choices = jobs.flatMap((job, index) => {
    const first = Math.floor(job.submittedAt / slotSeconds);
    const last = job.deadline === undefined ? first : Math.floor(job.deadline / slotSeconds);
    return (layouts[index] ?? []).flatMap((layout) => {
      const whole = layout.seconds + scenario.restartSeconds;
      return Array.from({ length: Math.max(1, last - first + 1) }, (_, delay): Choice => {
        const startsAt = Math.max(job.submittedAt, (first + delay) * slotSeconds);
        const finish = startsAt + whole;
        const hoursLate = Math.max(0, finish - (job.deadline ?? finish)) / 3600;
        const value = (layout.gpus * whole) / 3600 + hoursLate * LATENESS_GPUS;
        return { job: index, layout, startsAt, from: first + delay, to: Math.ceil(finish / slotSeconds), value };
      });
    });
  });
  return { choices, slotSeconds };
}

/** Without the layouts that are neither faster nor cheaper than another. */
function undominated(layouts: readonly HeldLayout[]): readonly HeldLayout[] {
  const byTime = [...layouts].sort((one, other) => one.seconds - other.seconds || one.gpuSeconds - other.gpuSeconds);
  let least = Number.POSITIVE_INFINITY;
  return byTime.filter(({ gpuSeconds }) => {
    const better = gpuSeconds < least;
    least = Math.min(least, gpuSeconds);
    return better;
  });
}

/** The problem in the CPLEX LP format. */
function problemText({ choices }: Choices, jobs: number, capacity: number): string {
  const named = choices.map((choice, index) => ({ choice, name: `x${index}` }));
  const sum = (terms: readonly string[]) => terms.join(' + ');
  const lines: string[] = ['Minimize', ` cost: ${sum(named.map(({ choice, name }) => `${choice.value} ${name}`))}`];
  lines.push('Subject To');
  for (let job = 0; job < jobs; job++) {
    lines.push(` j${job}: ${sum(named.flatMap(({ choice, name }) => (choice.job === job ? [name] : [])))} = 1`);
  }
  const slots = Math.max(...choices.map(({ to }) => to));
  for (let slot = 0; slot < slots; slot++) {
    const running = named.filter(({ choice }) => choice.from <= slot && slot < choice.to);
    if (running.length === 0) continue;
    lines.push(` s${slot}: ${sum(running.map(({ choice, name }) => `${choice.layout.gpus} ${name}`))} <= ${capacity}`);
  }
  return [...lines, 'Binary', ...named.map(({ name }) => ` ${name}`), 'End'].join('\n');
}
