import { expect } from 'chai';
import { EnergyProviders } from '../../../../src/adapters/energy/providers.ts';
import { parseEnergySource } from '../../../../src/api/parse.ts';
import { inOrder, type SignalSlot, slotAt } from '../../../../src/core/forecast/signal-slot.ts';
import { SignalError } from '../../../../src/ports/energy-signals.ts';
import * as loopback from '../../../support/energy-loopback.ts';

const HOUR = 3600;
const NOW = Date.parse('2026-06-10T12:00:00Z') / 1000;
const SECRET = { token: 'key' };
const carbon = { signal: 'CarbonIntensity', basis: 'Average' };
const price = (currency: string) => ({ signal: 'Price', currency });
const slot = (hour: number, value: number): SignalSlot => ({
  from: NOW + hour * HOUR,
  to: NOW + (hour + 1) * HOUR,
  value,
});

interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

/** Reads a provider that answers each path so. */
async function read(
  spec: object,
  answers: Readonly<Record<string, Answer>>,
  credentials: Record<string, string> = SECRET,
) {
  const provider = await loopback.startLoopbackProvider((asked) => {
    const path = Object.keys(answers).find((each) => asked.pathname.startsWith(each));
    return path === undefined ? undefined : answers[path];
  });
  const signals = new EnergyProviders({
    client: { get: async () => undefined },
    prometheus: { url: 'http://127.0.0.1:1' },
    secondsBetweenRequests: 0,
  });
  const source = parseEnergySource({
    apiVersion: 'stepwise.dev/v1alpha1',
    kind: 'EnergySource',
    metadata: { name: 'x' },
    spec: { ...spec, connection: { url: provider.url, transport: 'AllowHttp' }, credentials: { secretName: 'x' } },
  });
  const signal = AbortSignal.timeout(5000);
  const question = { name: 'x', spec: source.spec, credentials, now: NOW, since: NOW - 6 * HOUR, signal };
  try {
    return { slots: inOrder(await signals.read(question)), asked: provider.asked };
  } catch (error) {
    if (error instanceof SignalError) return { slots: [], asked: provider.asked, error };
    throw error;
  } finally {
    provider.close();
  }
}

describe('what is peculiar to Electricity Maps', () => {
  const spec = { ...carbon, provider: { type: 'ElectricityMaps', electricityMaps: { zone: 'DE' } } };
  const history = { body: { zone: 'DE', history: [{ datetime: '2026-06-10T11:00:00.000Z', carbonIntensity: 300 }] } };

  for (const status of [401, 403, 404]) {
    it(`does without a forecast where the plan of the key has none, told by ${status}`, async () => {
      const forecast = { status, body: { error: 'Request unauthorized' } };
      const { slots, error } = await read(spec, {
        '/carbon-intensity/history': history,
        '/carbon-intensity/forecast': forecast,
      });
      expect(error).to.equal(undefined);
      expect(slots).to.deep.equal([slot(-1, 300)]);
    });
  }

  it('asks for the zone of nobody else, and refuses to take it', async () => {
    const other = {
      body: { zone: 'FR', history: [{ zone: 'FR', datetime: '2026-06-10T11:00:00Z', carbonIntensity: 30 }] },
    };
    const { error, asked } = await read(spec, { '/carbon-intensity': other });
    expect(error).to.include({ problem: 'Garbled' });
    expect(asked[0]?.url.searchParams.get('disableCallerLookup')).to.equal('true');
  });

  for (const [basis, want] of Object.entries({ Average: 'direct', Lifecycle: 'lifecycle' })) {
    it(`asks for ${want} emission factors on the basis ${basis}`, async () => {
      const { asked } = await read({ ...spec, basis }, { '/carbon-intensity': history });
      expect(asked.map(({ url }) => url.searchParams.get('emissionFactorType'))).to.deep.equal([want, want]);
    });
  }

  it('does not take dollars for euros', async () => {
    const told = { body: { zone: 'DE', history: [{ datetime: '2026-06-10T11:00:00Z', value: 80, unit: 'USD/MWh' }] } };
    const { error } = await read({ ...spec, ...price('EUR'), basis: undefined }, { '/price-day-ahead': told });
    expect(error).to.include({ problem: 'Misconfigured' });
    expect(error?.message).to.contain('USD');
  });
});

