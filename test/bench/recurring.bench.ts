import { readFileSync } from 'node:fs';
import { mean } from '../../src/core/estimate/draws.ts';
import {
  type Attempt,
  bestKnownCost,
  GIVE_UP_FACTOR,
  nextBatch,
  nextPowerLimit,
  type RecurringFamily,
} from '../../src/core/profile/recurring.ts';
import { uniformNumbers } from '../../src/simulator/random.ts';
import type { Bench } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';

const FOLDER = `${DATA_FOLDER}/training`;
const SEEDS = 10;
const RECURRENCES = 20;
const LAST = 5;
/** Energy and time count half each, time at the GPU's highest power: the objective of Zeus's experiments. */
const ENERGY_SHARE = 0.5;
/** A run that is not given up for its cost ends here; the longest that came to its target took 216. */
const MOST_EPOCHS = 250;

/** Targets and first batches of Zeus's experiments (NSDI 2023, table 1). */
const TRAININGS = [
  { dataset: 'cifar100', optimizer: 'adadelta', target: 0.6, first: 1024 },
  { dataset: 'librispeech', optimizer: 'adamw', target: 40, first: 192 },
  { dataset: 'squad', optimizer: 'adamw', target: 84, first: 32 },
] as const;
const GPUS = [
  { file: 'v100', watts: 250 },
  { file: 'rtx6000', watts: 260 },
] as const;

/** Recurring trainings on Zeus's traces: what they cost over what an oracle pays that knows all means. */
export const recurring: Bench = {
  key: 'recurring',
  title: "recurring trainings explore batch and power limit on Zeus's traces",
  async run(report) {
    const figures: Record<string, number> = {};
    const all: { readonly first20: number; readonly last5: number; readonly fixed: number }[] = [];
    for (const gpu of GPUS) {
      const ratios = TRAININGS.map((training) => {
        const world = worldOf(training, gpu);
        const runs = Array.from({ length: SEEDS }, (_, seed) => recur(world, seed + 1));
        const first20 = mean(runs.map(({ ratios: each }) => mean(each)));
        const last5 = mean(runs.map(({ ratios: each }) => mean(each.slice(-LAST))));
        const failed = mean(runs.map(({ failures }) => failures));
        const fixed = world.costOf(world.first, gpu.watts) / world.oracle;
        const words = `first ${RECURRENCES} ${first20.toFixed(3)}, last ${LAST} ${last5.toFixed(3)}, fixed ${fixed.toFixed(3)}`;
        report(
          `${gpu.file} ${training.dataset}: ${words}, ${failed.toFixed(1)} runs in vain, last batches ${runs.map(({ batch }) => batch).join(' ')}`,
        );
        return { first20, last5, fixed };
      });
      figures[`${gpu.file}First20`] = geometricMean(ratios.map(({ first20 }) => first20));
      figures[`${gpu.file}Last5`] = geometricMean(ratios.map(({ last5 }) => last5));
      figures[`${gpu.file}UserDefault`] = geometricMean(ratios.map(({ fixed }) => fixed));
      all.push(...ratios);
    }
    figures['first20'] = geometricMean(all.map(({ first20 }) => first20));
    figures['last5'] = geometricMean(all.map(({ last5 }) => last5));
    return figures;
  },
};

interface World {
  readonly batches: readonly number[];
  readonly first: number;
  readonly limits: readonly number[];
  /** Epochs of the recorded runs; infinite for one that never came to its target. */
  readonly epochsOf: (batch: number) => readonly number[];
  readonly epochCost: (batch: number, watts: number) => number;
  readonly costOf: (batch: number, watts: number) => number;
  readonly oracle: number;
}

