import type { SimulationResult } from '../../src/simulator/result.ts';
import { simulate } from '../../src/simulator/run.ts';
import { parseScenario, type ScenarioText } from '../../src/simulator/scenario.ts';
import type { Bench, Figures } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';

/** A restart as the trace's own simulator charges it on average, and one of minutes, as large models take. */
const RESTART_SECONDS = [30, 120] as const;
const POLICIES = ['Stepwise', 'GreedyShares'] as const;

/**
 * Deadlines in a pool that is paid for: the jobs of microsoft/elasticflow-traces whose model has a table of speeds
 * (120 of 195), fixed batch, 64 A100. Both policies are given these tables and pay the same restarts.
 */
export const b3: Bench = {
  key: 'b3',
  title: 'Deadlines met on 64 GPUs that are paid for, and GPU-hours, against greedy shares',
  async run(report) {
    const figures: Record<string, number> = {};
    for (const seconds of RESTART_SECONDS) {
      const [ours, greedy] = await Promise.all(
        POLICIES.map(async (policy) =>
          outcomeOf(await run(policy, seconds), (line) => report(`${seconds} s: ${line}`)),
        ),
      );
      if (ours === undefined || greedy === undefined) throw new Error('both policies were run');
      for (const [name, value] of Object.entries(compared(ours, greedy))) figures[`${name}Restart${seconds}`] = value;
    }
    return figures;
  },
};

interface Outcome {
  readonly jobs: number;
  readonly met: number;
  readonly late: number;
  readonly refused: number;
  readonly gpuHours: number;
  readonly rescalesPerJob: number;
}

function run(policy: (typeof POLICIES)[number], restartSeconds: number): Promise<SimulationResult> {
  const text: ScenarioText = {
    name: 'microsoft-195job',
    policy,
    restartSeconds,
    jobs: {
      format: 'ElasticFlow',
      file: '$STEPWISE_DATA/microsoft/195job.csv',
      profiles: '$STEPWISE_DATA/elasticflow/throughputs_A100',
      onlyProfiled: true,
    },
    pools: [{ name: 'a100', gpu: 'A100', gpusPerNode: 8, maxNodes: 8, kind: 'Paid', pricePerNodeHour: 32.77 }],
  };
  return simulate(parseScenario(text, { folder: '/', dataFolder: DATA_FOLDER }));
}

function outcomeOf({ scenario, jobs, totals, decisions }: SimulationResult, report: (line: string) => void): Outcome {
  const isMet = ({ finishedAt, deadline }: SimulationResult['jobs'][number]) =>
    finishedAt !== undefined && deadline !== undefined && finishedAt <= deadline;
  const refused = jobs.filter((job) => job.refused).length;
  const met = jobs.filter((job) => !job.refused && isMet(job)).length;
  const rescalesPerJob = totals.rescales / jobs.length;
  const { gpuHours } = totals;
  const outcome = { jobs: jobs.length, met, refused, late: jobs.length - refused - met, gpuHours, rescalesPerJob };
  const milliseconds = Math.max(...decisions.map((decision) => decision.milliseconds));
  report(
    `${scenario.policy}: ${met} of ${jobs.length} met, ${refused} refused, ${outcome.late} late after admission, ` +
      `${gpuHours.toFixed(0)} GPU-h, ${rescalesPerJob.toFixed(1)} rescales a job, decision ${milliseconds.toFixed(1)} ms at most`,
  );
  return outcome;
}

function compared(ours: Outcome, greedy: Outcome): Figures {
  return {
    jobs: ours.jobs,
    metOverGreedy: ours.met / greedy.met,
    metShare: ours.met / ours.jobs,
    lateAfterAdmission: ours.late,
    lateAfterAdmissionGreedy: greedy.late,
    gpuHoursOverGreedy: ours.gpuHours / greedy.gpuHours,
    gpuHoursPerMetOverGreedy: ours.gpuHours / ours.met / (greedy.gpuHours / greedy.met),
    rescalesPerJob: ours.rescalesPerJob,
  };
}