describe('what is peculiar to ENTSO-E', () => {
  const spec = { ...price('EUR'), provider: { type: 'EntsoE', entsoE: { biddingZone: '10Y1001A1001A82H' } } };
  const series = (
    resolution: string,
    prices: readonly number[],
    change: { currency?: string; position?: number } = {},
  ) =>
    `<TimeSeries><currency_Unit.name>${change.currency ?? 'EUR'}</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>` +
    (change.position === undefined
      ? ''
      : `<classificationSequence_AttributeInstanceComponent.position>${change.position}</classificationSequence_AttributeInstanceComponent.position>`) +
    `<curveType>A03</curveType><Period><timeInterval><start>2026-06-10T12:00Z</start><end>2026-06-10T14:00Z</end></timeInterval><resolution>${resolution}</resolution>` +
    prices
      .map((each, index) => `<Point><position>${index + 1}</position><price.amount>${each}</price.amount></Point>`)
      .join('') +
    '</Period></TimeSeries>';
  const document = (...parts: string[]) => ({
    '/api': { body: `<Publication_MarketDocument xmlns="urn:x">${parts.join('')}</Publication_MarketDocument>` },
  });
  const refusal = (code: string, text: string) =>
    `<Acknowledgement_MarketDocument xmlns="urn:y"><Reason><code>${code}</code><text>${text}</text></Reason></Acknowledgement_MarketDocument>`;

  it('takes quarters of an hour where a zone has hours too, and hours where it has no quarters', async () => {
    const { slots } = await read(spec, document(series('PT15M', [10, 20, 30, 40]), series('PT60M', [99, 50])));
    const at = (minute: number) => slotAt(slots, NOW + minute * 60)?.value;
    // The last quarter is repeated until the end of the period: in a curve of type A03 it was left out.
    expect([at(1), at(16), at(31), at(46), at(61), at(119)]).to.deep.equal([0.01, 0.02, 0.03, 0.04, 0.04, 0.04]);
  });

  it('takes the day-ahead auction where there are others', async () => {
    const { slots } = await read(
      spec,
      document(series('PT60M', [100, 100], { position: 2 }), series('PT60M', [40, -5], { position: 1 })),
    );
    expect(slots).to.deep.equal([slot(0, 0.04), slot(1, -0.005)]);
  });

  it('does not take pounds for euros', async () => {
    const { error } = await read(spec, document(series('PT60M', [40, 50], { currency: 'GBP' })));
    expect(error).to.include({ problem: 'Misconfigured' });
  });

  for (const status of [200, 400]) {
    it(`says that there is nothing where it is told so with ${status}`, async () => {
      const { error } = await read(spec, { '/api': { status, body: refusal('999', 'No matching data found') } });
      expect(error).to.include({ problem: 'Empty' });
      expect(error?.message).to.contain('No matching data found');
    });
  }

  it('gives the reason of a refusal', async () => {
    const { error } = await read(spec, { '/api': { status: 400, body: refusal('B11', 'Too many results requested') } });
    expect(error).to.include({ problem: 'Refused' });
    expect(error?.message).to.contain('Too many results');
  });

  it('refuses a period of more steps than could have been asked for', async () => {
    const endless = series('PT1M', [10]).replace('2026-06-10T14:00Z', '2046-06-10T14:00Z');
    const { error } = await read(spec, document(endless));
    expect(error).to.include({ problem: 'Garbled' });
  });

  it('does not expand what could grow without end', async () => {
    const bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>';
    const body = `${bomb}<Acknowledgement_MarketDocument><Reason><code>B11</code><text>&b;</text></Reason></Acknowledgement_MarketDocument>`;
    const { error } = await read(spec, { '/api': { body } });
    expect(error?.message ?? '').not.to.contain('aaaa');
  });
});

describe('what is peculiar to WattTime', () => {
  const spec = {
    signal: 'CarbonIntensity',
    basis: 'Marginal',
    provider: { type: 'WattTime', wattTime: { region: 'PJM_DC' } },
  };
  const user = { username: 'u', password: 'p' };
  const meta = { region: 'PJM_DC', signal_type: 'co2_moer', units: 'lbs_co2_per_mwh', data_point_period_seconds: 300 };
  const forecast = { body: { data: [{ point_time: '2026-06-10T12:00:00+00:00', value: 1000 }], meta } };

  it('does without the past where the account has none, and converts pounds', async () => {
    const answers = {
      '/login': { body: { token: 't' } },
      '/v3/forecast': forecast,
      '/v3/historical': { status: 403, body: {} },
    };
    const { slots } = await read(spec, answers, user);
    expect(slots).to.deep.equal([{ from: NOW, to: NOW + 300, value: 453.59237 }]);
  });

  it('never takes an average for a marginal intensity, nor another unit', async () => {
    for (const change of [{ signal_type: 'co2_aoer' }, { units: 'kg_co2_per_mwh' }]) {
      const wrong = { body: { data: [], meta: { ...meta, ...change } } };
      const { error } = await read(spec, { '/login': { body: { token: 't' } }, '/v3': wrong }, user);
      expect(error).to.include({ problem: 'Garbled' });
    }
  });
});