function worldOf(training: (typeof TRAININGS)[number], gpu: (typeof GPUS)[number]): World {
  const epochs = new Map<number, number[]>();
  for (const row of rowsOf(`${FOLDER}/zeus_summary_train.csv`)) {
    if (row['dataset'] !== training.dataset || Number(row['target_metric']) !== training.target) continue;
    const reached = Number(row['target_epoch']);
    const batch = Number(row['batch_size']);
    epochs.set(batch, [...(epochs.get(batch) ?? []), reached > 0 ? reached : Number.POSITIVE_INFINITY]);
  }
  const costs = new Map<string, number>();
  for (const row of rowsOf(`${FOLDER}/zeus_summary_power_${gpu.file}.csv`)) {
    if (row['dataset'] !== training.dataset || row['optimizer'] !== training.optimizer) continue;
    const power = ENERGY_SHARE * Number(row['average_power']) + (1 - ENERGY_SHARE) * gpu.watts;
    costs.set(`${row['batch_size']}/${row['power_limit']}`, Number(row['time_per_epoch']) * power);
  }
  const inOrder = (values: Iterable<number>) => [...new Set(values)].sort((one, other) => one - other);
  const limits = inOrder([...costs.keys()].map((key) => Number(key.split('/')[1])));
  const batches = inOrder(epochs.keys()).filter((batch) => limits.every((watts) => costs.has(`${batch}/${watts}`)));
  const epochCost = (batch: number, watts: number) => costs.get(`${batch}/${watts}`) ?? Number.NaN;
  const epochsOf = (batch: number) => epochs.get(batch) ?? [];
  const costOf = (batch: number, watts: number) => mean(epochsOf(batch)) * epochCost(batch, watts);
  const oracle = Math.min(...batches.flatMap((batch) => limits.map((watts) => costOf(batch, watts))));
  // Where the first batch was not timed, the largest that was.
  const first = batches.filter((batch) => batch <= training.first).at(-1) ?? training.first;
  return { batches, first, limits, epochsOf, epochCost, costOf, oracle };
}

interface Recurred {
  /** Cost over the oracle's of each recurrence, tries in vain included. */
  readonly ratios: readonly number[];
  readonly failures: number;
  readonly batch: number;
}

function recur(world: World, seed: number): Recurred {
  const uniform = uniformNumbers(seed);
  const attempts: Attempt[] = [];
  const measured = new Map<number, Map<number, number>>();
  const ratios: number[] = [];
  const familyNow = (): RecurringFamily => ({
    attempts,
    epochCosts: [...measured].map(([globalBatchSize, costs]) => ({
      globalBatchSize,
      cost: Math.min(...costs.values()),
    })),
    initialGlobalBatchSize: world.first,
    batches: world.batches,
  });
  for (let recurrence = 0; recurrence < RECURRENCES; recurrence++) {
    let spent = 0;
    for (let isDone = false; !isDone; ) {
      const family = familyNow();
      const batch = nextBatch(family);
      const known = world.epochsOf(batch);
      const needed = known[Math.floor(uniform() * known.length)] ?? Number.POSITIVE_INFINITY;
      const limit = GIVE_UP_FACTOR * (bestKnownCost(family) ?? Number.POSITIVE_INFINITY);
      const tried = train(world, batch, needed, limit, measured);
      spent += tried.cost;
      isDone = tried.isDone;
      attempts.push({ globalBatchSize: batch, epochs: tried.isDone ? needed : undefined });
    }
    ratios.push(spent / world.oracle);
  }
  const failures = attempts.filter(({ epochs }) => epochs === undefined).length;
  return { ratios, failures, batch: attempts.at(-1)?.globalBatchSize ?? Number.NaN };
}

/** One run, pass by pass, each under the power limit that is to be tried or is the cheapest known. */
function train(
  world: World,
  batch: number,
  needed: number,
  mostCost: number,
  measured: Map<number, Map<number, number>>,
): { readonly cost: number; readonly isDone: boolean } {
  const nearest = [...measured.keys()].sort(
    (one, other) => Math.abs(Math.log(one / batch)) - Math.abs(Math.log(other / batch)),
  )[0];
  const costs = measured.get(batch) ?? new Map<number, number>();
  const first = nearest === undefined ? world.limits.at(-1) : cheapest(measured.get(nearest));
  measured.set(batch, costs);
  let cost = 0;
  for (let epoch = 0; epoch < Math.min(needed, MOST_EPOCHS); epoch++) {
    if (cost >= mostCost) return { cost, isDone: false };
    const known = [...costs].map(([watts, each]) => ({ watts, cost: each }));
    const watts = nextPowerLimit(known, world.limits, first ?? Number.NaN);
    const spent = world.epochCost(batch, watts);
    costs.set(watts, spent);
    cost += spent;
  }
  return { cost, isDone: needed <= MOST_EPOCHS };
}

function cheapest(costs: ReadonlyMap<number, number> | undefined): number | undefined {
  return [...(costs ?? [])].sort(([, one], [, other]) => one - other)[0]?.[0];
}

function rowsOf(file: string): readonly Readonly<Record<string, string>>[] {
  const [heads = [], ...rows] = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  return rows.map((row) => Object.fromEntries(heads.map((head, place) => [head, row[place] ?? ''])));
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map(Math.log)));
}
