import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { InputError } from './input-error.ts';

/** The policies that a scenario may name; the first is the operator's own decision code. */
export const POLICY_NAMES = [
  'Stepwise',
  'StaticAsRequested',
  'GreedyShares',
  'CarbonGreedy',
  'StaticOracle',
  'Optimum',
] as const;

const seconds = z.number().min(0);
const share = z.number().min(0).max(1);

const poolSchema = z.strictObject({
  name: z.string().min(1),
  gpu: z.string().min(1),
  gpusPerNode: z.int().min(1).max(64),
  /** Nodes that stay whether or not anything runs on them. */
  minNodes: z.int().min(0).default(0),
  maxNodes: z.int().min(1),
  pricePerNodeHour: z.number().min(0),
  /** `Elastic` launches nodes when wanted and releases idle ones; a `Paid` pool has all its nodes all the time. */
  kind: z.enum(['Elastic', 'Paid']),
  /** How a job is told its price: by whole nodes, or by its GPUs. The pool's own bill is always by node. */
  billing: z.enum(['Node', 'Gpu']).default('Node'),
  /** From asking for a node until its GPUs are usable. */
  provisioningSeconds: seconds.default(0),
  idleReleaseSeconds: seconds.default(0),
  zone: z.string().min(1).optional(),
  pue: z.number().min(1).default(1),
  /** Whether the rent includes the electricity, as that of a cloud does. */
  energyIncluded: z.boolean().default(true),
  idleWattsPerGpu: z.number().min(0).default(0),
  busyWattsPerGpu: z.number().min(0).default(0),
  /** Power of the node beside its GPUs. */
  hostWattsPerNode: z.number().min(0).default(0),
});
export type PoolSpec = z.infer<typeof poolSchema>;

const jobsSchema = z.strictObject({
  /** `Pollux`: batch may change; `ElasticFlow`: fixed batch, steps and deadline given. */
  format: z.enum(['Pollux', 'ElasticFlow']).default('Pollux'),
  file: z.string().min(1),
  /** Folder with one folder (Pollux) or one table (ElasticFlow) for each application. */
  profiles: z.string().min(1),
  /** Completion times that were published for these jobs; the deadline is so many times as long after the arrival. */
  deadlines: z.strictObject({ file: z.string().min(1), factor: z.number().positive() }).optional(),
  /** Leaves out jobs of an application that has no profile, instead of refusing the file. */
  onlyProfiled: z.boolean().default(false),
  /** Only so many of the file's first jobs. */
  first: z.int().min(1).optional(),
});

const optionsSchema = z.strictObject({
  /** Node launches that fail in these spans, in seconds since the start. */
  stockOuts: z.array(z.strictObject({ pool: z.string(), fromSeconds: seconds, toSeconds: seconds })).default([]),
  /** Mean number of interruptions of one node in an hour. */
  spotInterruptionsPerNodeHour: z.number().min(0).default(0),
  nodeLossesPerNodeHour: z.number().min(0).default(0),
});

const scenarioSchema = z.strictObject({
  name: z.string().min(1),
  seed: z.int().min(0).default(1),
  startsAt: z.iso.datetime({ offset: true }).default('2023-01-02T00:00:00Z'),
  currency: z.string().length(3).default('USD'),
  jobs: jobsSchema,
  pools: z.array(poolSchema).min(1),
  /** Hourly price and carbon, a CSV file for each zone. */
  energy: z.record(z.string(), z.string().min(1)).default({}),
  /** Checkpoint, end of the old workers and start of the new ones. */
  restartSeconds: seconds.default(30),
  /** From sending a batch to the first step with it. */
  reloadSeconds: seconds.default(2),
  checkpointEverySeconds: z.number().positive().default(600),
  planningIntervalSeconds: z.number().positive().default(60),
  scrapeIntervalSeconds: z.number().positive().default(30),
  scrapeLagSeconds: seconds.default(0),
  /** Relative standard deviation of a window's measured step time. */
  scrapeNoise: z.number().min(0).max(1).default(0.03),
  /** Relative standard deviation of one observed |g|². */
  gradientNoise: z.number().min(0).max(2).default(0.15),
  /** Share of the scrapes that are lost. */
  scrapeGapShare: share.default(0),
  /** Relative standard deviation of tomorrow's price and carbon forecast. */
  forecastNoise: z.number().min(0).default(0),
  policy: z.enum(POLICY_NAMES).default('Stepwise'),
  objective: z
    .strictObject({
      timeValuePerHour: z.number().min(0).default(0),
      /** What a tonne of CO2e counts beside money, in the scenario's currency. */
      carbonPricePerTonne: z.number().min(0).default(0),
      /** Whether the operator is told the hours of the pools' zones. */
      hours: z.enum(['Ignored', 'Followed']).default('Ignored'),
    })
    .default({ timeValuePerHour: 0, carbonPricePerTonne: 0, hours: 'Ignored' }),
  limits: z
    .strictObject({
      minimumGainFraction: share.optional(),
      cooldownSeconds: seconds.optional(),
      batchCooldownSeconds: seconds.optional(),
      maxBatchGrowthFactor: z.number().min(1).optional(),
      maxRescalesPerHour: z.int().min(0).optional(),
      maxGpus: z.int().min(1).optional(),
      /** Whether a job may stand still while hours are dear; only where the objective follows the hours. */
      canPause: z.boolean().optional(),
    })
    .default({}),
  options: optionsSchema.default({
    stockOuts: [],
    spotInterruptionsPerNodeHour: 0,
    nodeLossesPerNodeHour: 0,
  }),
  /** The run is cut off then. */
  maxSeconds: z
    .number()
    .positive()
    .default(90 * 24 * 3600),
});
export type Scenario = z.infer<typeof scenarioSchema>;
/** A scenario as it is written: what has a default may be left out. */
export type ScenarioText = z.input<typeof scenarioSchema>;

