import { expect } from 'chai';
import fc from 'fast-check';
import { type Level, planSlots, type Slot, type SlotQuestion } from '../../../../src/core/plan/slots.ts';

const HOUR = 3600;

const PAUSE: Level = { workPerSecond: 0, rentPerSecond: 0, kilowatts: 0 };

/** A level that does one unit of work an hour per worker and draws a kilowatt for each. */
const workers = (count: number, efficiency = 1): Level => ({
  workPerSecond: (count * efficiency) / HOUR,
  rentPerSecond: 0,
  kilowatts: count,
});

function hours(prices: readonly (number | undefined)[], parts: Partial<Slot> = {}): readonly Slot[] {
  return prices.map((moneyPerKwh, index) => ({
    from: index * HOUR,
    to: (index + 1) * HOUR,
    moneyPerKwh,
    kgCo2ePerKwh: undefined,
    rentFactor: undefined,
    relativeError: undefined,
    ...parts,
  }));
}

function aQuestion(parts: Partial<SlotQuestion> = {}): SlotQuestion {
  return {
    now: 0,
    slots: hours([3, 1, 1, 3]),
    levels: [PAUSE, workers(1)],
    workLeft: 2,
    deadline: 4 * HOUR,
    restartSeconds: 0,
    currentLevel: 0,
    minRunSeconds: 0,
    maxPauses: Number.POSITIVE_INFINITY,
    timeValuePerSecond: 0,
    carbonPrice: 0,
    ...parts,
  };
}

const inHours = ({ runs }: ReturnType<typeof planSlots>) =>
  runs.map(({ from, to, level }) => [from / HOUR, to / HOUR, level].map((value) => Number(value.toFixed(6))));

