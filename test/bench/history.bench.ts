import { readFileSync } from 'node:fs';
import { mean } from '../../src/core/estimate/draws.ts';
import { highOf, lowOf } from '../../src/core/estimate/memory-belief.ts';
import { fitSamplesToTarget, samplesAt, type TargetReached } from '../../src/core/profile/samples-to-target.ts';
import type { Bench, Figures } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';

const FILE = `${DATA_FOLDER}/training/mlperf_training_runs.csv`;
const NAMES = { resnet: 'ResNet-50', bert: 'BERT' } as const;

/** Samples to the target of runs at a batch that the family never tried, against what MLPerf's runs took. */
export const history: Bench = {
  key: 'history',
  title: 'samples to target at a batch unseen, by MLPerf Training v2.0 (ResNet-50, BERT)',
  async run(report) {
    const figures: Record<string, number> = {};
    for (const [benchmark, name] of Object.entries(NAMES)) {
      const runs = runsOf(benchmark);
      for (const [figure, value] of Object.entries(figuresOf(runs, (line) => report(`${name} ${line}`)))) {
        figures[`${benchmark}${figure}`] = value;
      }
    }
    return figures;
  },
};

function runsOf(benchmark: string): readonly TargetReached[] {
  const [heads = [], ...rows] = readFileSync(FILE, 'utf8').trimEnd().split('\n').map(cellsOf);
  const cell = (row: readonly string[], name: string) => row[heads.indexOf(name)] ?? '';
  return rows.flatMap((row) => {
    const samples = cell(row, 'samples_to_stop');
    if (cell(row, 'benchmark') !== benchmark || cell(row, 'status') !== 'success' || samples === '') return [];
    return [{ globalBatchSize: Number(cell(row, 'global_batch_size')), samples: Number(samples) }];
  });
}

/** Names of systems hold commas and are then in quotes. */
function cellsOf(line: string): readonly string[] {
  return (line.match(/("[^"]*"|[^,]*)(,|$)/g) ?? []).map((cell) => cell.replace(/,$/, '').replaceAll('"', ''));
}

function figuresOf(runs: readonly TargetReached[], report: (line: string) => void): Figures {
  const batches = [...new Set(runs.map(({ globalBatchSize }) => globalBatchSize))].sort((one, other) => one - other);
  const whole = fitSamplesToTarget(runs);
  if (whole !== undefined) {
    const [samples, noise] = [Math.exp(whole.logSamples), Math.exp(whole.logNoiseScale)];
    report(`S(B) = ${samples.toPrecision(4)}·(1 + B/${noise.toFixed(0)}), ${batches.length} batches`);
  }
  const tested = (isTaught: (batch: number) => boolean) => {
    const taught = runs.filter(({ globalBatchSize }) => isTaught(globalBatchSize));
    return batches.filter((batch) => !isTaught(batch)).map((batch) => test(taught, runs, batch, report));
  };
  const leftOut = batches.flatMap((out) => tested((batch) => batch !== out));
  const middle = Math.floor(batches.length / 2);
  const below = tested((batch) => batch < (batches[middle] ?? 0));
  const above = tested((batch) => batch >= (batches[middle] ?? 0));
  const between = tested((batch) => batches.indexOf(batch) % 2 === 0);
  return {
    LeftOutError: meanError(leftOut),
    LeftOutCoverage: mean(leftOut.map(({ covered }) => covered)),
    UpperHalfUnseenError: meanError(below),
    LowerHalfUnseenError: meanError(above),
    EverySecondUnseenError: meanError(between),
  };
}

interface Tested {
  readonly error: number;
  /** Share of the runs that fell within the interval of 90 %. */
  readonly covered: number;
}

function test(
  taught: readonly TargetReached[],
  runs: readonly TargetReached[],
  batch: number,
  report: (line: string) => void,
): Tested {
  const curve = fitSamplesToTarget(taught);
  if (curve === undefined) return { error: Number.NaN, covered: Number.NaN };
  const took = runs.filter(({ globalBatchSize }) => globalBatchSize === batch).map(({ samples }) => samples);
  const belief = samplesAt(curve, batch);
  const error = Math.abs(Math.exp(belief.logMean) / mean(took) - 1);
  if (error > 0.3) report(`batch ${batch}: off by ${(100 * error).toFixed(0)} %, with ${taught.length} runs known`);
  const within = took.filter((samples) => samples >= lowOf(belief) && samples <= highOf(belief));
  return { error, covered: within.length / took.length };
}

function meanError(tests: readonly Tested[]): number {
  return mean(tests.map(({ error }) => error));
}
