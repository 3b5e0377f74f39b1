// The figures that the operator has to find out, measured without it: the same trainer, alone, at fixed batches.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryDirectory } from '../../deploy/dev/settings.ts';
import { TRAINER_PROTOCOL } from '../../src/api/trainer-protocol.ts';
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

const BATCH = 512;
/** 32,768 samples tell the square norm of the true gradient well, however noisy a batch of hundreds is. */
const PASSES = 64;
/** The first one under a new batch is not looked at. */
const STEPS = 5;

/** The noise scale at the end of a whole training, measured by a few huge steps from its last checkpoint. */
export async function measureNoiseScale(targetLoss: number): Promise<number> {
  const folder = new RunFolder('offline');
  const tuning = path.join(folder.path, 'tuning.json');
  const environment = {
    E2E_TRACE_FILE: folder.traceFile,
    STEPWISE_CHECKPOINT_DIR: folder.path,
    STEPWISE_METRICS_PORT: '0',
    STEPWISE_TUNING_FILE: tuning,
  };
  const script = path.join(repositoryDirectory, 'test/e2e/trainers/traced.py');
  const flags = [script, `--micro-batch-size=${BATCH}`, '--linger-seconds=0'];
  try {
    await runPython([...flags, `--target-loss=${targetLoss}`], environment);
    const steps = folder.trace().length;
    writeFileSync(tuning, JSON.stringify(hugeBatch()));
    await runPython(
      [...flags, '--target-loss=0', '--observe-every-steps=1', `--max-steps=${steps + STEPS}`],
      environment,
    );
    const { signal, trace } = momentsOf(
      folder
        .trace()
        .slice(steps)
        .flatMap(({ observation }) => observation ?? []),
    );
    return trace / signal;
  } finally {
    folder.remove();
  }
}

/** With a learning rate of next to nothing: the steps are to measure, not to train. */
function hugeBatch(): object {
  return {
    protocol: TRAINER_PROTOCOL,
    version: 1,
    globalBatchSize: BATCH * PASSES,
    microBatchSize: BATCH,
    gradientAccumulationSteps: PASSES,
    dataParallelSize: 1,
    learningRateScale: 1e-9,
    effectiveAt: 'nextStep',
    checkpointRequest: 0,
    reason: 'to measure the noise scale',
  };
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
