import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import fc from 'fast-check';
import { parseEnergySource } from '../../src/api/parse.ts';
import { inOrder, type SignalSlot, slotAt } from '../../src/core/forecast/signal-slot.ts';
import { type EnergySignals, SignalError, type SignalProblem } from '../../src/ports/energy-signals.ts';
import type { LoopbackProvider } from '../support/energy-loopback.ts';

export interface ProviderUnderTest {
  readonly signals: EnergySignals;
  readonly spec: object;
  readonly credentials?: Readonly<Record<string, string>>;
  /** Makes the provider tell these. */
  tell(slots: readonly SignalSlot[], options: { readonly now: number; readonly newestFirst: boolean }): void;
  /** Lengths of the slots that it may tell. */
  readonly slotSeconds: readonly number[];
  readonly tellsFuture: boolean;
  /** The service, where it is one. */
  readonly service?: LoopbackProvider;
  /** What it answers where it knows nothing; most say so by an empty list. */
  readonly emptyIs?: SignalProblem;
  /** What it takes another format for, besides garbage: a file that lacks a column may be the wrong file. */
  readonly garbledIs?: SignalProblem;
}

export interface Traits {
  /** Asked over HTTP. */
  readonly service: boolean;
  readonly credentials: boolean;
}

const HOUR = 3600;
const PAST_SECONDS = 6 * HOUR;
/** Around the changes of clocks of 2026 in Europe, a leap day, and an ordinary day. */
const DAYS: Readonly<Record<string, string>> = {
  'an ordinary day': '2026-06-10T12:00:00Z',
  'the day on which clocks go forward': '2026-03-29T05:00:00Z',
  'the day on which clocks go back': '2026-10-25T05:00:00Z',
  'a leap day': '2028-02-29T12:00:00Z',
};

const valueAt = (from: number, isPrice: boolean) => {
  const wave = Math.round(100 * Math.sin(from / 20_000)) + (from % 86_400) / 3600;
  return isPrice ? Number((wave / 1000).toFixed(6)) : Number((200 + wave).toFixed(6));
};

