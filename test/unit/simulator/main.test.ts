import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { A_POOL, aTraceFolder } from '../../support/a-scenario.ts';

const MAIN = new URL('../../../src/simulator/main.ts', import.meta.url).pathname;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...given: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...given], (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

describe('npm run simulate', () => {
  const folder = aTraceFolder();
  const write = (scenario: object) => {
    writeFileSync(`${folder}/scenario.json`, JSON.stringify(scenario));
    return ['--scenario', `${folder}/scenario.json`, '--out', `${folder}/out`];
  };

  it('writes a result and ends with a table', async () => {
    const jobs = { file: 'jobs.csv', profiles: 'traces' };
    const { code, stdout } = await run(...write({ name: 'tiny', jobs, pools: [A_POOL] }));
    expect(code).to.equal(0);
    expect(stdout).to.match(/jobs finished +2 of 2/);
    const result: unknown = JSON.parse(readFileSync(`${folder}/out/result.json`, 'utf8'));
    expect(result).to.have.property('format', 'stepwise.dev/simulation/v1');
    expect(readFileSync(`${folder}/out/report.html`, 'utf8')).to.match(/^<!DOCTYPE html>/);
    expect(stdout).to.contain(`${folder}/out/result.json`).and.to.contain(`${folder}/out/report.html`);
    expect(stdout).to.match(/CO2e +unknown/);
  });

  it('refuses a bad scenario with one message and exit code 2', async () => {
    const jobs = { file: 'missing.csv', profiles: 'traces' };
    const { code, stderr } = await run(...write({ name: 'tiny', jobs, pools: [A_POOL] }));
    expect(code).to.equal(2);
    expect(stderr.trim().split('\n')).to.have.length(1);
    expect(stderr).to.match(/missing\.csv cannot be read; give the path of a CSV file/);
  });

  it('says how it is used', async () => {
    const { code, stderr } = await run('--scenario', 'x');
    expect(code).to.equal(2);
    expect(stderr).to.match(/--scenario and --out are both needed: npm run simulate/);
    expect(existsSync('x')).to.equal(false);
  });
});
