import { expect } from 'chai';
import fc from 'fast-check';
import { backoffSeconds } from '../../../src/kube/backoff.ts';
import { RateLimiter } from '../../../src/kube/rate-limiter.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

describe('RateLimiter', () => {
  it('lets at most burst + perSecond × time through in any span', async () => {
    const steps = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 10 }),
        async (pauses, perSecond, burst) => {
          const clock = new VirtualClock();
          const limiter = new RateLimiter({ perSecond, burst }, clock);
          const passed: number[] = [];
          for (const pause of pauses) {
            passed.push(clock.monotonicSeconds() + limiter.reserve());
            await clock.advance(pause / 10);
          }
          for (const [first, from] of passed.entries()) {
            for (const [last, to] of passed.entries()) {
              if (last >= first) expect(last - first + 1).to.be.at.most(burst + perSecond * (to - from) + 1e-6);
            }
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('gives the token back when the wait is aborted', async () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, clock);
    await limiter.take();
    const caller = new AbortController();
    const waiting = limiter.take(caller.signal);
    caller.abort();
    await waiting;
    expect(limiter.reserve()).to.equal(1);
  });

  it('refuses limits that let nothing through', () => {
    expect(() => new RateLimiter({ perSecond: 0, burst: 1 }, new VirtualClock())).to.throw('perSecond > 0');
  });
});

describe('backoffSeconds', () => {
  it('lies between half and all of a doubling ceiling, for any number of failures', () => {
    const options = { baseSeconds: 0.5, maxSeconds: 30 };
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, chance) => {
          const ceiling = Math.min(30, 0.5 * 2 ** (failures - 1));
          expect(backoffSeconds(failures, options, () => chance)).to.be.within(ceiling / 2, ceiling);
        },
      ),
    );
    expect(backoffSeconds(0, options, () => 1)).to.equal(0);
  });
});
