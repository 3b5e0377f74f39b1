// The figures that the operator has to find out, measured without it: the same trainer, alone, at fixed batches.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { repositoryDirectory } from '../../deploy/dev/settings.ts';
import { median } from './e2e-results.ts';
import { type GradientObservation, RunFolder } from './e2e-trace.ts';

const EXAMPLE = path.join(repositoryDirectory, 'deploy/examples/char-lm');
const SDK = path.join(repositoryDirectory, 'sdk/python/src');
/** Enough steps for a mean step time within a percent or two. */
const TIMED_SAMPLES = 65_536;

export interface StepTimeFit {
  readonly aSeconds: number;
  readonly bSecondsPerSample: number;
}

/** Step time a + b × batch, by the example's own sweep. */
export async function sweepStepTimes(batches: readonly number[]): Promise<StepTimeFit> {
  const steps = Math.ceil(TIMED_SAMPLES / median(batches));
  const script = path.join(EXAMPLE, 'offline_sweep.py');
  const flags = ['--target-loss=0', `--max-steps=${steps}`];
  const printed = await runPython([script, ...batches.map(String), '--', ...flags], {});
  return (JSON.parse(printed) as { wallFit: StepTimeFit }).wallFit;
}

export interface NoiseScale {
  readonly samples: number;
  /** Standard error of the square norm of the true gradient as a share of it: what is known no better, is not known. */
  readonly relativeError: number;
}

/** As many steps as the operator's memory of the noise scale holds on the whole. */
const NOISE_STEPS = 1000;
const BLOCKS = 10;

/** The noise scale at the end of a whole training at one batch, from every second step. */
export async function measureNoiseScale(batch: number, targetLoss: number): Promise<NoiseScale> {
  const folder = new RunFolder('offline');
  try {
    const script = path.join(repositoryDirectory, 'test/e2e/trainers/traced.py');
    const flags = [`--micro-batch-size=${batch}`, `--target-loss=${targetLoss}`, '--linger-seconds=0'];
    await runPython([script, ...flags, '--observe-every-steps=2'], {
      E2E_TRACE_FILE: folder.traceFile,
      STEPWISE_METRICS_PORT: '0',
      STEPWISE_TUNING_FILE: path.join(folder.path, 'none.json'),
    });
    const seen = folder.trace().slice(-NOISE_STEPS);
    return noiseScaleOf(seen.flatMap(({ observation }) => observation ?? []));
  } finally {
    folder.remove();
  }
}

function noiseScaleOf(observations: readonly GradientObservation[]): NoiseScale {
  const all = momentsOf(observations);
  const size = Math.ceil(observations.length / BLOCKS);
  const blocks = Array.from({ length: BLOCKS }, (_, nth) => observations.slice(nth * size, (nth + 1) * size));
  const signals = blocks.filter((block) => block.length > 0).map((block) => momentsOf(block).signal);
  const variance = mean(signals.map((signal) => (signal - all.signal) ** 2)) / Math.max(1, signals.length - 1);
  return { samples: all.trace / all.signal, relativeError: Math.sqrt(variance) / Math.abs(all.signal) };
}

/** |G|² and tr Σ (McCandlish et al. 2018, appendix A.1). */
function momentsOf(observations: readonly GradientObservation[]): { readonly signal: number; readonly trace: number } {
  const small = mean(observations.map((seen) => seen.small_square_norm));
  const large = mean(observations.map((seen) => seen.large_square_norm));
  const { small_batch_size: few = Number.NaN, large_batch_size: many = Number.NaN } = observations[0] ?? {};
  return { signal: (many * large - few * small) / (many - few), trace: (small - large) / (1 / few - 1 / many) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function runPython(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn('/usr/bin/python3', [...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, PYTHONPATH: `${SDK}:${EXAMPLE}`, ...environment },
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`python3 ${args.join(' ')} ended with ${code}; run it by hand to see why`);
  return printed;
}
