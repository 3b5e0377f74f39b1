import { expect } from 'chai';
import fc from 'fast-check';
import { isTimeZone, openStretches, type WeeklyWindow } from '../../../../src/core/plan/weekly-hours.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const at = (instant: string) => Date.parse(instant) / 1000;
const clock = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const window = (from: string, to: string, days: readonly number[] = []): WeeklyWindow => ({
  days,
  fromMinute: clock(from),
  toMinute: clock(to),
});
const NIGHT = window('22:00', '06:00');

/** What is open between two instants, as UTC. */
const cases: Record<
  string,
  {
    zone: string;
    windows: readonly WeeklyWindow[];
    between: readonly [string, string];
    open: readonly [string, string][];
  }
> = {
  'a morning in UTC': {
    zone: 'UTC',
    windows: [window('08:00', '09:30')],
    between: ['2026-03-03T00:00Z', '2026-03-04T00:00Z'],
    open: [['2026-03-03T08:00Z', '2026-03-03T09:30Z']],
  },
  'a night that has begun, over midnight': {
    zone: 'UTC',
    windows: [NIGHT],
    between: ['2026-03-03T02:00Z', '2026-03-04T00:00Z'],
    open: [
      ['2026-03-03T02:00Z', '2026-03-03T06:00Z'],
      ['2026-03-03T22:00Z', '2026-03-04T00:00Z'],
    ],
  },
  'the night that begins on a Sunday': {
    zone: 'UTC',
    windows: [window('22:00', '06:00', [0])],
    between: ['2026-03-02T00:00Z', '2026-03-09T12:00Z'],
    open: [
      ['2026-03-02T00:00Z', '2026-03-02T06:00Z'],
      ['2026-03-08T22:00Z', '2026-03-09T06:00Z'],
    ],
  },
  'windows that touch, as one': {
    zone: 'UTC',
    windows: [window('08:00', '10:00'), window('10:00', '12:00'), window('11:00', '11:30')],
    between: ['2026-03-03T00:00Z', '2026-03-04T00:00Z'],
    open: [['2026-03-03T08:00Z', '2026-03-03T12:00Z']],
  },
  'an offset of half an hour': {
    zone: 'Asia/Kolkata',
    windows: [window('08:00', '09:00')],
    between: ['2026-03-03T00:00Z', '2026-03-04T00:00Z'],
    open: [['2026-03-03T02:30Z', '2026-03-03T03:30Z']],
  },
  'a night that is an hour shorter, in spring': {
    zone: 'Europe/Berlin',
    windows: [NIGHT],
    between: ['2026-03-28T12:00Z', '2026-03-29T12:00Z'],
    open: [['2026-03-28T21:00Z', '2026-03-29T04:00Z']],
  },
  'a night that is an hour longer, in autumn': {
    zone: 'Europe/Berlin',
    windows: [NIGHT],
    between: ['2026-10-24T12:00Z', '2026-10-25T12:00Z'],
    open: [['2026-10-24T20:00Z', '2026-10-25T05:00Z']],
  },
  'a leap day': {
    zone: 'America/New_York',
    windows: [window('00:00', '01:00', [2])],
    between: ['2028-02-28T00:00Z', '2028-03-02T00:00Z'],
    open: [['2028-02-29T05:00Z', '2028-02-29T06:00Z']],
  },
};

describe('openStretches', () => {
  for (const [name, { zone, windows, between, open }] of Object.entries(cases)) {
    it(`finds ${name}`, () => {
      const found = openStretches({ timeZone: zone, windows }, at(between[0]), at(between[1]));
      expect(found.map(({ from, to }) => [from, to])).to.deep.equal(open.map(([from, to]) => [at(from), at(to)]));
    });
  }

  it('refuses a time zone that nobody knows', () => {
    expect(isTimeZone('Europe/Berlin')).to.equal(true);
    expect(isTimeZone('Europe/Atlantis')).to.equal(false);
    expect(() => openStretches({ timeZone: 'Europe/Atlantis', windows: [NIGHT] }, 0, 1)).to.throw(RangeError);
  });

  it('gives stretches in order that neither touch nor leave the time asked for, the same in parts as in one', () => {
    const minute = fc.integer({ min: 0, max: 24 * 60 - 1 });
    const windows = fc.array(
      fc
        .record({ days: fc.uniqueArray(fc.nat(6), { maxLength: 3 }), fromMinute: minute, toMinute: minute })
        .filter(({ fromMinute, toMinute }) => fromMinute !== toMinute),
      { minLength: 1, maxLength: 4 },
    );
    const zone = fc.constantFrom('UTC', 'Europe/London', 'Australia/Lord_Howe', 'America/St_Johns', 'Asia/Kathmandu');
    fc.assert(
      fc.property(zone, windows, fc.nat(365), fc.nat(DAY), (timeZone, open, day, into) => {
        const from = at('2026-01-01T00:00Z') + day * DAY + into;
        const to = from + 9 * DAY;
        const all = openStretches({ timeZone, windows: open }, from, to);
        let last = from - 1;
        for (const stretch of all) {
          expect(stretch.from).to.be.above(last).and.below(stretch.to);
          last = stretch.to;
        }
        expect(last).to.be.at.most(to);
        const seconds = (parts: typeof all) => parts.reduce((sum, part) => sum + part.to - part.from, 0);
        const middle = from + 4 * DAY;
        const parts = [[from, middle] as const, [middle, to] as const];
        const inParts = parts.flatMap(([one, other]) => openStretches({ timeZone, windows: open }, one, other));
        expect(seconds(inParts)).to.be.closeTo(seconds(all), 1e-6);
      }),
    );
  });
});
