import { EnergyProviders } from '../../../../src/adapters/energy/providers.ts';
import type { SignalSlot } from '../../../../src/core/forecast/signal-slot.ts';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { describeEnergySignals, type ProviderUnderTest } from '../../../conformance/energy-signals.ts';
import * as loopback from '../../../support/energy-loopback.ts';

const MINUTE = 60;
const HOUR = 3600;

const carbon = { signal: 'CarbonIntensity', basis: 'Average' };
const price = (currency: string) => ({ signal: 'Price', currency });
const SECRET = { token: 'a-token-nobody-may-see' };

interface Served extends Pick<ProviderUnderTest, 'slotSeconds'> {
  readonly format: loopback.Format;
  readonly spec: object;
  readonly credentials?: Readonly<Record<string, string>>;
  readonly tellsFuture?: false;
  readonly at?: string;
}

const services: Readonly<Record<string, Served>> = {
  'GB Carbon Intensity': {
    format: loopback.gbCarbonIntensity,
    spec: { ...carbon, provider: { type: 'GbCarbonIntensity', gbCarbonIntensity: {} } },
    slotSeconds: [30 * MINUTE],
  },
  'GB Carbon Intensity, a region': {
    format: loopback.gbCarbonIntensity,
    spec: { ...carbon, provider: { type: 'GbCarbonIntensity', gbCarbonIntensity: { regionId: 13 } } },
    slotSeconds: [30 * MINUTE],
  },
  'Electricity Maps': {
    format: loopback.electricityMaps('carbon-intensity'),
    spec: { ...carbon, provider: { type: 'ElectricityMaps', electricityMaps: { zone: 'DE' } } },
    credentials: SECRET,
    slotSeconds: [HOUR],
  },
  'Electricity Maps, prices': {
    format: loopback.electricityMaps('price-day-ahead'),
    spec: { ...price('EUR'), provider: { type: 'ElectricityMaps', electricityMaps: { zone: 'DE' } } },
    credentials: SECRET,
    slotSeconds: [HOUR],
  },
  'Electricity Maps, renewable share': {
    format: loopback.electricityMaps('renewable-energy'),
    spec: { signal: 'RenewableShare', provider: { type: 'ElectricityMaps', electricityMaps: { zone: 'DE' } } },
    credentials: SECRET,
    slotSeconds: [HOUR],
  },
  WattTime: {
    format: loopback.wattTime,
    spec: {
      signal: 'CarbonIntensity',
      basis: 'Marginal',
      provider: { type: 'WattTime', wattTime: { region: 'CAISO_NORTH' } },
    },
    credentials: { username: 'somebody', password: 'a-password-nobody-may-see' },
    slotSeconds: [5 * MINUTE],
  },
  'Energy-Charts, prices': {
    format: loopback.energyCharts,
    spec: { ...price('EUR'), provider: { type: 'EnergyCharts', energyCharts: { zone: 'DE-LU' } } },
    slotSeconds: [15 * MINUTE, HOUR],
  },
  'Energy-Charts, renewable share': {
    format: loopback.energyCharts,
    spec: { signal: 'RenewableShare', provider: { type: 'EnergyCharts', energyCharts: { zone: 'de' } } },
    slotSeconds: [15 * MINUTE],
  },
  'ENTSO-E': {
    format: loopback.entsoE('A01'),
    spec: { ...price('EUR'), provider: { type: 'EntsoE', entsoE: { biddingZone: '10Y1001A1001A82H' } } },
    credentials: SECRET,
    slotSeconds: [15 * MINUTE, 30 * MINUTE, HOUR],
  },
  'ENTSO-E, repeated values left out': {
    format: loopback.entsoE('A03'),
    spec: { ...price('EUR'), provider: { type: 'EntsoE', entsoE: { biddingZone: '10Y1001A1001A82H' } } },
    credentials: SECRET,
    slotSeconds: [15 * MINUTE, HOUR],
  },
  'Octopus Agile': {
    format: loopback.octopusAgile,
    spec: {
      ...price('GBP'),
      provider: { type: 'OctopusAgile', octopusAgile: { product: 'AGILE-24-10-01', region: 'C' } },
    },
    slotSeconds: [30 * MINUTE],
  },
  'Carbon Aware SDK': {
    format: loopback.carbonAwareSdk,
    spec: { ...carbon, provider: { type: 'CarbonAwareSdk', carbonAwareSdk: { location: 'westeurope' } } },
    slotSeconds: [5 * MINUTE, 30 * MINUTE, HOUR],
  },
  PromQL: {
    format: loopback.prometheus,
    spec: { ...carbon, provider: { type: 'PromQL', promQL: { query: 'avg(carbon)', unit: 'GramsPerKwh' } } },
    slotSeconds: [HOUR],
    tellsFuture: false,
  },
  'PromQL, quarters of an hour': {
    format: loopback.prometheus,
    spec: {
      ...carbon,
      provider: { type: 'PromQL', promQL: { query: 'avg(carbon)', unit: 'GramsPerKwh', slotSeconds: 900 } },
    },
    slotSeconds: [15 * MINUTE],
    tellsFuture: false,
  },
  'CSV from a server': {
    format: loopback.csv,
    spec: {
      ...carbon,
      provider: { type: 'Csv', csv: { column: 'ci_lca_g_per_kwh', unit: 'GramsPerKwh', replay: 'Once' } },
    },
    at: '/traces/de.csv',
    slotSeconds: [5 * MINUTE, 30 * MINUTE, HOUR],
  },
};

