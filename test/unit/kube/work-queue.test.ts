import { expect } from 'chai';
import fc from 'fast-check';
import { WorkQueue } from '../../../src/kube/work-queue.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

function aQueue(random = () => 1) {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ name: 'test', clock, random, backoff: { baseSeconds: 1, maxSeconds: 8 } });
  return { clock, queue };
}

describe('WorkQueue', () => {
  it('hands out keys in order of arrival, each once', async () => {
    const { queue } = aQueue();
    for (const key of ['a', 'b', 'a', 'c']) queue.add(key);
    expect(queue.depth).to.equal(3);
    expect([await queue.take(), await queue.take(), await queue.take()]).to.deep.equal(['a', 'b', 'c']);
  });

  it('gives a key that was added during its work to a worker once more, after done', async () => {
    const { queue } = aQueue();
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a');
    const second = queue.take();
    let taken: string | undefined;
    void second.then((key) => {
      taken = key;
    });
    await settle();
    expect(taken).to.equal(undefined);
    queue.done('a');
    expect(await second).to.equal('a');
    queue.done('a');
    expect(queue.depth).to.equal(0);
  });

  it('lets the earliest of several delays win', async () => {
    const { clock, queue } = aQueue();
    queue.addAfter('a', 30);
    queue.addAfter('a', 5);
    queue.addAfter('a', 60);
    await clock.advance(4.9);
    expect(queue.depth).to.equal(0);
    await clock.advance(0.2);
    expect(await queue.take()).to.equal('a');
    queue.done('a');
    await clock.advance(100);
    expect(queue.depth).to.equal(0);
  });

  it('doubles the backoff of a key up to its maximum, and forgets it', () => {
    const { queue } = aQueue();
    const delays = [1, 2, 3, 4, 5].map(() => queue.addWithBackoff('a'));
    expect(delays).to.deep.equal([1, 2, 4, 8, 8]);
    expect(queue.failuresOf('a')).to.equal(5);
    queue.forget('a');
    expect(queue.addWithBackoff('a')).to.equal(1);
  });

  it('limits retries over all keys', () => {
    const clock = new VirtualClock();
    const queue = new WorkQueue({
      name: 'test',
      clock,
      random: () => 0,
      backoff: { baseSeconds: 0.01, maxSeconds: 1 },
      retryLimit: { perSecond: 10, burst: 2 },
    });
    const delays = ['a', 'b', 'c', 'd'].map((key) => queue.addWithBackoff(key));
    expect(delays[1]).to.be.lessThan(0.02);
    expect(delays[2]).to.be.closeTo(0.1, 1e-9);
    expect(delays[3]).to.be.closeTo(0.2, 1e-9);
  });

  it('drains what is ready after close, drops delayed keys and takes no more', async () => {
    const { clock, queue } = aQueue();
    queue.add('a');
    queue.addAfter('b', 1);
    queue.close();
    queue.add('c');
    await clock.advance(2);
    expect(await queue.take()).to.equal('a');
    expect(await queue.take()).to.equal(undefined);
  });

  it('wakes waiting workers on close', async () => {
    const { queue } = aQueue();
    const waiting = [queue.take(), queue.take()];
    queue.close();
    expect(await Promise.all(waiting)).to.deep.equal([undefined, undefined]);
  });

  it('works on every key after its last add and never twice at once, whatever happens', async () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const seconds = fc.integer({ min: 0, max: 20 });
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key }),
      fc.record({ do: fc.constant('addAfter' as const), key, seconds }),
      fc.record({ do: fc.constant('addWithBackoff' as const), key }),
      fc.record({ do: fc.constant('advance' as const), seconds }),
    );
    const steps = fc.array(step, { maxLength: 30, size: 'max' });
    const workers = fc.integer({ min: 1, max: 3 });
    await fc.assert(fc.asyncProperty(steps, workers, runAgainstModel), { numRuns: 60 });
  });
});

type Step =
  | { do: 'add' | 'addWithBackoff'; key: string }
  | { do: 'addAfter'; key: string; seconds: number }
  | { do: 'advance'; seconds: number };

/** The model: when was each key last added, when did its last work begin, and what is in work now. */
async function runAgainstModel(steps: readonly Step[], workers: number): Promise<void> {
  const { clock, queue } = aQueue(() => 0.5);
  const added = new Map<string, number>();
  const begun = new Map<string, number>();
  const inWork = new Set<string>();
  let order = 0;
  const work = async () => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      expect(inWork.has(key), `two workers on ${key}`).to.equal(false);
      inWork.add(key);
      begun.set(key, ++order);
      await clock.sleep(3);
      inWork.delete(key);
      queue.done(key);
    }
  };
  const running = Promise.all(Array.from({ length: workers }, work));
  for (const step of steps) {
    if (step.do !== 'advance') added.set(step.key, ++order);
    await take(step, { clock, queue });
  }
  await clock.advance(200);
  queue.close();
  await running;
  for (const [key, at] of added) expect(begun.get(key), key).to.be.greaterThan(at);
}

async function take(step: Step, { clock, queue }: ReturnType<typeof aQueue>): Promise<void> {
  if (step.do === 'advance') await clock.advance(step.seconds);
  else if (step.do === 'addAfter') queue.addAfter(step.key, step.seconds);
  else queue[step.do](step.key);
}
