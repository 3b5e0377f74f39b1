// The figures that the operator has to find out, measured without it: the same trainer once for each fixed batch.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { repositoryDirectory } from '../../deploy/dev/settings.ts';
import { median } from './e2e-results.ts';

export interface OfflineSweep {
  readonly overheadSeconds: number;
  readonly secondsPerSample: number;
  /** Of the batches that observed it well, at the same loss as the operator's last estimate. */
  readonly gradientNoiseScale: number;
  readonly runs: readonly OfflineRun[];
}

interface OfflineRun {
  readonly batch: number;
  readonly steps: number;
  readonly secondsPerStep: number;
  readonly noiseScaleSamples: number | null;
}

/** Enough steps for a mean step time within a percent or two; the noise scale needs the whole way to the target. */
const TIMED_SAMPLES = 65_536;

export async function sweepOffline(options: {
  readonly batches: readonly number[];
  readonly targetLoss: number;
}): Promise<OfflineSweep> {
  const timed = await sweep(options.batches, [
    '--target-loss=0',
    '--observe-every-steps=0',
    ...stopAfter(options.batches),
  ]);
  const middle = options.batches.filter((batch) => batch >= 256 && batch <= 512);
  const whole = await sweep(middle, [`--target-loss=${options.targetLoss}`]);
  const noise = whole.runs.flatMap(({ noiseScaleSamples }) => noiseScaleSamples ?? []);
  return {
    overheadSeconds: timed.wallFit.aSeconds,
    secondsPerSample: timed.wallFit.bSecondsPerSample,
    gradientNoiseScale: median(noise),
    runs: [...timed.runs, ...whole.runs],
  };
}

function stopAfter(batches: readonly number[]): string[] {
  return [`--max-steps=${Math.ceil(TIMED_SAMPLES / median(batches))}`];
}

interface Printed {
  readonly runs: readonly OfflineRun[];
  readonly wallFit: { readonly aSeconds: number; readonly bSecondsPerSample: number };
}

async function sweep(batches: readonly number[], trainerFlags: readonly string[]): Promise<Printed> {
  const script = path.join(repositoryDirectory, 'deploy/examples/char-lm/offline_sweep.py');
  const child = spawn('/usr/bin/python3', [script, ...batches.map(String), '--', ...trainerFlags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${script} ended with ${code}; run it by hand to see why`);
  return JSON.parse(printed) as Printed;
}