for (const [name, served] of Object.entries(services)) {
  describeEnergySignals(name, { service: true, credentials: served.credentials !== undefined }, async () => {
    const service = await loopback.startLoopbackProvider(served.format);
    return {
      signals: providers({}),
      spec: {
        ...served.spec,
        connection: { url: `${service.url}${served.at ?? ''}`, transport: 'AllowHttp' },
        ...(served.credentials === undefined ? {} : { credentials: { secretName: 'key' } }),
      },
      ...(served.credentials === undefined ? {} : { credentials: served.credentials }),
      tell: (slots, { now, newestFirst }) => Object.assign(service, { slots, now, newestFirst }),
      slotSeconds: served.slotSeconds,
      tellsFuture: served.tellsFuture ?? true,
      ...(served.at === undefined ? {} : { garbledIs: 'Misconfigured' as const }),
      service,
    };
  });
}

const azure = (fields: (slot: SignalSlot) => object) => (slots: readonly SignalSlot[]) =>
  JSON.stringify(slots.map(fields));
const configMaps: Readonly<
  Record<string, { spec: object; text: (slots: readonly SignalSlot[]) => string; binary?: true }>
> = {
  'the exporter of Azure in its own words': {
    spec: { type: 'ConfigMap', configMap: { namespace: 'kube-system', name: 'signal' } },
    text: azure(({ from, to, value }) => ({
      location: 'westus',
      time: new Date(from * 1000).toISOString(),
      rating: value,
      duration: `${(to - from) / 60}m0s`,
    })),
    binary: true,
  },
  'the exporter of Azure in the words of its consumers': {
    spec: { type: 'ConfigMap', configMap: { namespace: 'kube-system', name: 'signal' } },
    text: azure(({ from, to, value }) => ({
      location: 'westus',
      timestamp: new Date(from * 1000).toISOString(),
      value,
      duration: (to - from) / 60,
    })),
  },
  'CSV in a ConfigMap': {
    spec: {
      type: 'Csv',
      csv: {
        configMap: { namespace: 'kube-system', name: 'signal', key: 'data' },
        column: 'ci_lca_g_per_kwh',
        unit: 'GramsPerKwh',
        replay: 'Once',
      },
    },
    text: (slots) => loopback.csvText(slots),
  },
};

for (const [name, { spec, text, binary }] of Object.entries(configMaps)) {
  describeEnergySignals(name, { service: false, credentials: false }, async () => {
    let held: object = {};
    return {
      signals: providers({ get: async () => ({ metadata: { name: 'signal' }, ...held }) as never }),
      spec: { ...carbon, provider: spec },
      tell: (slots) => {
        const data = text(slots);
        held = binary === true ? { binaryData: { data: Buffer.from(data).toString('base64') } } : { data: { data } };
      },
      slotSeconds: [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR],
      tellsFuture: true,
    };
  });
}

function providers(client: Partial<Pick<KubeClient, 'get'>>): EnergyProviders {
  const get: KubeClient['get'] = async () => undefined;
  return new EnergyProviders({
    client: { get, ...client },
    prometheus: { url: 'http://127.0.0.1:1' },
    secondsBetweenRequests: 0,
  });
}
