import { type InvalidCases, type JsonObject, spec, type ValidCases } from './case.ts';

export const ENERGY_SOURCE_BASE: JsonObject = {
  apiVersion: 'stepwise.dev/v1alpha1',
  kind: 'EnergySource',
  metadata: { name: 'gb-carbon' },
  spec: {
    signal: 'CarbonIntensity',
    basis: 'Average',
    provider: { type: 'GbCarbonIntensity', gbCarbonIntensity: {} },
  },
};

/** Of another provider: what the base says of its own is taken away. */
function from(type: string, part: JsonObject, change: JsonObject = {}): JsonObject {
  const field = type.charAt(0).toLowerCase() + type.slice(1);
  return spec({ provider: { type, gbCarbonIntensity: null, [field]: part }, ...change });
}

const price = (currency: string): JsonObject => ({ signal: 'Price', basis: null, currency });
const renewable: JsonObject = { signal: 'RenewableShare', basis: null };
const evening = { name: 'evening', from: '17:00', to: '20:00', pricePerKwh: '0.45' };
const csv = { column: 'ci_lca_g_per_kwh', unit: 'GramsPerKwh' };

export const VALID_ENERGY_SOURCES: ValidCases = {
  minimal: {},
  'a region of Great Britain': spec({ provider: { gbCarbonIntensity: { regionId: 13 } } }),
  'one price': from('Tariff', { pricePerKwh: '0.25' }, price('EUR')),
  'a tariff by time of use': from(
    'Tariff',
    {
      timeZone: 'Asia/Kolkata',
      pricePerKwh: '7.5',
      periods: [evening, { ...evening, name: 'sunday', days: ['Sunday'] }],
    },
    price('INR'),
  ),
  'the exporter of Azure': from('ConfigMap', { namespace: 'kube-system', name: 'carbon-intensity' }),
  'a query': from('PromQL', { query: 'avg(grid_intensity_carbon_average)', unit: 'GramsPerKwh' }),
  'a replayed price': from('Csv', { ...csv, unit: 'CurrencyPerMwh' }, price('EUR')),
  'Electricity Maps': from(
    'ElectricityMaps',
    { zone: 'DE' },
    { basis: 'Lifecycle', credentials: { secretName: 'em' } },
  ),
  'its renewable share': from('ElectricityMaps', { zone: 'DE' }, renewable),
  WattTime: from('WattTime', { region: 'CAISO_NORTH' }, { basis: 'Marginal' }),
  'Energy-Charts': from('EnergyCharts', { zone: 'DE-LU' }, price('EUR')),
  'ENTSO-E': from('EntsoE', { biddingZone: '10Y1001A1001A82H' }, price('EUR')),
  'Octopus Agile': from('OctopusAgile', { product: 'AGILE-24-10-01', region: 'C' }, price('GBP')),
  'the Carbon Aware SDK in the cluster': from(
    'CarbonAwareSdk',
    { location: 'westeurope' },
    { connection: { url: 'http://carbon-aware.energy:8080', transport: 'AllowHttp' } },
  ),
  'read every five minutes, any gain counts': spec({
    refreshSeconds: 300,
    staleAfterSeconds: 1800,
    minimumGainPercent: 0,
  }),
};

export const INVALID_ENERGY_SOURCES: InvalidCases = {
  'a carbon intensity of no basis': {
    change: spec({ basis: null }),
    field: 'spec.basis',
    says: /spec\.basis belongs to signal CarbonIntensity/,
    by: 'rule',
  },
  'a price of no currency': {
    change: from('EntsoE', { biddingZone: '10Y1001A1001A82H' }, { signal: 'Price', basis: null }),
    field: 'spec.currency',
    says: /spec\.currency belongs to signal Price/,
    by: 'rule',
  },
  'a price of a carbon service': {
    change: spec({ ...price('GBP') }),
    field: 'spec.signal',
    says: /spec\.signal is not told by this provider/,
    by: 'rule',
  },
  'a basis that the provider does not tell': {
    change: spec({ basis: 'Marginal' }),
    field: 'spec.basis',
    says: /spec\.basis is not told by this provider/,
    by: 'rule',
  },
  'a type without its field': {
    change: spec({ provider: { type: 'WattTime' } }),
    field: 'spec.provider.type',
    says: /spec\.provider\.type needs the field of the same name/,
    by: 'rule',
  },
  'two providers': {
    change: spec({ provider: { wattTime: { region: 'CAISO_NORTH' } } }),
    field: 'spec.provider.type',
    says: /spec\.provider\.type needs the field of the same name/,
    by: 'rule',
  },
  'money as the unit of carbon in a query': {
    change: from('PromQL', { query: 'up', unit: 'CurrencyPerKwh' }),
    field: 'spec.provider.promQL',
    says: /spec\.provider\.promQL\.unit does not fit/,
    by: 'rule',
  },
  'a share as the unit of a price in a file': {
    change: from('Csv', { ...csv, unit: 'Percent' }, price('EUR')),
    field: 'spec.provider.csv',
    says: /spec\.provider\.csv\.unit does not fit/,
    by: 'rule',
  },
  'a name with dots': {
    change: { metadata: { name: 'gb.carbon' } },
    field: '',
    says: /metadata\.name of an EnergySource/,
    by: 'rule',
  },
  'a signal there is not': {
    change: spec({ signal: 'Weather' }),
    field: 'spec.signal',
    says: /supported values/,
    by: 'schema',
  },
  'credentials in the address': {
    change: spec({ connection: { url: 'https://user:secret@example.com' } }),
    field: 'spec.connection.url',
    says: /should match/,
    by: 'schema',
  },
  'another protocol': {
    change: spec({ connection: { url: 'file:///etc/passwd' } }),
    field: 'spec.connection.url',
    says: /should match/,
    by: 'schema',
  },
  'asked every second': {
    change: spec({ refreshSeconds: 1 }),
    field: 'spec.refreshSeconds',
    says: /greater than or equal to 10/,
    by: 'schema',
  },
  'a time of day there is not': {
    change: from('Tariff', { pricePerKwh: '0.2', periods: [{ ...evening, from: '25:00' }] }, price('EUR')),
    field: 'spec.provider.tariff.periods[0].from',
    says: /should match/,
    by: 'schema',
  },
  'a zone by another name': {
    change: from('EntsoE', { biddingZone: 'DE-LU' }, price('EUR')),
    field: 'spec.provider.entsoE.biddingZone',
    says: /16|should match/,
    by: 'schema',
  },
};