describe('planSlots', () => {
  const cases: Record<string, { question: Partial<SlotQuestion>; runs: readonly number[][]; cost?: number }> = {
    'runs in the cheap hours': { question: {}, runs: [[1, 3, 1]], cost: 2 },
    'runs at once at a flat price': { question: { slots: hours([2, 2, 2, 2]) }, runs: [[0, 2, 1]], cost: 4 },
    'runs at once when no price is known': {
      question: { slots: hours([undefined, undefined, undefined, undefined]) },
      runs: [[0, 2, 1]],
      cost: 0,
    },
    'takes an unknown price as the mean of the others, not as nothing': {
      question: { slots: hours([2, undefined, Number.NaN, 4]), workLeft: 1 },
      runs: [[0, 1, 1]],
      cost: 2,
    },
    'pauses where that saves more than the restart costs': {
      question: { slots: hours([1, 9, 1, 9]), currentLevel: 1, restartSeconds: 360, workLeft: 1.9 },
      runs: [
        [0, 1, 1],
        [2, 3, 1],
      ],
      cost: 2,
    },
    'does not pause where the restart costs more': {
      question: { slots: hours([1, 1.02, 1, 9]), currentLevel: 1, restartSeconds: 360, workLeft: 2 },
      runs: [[0, 2, 1]],
    },
    'does not pause more often than allowed': {
      question: { slots: hours([1, 9, 1, 9]), currentLevel: 1, maxPauses: 0 },
      runs: [[0, 2, 1]],
    },
    'does not run for less than the shortest run': {
      question: { slots: hours([1, 9, 9, 1, 9, 9]), deadline: 6 * HOUR, minRunSeconds: 2 * HOUR },
      runs: [[0, 2, 1]],
    },
    'does not wait when time is worth more': { question: { timeValuePerSecond: 3 / HOUR }, runs: [[0, 2, 1]] },
    'takes more workers for a deadline': {
      question: {
        levels: [PAUSE, workers(1), workers(2, 0.8)],
        slots: hours([1, 1]),
        deadline: 2 * HOUR,
        workLeft: 2.6,
      },
      runs: [
        [0, 1, 1],
        [1, 2, 2],
      ],
      cost: 3,
    },
    'pays rent by its factor': {
      question: {
        levels: [PAUSE, { workPerSecond: 1 / HOUR, rentPerSecond: 1 / HOUR, kilowatts: 0 }],
        slots: hours([0, 0, 0, 0]).map((slot, index) => ({ ...slot, rentFactor: index === 2 ? 0.5 : 1 })),
        workLeft: 1,
      },
      runs: [[2, 3, 1]],
      cost: 0.5,
    },
    'waits for clean hours when carbon has a price': {
      question: {
        slots: hours([1, 1, 1, 1]).map((slot, index) => ({ ...slot, kgCo2ePerKwh: index < 2 ? 0.5 : 0.1 })),
        carbonPrice: 1,
      },
      runs: [[2, 4, 1]],
      cost: 2.2,
    },
    'goes on after the last slot at the mean price': {
      question: { slots: hours([3, 1]), deadline: undefined, workLeft: 2 },
      runs: [[1, 3, 1]],
      cost: 3,
    },
    'believes no difference that is within the error': {
      question: { slots: hours([3, 2.8, 3.2, 2.9], { relativeError: 0.2 }), workLeft: 1 },
      runs: [[0, 1, 1]],
    },
    'plans nothing when nothing is left': { question: { workLeft: 0 }, runs: [], cost: 0 },
  };
  for (const [title, { question, runs, cost }] of Object.entries(cases)) {
    it(title, () => {
      const plan = planSlots(aQuestion(question));
      expect(inHours(plan)).to.deep.equal(runs);
      expect(plan.isLate).to.equal(false);
      if (cost !== undefined) expect(plan.cost).to.be.closeTo(cost, 1e-6);
      expect(plan.lowerBound).to.be.at.most(plan.cost);
    });
  }

  it('says when a deadline is out of reach, and hurries', () => {
    const levels = [PAUSE, workers(1), workers(2, 0.8)];
    const plan = planSlots(aQuestion({ levels, workLeft: 16, restartSeconds: 360 }));
    expect(plan).to.include({ isLate: true, gap: 0 });
    expect(inHours(plan)).to.deep.equal([[0, 10.1, 2]]);
  });

  const refused: Record<string, { question: Partial<SlotQuestion>; want: RegExp }> = {
    'unknown work': { question: { workLeft: Number.NaN }, want: /workLeft is NaN/ },
    'a negative restart': { question: { restartSeconds: -1 }, want: /restartSeconds is -1/ },
    'a level that is not there': { question: { currentLevel: 7 }, want: /currentLevel is 7; there are 2/ },
    'a first level that works': { question: { levels: [workers(1)] }, want: /level 0 does/ },
    'a second level that does not': { question: { levels: [PAUSE, PAUSE] }, want: /level 1 does 0 work/ },
    'an unknown rent': {
      question: { levels: [PAUSE, { ...workers(1), rentPerSecond: Number.NaN }] },
      want: /level 1 has .*NaN/,
    },
  };
  for (const [title, { question, want }] of Object.entries(refused)) {
    it(`refuses ${title}`, () => {
      expect(() => planSlots(aQuestion(question))).to.throw(RangeError, want);
    });
  }

  const aPrice = fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: -10, max: 100 }) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
  const someQuestion = fc
    .record({
      prices: fc.array(aPrice, { minLength: 1, maxLength: 14 }),
      levels: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1 }),
      share: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      restartSeconds: fc.integer({ min: 0, max: 1200 }),
      current: fc.nat(4),
      timeValue: fc.constantFrom(0, 5),
      maxPauses: fc.constantFrom(0, 1, Number.POSITIVE_INFINITY),
      minRunSeconds: fc.constantFrom(0, 3000),
    })
    .map(({ prices, levels, share, current, timeValue, ...rest }) => {
      const on = [PAUSE, ...levels.map((count) => workers(count, 1 / count ** 0.2))];
      const most = Math.max(...on.map(({ workPerSecond }) => workPerSecond));
      const deadline = prices.length * HOUR;
      return aQuestion({
        ...rest,
        slots: hours(prices),
        levels: on,
        deadline,
        workLeft: share * most * (deadline - rest.restartSeconds),
        currentLevel: current % on.length,
        timeValuePerSecond: timeValue / HOUR,
      });
    });

  it('does the work in time, within the limits, and not below its bound', () => {
    fc.assert(
      fc.property(someQuestion, (question) => {
        const plan = planSlots(question);
        expect(plan.isLate).to.equal(false);
        expect(plan.finish).to.be.at.most((question.deadline ?? 0) + 1e-3);
        expect(plan.lowerBound).to.be.at.most(plan.cost + 1e-9);
        expect(plan.pauses).to.be.at.most(question.maxPauses);
        let at = 0;
        for (const { from, to } of plan.runs) {
          expect(from).to.be.at.least(at);
          expect(to).to.be.greaterThan(from);
          at = to;
        }
        for (const { from, to } of plan.runs.slice(0, -1))
          expect(to - from).to.be.at.least(question.minRunSeconds - 1e-3);
        expect(workDone(question, plan.runs)).to.be.closeTo(question.workLeft, 1e-6 * question.workLeft);
      }),
    );
  });

  it('is never dearer than running at once on one level', () => {
    fc.assert(
      fc.property(someQuestion, (question) => {
        const plan = planSlots(question);
        for (const level of question.levels.keys()) {
          const alone = level === 0 ? undefined : atOnce(question, level);
          if (alone !== undefined) expect(plan.cost).to.be.at.most(alone + 1e-6);
        }
      }),
    );
  });

  it('proves no bound that a plan for fewer levels beats', () => {
    fc.assert(
      fc.property(someQuestion, (question) => {
        const { lowerBound } = planSlots(question);
        question.levels.slice(1).forEach((level) => {
          const alone = planSlots({ ...question, levels: [PAUSE, level], currentLevel: 0 });
          if (!alone.isLate && question.currentLevel === 0) expect(lowerBound).to.be.at.most(alone.cost + 1e-6);
        });
      }),
    );
  });

  it('never proves more for a tighter deadline to be cheaper', () => {
    fc.assert(
      fc.property(someQuestion, fc.double({ min: 0.5, max: 1, noNaN: true }), (question, share) => {
        // With every price known, the end of the horizon does not change what the hours cost.
        const known = question.slots.map((slot) => ({ ...slot, moneyPerKwh: slot.moneyPerKwh ?? 50 }));
        const loose = planSlots({ ...question, slots: known });
        const tight = planSlots({ ...question, slots: known, deadline: share * (question.deadline ?? 0) });
        if (!tight.isLate) expect(loose.lowerBound).to.be.at.most(tight.cost + 1e-6);
      }),
    );
  });

  it('counts in any currency', () => {
    fc.assert(
      fc.property(someQuestion, (question) => {
        const other = planSlots({
          ...question,
          slots: question.slots.map((slot) => ({
            ...slot,
            moneyPerKwh: slot.moneyPerKwh === undefined ? undefined : 4 * slot.moneyPerKwh,
          })),
          timeValuePerSecond: 4 * question.timeValuePerSecond,
        });
        const plan = planSlots(question);
        expect(other.runs).to.deep.equal(plan.runs);
        expect(other.cost).to.be.closeTo(4 * plan.cost, 1e-9 * Math.max(1, Math.abs(plan.cost)));
      }),
    );
  });

  it('comes near its bound over a day of varied prices', () => {
    const prices = Array.from({ length: 48 }, (_, hour) => 50 + 30 * Math.sin(hour / 4) + ((hour * 37) % 11));
    const plan = planSlots(
      aQuestion({
        slots: hours(prices),
        levels: [PAUSE, workers(1), workers(2, 0.9), workers(4, 0.8)],
        deadline: 48 * HOUR,
        workLeft: 40,
        restartSeconds: 120,
      }),
    );
    expect(plan.gap).to.be.within(0, 0.01);
    expect(plan.runs.length).to.be.greaterThan(2);
  });
});

