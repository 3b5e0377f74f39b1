// Providers of energy signals on the loopback interface: each tells given slots in its own format.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SignalSlot } from '../../src/core/forecast/signal-slot.ts';

export interface LoopbackProvider {
  readonly url: string;
  readonly asked: { readonly url: URL; readonly headers: IncomingHttpHeaders }[];
  /** What it tells: in inner units, ascending. */
  slots: readonly SignalSlot[];
  now: number;
  newestFirst: boolean;
  /** Answers instead of the provider, where it returns true. */
  instead: (response: ServerResponse, request: IncomingMessage) => boolean;
  /** Changes what it answers. */
  garble: (body: string) => string;
  close(): void;
}

/** The body of an answer; a status where it is not 200. */
export type Told = { readonly status?: number; readonly body: unknown };
export type Format = (asked: URL, tell: Pick<LoopbackProvider, 'slots' | 'now' | 'newestFirst'>) => Told | undefined;

export async function startLoopbackProvider(format: Format): Promise<LoopbackProvider> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://loopback');
    provider.asked.push({ url, headers: request.headers });
    if (provider.instead(response, request)) return;
    const told = format(url, provider) ?? { status: 404, body: { message: 'not found' } };
    response.statusCode = told.status ?? 200;
    response.end(provider.garble(typeof told.body === 'string' ? told.body : JSON.stringify(told.body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const provider: LoopbackProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    slots: [],
    now: 0,
    newestFirst: false,
    instead: () => false,
    garble: (body) => body,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return provider;
}

const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
const minute = (seconds: number) => `${iso(seconds).slice(0, 16)}Z`;
const past = ({ slots, now }: Pick<LoopbackProvider, 'slots' | 'now'>) => slots.filter(({ from }) => from <= now);
const future = ({ slots, now }: Pick<LoopbackProvider, 'slots' | 'now'>) => slots.filter(({ from }) => from > now);
const inTheirOrder = <T>(list: readonly T[], { newestFirst }: { newestFirst: boolean }) =>
  newestFirst ? [...list].reverse() : list;
const rounded = (value: number) => Number(value.toFixed(9));

export const gbCarbonIntensity: Format = (asked, tell) => {
  const match = /^\/(regional\/)?intensity\/([^/]+)\/([^/]+)(?:\/regionid\/(\d+))?$/.exec(asked.pathname);
  if (match === null) return { status: 400, body: { error: { code: '400 Bad Request', message: 'no such path' } } };
  const [, regional, from = '', to = ''] = match;
  const start = Date.parse(from) / 1000;
  const end = to === 'fw48h' ? start + 48 * 3600 : Date.parse(to) / 1000;
  const data = inTheirOrder(
    tell.slots.filter((slot) => slot.from >= start && slot.from < end),
    tell,
  ).map((slot) => {
    const actual = slot.to <= tell.now ? slot.value : null;
    const forecast = slot.to <= tell.now && regional === undefined ? slot.value + 7 : slot.value;
    const intensity = { forecast, index: 'moderate', ...(regional === undefined ? { actual } : {}) };
    return { from: minute(slot.from), to: minute(slot.to), intensity };
  });
  return { body: regional === undefined ? { data } : { data: { regionid: 13, shortname: 'London', data } } };
};

/** `currency` for prices. */
export const electricityMaps =
  (kind: 'carbon-intensity' | 'price-day-ahead' | 'renewable-energy'): Format =>
  (asked, tell) => {
    const [, resource, verb] = asked.pathname.split('/');
    if (resource !== kind) return { status: 404, body: { status: 'error', message: 'unknown resource' } };
    const zone = asked.searchParams.get('zone') ?? '';
    const item = ({ from, value }: SignalSlot) => ({
      zone,
      datetime: iso(from),
      ...(kind === 'carbon-intensity' ? { carbonIntensity: value, isEstimated: false } : {}),
      ...(kind === 'price-day-ahead' ? { value: rounded(value * 1000), unit: 'EUR/MWh', source: 'market' } : {}),
      ...(kind === 'renewable-energy' ? { value: rounded(value * 100), unit: '%' } : {}),
    });
    const list = inTheirOrder(verb === 'forecast' ? future(tell) : past(tell), tell).map(item);
    const forecastName = kind === 'carbon-intensity' ? 'forecast' : 'data';
    return { body: { zone, [verb === 'forecast' ? forecastName : 'history']: list } };
  };

export const wattTime: Format = (asked, tell) => {
  if (asked.pathname === '/login') return { body: { token: 'a-session' } };
  const slots = asked.pathname === '/v3/forecast' ? future(tell) : past(tell);
  const data = inTheirOrder(slots, tell).map(({ from, value }) => ({
    point_time: iso(from).replace('.000Z', '+00:00'),
    value: (value * 1000) / 453.59237,
  }));
  const signal_type = asked.searchParams.get('signal_type');
  const meta = { region: asked.searchParams.get('region'), signal_type, units: 'lbs_co2_per_mwh' };
  return { body: { data, meta: { ...meta, data_point_period_seconds: 300, warnings: [] } } };
};

export const energyCharts: Format = (asked, tell) => {
  if (tell.slots.length === 0) return { status: 404, body: { detail: 'no data' } };
  const slots = inTheirOrder(tell.slots, tell);
  const unix_seconds = slots.map(({ from }) => from);
  const values = (factor: number) => slots.map(({ value }) => rounded(value * factor));
  if (asked.pathname === '/price') {
    return {
      body: { license_info: 'CC BY 4.0', unix_seconds, price: values(1000), unit: 'No Unit', deprecated: false },
    };
  }
  return { body: { unix_seconds, ren_share: values(100), substitute: false, deprecated: false } };
};

/** Runs of slots without a gap become periods of a curve of type A01, or A03 with what repeats left out. */
export const entsoE =
  (curveType: 'A01' | 'A03'): Format =>
  (_, tell) => {
    if (tell.slots.length === 0) return { body: ACKNOWLEDGEMENT };
    const runs: SignalSlot[][] = [];
    for (const slot of tell.slots) {
      const run = runs.at(-1);
      if (run !== undefined && run.at(-1)?.to === slot.from) run.push(slot);
      else runs.push([slot]);
    }
    const series = runs.map((run) => timeSeries(run, curveType, tell.newestFirst)).join('');
    return {
      body: `<?xml version="1.0" encoding="UTF-8"?><Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"><mRID>1</mRID>${series}</Publication_MarketDocument>`,
    };
  };

export const ACKNOWLEDGEMENT = `<?xml version="1.0" encoding="UTF-8"?><Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0"><mRID>2</mRID><Reason><code>999</code><text>No matching data found for Data item Day-ahead Prices</text></Reason></Acknowledgement_MarketDocument>`;

function timeSeries(run: readonly SignalSlot[], curveType: string, newestFirst: boolean): string {
  const [first] = run;
  const last = run.at(-1);
  if (first === undefined || last === undefined) return '';
  const points = run.flatMap(({ value }, index) => {
    if (curveType === 'A03' && index > 0 && run[index - 1]?.value === value) return [];
    return [`<Point><position>${index + 1}</position><price.amount>${rounded(value * 1000)}</price.amount></Point>`];
  });
  if (newestFirst) points.reverse();
  const period = `<Period><timeInterval><start>${minute(first.from)}</start><end>${minute(last.to)}</end></timeInterval><resolution>PT${(first.to - first.from) / 60}M</resolution>${points.join('')}</Period>`;
  return `<TimeSeries><mRID>1</mRID><auction.type>A01</auction.type><currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name><curveType>${curveType}</curveType>${period}</TimeSeries>`;
}

/** Newest first, always. */
export const octopusAgile: Format = (asked, { slots }) => {
  if (!asked.pathname.startsWith('/v1/products/AGILE-24-10-01/electricity-tariffs/E-1R-AGILE-24-10-01-C/'))
    return undefined;
  const results = [...slots].reverse().map(({ from, to, value }) => ({
    value_exc_vat: rounded(value * 100),
    value_inc_vat: rounded(value * 105),
    valid_from: iso(from).replace('.000', ''),
    valid_to: iso(to).replace('.000', ''),
    payment_method: null,
  }));
  return { body: { count: results.length, next: null, previous: null, results } };
};

export const carbonAwareSdk: Format = (asked, tell) => {
  const location = asked.searchParams.get('location');
  if (asked.pathname === '/emissions/bylocation') {
    const list = inTheirOrder(past(tell), tell);
    return {
      body: list.map(({ from, value }) => ({ location, time: iso(from), rating: value, duration: '01:00:00' })),
    };
  }
  const forecastData = inTheirOrder(future(tell), tell).map(({ from, to, value }) => ({
    location,
    timestamp: iso(from),
    duration: (to - from) / 60,
    value,
  }));
  return { body: [{ generatedAt: iso(tell.now), location, windowSize: 5, optimalDataPoints: [], forecastData }] };
};

/** Evaluates as Prometheus does: a value at each step that one is known for. */
export const prometheus: Format = (asked, { slots }) => {
  const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(asked.searchParams.get(name)));
  const values: [number, string][] = [];
  for (let at = start ?? 0; at <= (end ?? 0); at += step ?? 60) {
    const slot = slots.find(({ from, to }) => from <= at && at < to);
    if (slot !== undefined) values.push([at, String(slot.value)]);
  }
  const result = values.length === 0 ? [] : [{ metric: {}, values }];
  return { body: { status: 'success', data: { resultType: 'matrix', result } } };
};

/** With the columns of the saved traces. */
export const csvText = (slots: readonly SignalSlot[], newestFirst = false): string => {
  const lines = slots.map(({ from, value }) => `${iso(from).replace('.000', '')},1,${value},50,40,false,`);
  if (newestFirst) lines.reverse();
  const header =
    'datetime_utc,ci_direct_g_per_kwh,ci_lca_g_per_kwh,low_carbon_pct,renewable_pct,estimated,price_eur_per_mwh';
  return `${[header, ...lines].join('\n')}\n`;
};

export const csv: Format = (_, tell) => ({ body: csvText(tell.slots, tell.newestFirst) });
