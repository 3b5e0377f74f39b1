import { expect } from 'chai';
import { EnergyMemory } from '../../../../src/controllers/energy-source/energy-memory.ts';
import { poolEnergy } from '../../../../src/controllers/energy-source/pool-energy.ts';
import { forecastSignal } from '../../../../src/core/forecast/forecast.ts';
import { foldReading, NO_RECORD } from '../../../../src/core/forecast/record.ts';
import { aGpuPool, type GpuPoolParts } from '../../../support/a-training-job.ts';
import { anEnergySource } from '../../../support/an-energy-source.ts';

const HOUR = 3600;
const NOW = Date.parse('2026-03-02T10:20:00Z') / 1000;
const THIS_HOUR = Math.floor(NOW / HOUR) * HOUR;

type Energy = NonNullable<NonNullable<GpuPoolParts['spec']>['energy']>;
const METERED: Energy = {
  billing: 'Metered',
  busyWattsPerGpu: 100,
  idleWattsPerGpu: 20,
  powerUsageEffectivenessPercent: 150,
};

interface Known {
  readonly spec?: object;
  readonly values?: readonly number[];
  readonly gain?: number;
}

const PRICE = {
  signal: 'Price',
  basis: undefined,
  currency: 'USD',
  provider: { type: 'Tariff', tariff: { pricePerKwh: '1' } },
};

function memoryOf(sources: Readonly<Record<string, Known>>): EnergyMemory {
  const memory = new EnergyMemory();
  for (const [name, { spec = {}, values = [0.1, 0.3], gain }] of Object.entries(sources)) {
    const slots = values.map((value, hour) => ({
      from: THIS_HOUR + hour * HOUR,
      to: THIS_HOUR + (hour + 1) * HOUR,
      value,
    }));
    const record = foldReading(NO_RECORD, slots, NOW);
    const source = anEnergySource({ name, spec });
    memory.set(name, { spec: source.spec, record, forecast: forecastSignal(record, NOW), expectedGain: gain });
  }
  return memory;
}

const pool = (energy: Energy | undefined, spec: GpuPoolParts['spec'] = {}) =>
  aGpuPool({ spec: { ...(energy === undefined ? {} : { energy }), ...spec } });

describe("a pool's hours", () => {
  it('are none without sources, which is no failure', () => {
    for (const energy of [undefined, { billing: 'IncludedInNode' } as const]) {
      const told = poolEnergy(pool(energy), memoryOf({}), NOW);
      expect(told.reason).to.equal('NotConfigured');
      expect(told.hours).to.equal(undefined);
    }
  });

  it('cost what is metered, and carry carbon beside it', () => {
    const memory = memoryOf({ price: { spec: PRICE }, carbon: { values: [400, 100, 50] } });
    const told = poolEnergy(pool({ ...METERED, priceSource: 'price', carbonSource: 'carbon' }), memory, NOW);
    expect(told.reason).to.equal('EnergyKnown');
    expect(told.carbonBasis).to.equal('Average');
    expect(
      told.hours?.slice(0, 3).map(({ from, moneyPerKwh, kgCo2ePerKwh }) => [from, moneyPerKwh, kgCo2ePerKwh]),
    ).to.deep.equal([
      [THIS_HOUR, 0.1, 0.4],
      [THIS_HOUR + HOUR, 0.3, 0.1],
      [THIS_HOUR + 2 * HOUR, undefined, 0.05],
    ]);
  });

  it('cost nothing more where the rent includes electricity', () => {
    const memory = memoryOf({ price: { spec: PRICE }, carbon: { values: [400] } });
    const energy = { ...METERED, billing: 'IncludedInNode', priceSource: 'price', carbonSource: 'carbon' } as const;
    const told = poolEnergy(pool(energy), memory, NOW);
    expect(told.hours?.[0]).to.include({ moneyPerKwh: 0, kgCo2ePerKwh: 0.4 });
  });

  it('are alike, at their mean, where moving work brings too little', () => {
    const memory = memoryOf({ price: { spec: PRICE, gain: 0.04 } });
    const told = poolEnergy(pool({ ...METERED, priceSource: 'price' }), memory, NOW);
    expect(told.reason).to.equal('EnergyKnown');
    expect(told.hours?.map(({ moneyPerKwh }) => moneyPerKwh)).to.deep.equal([0.2, 0.2]);
  });

  it('are charged as they are, though plans take them for alike', () => {
    const memory = memoryOf({ price: { spec: PRICE, gain: 0.04 }, carbon: { values: [400, 100], gain: 0.01 } });
    const told = poolEnergy(pool({ ...METERED, priceSource: 'price', carbonSource: 'carbon' }), memory, NOW);
    expect(told.hours?.[0]).to.include({ moneyPerKwh: 0.2, kgCo2ePerKwh: 0.25 });
    expect(told.hourNow).to.include({ from: THIS_HOUR, moneyPerKwh: 0.1, kgCo2ePerKwh: 0.4 });
  });

  it('draw what a GPU draws more at work where nodes stay, and all of it where they go', () => {
    const energy = { ...METERED, priceSource: 'price' };
    const of = (spec: GpuPoolParts['spec']) => poolEnergy(pool(energy, spec), memoryOf({}), NOW).kilowattsPerGpu;
    expect(of({})).to.be.closeTo(0.15, 1e-12);
    expect(of({ provider: { type: 'None' } })).to.be.closeTo(0.12, 1e-12);
    expect(of({ limits: { minNodes: 4, maxNodes: 4 } })).to.be.closeTo(0.12, 1e-12);
  });

  const troubles: Record<
    string,
    { energy: Energy; known: Readonly<Record<string, Known>>; at?: number; reason: string; says: RegExp }
  > = {
    'a source that is not there': {
      energy: { priceSource: 'gone' },
      known: {},
      reason: 'SourceNotFound',
      says: /gone/,
    },
    'a source of something else': {
      energy: { priceSource: 'carbon' },
      known: { carbon: {} },
      reason: 'SignalMismatch',
      says: /carbon .*CarbonIntensity.*Price/,
    },
    'a price in another currency': {
      energy: { priceSource: 'price' },
      known: { price: { spec: { ...PRICE, currency: 'EUR' } } },
      reason: 'CurrencyMismatch',
      says: /EUR.*USD/,
    },
    'a source that is a day old': {
      energy: { priceSource: 'price' },
      known: { price: { spec: PRICE } },
      at: NOW + 86_400,
      reason: 'SignalUnknown',
      says: /price/,
    },
    'a source that never answered': {
      energy: { carbonSource: 'carbon' },
      known: { carbon: { values: [] } },
      reason: 'SignalUnknown',
      says: /carbon/,
    },
    'no word of what a GPU draws': {
      energy: { priceSource: 'price', billing: 'Metered', busyWattsPerGpu: undefined },
      known: { price: { spec: PRICE } },
      reason: 'PowerUnknown',
      says: /busyWattsPerGpu/,
    },
  };
  for (const [name, { energy, known, at = NOW, reason, says }] of Object.entries(troubles)) {
    it(`say so of ${name}, and are without it`, () => {
      const told = poolEnergy(pool({ ...METERED, ...energy }), memoryOf(known), at);
      expect(told.reason).to.equal(reason);
      expect(told.message).to.match(says);
      if (reason !== 'PowerUnknown') expect(told.hours).to.equal(undefined);
      else expect(told.kilowattsPerGpu).to.equal(undefined);
    });
  }
});
