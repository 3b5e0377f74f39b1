import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { parseGpuPool, parseScalingPolicy, parseTrainingProfile } from '../../../src/api/parse.ts';
import type { TrainingProfile } from '../../../src/api/training-profile.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { say } from '../../support/a-terminal.ts';
import { aTrainingJob } from '../../support/a-training-job.ts';

const root = path.join(import.meta.dirname, '../../..');
const PLANNED = path.join(root, 'deploy/examples/plan/job-and-pools.yaml');
const OBSERVED = path.join(root, 'deploy/examples/advise/runs-and-pools.yaml');
const PROFILE = path.join(root, 'deploy/examples/training-profile.yaml');

/** Compares with test/golden/cli; UPDATE_GOLDEN=1 writes it anew. */
function expectGolden(output: string, name: string): void {
  const file = path.join(root, 'test/golden/cli', name);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, output);
  expect(output).to.equal(readFileSync(file, 'utf8'));
}

const planned = () => readFileSync(PLANNED, 'utf8');

describe('kubectl stepwise plan', () => {
  it('tells what each placement costs and takes', async () => {
    const { exitCode, output, error } = await say(['plan', '-f', PLANNED]);
    expectGolden(output, 'plan.txt');
    expect(error).to.equal('');
    expect(exitCode).to.equal(0);
  });

  it('tells more with -o wide', async () => {
    expectGolden((await say(['plan', '-f', PLANNED, '-o', 'wide'])).output, 'plan-wide.txt');
  });

  it('is read by programs with -o json and -o yaml, which say the same', async () => {
    const json = JSON.parse((await say(['plan', '-f', PLANNED, '-o', 'json'])).output);
    const yaml = parse((await say(['plan', '-f', PLANNED, '-o', 'yaml'])).output);
    expect(yaml).to.deep.equal(json);
    expect(json.options[0]).to.include({ verdict: 'Chosen', pool: 't4', workers: 1, globalBatchSize: 64 });
    expect(json.options[0].cost.currency).to.equal('USD');
    expect(json.options[0].cost.low).to.be.lessThan(json.options[0].cost.high);
  });

  it('reads the standard input', async () => {
    expectGolden((await say(['plan', '-f', '-'], { input: planned() })).output, 'plan.txt');
  });

  it('reads what kubectl get -o yaml writes of several objects', async () => {
    const items = planned()
      .split('---\n')
      .map((text) => parse(text));
    const kept = { uid: 'a', resourceVersion: '7', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' };
    for (const item of items) Object.assign(item.metadata, kept, { managedFields: [{ manager: 'kubectl' }] });
    const input = stringify({ apiVersion: 'v1', kind: 'List', items, metadata: { resourceVersion: '' } });
    expectGolden((await say(['plan', '-f', '-'], { input })).output, 'plan.txt');
  });

  it('ends with 3 and the earliest deadline where the deadline cannot be kept', async () => {
    const hurried = planned().replace('  objective:', '  objective:\n    deadline: "2026-01-01T00:30:00Z"');
    const { exitCode, output } = await say(['plan', '-f', '-'], { input: hurried });
    expect(exitCode).to.equal(3);
    expect(output).to.match(
      /No start keeps the deadline 2026-01-01T00:30:00Z\. The earliest that can be kept: 2026-01-01T0/,
    );
    expect(output).to.contain('MissesDeadline');
  });

  it('ends with 3 and what it needs where the model does not fit', async () => {
    const large = planned().replace('layers: 12', 'layers: 480').replace('hiddenSize: 768', 'hiddenSize: 4096');
    const { exitCode, output } = await say(['plan', '-f', '-'], { input: large });
    expect(exitCode).to.equal(3);
    expect(output).to.match(/^Not possible:/);
    expect(output).to.match(/t4 +NoMemory +one sample needs \d+\.\d GiB/);
  });

  it('says what to set where nothing is known', async () => {
    const input = planned().replace(/ {2}prediction:[\s\S]*?---/, '---');
    const { exitCode, output } = await say(['plan', '-f', '-'], { input });
    expect(exitCode).to.equal(3);
    expect(output).to.contain('Set spec.prediction.model, or spec.prediction.family');
  });

  it('asks the cluster for what the file does not hold', async () => {
    const [job = '', ...pools] = planned().split('---\n');
    const surroundings = async (namespace: string) => {
      expect(namespace).to.equal('team');
      return { pools: pools.map((text) => parsePool(text)), policies: [], profiles: [] };
    };
    const { output } = await say(['plan', '-f', '-'], { input: job, cluster: { surroundings } });
    expectGolden(output, 'plan.txt');
  });
});

describe('a job that kubectl stepwise plan is to find surroundings for', () => {
  const misnamed = () => planned().replace('{ name: a100 }]', '{ name: a1000 }]');

  it('says which pool is in no file where no cluster can be asked', async () => {
    const unreachable = new KubeError({ reason: 'ConnectionFailed', message: 'list: connect ECONNREFUSED' });
    const surroundings = () => Promise.reject(unreachable);
    const said = await say(['plan', '-f', '-'], { input: misnamed(), cluster: { surroundings } });
    expect(said.error).to.match(/pool a1000 is in none of the files, which hold t4 and a100, so the cluster was asked/);
    expect(said.error).to.match(/the cluster cannot be reached: .*ECONNREFUSED/);
    expect(said.exitCode).to.equal(4);
  });

  it('plans on what is known where the cluster has no such pool, and says so', async () => {
    const { output, exitCode } = await say(['plan', '-f', '-'], { input: misnamed(), cluster: {} });
    expect(output).to.match(/a1000 +NothingKnown +there is no GPUPool a1000/);
    expect(exitCode).to.equal(0);
  });

  it('is judged by the ScalingPolicy of the namespace that it would go to', async () => {
    const [job = '', ...pools] = planned().split('---\n');
    const stingy = parseScalingPolicy({
      apiVersion: 'stepwise.dev/v1alpha1',
      kind: 'ScalingPolicy',
      metadata: { name: 'stingy' },
      spec: { namespaces: ['team'], maxPricePerHour: '0.6' },
    });
    const surroundings = async () => ({ pools: pools.map(parsePool), policies: [stingy], profiles: [] });
    const { output } = await say(['plan', '-f', '-'], { input: job, cluster: { surroundings } });
    expect(output).to.match(/a100 +TooDear/);
  });
});

function parsePool(text: string) {
  const pool = parse(text);
  return { ...pool, spec: { ...pool.spec, cost: { billing: 'Node', currency: 'USD', ...pool.spec.cost } } };
}

describe('kubectl stepwise advise', () => {
  const priced = ['--price-per-kwh', '0.21'];

  it('tells what a larger batch and other hardware would come to', async () => {
    const { exitCode, output, error } = await say(['advise', '-f', OBSERVED, ...priced]);
    expectGolden(output, 'advise.txt');
    expect(error).to.equal('');
    expect(exitCode).to.equal(0);
  });

  it('tells the figures beside with -o wide', async () => {
    expectGolden((await say(['advise', '-f', OBSERVED, '-o', 'wide', ...priced])).output, 'advise-wide.txt');
  });

  it('is read by programs with -o json and -o yaml, which say the same', async () => {
    const json = JSON.parse((await say(['advise', '-f', OBSERVED, '-o', 'json', ...priced])).output);
    const yaml = parse((await say(['advise', '-f', OBSERVED, '-o', 'yaml', ...priced])).output);
    expect(yaml).to.deep.equal(json);
    expect(json.advice[0]).to.include({ subject: 'Batch', verdict: 'Cheaper', currency: 'USD' });
  });

  it('says what it would need to know of metered electricity', async () => {
    const { output } = await say(['advise', '-f', OBSERVED]);
    expect(output).to.match(/own-l4 instead of t4 +own-l4: its electricity is metered/);
    expect(output).to.contain('--price-per-kwh gives the price');
  });

  it('asks the cluster for the runs where the file holds pools alone, and for all without a file', async () => {
    const [runs = '', ...pools] = readFileSync(OBSERVED, 'utf8').split('---\n');
    const profiles = [parseTrainingProfile(parse(runs))];
    const cluster = (known: string[]) => ({
      surroundings: async () => ({ pools: known.map((text) => parseGpuPool(parse(text))), policies: [], profiles }),
    });
    const filled = await say(['advise', '-f', '-', ...priced], { input: pools.join('---\n'), cluster: cluster([]) });
    expectGolden(filled.output, 'advise.txt');
    expectGolden((await say(['advise', ...priced], { cluster: cluster(pools) })).output, 'advise.txt');
  });

  it('gives none where nothing was run', async () => {
    const { output, exitCode } = await say(['advise'], { cluster: {} });
    expect(output).to.match(/^No advice: what was observed does not tell enough\./);
    expect(output).to.contain('two runs of a family at least');
    expect(exitCode).to.equal(0);
  });
});

describe('what kubectl stepwise says of mistakes', () => {
  const mistakes: Record<string, { words: string[]; input?: string; exitCode: number; says: RegExp }> = {
    'a file that is not there': {
      words: ['plan', '-f', '/no/such/file.yaml'],
      exitCode: 2,
      says: /file\.yaml: there is no such file; check what was given with -f/,
    },
    'a file that is no YAML': {
      words: ['plan', '-f', '-'],
      input: 'spec: [1, 2',
      exitCode: 2,
      says: /- is no YAML: .* at line 1/s,
    },
    'an empty file': {
      words: ['plan', '-f', '-'],
      input: '',
      exitCode: 2,
      says: /is empty: put a TrainingJob into it/,
    },
    'an object of no use': {
      words: ['plan', '-f', '-'],
      input: 'kind: Pod',
      exitCode: 2,
      says: /kind Pod, which is of no use here: TrainingJob, GPUPool/,
    },
    'an alias without its anchor': {
      words: ['plan', '-f', '-'],
      input: 'kind: TrainingJob\nmetadata: *missing',
      exitCode: 2,
      says: /- is no YAML: Unresolved alias .*: missing/,
    },
    'a list that holds nothing of a kind': {
      words: ['plan', '-f', '-'],
      input: 'kind: List\nitems: [null, 1]',
      exitCode: 2,
      says: /holds something without a kind, which is of no use here/,
    },
    'a folder': {
      words: ['plan', '-f', root],
      exitCode: 2,
      says: /it is a folder, name the files in it; check what was given with -f/,
    },
    'no job': {
      words: ['plan', '-f', PROFILE],
      exitCode: 2,
      says: /no TrainingJob is in the files given with -f: add one/,
    },
    'two jobs': {
      words: ['plan', '-f', PLANNED, PLANNED],
      exitCode: 2,
      says: /one TrainingJob at a time: give it a file of its own/,
    },
    'a field that does not exist': {
      words: ['plan', '-f', '-'],
      input: planned().replace('maxReplicas', 'maxReplika'),
      exitCode: 2,
      says: /spec\.elasticity\.maxReplika is no field of a TrainingJob; kubectl explain trainingjob\.spec\.elasticity/,
    },
    'a value that cannot be': {
      words: ['plan', '-f', '-'],
      input: planned().replace('initial: 64', 'initial: many'),
      exitCode: 2,
      says: /spec\.batch\.globalBatchSize\.initial[\s\S]*Mend the fields named above/,
    },
    'no file at all': { words: ['plan'], exitCode: 2, says: /required option '-f, --filename/ },
    'a format that does not exist': {
      words: ['plan', '-f', PLANNED, '-o', 'xml'],
      exitCode: 2,
      says: /Allowed choices are table, wide, json, yaml/,
    },
    'a price that is none': {
      words: ['advise', '--price-per-kwh', 'cheap'],
      exitCode: 2,
      says: /--price-per-kwh is cheap: give an amount of money, 0 or more, such as 0\.21/,
    },
    'a command that does not exist': { words: ['plann'], exitCode: 2, says: /unknown command 'plann'[\s\S]*plan/ },
  };
  for (const [name, { words, input, exitCode, says }] of Object.entries(mistakes)) {
    it(name, async () => {
      const said = await say(words, input === undefined ? {} : { input });
      expect(said.error).to.match(says);
      expect(said.output).to.equal('');
      expect(said.exitCode).to.equal(exitCode);
    });
  }

  const refusals: Record<string, { error: KubeError; exitCode: number; says: RegExp }> = {
    'an unreachable cluster': {
      error: new KubeError({ reason: 'ConnectionFailed', message: 'get trainingjobs: connect ECONNREFUSED' }),
      exitCode: 4,
      says: /the cluster cannot be reached: .*ECONNREFUSED\ncheck the cluster with kubectl version/,
    },
    'missing rights': {
      error: new KubeError({ status: 403, reason: 'Forbidden', message: 'User "eve" cannot get trainingjobs' }),
      exitCode: 5,
      says: /User "eve" cannot get trainingjobs\nask whoever administers the cluster for that right/,
    },
    'credentials that have run out': {
      error: new KubeError({ status: 401, reason: 'Unauthorized', message: 'Unauthorized' }),
      exitCode: 5,
      says: /renew the credentials/,
    },
  };
  for (const [name, { error, exitCode, says }] of Object.entries(refusals)) {
    it(name, async () => {
      const job = () => Promise.reject(error);
      const said = await say(['explain', 'bert'], { cluster: { job } });
      expect(said.error).to.match(says);
      expect(said.exitCode).to.equal(exitCode);
    });
  }
});

describe('kubectl stepwise explain', () => {
  const job = aTrainingJob({
    annotations: {},
    status: {
      state: 'Running',
      pool: 't4',
      workers: '2/2',
      startTime: '2025-12-31T22:00:00Z',
      summary: { progress: '42%', eta: '3h10m' },
      cost: { currency: 'USD', accrued: '4.2', toTarget: { value: '5.8', low: '5.1', high: '6.9' } },
      eta: { seconds: 11_400 },
      prediction: {
        madeAt: '2025-12-31T21:59:00Z',
        source: 'Family',
        cost: { value: '9.5', low: '8', high: '11' },
        seconds: { value: '18000', low: '15000', high: '21000' },
      },
      estimate: {
        overheadSecondsPerMicroStep: { value: '0.0512', low: '0.049', high: '0.0531' },
        gradientNoiseScale: { value: '2140', low: '1800', high: '2600' },
      },
      recommendation: {
        replicas: 2,
        options: [
          {
            pool: 't4',
            replicas: 2,
            globalBatchSize: 512,
            costToTarget: { value: '5.8', low: '5.1', high: '6.9' },
            eta: { seconds: 11_400 },
            meetsDeadline: true,
            verdict: 'Chosen',
          },
          { pool: 't4', replicas: 4, globalBatchSize: 512, meetsDeadline: true, verdict: 'Dearer' },
        ],
      },
      decisions: [
        { time: '2025-12-31T22:00:00Z', action: 'Start', reason: 'Started', message: 'started as asked: 2 workers' },
        {
          time: '2025-12-31T23:59:50Z',
          action: 'ChangeBatch',
          reason: 'CheaperBatch',
          message: 'global batch 256→512: saves 11% to finish',
        },
      ],
      bookkeeping: { lastBatchChangeTime: '2025-12-31T23:59:50Z', lastRescaleTime: '2025-12-31T22:00:00Z' },
    },
  });

  it('tells the decisions, what they rest on, what else was weighed and when the next may come', async () => {
    const { output, exitCode } = await say(['explain', 'bert'], { cluster: { job: async () => job } });
    expectGolden(output, 'explain.txt');
    expect(exitCode).to.equal(0);
  });

  it('is read by programs', async () => {
    const { output } = await say(['explain', 'bert', '-o', 'json'], { cluster: { job: async () => job } });
    expect(JSON.parse(output).nextChange).to.deep.equal({
      workers: '2025-12-31T22:02:00Z',
      batch: '2026-01-01T00:00:20Z',
    });
  });
});

describe('kubectl stepwise profile', () => {
  const example = () => parseTrainingProfile(parse(readFileSync(PROFILE, 'utf8')));

  it('exports what can be imported again, and nothing that belongs to one cluster', async () => {
    const stored = { ...example(), metadata: { name: 'bert-pretraining', namespace: 'team', uid: 'x' } };
    const { output } = await say(['profile', 'export', 'bert-pretraining'], {
      cluster: { profile: async () => stored },
    });
    expect(parse(output).metadata).to.deep.equal({ name: 'bert-pretraining' });
    expect(parseTrainingProfile(parse(output)).spec).to.deep.equal(example().spec);
  });

  it('imports the runs beside those that are known, each once', async () => {
    const [run] = example().spec.runs;
    if (run === undefined) throw new Error('the example has a run');
    const known = { ...example(), spec: { runs: [run, { ...run, uid: 'another' }] } };
    const stored: TrainingProfile['spec']['runs'][] = [];
    const cluster = {
      profile: async () => known,
      storeRuns: async (_: string, before: unknown, runs: TrainingProfile['spec']['runs']) => {
        expect(before).to.equal(known);
        stored.push(runs);
      },
    };
    const { output } = await say(['profile', 'import', '-f', PROFILE], { cluster });
    expect(output).to.equal('trainingprofile/bert-pretraining: 2 runs before, 2 now\n');
    expect(stored[0]?.map(({ uid }) => uid)).to.have.members([run.uid, 'another']);
  });

  it('reads anew where another wrote meanwhile, and gives up where that goes on', async () => {
    const conflict = new KubeError({ status: 409, reason: 'Conflict', message: 'the object has been modified' });
    const importing = async (failures: number) => {
      let reads = 0;
      const cluster = {
        profile: async () => {
          reads += 1;
          return { ...example(), spec: { runs: [] } };
        },
        storeRuns: async () => {
          if (reads <= failures) throw conflict;
        },
      };
      const { exitCode } = await say(['profile', 'import', '-f', PROFILE], { cluster });
      return { exitCode, reads };
    };
    expect(await importing(2)).to.deep.equal({ exitCode: 0, reads: 3 });
    expect((await importing(99)).exitCode).to.equal(1);
  });

  it('says where to look for a profile that is not there', async () => {
    const said = await say(['profile', 'export', 'none'], { cluster: { profile: async () => undefined } });
    expect(said.error).to.match(/no TrainingProfile none in namespace team: kubectl get trainingprofiles/);
    expect(said.exitCode).to.equal(6);
  });
});

describe('kubectl stepwise completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`knows every command in ${shell}`, async () => {
      const { output } = await say(['completion', shell]);
      for (const word of ['plan', 'explain', 'advise', 'profile', 'completion', '--filename', 'import']) {
        expect(output).to.contain(word);
      }
    });
  }
});
