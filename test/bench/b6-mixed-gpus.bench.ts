import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Coupling, type CouplingJob, type CouplingOption, couple } from '../../src/core/plan/couple.ts';
import { type Highs, highs, minimise } from '../support/solve-exactly.ts';
import type { Bench } from './bench.ts';
import { aRandom, between, type Random } from './random.ts';

const data = process.env['STEPWISE_DATA'] ?? '../shared/data';

/** Jobs per instance, and what the fleet has of each type as a share of what the jobs would like best. */
const JOBS = [16, 40, 160, 640];
const SUPPLY = [0.15, 0.3, 0.5, 0.8, 1.2];
const SEEDS = 10;

/** Times per size: enough for the compiler to have seen the code. */
const TIMED = 3;

/**
 * Currency per GPU-hour. AWS on demand, us-east-1, from the price file; it holds no P100, whose price is Google
 * Cloud's public list price in us-central1.
 */
function prices(): ReadonlyMap<string, number> {
  const file = readFileSync(path.join(data, 'prices/gpu_instance_prices.csv'), 'utf8');
  const rows = file.split('\n').map((line) => line.split(','));
  const priceOf = (instance: string) => Number(rows.find((row) => row[0] === 'aws' && row[2] === instance)?.[7]);
  return new Map([
    ['k80', priceOf('p2.xlarge')],
    ['p100', 1.46],
    ['v100', priceOf('p3.2xlarge')],
  ]);
}

/** Steps per second of one model at one batch size, by GPU type and then by number of GPUs. */
type Speeds = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The measured speeds of Gavel (Narayanan et al., OSDI 2020), workers of a job side by side. */
function throughputs(types: readonly string[]): ReadonlyMap<string, Speeds> {
  const models = new Map<string, Map<string, Map<number, number>>>();
  const file = readFileSync(path.join(data, 'gavel/isolated_throughputs.csv'), 'utf8');
  for (const line of file.trim().split('\n').slice(1)) {
    const [table, type = '', model, batch, scale, speed] = line.split(',');
    if (table !== 'simulation' || !types.includes(type) || !(Number(speed) > 0)) continue;
    const name = `${model} ${batch}`;
    const byType = models.get(name) ?? new Map<string, Map<number, number>>();
    models.set(name, byType);
    byType.set(type, (byType.get(type) ?? new Map<number, number>()).set(Number(scale), Number(speed)));
  }
  return models;
}

interface Fleet {
  readonly jobs: readonly CouplingJob[];
  readonly limits: readonly number[];
}

/**
 * A fleet of models drawn at random. A job runs 1 to 24 hours on one V100 and must end within 1.2 to 6 times that;
 * what would miss the deadline is not on offer. What finds no place is run elsewhere, at twice the cost of its
 * cheapest way: every instance has a solution, and no penalty in the sum hides what a choice costs too much.
 */
function aFleet(random: Random, size: number, supply: number): Fleet {
  const price = prices();
  const types = [...price.keys()];
  const models = [...throughputs(types).values()].filter((speeds) => speeds.get('v100')?.get(1) !== undefined);
  const wanted = types.map(() => 0);
  const jobs: CouplingJob[] = [];
  for (let index = 0; index < size; index++) {
    const speeds = models[Math.floor(random() * models.length)] ?? new Map<string, ReadonlyMap<number, number>>();
    const hours = between(random, 1, 24);
    const deadline = hours * between(random, 1.2, 6);
    const steps = hours * (speeds.get('v100')?.get(1) ?? Number.NaN);
    const options: CouplingOption[] = types.flatMap((type, resource) =>
      [...(speeds.get(type) ?? [])].flatMap(([gpus, speed]) => {
        const time = steps / speed;
        if (time > deadline) return [];
        return [{ cost: time * gpus * (price.get(type) ?? Number.NaN), uses: [{ resource, amount: gpus }] }];
      }),
    );
    const cheapest = options.reduce((best, option) => (option.cost < best.cost ? option : best));
    for (const { resource, amount } of cheapest.uses) wanted[resource] = (wanted[resource] ?? 0) + amount;
    jobs.push({
      key: `job-${String(index).padStart(4, '0')}`,
      options: [...options, { cost: 2 * cheapest.cost, uses: [] }],
    });
  }
  // The wishes gather on one type; the fleet has as many of each.
  const all = wanted.reduce((sum, gpus) => sum + gpus, 0);
  return { jobs, limits: types.map(() => Math.max(1, Math.round((supply * all) / types.length))) };
}