function workDone(
  { levels, restartSeconds, currentLevel }: SlotQuestion,
  runs: ReturnType<typeof planSlots>['runs'],
): number {
  let level = currentLevel;
  let at = 0;
  let work = 0;
  for (const run of runs) {
    const isStart = run.from > at + 1e-9 || run.level !== level;
    work += (levels[run.level]?.workPerSecond ?? 0) * (run.to - run.from - (isStart ? restartSeconds : 0));
    level = run.level;
    at = run.to;
  }
  return work;
}

/** What a level costs from now on until the work is done, unknown prices at the mean; undefined when that is too late. */
function atOnce(question: SlotQuestion, level: number): number | undefined {
  const { slots, levels, workLeft, restartSeconds, currentLevel, timeValuePerSecond, deadline = 0 } = question;
  const { workPerSecond = 0, kilowatts = 0 } = levels[level] ?? {};
  const seconds = workLeft / workPerSecond + (level === currentLevel ? 0 : restartSeconds);
  if (seconds > deadline) return undefined;
  const known = slots.flatMap(({ moneyPerKwh }) => (moneyPerKwh === undefined ? [] : [moneyPerKwh]));
  const mean = known.length === 0 ? 0 : known.reduce((sum, price) => sum + price, 0) / known.length;
  return slots.reduce(
    (cost, { from, to, moneyPerKwh }) =>
      cost + ((kilowatts * (moneyPerKwh ?? mean)) / HOUR) * Math.max(0, Math.min(to, seconds) - from),
    timeValuePerSecond * seconds,
  );
}
