import { expect } from 'chai';
import { EnergyProviders } from '../../../../src/adapters/energy/providers.ts';
import { parseEnergySource } from '../../../../src/api/parse.ts';
import { slotAt } from '../../../../src/core/forecast/signal-slot.ts';

const PERIODS = [
  { name: 'night', from: '22:00', to: '06:00', pricePerKwh: '0.10' },
  {
    name: 'peak',
    days: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'],
    from: '17:00',
    to: '20:30',
    pricePerKwh: '0.40',
  },
  { name: 'summer-noon', months: [6, 7, 8], from: '11:00', to: '15:00', pricePerKwh: '0.05' },
];

interface Case {
  readonly at: string;
  readonly timeZone?: string;
  readonly periods?: readonly object[];
  readonly want: number;
}

const cases: Record<string, Case> = {
  'between periods': { at: '2026-03-10T09:00:00Z', want: 0.2 },
  'in a period of the week': { at: '2026-03-10T17:00:00Z', want: 0.4 },
  'at the half hour on which it ends': { at: '2026-03-10T20:30:00Z', want: 0.2 },
  'on a day that it does not name': { at: '2026-03-08T17:00:00Z', want: 0.2 },
  'past midnight': { at: '2026-03-10T03:00:00Z', want: 0.1 },
  'in a month that it does not name': { at: '2026-03-10T12:00:00Z', want: 0.2 },
  'in a month that it names': { at: '2026-07-10T12:00:00Z', want: 0.05 },
  'by the clock of Berlin in winter': { at: '2026-01-05T16:15:00Z', timeZone: 'Europe/Berlin', want: 0.4 },
  'by the clock of Berlin in summer': { at: '2026-06-08T15:15:00Z', timeZone: 'Europe/Berlin', want: 0.4 },
  'half an hour off the hour, as in Kolkata': { at: '2026-03-10T11:30:00Z', timeZone: 'Asia/Kolkata', want: 0.4 },
  'a minute earlier there': { at: '2026-03-10T11:29:00Z', timeZone: 'Asia/Kolkata', want: 0.2 },
  'a night that began on the last day it names': {
    at: '2026-03-07T01:00:00Z',
    periods: [{ name: 'n', days: ['Friday'], from: '22:00', to: '06:00', pricePerKwh: '0.1' }],
    want: 0.1,
  },
  'a night that began on a day it does not name': {
    at: '2026-03-06T01:00:00Z',
    periods: [{ name: 'n', days: ['Friday'], from: '22:00', to: '06:00', pricePerKwh: '0.1' }],
    want: 0.2,
  },
  'the hour that is left out in spring': {
    at: '2026-03-29T01:00:00Z',
    timeZone: 'Europe/Berlin',
    periods: [{ name: 'n', from: '03:00', to: '04:00', pricePerKwh: '0.1' }],
    want: 0.1,
  },
  'both of the hours that are the same in autumn': {
    at: '2026-10-25T01:30:00Z',
    timeZone: 'Europe/Berlin',
    periods: [{ name: 'n', from: '02:00', to: '03:00', pricePerKwh: '0.1' }],
    want: 0.1,
  },
  'the leap day': { at: '2028-02-29T17:30:00Z', want: 0.4 },
  'until midnight': {
    at: '2026-03-10T23:59:00Z',
    periods: [{ name: 'late', from: '23:00', to: '24:00', pricePerKwh: '0.1' }],
    want: 0.1,
  },
};

const signals = new EnergyProviders({
  client: { get: async () => undefined },
  prometheus: { url: 'http://127.0.0.1:1' },
});

function read(now: number, timeZone = 'UTC', periods: readonly object[] = PERIODS) {
  const tariff = { timeZone, pricePerKwh: '0.20', periods };
  const spec = { signal: 'Price', currency: 'EUR', provider: { type: 'Tariff', tariff } };
  const source = { apiVersion: 'stepwise.dev/v1alpha1', kind: 'EnergySource', metadata: { name: 'x' }, spec };
  return signals.read({
    name: 'x',
    spec: parseEnergySource(source).spec,
    credentials: undefined,
    now,
    since: now - 7200,
    signal: AbortSignal.timeout(5000),
  });
}

describe('a tariff by time of use', () => {
  for (const [name, { at, timeZone, periods, want }] of Object.entries(cases)) {
    it(`holds ${name}`, async () => {
      const now = Date.parse(at) / 1000;
      expect(slotAt(await read(now, timeZone, periods), now)?.value).to.equal(want);
    });
  }

  it('is known a week ahead, without gaps, over both changes of clocks', async () => {
    for (const at of ['2026-03-26T10:07:00Z', '2026-10-22T10:07:00Z']) {
      const now = Date.parse(at) / 1000;
      const slots = await read(now, 'Europe/Berlin');
      slots.slice(1).forEach(({ from }, index) => {
        expect(from).to.equal(slots[index]?.to);
      });
      expect(slots[0]?.from).to.be.at.most(now - 7200);
      expect(slots.at(-1)?.to).to.be.at.least(now + 7 * 86_400);
    }
  });

  it('of an unknown time zone is refused by name', async () => {
    const error = await read(0, 'Europe/Atlantis').catch((failure: unknown) => failure);
    expect(error).to.include({ problem: 'Misconfigured' });
    expect(String(error)).to.contain('Europe/Atlantis');
  });
});
