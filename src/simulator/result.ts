/**
 * What `npm run simulate` writes to `result.json`. All instants are seconds since the start of the simulation, which
 * is `scenario.startsAt` on the calendar.
 */
export interface SimulationResult {
  readonly format: 'stepwise.dev/simulation/v1';
  readonly scenario: ScenarioFacts;
  readonly totals: Totals;
  readonly jobs: readonly JobResult[];
  readonly decisions: readonly DecisionRecord[];
  readonly series: Series;
}

export interface ScenarioFacts {
  readonly name: string;
  readonly policy: string;
  readonly seed: number;
  readonly currency: string;
  /** ISO 8601, UTC. */
  readonly startsAt: string;
  readonly pools: readonly {
    readonly name: string;
    readonly gpu: string;
    readonly gpusPerNode: number;
    readonly minNodes: number;
    readonly maxNodes: number;
    readonly pricePerNodeHour: number;
    readonly zone: string | undefined;
  }[];
}

export interface Totals {
  readonly jobs: number;
  readonly finished: number;
  readonly late: number;
  readonly refused: number;
  readonly gpuHours: number;
  /** GPUs of every node for as long as it was paid for. */
  readonly nodeBilledGpuHours: number;
  readonly cost: number;
  readonly energyKwh: number;
  /** Undefined where any of the electricity was drawn while no carbon intensity was known. */
  readonly co2eKg: number | undefined;
  readonly meanCompletionSeconds: number;
  readonly rescales: number;
  readonly batchChanges: number;
  /** 95th percentile over the jobs with a deadline of lateness ÷ (deadline − submission); 0 when none is late. */
  readonly latenessShare95: number;
  readonly simulatedSeconds: number;
}

export interface JobResult {
  readonly name: string;
  readonly application: string;
  readonly submittedAt: number;
  /** Undefined when it never ran. */
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly deadline: number | undefined;
  /** Whether an admitting policy refused it. */
  readonly refused: boolean;
  readonly gpuSeconds: number;
  /** Its share of the nodes that were paid for: idle GPUs of a node are shared by those on it. */
  readonly nodeBilledGpuSeconds: number;
  readonly cost: number;
  readonly energyKwh: number;
  /** Undefined as in the totals. */
  readonly co2eKg: number | undefined;
  /** Changes of workers, pool or nodes after the start, and pauses. */
  readonly rescales: number;
  readonly batchChanges: number;
  /** Node losses and spot interruptions. */
  readonly interruptions: number;
  /** Bounded: at most 20, evenly over the run. */
  readonly predictions: readonly Prediction[];
  /** Adjacent spans; waiting, restarting and paused ones included. */
  readonly allocation: readonly AllocationSpan[];
}

/** What was believed of a run's end at one instant; the intervals hold with probability 0.9. */
export interface Prediction {
  readonly at: number;
  /** When it will end. */
  readonly finish: { readonly value: number; readonly low: number; readonly high: number };
  /** What it will have cost by then, what it has cost so far included. */
  readonly cost: { readonly value: number; readonly low: number; readonly high: number };
}

export interface AllocationSpan {
  readonly from: number;
  readonly to: number;
  readonly state: 'Waiting' | 'Restarting' | 'Running' | 'Paused';
  readonly pool: string | undefined;
  readonly gpus: number;
  readonly globalBatchSize: number;
}

export interface DecisionRecord {
  readonly at: number;
  /** Wall-clock time of the decision on the machine that simulates. */
  readonly milliseconds: number;
  readonly jobs: number;
  /** Proven distance of the plan to the lower bound, as a share; undefined for policies that prove none. */
  readonly gap: number | undefined;
}

/** Sampled at most 2,000 times over the run. */
export interface Series {
  readonly pools: readonly {
    readonly at: number;
    readonly pool: string;
    readonly nodes: number;
    readonly gpusInUse: number;
  }[];
  readonly cost: readonly { readonly at: number; readonly cost: number }[];
  readonly energy: readonly {
    readonly at: number;
    readonly zone: string;
    readonly pricePerMwh: number | undefined;
    readonly carbonGramsPerKwh: number | undefined;
  }[];
}