describe('what is peculiar to Octopus Energy', () => {
  const agile = { product: 'AGILE-24-10-01', region: 'C' };
  const spec = { ...price('GBP'), provider: { type: 'OctopusAgile', octopusAgile: agile } };
  const rate = (change: object) => ({
    value_exc_vat: 20,
    value_inc_vat: 21,
    valid_from: '2026-06-10T12:00:00Z',
    valid_to: null,
    ...change,
  });

  it('gives the last rate half an hour, and converts pence', async () => {
    const { slots } = await read(spec, { '/v1': { body: { results: [rate({ value_exc_vat: -3.5 })] } } });
    expect(slots).to.deep.equal([{ from: NOW, to: NOW + 1800, value: -0.035 }]);
  });

  it('takes tax and payment as they are asked for', async () => {
    const results = [
      rate({ payment_method: 'NON_DIRECT_DEBIT', value_inc_vat: 99 }),
      rate({ payment_method: 'DIRECT_DEBIT' }),
    ];
    const withVat = { ...spec, provider: { type: 'OctopusAgile', octopusAgile: { ...agile, vat: 'Included' } } };
    const { slots } = await read(withVat, { '/v1': { body: { results } } });
    expect(slots.map(({ value }) => value)).to.deep.equal([0.21]);
  });

  it('tells pounds and nothing else', async () => {
    const { error } = await read({ ...spec, currency: 'EUR' }, { '/v1': { body: { results: [] } } });
    expect(error).to.include({ problem: 'Misconfigured' });
  });
});

describe('what is peculiar to PromQL', () => {
  const spec = { ...carbon, provider: { type: 'PromQL', promQL: { query: 'carbon', unit: 'GramsPerKwh' } } };
  const matrix = (...values: [number, string][][]) => ({
    body: {
      status: 'success',
      data: { resultType: 'matrix', result: values.map((each) => ({ metric: {}, values: each })) },
    },
  });

  it('wants one series, and says how to get it', async () => {
    const { error } = await read(spec, { '/api': matrix([[NOW, '1']], [[NOW, '2']]) });
    expect(error).to.include({ problem: 'Misconfigured' });
    expect(error?.message).to.contain('2 series').and.to.contain('avg()');
  });

  it('leaves out what is no number', async () => {
    const { slots } = await read(spec, {
      '/api': matrix([
        [NOW - HOUR, 'NaN'],
        [NOW, '+Inf'],
        [NOW + HOUR, '7'],
      ]),
    });
    expect(slots).to.deep.equal([slot(1, 7)]);
  });

  it('sends the token of the Secret', async () => {
    const { asked } = await read(spec, { '/api': matrix([[NOW, '1']]) });
    expect(asked[0]?.headers.authorization).to.equal('Bearer key');
  });
});

describe('what is peculiar to a replayed file', () => {
  const csv = { column: 'ci_lca_g_per_kwh', unit: 'GramsPerKwh' };
  const spec = (change: object) => ({ ...carbon, provider: { type: 'Csv', csv: { ...csv, ...change } } });
  /** Two days of a year long past: the value is the hour of the day, and 100 more on the second. */
  const first = Date.parse('2023-01-01T00:00:00Z') / 1000;
  const trace = Array.from({ length: 48 }, (_, hour) => ({
    from: first + hour * HOUR,
    to: first + (hour + 1) * HOUR,
    value: (hour % 24) + (hour < 24 ? 0 : 100),
  }));
  const served = { '/': { body: loopback.csvText(trace) } };

  it('keeps the hour of the day, and tells as much of the future as it is asked to', async () => {
    const { slots } = await read(spec({ publishedHours: 30 }), served);
    for (const { from, value } of slots) expect(value % 100).to.equal(Math.floor(from / HOUR) % 24);
    expect(slots[0]?.from).to.equal(NOW - 6 * HOUR);
    expect(slots.at(-1)?.from).to.equal(NOW + 30 * HOUR);
    expect(slots).to.have.length(37);
  });

  it('tells nothing of the future where it is not asked to', async () => {
    const { slots } = await read(spec({ publishedHours: 0 }), served);
    expect(slots.at(-1)?.from).to.equal(NOW);
  });

  it('names the columns that there are', async () => {
    const { error } = await read(spec({ column: 'carbon' }), served);
    expect(error).to.include({ problem: 'Misconfigured' });
    expect(error?.message).to.contain('ci_lca_g_per_kwh');
  });

  it('takes an empty cell for missing', async () => {
    const lines = [
      'datetime_utc,ci_lca_g_per_kwh',
      '2026-06-10T11:00:00Z,',
      '2026-06-10T12:00:00Z,5',
      '2026-06-10T13:00:00Z,6',
    ];
    const { slots } = await read(spec({ replay: 'Once' }), { '/': { body: lines.join('\r\n') } });
    expect(slots).to.deep.equal([slot(0, 5), slot(1, 6)]);
  });
});

describe('what is peculiar to the Carbon Aware SDK', () => {
  const spec = { ...carbon, provider: { type: 'CarbonAwareSdk', carbonAwareSdk: { location: 'westeurope' } } };
  const past = {
    body: [{ location: 'westeurope', time: '2026-06-10T11:00:00+00:00', rating: 280, duration: '01:00:00' }],
  };

  it('does without a forecast where the service behind it has none', async () => {
    const answers = {
      '/emissions/bylocation': past,
      '/emissions/forecasts': { status: 501, body: { title: 'NotImplemented' } },
    };
    const { slots } = await read(spec, answers);
    expect(slots).to.deep.equal([slot(-1, 280)]);
  });

  it('says what is wrong where it has neither', async () => {
    const { error } = await read(spec, { '/emissions': { status: 500, body: {} } });
    expect(error).to.include({ problem: 'Refused' });
  });
});
