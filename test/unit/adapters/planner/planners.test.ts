import { expect } from 'chai';
import { InProcessPlanner } from '../../../../src/adapters/planner/in-process-planner.ts';
import { WorkerPlanner } from '../../../../src/adapters/planner/worker-planner.ts';
import type { Snapshot } from '../../../../src/core/snapshot.ts';
import { describePlanner } from '../../../conformance/planner.ts';
import { aJob, aPool, NOW } from '../../../support/a-job.ts';

const NEVER_SECONDS = 300;
const EMPTY: Snapshot = { now: NOW, jobs: [], pools: [] };

describePlanner('the planner in this thread', () => ({
  planner: new InProcessPlanner(),
  close: () => Promise.resolve(),
}));

describePlanner('the planner in a thread of its own', () => {
  const planner = new WorkerPlanner({ timeoutSeconds: NEVER_SECONDS });
  return { planner, close: () => planner.close() };
});

describe('a planning thread in trouble', () => {
  /** A thread whose first life runs the given program and whose later lives plan nothing and say so. */
  const program = (text: string) => new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  const onRequest = (text: string) =>
    program(`import { parentPort } from 'node:worker_threads'; parentPort.on('message', ({ number }) => { ${text} });`);
  const planWith = async (url: URL, timeoutSeconds = NEVER_SECONDS) => {
    const planner = new WorkerPlanner({ timeoutSeconds, program: url });
    const outcomes: unknown[] = [];
    for (let call = 0; call < 2; call++) {
      outcomes.push(await planner.plan(EMPTY).catch((error: { problem: string }) => error.problem));
    }
    await planner.close();
    return outcomes;
  };

  it('that ends is told, and replaced at every further plan', async () => {
    expect(await planWith(onRequest('process.exit(3);'))).to.deep.equal(['Died', 'Died']);
  });

  it('that breaks is told', async () => {
    expect(await planWith(onRequest("throw new Error('broken');"))).to.deep.equal(['Died', 'Died']);
  });

  it('that does not even start is told', async () => {
    expect(await planWith(program("throw new Error('no start');"))).to.deep.equal(['Died', 'Died']);
  });

  it('that hangs is given up after the timeout', async () => {
    expect(await planWith(onRequest('for (;;);'), 0.05)).to.deep.equal(['TimedOut', 'TimedOut']);
  });

  it('that answers something else is not believed', async () => {
    const others = onRequest('parentPort.postMessage({ number: number - 1, plan: { decisions: [] } });');
    expect(await planWith(others, 0.05)).to.deep.equal(['TimedOut', 'TimedOut']);
  });

  it('ends with the planner, and a plan under way with it', async () => {
    const planner = new WorkerPlanner({ timeoutSeconds: NEVER_SECONDS, program: onRequest('') });
    const outcome = planner.plan(EMPTY).catch((error: { problem: string }) => error.problem);
    await planner.close();
    expect(await outcome).to.equal('Died');
  });

  it('takes one plan at a time', async () => {
    const planner = new WorkerPlanner({ timeoutSeconds: NEVER_SECONDS });
    const snapshot = { now: NOW, jobs: [aJob({})], pools: [aPool()] };
    const [first, second] = await Promise.allSettled([planner.plan(snapshot), planner.plan(snapshot)]);
    expect([first.status, second.status]).to.deep.equal(['fulfilled', 'rejected']);
    await planner.close();
  });
});
