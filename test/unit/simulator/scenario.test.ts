import { expect } from 'chai';
import { InputError } from '../../../src/simulator/input-error.ts';
import { parseScenario, type ScenarioText } from '../../../src/simulator/scenario.ts';
import { A_POOL, aScenario } from '../../support/a-scenario.ts';

describe('scenario', () => {
  const text: ScenarioText = { name: 'x', jobs: { file: 'jobs.csv', profiles: '$STEPWISE_DATA/p' }, pools: [A_POOL] };
  const parse = (value: unknown) => parseScenario(value, { folder: '/here', dataFolder: '/data' }, 'file.yaml');

  it('finds paths from its own folder or from the data folder', () => {
    expect(parse(text).jobs).to.deep.include({ file: '/here/jobs.csv', profiles: '/data/p' });
  });

  it('fills in what is left out', () => {
    expect(parse(text)).to.deep.include({ seed: 1, policy: 'Stepwise', restartSeconds: 30, scrapeGapShare: 0 });
  });

  const bad: Readonly<Record<string, { readonly value: object; readonly want: RegExp }>> = {
    'no pools': { value: { ...text, pools: undefined }, want: /file\.yaml: pools: / },
    'an unknown field': { value: { ...text, polices: 1 }, want: /polices/ },
    'a negative price': {
      value: { ...text, pools: [{ ...A_POOL, pricePerNodeHour: -1 }] },
      want: /pools\.0\.pricePerNodeHour: Too small: expected number to be >=0/,
    },
    'an unknown policy': { value: { ...text, policy: 'Best' }, want: /policy: .*"Stepwise"/ },
    'two pools of one name': { value: { ...text, pools: [A_POOL, A_POOL] }, want: /two are named pool/ },
    'more standing nodes than there may be': {
      value: { ...text, pools: [{ ...A_POOL, minNodes: 4 }] },
      want: /pools\.0\.minNodes: 4 is above maxNodes 3; lower it/,
    },
    'a zone without a file': {
      value: { ...text, pools: [{ ...A_POOL, zone: 'ES' }] },
      want: /pools\.0\.zone: energy names no file for ES; add one, or leave the zone out/,
    },
    'electricity without a price': {
      value: { ...text, pools: [{ ...A_POOL, energyIncluded: false }] },
      want: /pools\.0\.energyIncluded: without a zone its electricity has no price; name a zone/,
    },
    'a stock-out of no pool': {
      value: { ...text, options: { stockOuts: [{ pool: 'b', fromSeconds: 0, toSeconds: 1 }] } },
      want: /options\.stockOuts\.0\.pool: b is no pool; there are pool/,
    },
  };
  for (const [name, { value, want }] of Object.entries(bad)) {
    it(`refuses ${name} and says what would be right`, () => {
      expect(() => parse(value)).to.throw(InputError, want);
    });
  }

  it('is what the tests build', () => {
    expect(aScenario().jobs.file).to.match(/^\/.*jobs\.csv$/);
  });
});