export interface ScenarioPlaces {
  /** Folder that relative paths start from. */
  readonly folder: string;
  /** What `$STEPWISE_DATA` stands for. */
  readonly dataFolder: string;
}

/** Reads a scenario (YAML or JSON). Throws an `InputError` that names the field and what it must be. */
export function readScenario(file: string, dataFolder: string): Scenario {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InputError(`${file} cannot be read; give the path of a scenario in YAML or JSON`, { cause: error });
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new InputError(`${file} is neither YAML nor JSON: ${reason}`, { cause: error });
  }
  return parseScenario(value, { folder: path.dirname(path.resolve(file)), dataFolder }, file);
}

/** Checks a scenario and resolves its paths. `origin` begins the message when something is wrong. */
export function parseScenario(value: unknown, places: ScenarioPlaces, origin = 'scenario'): Scenario {
  const parsed = scenarioSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap(problemsOf);
    throw new InputError(`${origin}: ${problems.join('; ')}`);
  }
  const scenario = withPaths(parsed.data, places);
  const wrong = contradictions(scenario);
  if (wrong.length > 0) throw new InputError(`${origin}: ${wrong.join('; ')}`);
  return scenario;
}

function problemsOf(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code !== 'unrecognized_keys') return [`${fieldOf(issue.path)}: ${issue.message}`];
  return issue.keys.map((key) => {
    return `${fieldOf([...issue.path, key])}: there is no such field; docs/guide/simulator.md shows those there are`;
  });
}

function fieldOf(steps: readonly PropertyKey[]): string {
  return steps.length === 0 ? 'the scenario' : steps.map(String).join('.');
}

function withPaths(scenario: Scenario, { folder, dataFolder }: ScenarioPlaces): Scenario {
  const resolve = (name: string) =>
    path.resolve(
      folder,
      name.replace(/^\$STEPWISE_DATA(?=\/|$)/, () => dataFolder),
    );
  const { jobs } = scenario;
  return {
    ...scenario,
    jobs: {
      ...jobs,
      file: resolve(jobs.file),
      profiles: resolve(jobs.profiles),
      ...(jobs.deadlines && { deadlines: { ...jobs.deadlines, file: resolve(jobs.deadlines.file) } }),
    },
    energy: Object.fromEntries(Object.entries(scenario.energy).map(([zone, file]) => [zone, resolve(file)])),
  };
}

function contradictions({ pools, energy, options }: Scenario): readonly string[] {
  const names = pools.map((pool) => pool.name);
  const repeated = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...repeated.map((name) => `pools: two are named ${name}; give each its own name`),
    ...pools.flatMap((pool, index) => [
      ...(pool.minNodes > pool.maxNodes
        ? [`pools.${index}.minNodes: ${pool.minNodes} is above maxNodes ${pool.maxNodes}; lower it`]
        : []),
      ...(pool.zone !== undefined && energy[pool.zone] === undefined
        ? [`pools.${index}.zone: energy names no file for ${pool.zone}; add one, or leave the zone out`]
        : []),
      ...(!pool.energyIncluded && pool.zone === undefined
        ? [`pools.${index}.energyIncluded: without a zone its electricity has no price; name a zone`]
        : []),
    ]),
    ...options.stockOuts.flatMap((stockOut, index) =>
      names.includes(stockOut.pool)
        ? []
        : [`options.stockOuts.${index}.pool: ${stockOut.pool} is no pool; there are ${names.join(', ')}`],
    ),
  ];
}
