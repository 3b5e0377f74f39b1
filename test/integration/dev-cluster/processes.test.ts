import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { isAlive } from '../../../deploy/dev/process-identity.ts';
import {
  ensureRunning,
  isRunning,
  killProcess,
  type RunningProgram,
  startProcess,
  stopProcess,
} from '../../../deploy/dev/processes.ts';

const script = 'setInterval(() => undefined, 1000); console.log("begun")';
const sleeper = { name: 'sleeper', command: process.execPath, args: ['--eval', script] };

describe('a program started by name', () => {
  let state: string;
  let place: { state: string };

  beforeEach(() => {
    state = mkdtempSync(path.join(tmpdir(), 'stepwise-processes-'));
    place = { state };
  });

  afterEach(async () => {
    await killProcess('sleeper', place).catch(() => undefined);
    rmSync(state, { recursive: true, force: true });
  });

  it('is started once, however often it is asked for', async () => {
    const first = await ensureRunning(sleeper, place);
    const second = await ensureRunning(sleeper, place);
    expect(second.identity).to.deep.equal(first.identity);
  });

  it('is replaced when it is asked for with other arguments', async () => {
    const first = await ensureRunning(sleeper, place);
    const second = await ensureRunning({ ...sleeper, args: [...sleeper.args, 'more'] }, place);
    expect(isRunning(first)).to.equal(false);
    expect(isRunning(second)).to.equal(true);
  });

  it('can be stopped and started again by its name alone', async () => {
    const first = await ensureRunning(sleeper, place);
    await stopProcess('sleeper', place);
    expect(isRunning(first)).to.equal(false);

    const second = await startProcess('sleeper', place);
    expect(isRunning(second)).to.equal(true);
    expect(second.identity).to.not.deep.equal(first.identity);
  });

  it('is not mistaken for a later process that was given its number', async () => {
    const running = await ensureRunning(sleeper, place);
    const recordPath = path.join(state, 'processes', 'sleeper.json');
    const record = JSON.parse(readFileSync(recordPath, 'utf8')) as RunningProgram;
    const earlier = { ...record, identity: { ...record.identity, startMark: 'another boot/1' } };
    writeFileSync(recordPath, JSON.stringify(earlier));

    await stopProcess('sleeper', place);

    expect(isAlive(running.identity)).to.equal(true);
    writeFileSync(recordPath, JSON.stringify(record));
  });

  it('names the known programs when asked for one that was never started', async () => {
    await ensureRunning(sleeper, place);
    const refusal = await stopProcess('prometheus', place).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(refusal).to.equal('no program named "prometheus" was started here; known are: sleeper');
  });
});