function optimum(solver: Highs, { jobs, limits }: Fleet) {
  const variables = jobs.flatMap(({ options }) => options.map(({ cost }) => ({ cost, upper: 1, integer: true })));
  let first = 0;
  const held: [number, number][][] = limits.map(() => []);
  const once = jobs.map(({ options }) => {
    const terms = options.map((_, index): [number, number] => [first + index, 1]);
    options.forEach(({ uses }, index) => {
      for (const { resource, amount } of uses) held[resource]?.push([first + index, amount]);
    });
    first += options.length;
    return { lower: 1, upper: 1, terms };
  });
  const within = held.map((terms, index) => ({ lower: 0, upper: limits[index] ?? 0, terms }));
  return minimise(solver, variables, [...once, ...within], { relativeGap: 1e-4, seconds: 30 });
}

function fits({ choice }: Coupling, { jobs, limits }: Fleet): boolean {
  const held = limits.map(() => 0);
  jobs.forEach(({ options }, index) => {
    for (const { resource, amount } of options[choice[index] ?? -1]?.uses ?? []) {
      held[resource] = (held[resource] ?? 0) + amount;
    }
  });
  return held.every((gpus, index) => gpus <= (limits[index] ?? 0) + 1e-9) && !choice.includes(undefined);
}

/** One instance, solved by us and by the solver. */
interface Duel {
  readonly excess: number;
  readonly gap: number;
  readonly ourMs: number;
  readonly solverMs: number;
  readonly isWrongBound: boolean;
  readonly isUnfit: boolean;
}

function duel(solver: Highs, fleet: Fleet): Duel {
  const ours = couple(fleet.jobs, fleet.limits);
  const startedAt = performance.now();
  for (let again = 0; again < TIMED; again++) couple(fleet.jobs, fleet.limits);
  const ourMs = (performance.now() - startedAt) / TIMED;
  const solverStartedAt = performance.now();
  const best = optimum(solver, fleet);
  const solverMs = performance.now() - solverStartedAt;
  if (best === undefined) throw new Error(`the solver found nothing for ${fleet.jobs.length} jobs`);
  return {
    excess: ours.cost / best.cost - 1,
    gap: ours.gap,
    ourMs,
    solverMs,
    // The solver stops at a gap of its own; what it found is what no bound may exceed.
    isWrongBound: ours.lowerBound > best.cost * (1 + 1e-9),
    isUnfit: !fits(ours, fleet),
  };
}

async function run(report: (line: string) => void) {
  const solver = await highs();
  const random = aRandom(6);
  const all: Duel[] = [];
  const figures: Record<string, number> = {};
  for (const size of JOBS) {
    const duels = SUPPLY.flatMap((supply) =>
      Array.from({ length: SEEDS }, () => duel(solver, aFleet(random, size, supply))),
    );
    all.push(...duels);
    const ourMs = mean(duels.map((one) => one.ourMs));
    const solverMs = mean(duels.map((one) => one.solverMs));
    figures[`ourMs${size}`] = ourMs;
    figures[`highsMs${size}`] = solverMs;
    report(
      `${size} jobs: at most ${percent(Math.max(...duels.map(({ excess }) => excess)))} above the optimum, ` +
        `proven ${percent(Math.max(...duels.map(({ gap }) => gap)))}; ` +
        `${ourMs.toFixed(1)} ms, HiGHS ${solverMs.toFixed(1)} ms`,
    );
  }
  return {
    ...figures,
    instances: all.length,
    maxExcess: Math.max(...all.map(({ excess }) => excess)),
    meanExcess: mean(all.map(({ excess }) => excess)),
    maxProvenGap: Math.max(...all.map(({ gap }) => gap)),
    wrongBounds: all.filter(({ isWrongBound }) => isWrongBound).length,
    unfit: all.filter(({ isUnfit }) => isUnfit).length,
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share: number) => `${(100 * share).toFixed(3)} %`;

export const b6: Bench = { key: 'b6', title: 'mixed GPU types: cost against the exact optimum', run };
