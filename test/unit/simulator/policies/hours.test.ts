import { expect } from 'chai';
import { hoursOfPools } from '../../../../src/simulator/policies/hours.ts';
import { simulate } from '../../../../src/simulator/run.ts';
import type { PoolSpec, ScenarioText } from '../../../../src/simulator/scenario.ts';
import { EnergySeries } from '../../../../src/simulator/traces/energy.ts';
import { A_POOL, aPoolSpec, aScenario, aTraceFolder } from '../../../support/a-scenario.ts';

const STARTS_AT = Date.parse('2023-01-02T00:00:00Z') / 1000;
const FOLLOWED = { hours: 'Followed' } as const;
const energy = (...prices: readonly (number | undefined)[]) =>
  new Map([
    [
      'Z',
      new EnergySeries(
        prices.map((pricePerMwh) => ({ pricePerMwh, carbonGramsPerKwh: 200 })),
        STARTS_AT,
      ),
    ],
  ]);

function heard(
  parts: Partial<ScenarioText>,
  pool: Partial<PoolSpec> = {},
  series = energy(50, 70, undefined),
  now = 0,
) {
  const scenario = aScenario({ objective: FOLLOWED, ...parts });
  return hoursOfPools(scenario, STARTS_AT, series)(aPoolSpec({ zone: 'Z', energyIncluded: false, ...pool }), now);
}
const pricesOf = ({ hours }: ReturnType<typeof heard>) => hours?.slice(0, 3).map(({ moneyPerKwh }) => moneyPerKwh);

describe('what the operator hears of hours', () => {
  it('is nothing where the scenario ignores them, or the pool has no zone', () => {
    expect(heard({ objective: { hours: 'Ignored' } })).to.eql({});
    expect(hoursOfPools(aScenario({ objective: FOLLOWED }), STARTS_AT, new Map())(aPoolSpec(), 0)).to.eql({});
  });

  it('is a week of prices, an unknown one unknown', () => {
    const told = heard({});
    expect(told.hours).to.have.length(168);
    expect(pricesOf(told)).to.eql([0.05, 0.07, undefined]);
    expect(told.hours?.[1]).to.include({ from: STARTS_AT + 3600, to: STARTS_AT + 7200 });
  });

  it('begins with the hour that has begun', () => {
    expect(heard({}, {}, energy(50, 70), 3700).hours?.[0]).to.include({ from: STARTS_AT + 3600, moneyPerKwh: 0.07 });
  });

  it('counts carbon at its price, alone where the rent includes the electricity', () => {
    const objective = { ...FOLLOWED, carbonPricePerTonne: 100 };
    expect(pricesOf(heard({ objective }, {}, energy(50)))?.[0]).to.be.closeTo(0.05 + 0.02, 1e-12);
    expect(pricesOf(heard({ objective }, { energyIncluded: true }, energy(50)))?.[0]).to.be.closeTo(0.02, 1e-12);
  });

  it('errs the more the later the hour, never in the one that has begun', () => {
    const { hours = [] } = heard({ forecastNoise: 0.2 }, {}, energy(50));
    expect(hours[0]).to.include({ moneyPerKwh: 0.05, relativeError: 0 });
    expect(hours[24]?.relativeError).to.be.closeTo(0.2, 1e-12);
    expect(hours[96]?.relativeError).to.be.closeTo(0.4, 1e-12);
    expect(hours[24]?.moneyPerKwh).not.to.equal(0.05);
  });

  it('is what a GPU draws more than when nobody holds it', () => {
    const watts = { busyWattsPerGpu: 300, idleWattsPerGpu: 50, hostWattsPerNode: 100, gpusPerNode: 2, pue: 1.2 };
    expect(heard({}, { ...watts, kind: 'Paid' }).kilowattsPerGpu).to.be.closeTo(0.3, 1e-12);
    expect(heard({}, { ...watts, kind: 'Elastic' }).kilowattsPerGpu).to.be.closeTo(0.42, 1e-12);
  });
});

describe('the simulated operator', () => {
  /** Trainings of some three hours; electricity is dear for two hours, cheap for six, and dear again. */
  const folder = aTraceFolder({
    'traces/tiny/validation-10.csv': `progress,iteration,metric,grad_sqr,grad_var
25000,25000,1,2.0,8.0
50000,50000,1,1.0,8.0
`,
    'traces/tiny/validation-40.csv': `progress,iteration,metric,grad_sqr,grad_var
25000,10000,1,2.0,8.0
50000,30000,1,1.0,8.0
`,
    'zone.csv': [
      'datetime_utc,ci_direct_g_per_kwh,price_eur_per_mwh',
      ...Array.from({ length: 24 }, (_, hour) => {
        const at = new Date((STARTS_AT + hour * 3600) * 1000).toISOString();
        return `${at},100,${hour >= 2 && hour < 8 ? 20 : 400}`;
      }),
    ].join('\n'),
    'deadlines.csv': 'name,pollux_jct_s\nfirst,30000\nsecond,30000\n',
  });
  const run = (objective: ScenarioText['objective']) =>
    simulate(
      aScenario(
        {
          policy: 'Stepwise',
          jobs: { file: 'jobs.csv', profiles: 'traces', deadlines: { file: 'deadlines.csv', factor: 1 } },
          pools: [
            {
              ...A_POOL,
              gpusPerNode: 1,
              pricePerNodeHour: 0.01,
              zone: 'Z',
              energyIncluded: false,
              busyWattsPerGpu: 500,
            },
          ],
          energy: { Z: 'zone.csv' },
          planningIntervalSeconds: 60,
          scrapeIntervalSeconds: 30,
          restartSeconds: 30,
          limits: { canPause: true },
          objective,
        },
        folder,
      ),
    );

  it('pauses jobs in dear hours, ends them in time, and pays less than when it ignores the hours', async () => {
    const ignored = await run({ hours: 'Ignored' });
    const followed = await run(FOLLOWED);
    const states = ({ jobs }: typeof ignored) =>
      jobs.map(({ allocation }) => allocation.some(({ state }) => state === 'Paused'));
    expect(states(ignored)).to.eql([false, false]);
    expect(states(followed)).to.eql([true, true]);
    expect(followed.totals).to.include({ finished: 2, late: 0 });
    expect(followed.totals.cost).to.be.below(0.5 * ignored.totals.cost);
  });
});