/** What every provider of energy signals must do. */
export function describeEnergySignals(name: string, is: Traits, open: () => Promise<ProviderUnderTest>): void {
  describe(`${name} as a provider of energy signals`, () => {
    let it_: ProviderUnderTest;
    before(async () => {
      it_ = await open();
    });
    after(() => it_.service?.close());
    beforeEach(() => {
      if (it_.service !== undefined)
        Object.assign(it_.service, { instead: () => false, garble: (body: string) => body });
    });

    interface Change {
      readonly spec?: object;
      readonly credentials?: Record<string, string>;
      readonly name?: string;
      readonly withinSeconds?: number;
    }
    const ask = (now: number, change: Change = {}) => {
      const spec = { ...it_.spec, ...change.spec };
      const source = { apiVersion: 'stepwise.dev/v1alpha1', kind: 'EnergySource', metadata: { name: 'x' }, spec };
      return it_.signals.read({
        name: change.name ?? 'source',
        spec: parseEnergySource(source).spec,
        credentials: change.credentials ?? it_.credentials,
        now,
        since: now - PAST_SECONDS,
        signal: AbortSignal.timeout(1000 * (change.withinSeconds ?? 5)),
      });
    };
    const kindOf = () => (it_.spec as { signal: string }).signal;
    const value = (from: number) =>
      kindOf() === 'RenewableShare' ? valueAt(from, false) / 1000 : valueAt(from, kindOf() === 'Price');
    const aDay = (now: number, seconds: number) => {
      const first = Math.floor((now - 6 * HOUR) / HOUR) * HOUR;
      return Array.from({ length: (18 * HOUR) / seconds }, (_, index): SignalSlot => {
        const from = first + index * seconds;
        return { from, to: from + seconds, value: value(from) };
      });
    };
    const reach = (now: number, slots: readonly SignalSlot[]) =>
      it_.tellsFuture ? slots : slots.filter(({ from }) => from <= now);

    for (const [day, instant] of Object.entries(DAYS)) {
      it(`tells ${day} as half-open slots in one unit`, async () => {
        const now = Date.parse(instant) / 1000;
        for (const seconds of it_.slotSeconds) {
          const slots = aDay(now, seconds);
          it_.tell(slots, { now, newestFirst: false });
          expectSame(await ask(now), reach(now, slots), now);
        }
      });
    }

    it('tells the same whatever comes first', async () => {
      const now = Date.parse('2026-06-10T12:10:00Z') / 1000;
      for (const seconds of it_.slotSeconds) {
        const slots = aDay(now, seconds);
        it_.tell(slots, { now, newestFirst: true });
        expectSame(await ask(now), reach(now, slots), now);
      }
    });

    it('does not make up what is missing', async () => {
      const now = Date.parse('2026-06-10T12:00:00Z') / 1000;
      for (const seconds of it_.slotSeconds) {
        const slots = aDay(now, seconds).filter((_, index) => index % 7 !== 3);
        it_.tell(slots, { now, newestFirst: false });
        expectSame(await ask(now), reach(now, slots), now);
      }
    });

    it('says so when there is nothing', async () => {
      const now = Date.parse('2026-06-10T12:00:00Z') / 1000;
      it_.tell([], { now, newestFirst: false });
      const error = await problemOf(ask(now));
      expect(error.problem, error.message).to.equal(it_.emptyIs ?? 'Empty');
    });

    if (!is.service) return;
    describe('as a service', () => {
      const now = Date.parse('2026-06-10T12:00:00Z') / 1000;
      const failing = async (instead: (response: ServerResponse) => void, source = 'failing', withinSeconds = 5) => {
        it_.service!.instead = (response) => {
          instead(response);
          return true;
        };
        return problemOf(ask(now, { name: source, withinSeconds }));
      };
      const connection = (change: object) => ({ ...(it_.spec as { connection?: object }).connection, ...change });
      const status =
        (code: number, headers: Record<string, string> = {}) =>
        (response: ServerResponse) =>
          response.writeHead(code, headers).end('{"error":"no"}');

      beforeEach(() => it_.tell(aDay(now, it_.slotSeconds.at(-1) ?? HOUR), { now, newestFirst: false }));

      it('refused from the start it blames the credentials, refused later the number of requests', async () => {
        expect((await failing(status(401), 'never worked')).problem).to.equal('Unauthorized');
        it_.service!.instead = () => false;
        await ask(now, { name: 'worked' });
        const later = await failing(status(401), 'worked');
        expect(later.problem, later.message).to.equal('Throttled');
        expect(later.retryAfterSeconds).to.be.greaterThan(60);
      });

      const troubles: Readonly<Record<string, { does: (response: ServerResponse) => void; is: SignalProblem }>> = {
        'too many requests': { does: status(429), is: 'Throttled' },
        'an error of its own': { does: status(503), is: 'Refused' },
        'a redirect': { does: status(302, { Location: 'http://127.0.0.1:1/' }), is: 'Refused' },
        'a page for people': { does: (response) => response.end('<html><body>welcome</body></html>'), is: 'Garbled' },
        'half an answer': { does: (response) => response.end('{"data": [{"fro'), is: 'Garbled' },
        silence: { does: () => undefined, is: 'Unreachable' },
        'a broken connection': { does: (response) => response.destroy(), is: 'Unreachable' },
        'more than fits into memory': {
          does: (response) => response.end(Buffer.alloc(9 * 1024 * 1024, ' ')),
          is: 'Garbled',
        },
      };
      for (const [trouble, { does, is }] of Object.entries(troubles)) {
        it(`says ${is} of ${trouble}, and keeps its keys to itself`, async () => {
          const error = await failing(does, 'failing', trouble === 'silence' ? 0.05 : 5);
          const wanted = is === 'Garbled' ? [is, it_.garbledIs] : [is];
          expect(wanted, error.message).to.include(error.problem);
          expectUntold(error, Object.values(it_.credentials ?? {}));
        });
      }

      it('waits as long as it is told to', async () => {
        const error = await failing(status(429, { 'Retry-After': '77' }));
        expect(error.retryAfterSeconds).to.equal(77);
      });

      it('is not asked over http unless the administrator allows it', async () => {
        const before = it_.service!.asked.length;
        const error = await problemOf(ask(now, { spec: { connection: connection({ transport: 'HttpsOnly' }) } }));
        expect(error.problem).to.equal('Misconfigured');
        expect(it_.service!.asked).to.have.length(before);
      });

      it('is asked a few times for a reading, whatever it tells', async () => {
        const before = it_.service!.asked.length;
        await ask(now, { name: 'counted' });
        expect(it_.service!.asked.length - before).to.be.within(1, 3);
      });

      it('gives numbers or says what is wrong, whatever it answers', async () => {
        const answers = fc.oneof(fc.json(), fc.tuple(fc.nat(), fc.nat(200), fc.string({ maxLength: 8 })));
        await fc.assert(
          fc.asyncProperty(answers, async (answer) => {
            it_.service!.garble = typeof answer === 'string' ? () => answer : (body) => damaged(body, ...answer);
            const told = await ask(now, { name: 'garbled' }).catch((error: unknown) => error);
            if (!(told instanceof SignalError)) {
              expect(told, String(told)).to.be.an('array').that.is.not.empty;
            }
          }),
          { numRuns: 15 },
        );
      });

      if (!is.credentials) return;
      it('needs its credentials', async () => {
        const error = await problemOf(ask(now, { name: 'without', credentials: {} }));
        expect(error.problem).to.equal('CredentialsMissing');
      });
    });
  });
}

/** Since when the past was asked for; who tells more of it may. */
function expectSame(all: readonly SignalSlot[], wanted: readonly SignalSlot[], now: number): void {
  const asked = ({ from }: SignalSlot) => from >= now - PAST_SECONDS;
  const told = inOrder(all).filter(asked);
  const want = wanted.filter(asked);
  expect(told.length, 'it tells something').to.be.greaterThan(0);
  for (const slot of want) {
    const middle = (slot.from + slot.to) / 2;
    const found = slotAt(told, middle);
    expect(found?.value, new Date(slot.from * 1000).toISOString()).to.be.closeTo(slot.value, 1e-6);
  }
  const known = want.reduce((sum, { from, to }) => sum + to - from, 0);
  const seconds = told.reduce((sum, { from, to }) => sum + to - from, 0);
  expect(seconds, 'as much time as it was told, and no more').to.equal(known);
}

/** A stretch of the answer replaced by something else. */
function damaged(body: string, at: number, length: number, by: string): string {
  const start = at % Math.max(1, body.length);
  return body.slice(0, start) + by + body.slice(start + length);
}

function expectUntold(error: SignalError, secrets: readonly string[]): void {
  const told = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
  for (const secret of secrets) expect(told).not.to.contain(secret);
}

async function problemOf(call: Promise<unknown>): Promise<SignalError> {
  const error = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (error instanceof SignalError) return error;
  throw new Error(`a SignalError was expected, not ${String(error)}`);
}
