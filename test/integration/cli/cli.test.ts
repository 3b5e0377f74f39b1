import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { API_VERSION } from '../../../src/api/group.ts';
import type { TrainingProfile } from '../../../src/api/training-profile.ts';
import { fromRunRecord } from '../../../src/controllers/training-profile/run-codec.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { aRun } from '../../support/a-run.ts';
import { testKubeconfig } from '../../support/api-server.ts';
import { clientWithCrds, GPU_POOLS, type LooseObject, TRAINING_PROFILES } from '../api/api-server.ts';

const root = path.join(import.meta.dirname, '../../..');
const EXAMPLE = path.join(root, 'deploy/examples/plan/job-and-pools.yaml');

async function stepwise(...words: string[]): Promise<{ code: number; output: string; error: string }> {
  const kubeconfig = await testKubeconfig();
  const program = [path.join(root, 'src/cli/main.ts'), ...words, '--kubeconfig', kubeconfig];
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, program);
    return { code: 0, output: stdout, error: stderr };
  } catch (failure) {
    const { code, stdout, stderr } = failure as { code: number; stdout: string; stderr: string };
    return { code, output: stdout, error: stderr };
  }
}

describe('kubectl stepwise on a real API server', function () {
  this.timeout(600_000);
  let client: KubeClient;
  let folder: string;

  before(async () => {
    client = await clientWithCrds();
    folder = await mkdtemp(path.join(tmpdir(), 'stepwise-cli-'));
  });

  const profileOf = (uids: readonly number[]): TrainingProfile => ({
    apiVersion: API_VERSION,
    kind: 'TrainingProfile',
    metadata: { name: 'cli-test' },
    spec: { runs: uids.map((uid) => fromRunRecord(aRun({ uid: `run-${uid}`, endedAt: 1_700_000_000 + uid }))) },
  });

  async function importing(uids: readonly number[]) {
    const file = path.join(folder, 'profile.yaml');
    await writeFile(file, stringify(profileOf(uids)));
    return stepwise('profile', 'import', '-n', 'default', '-f', file);
  }

  it('plans a job on the pools of the cluster as on those of its file', async () => {
    const [job = '', ...pools] = (await readFile(EXAMPLE, 'utf8')).split('---\n');
    for (const text of pools) await client.apply(GPU_POOLS, parse(text) as LooseObject, { fieldManager: 'test' });
    const file = path.join(folder, 'job.yaml');
    await writeFile(file, job);
    const found = await stepwise('plan', '-n', 'default', '-f', file, '-o', 'json');
    expect(found.error).to.equal('');
    const offline = JSON.parse((await stepwise('plan', '-f', EXAMPLE, '-o', 'json')).output);
    expect(JSON.parse(found.output).options).to.deep.equal(offline.options);
    for (const text of pools) await client.delete(GPU_POOLS, { name: parse(text).metadata.name });
  });

  it('imports, merges and exports a profile, and lets the oldest run make room', async () => {
    const twenty = Array.from({ length: 20 }, (_, index) => index);
    expect((await importing(twenty)).output).to.equal('trainingprofile/cli-test: 0 runs before, 20 now\n');
    expect((await importing([20, 21])).output).to.equal('trainingprofile/cli-test: 20 runs before, 20 now\n');
    const exported = parse((await stepwise('profile', 'export', 'cli-test', '-n', 'default')).output);
    const uids = (exported as TrainingProfile).spec.runs.map(({ uid }) => uid);
    expect(uids).to.have.members(Array.from({ length: 20 }, (_, index) => `run-${index + 2}`));
    await client.delete(TRAINING_PROFILES, { name: 'cli-test', namespace: 'default' });
  });

  it('says what is not there', async () => {
    const said = await stepwise('explain', 'nobody', '-n', 'default');
    expect(said.error).to.match(/there is no TrainingJob nobody in namespace default/);
    expect(said.code).to.equal(6);
  });

  it('says what to do when the cluster does not answer', async () => {
    const kubeconfig = path.join(folder, 'unreachable.yaml');
    const text = await readFile(await testKubeconfig(), 'utf8');
    await writeFile(kubeconfig, text.replaceAll(/https:\/\/[^"\s]+/g, 'https://127.0.0.1:1'));
    const program = [path.join(root, 'src/cli/main.ts'), 'explain', 'nobody', '--kubeconfig', kubeconfig];
    const failure = await promisify(execFile)(process.execPath, program).then(
      () => undefined,
      (error: { code: number; stderr: string }) => error,
    );
    expect(failure?.stderr).to.match(/the cluster cannot be reached: .*ECONNREFUSED/);
    expect(failure?.code).to.equal(4);
  });
});
