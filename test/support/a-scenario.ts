import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type PoolSpec, parseScenario, type Scenario, type ScenarioText } from '../../src/simulator/scenario.ts';

/** Step times a + b·m without exchange on one GPU, and 0.1 s of it on two; trainings of 1000 and 600 steps. */
const FILES: Readonly<Record<string, string>> = {
  'traces/tiny/placements.csv': `placement,local_bsz,step_time,sync_time
1,10,0.2,0.0
1,40,0.5,0.0
2,10,0.3,0.1
2,40,0.6,0.1
11,10,0.4,0.2
11,40,0.7,0.2
`,
  'traces/tiny/scalability.csv': `num_nodes,num_replicas,local_bsz,step_time,sync_time
4,4,10,0.6,0.4
4,8,10,0.7,0.5
`,
  'traces/tiny/validation-10.csv': `progress,iteration,metric,grad_sqr,grad_var
500,500,1,2.0,8.0
1000,1000,1,1.0,8.0
`,
  'traces/tiny/validation-40.csv': `progress,iteration,metric,grad_sqr,grad_var
500,200,1,2.0,8.0
1000,600,1,1.0,8.0
`,
  'jobs.csv': `name,time,application,num_replicas,batch_size
second,60,tiny,2,40
first,0,tiny,1,10
`,
  'deadlines.csv': `name,pollux_jct_s
first,200
second,400
`,
  'zone.csv': `datetime_utc,ci_direct_g_per_kwh,price_eur_per_mwh
2023-01-02T00:00:00Z,100,50
2023-01-02T01:00:00Z,200,
2023-01-02T02:00:00Z,300,70
`,
};

/** A folder with a tiny trace: one application, two jobs, three hours of one zone. `files` are added or replace some. */
export function aTraceFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'stepwise-trace-'));
  for (const [name, text] of Object.entries({ ...FILES, ...files })) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder;
}

export const A_POOL = {
  name: 'pool',
  gpu: 'T4',
  gpusPerNode: 2,
  maxNodes: 3,
  kind: 'Elastic',
  pricePerNodeHour: 7.2,
} as const;

export function aPoolSpec(parts: Partial<PoolSpec> = {}): PoolSpec {
  return {
    ...A_POOL,
    minNodes: 0,
    billing: 'Node',
    provisioningSeconds: 0,
    idleReleaseSeconds: 0,
    pue: 1,
    energyIncluded: true,
    idleWattsPerGpu: 0,
    busyWattsPerGpu: 0,
    hostWattsPerNode: 0,
    ...parts,
  };
}

/** Without noise of measurement and with short times, on the tiny trace. */
export function aScenario(parts: Partial<ScenarioText> = {}, folder = aTraceFolder()): Scenario {
  const text: ScenarioText = {
    name: 'tiny',
    jobs: { file: 'jobs.csv', profiles: 'traces' },
    pools: [A_POOL],
    restartSeconds: 0,
    planningIntervalSeconds: 10,
    scrapeIntervalSeconds: 10,
    policy: 'StaticAsRequested',
    ...parts,
  };
  return parseScenario(text, { folder, dataFolder: folder });
}
