import type { Bench, Figures } from './bench.ts';
import { fittedProfiles, JOB_COUNTS, timePollux } from './peers/pollux-time.ts';

/** How long the Pollux policy of its authors takes to decide, on 16 nodes of 4 T4. */
export const polluxBench: Bench = {
  key: 'pollux',
  title: 'Decision time of the Pollux policy (adaptdl-sched 0.2.11), processor seconds',
  run: polluxTimes,
};

/** The median of its decisions for each number of jobs, in one run with whatever it stands beside. */
export async function polluxTimes(report: (line: string) => void): Promise<Figures> {
  const profiles = await fittedProfiles();
  const figures: Record<string, number> = {};
  for (const count of JOB_COUNTS) {
    const { seconds, cpuSeconds, found, gpusGiven } = await timePollux(profiles, count);
    figures[`polluxCpuSeconds${count}`] = median(cpuSeconds);
    figures[`polluxSeconds${count}`] = median(seconds);
    report(`${count} jobs: ${found} of ${seconds.length} decisions fitted the cluster, ${gpusGiven} of 64 GPUs given`);
  }
  return figures;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
