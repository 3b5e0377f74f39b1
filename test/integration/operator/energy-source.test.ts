import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import type { EnergySourceStatus } from '../../../src/api/energy-source.ts';
import {
  CONFIG_MAPS,
  ENERGY_SOURCES,
  type EnergySourceObject,
  GPU_POOLS,
  SECRETS,
} from '../../../src/controllers/kinds.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { aGpuPool } from '../../support/a-training-job.ts';
import { testKubeconfig } from '../../support/api-server.ts';
import * as loopback from '../../support/energy-loopback.ts';
import { clientWithCrds } from '../api/api-server.ts';
import { until } from '../kube/fixtures.ts';
import { type RunningOperator, startEmptyPrometheus, startOperator } from './operator-process.ts';

const NAMESPACES: Resource<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
const HOUR = 3600;
/** A process starts in a few seconds, on a busy machine in many. */
const PATIENCE_SECONDS = 60;

describe('energy sources on a real API server', function () {
  this.timeout(180_000);

  const suffix = randomBytes(4).toString('hex');
  const namespace = `energy-test-${suffix}`;
  const [tariff, carbon, pool] = ['tariff', 'carbon', 'pool'].map((name) => `${name}-${suffix}`) as [
    string,
    string,
    string,
  ];
  let client: KubeClient;
  let prometheus: Awaited<ReturnType<typeof startEmptyPrometheus>>;
  let provider: loopback.LoopbackProvider;
  let operator: RunningOperator;

  const start = async (identity: string) => {
    const kubeconfigPath = await testKubeconfig();
    operator = await startOperator({ kubeconfigPath, namespace, identity, prometheusUrl: prometheus.url });
  };
  const statusOf = async (name: string): Promise<EnergySourceStatus | undefined> =>
    (await client.get(ENERGY_SOURCES, { name }))?.status;
  const conditionOf = async (name: string, type: string) =>
    (await statusOf(name))?.conditions?.find((condition) => condition.type === type);
  const poolCondition = async () =>
    (await client.get(GPU_POOLS, { name: pool }))?.status?.conditions?.find(({ type }) => type === 'EnergyKnown');
  const create = (name: string, spec: object) =>
    client.create(ENERGY_SOURCES, {
      apiVersion: ENERGY_SOURCES.apiVersion,
      kind: ENERGY_SOURCES.kind,
      metadata: { name },
      spec,
    } as EnergySourceObject);

  before(async () => {
    client = await clientWithCrds();
    prometheus = await startEmptyPrometheus();
    provider = await loopback.startLoopbackProvider(loopback.electricityMaps('carbon-intensity'));
    const now = Math.floor(Date.now() / 1000 / HOUR) * HOUR;
    provider.now = now;
    provider.slots = Array.from({ length: 21 * 24 }, (_, index) => {
      const from = now + (index - 18 * 24) * HOUR;
      return { from, to: from + HOUR, value: Math.floor(from / HOUR) % 24 < 8 ? 100 : 400 };
    });
    await client.create(NAMESPACES, { metadata: { name: namespace } });
    await client.create(SECRETS, {
      metadata: { name: 'electricity-maps', namespace },
      data: { token: Buffer.from('key-of-a-test').toString('base64') },
    });
    await start('first');
  });

  after(async () => {
    await operator?.stop();
    prometheus?.close();
    provider?.close();
    for (const name of [tariff, carbon]) await client?.delete(ENERGY_SOURCES, { name });
    await client?.delete(GPU_POOLS, { name: pool });
  });

  it('tells the price of a tariff now, how far it is known, and what shifting brings', async () => {
    const periods = [{ name: 'night', from: '00:00', to: '08:00', pricePerKwh: '0.10' }];
    await create(tariff, {
      signal: 'Price',
      currency: 'USD',
      provider: { type: 'Tariff', tariff: { pricePerKwh: '0.30', periods } },
    });
    await until('it is read', async () => (await conditionOf(tariff, 'Ready'))?.status === 'True', PATIENCE_SECONDS);
    const status = await statusOf(tariff);
    expect(status?.current?.value).to.be.oneOf(['0.1', '0.3']);
    expect(status?.unit).to.equal('USD/kWh');
    expect(Date.parse(status?.knownUntil ?? '')).to.be.greaterThan(Date.now() + 7 * 86_400_000);
    expect(status?.expectedGainPercent).to.be.within(55, 60);
    expect(await conditionOf(tariff, 'ShiftingPays')).to.include({ status: 'True' });
  });

  it('reads a provider with the key of a Secret, and keeps the series', async () => {
    await create(carbon, {
      signal: 'CarbonIntensity',
      basis: 'Average',
      provider: { type: 'ElectricityMaps', electricityMaps: { zone: 'DE' } },
      connection: { url: provider.url, transport: 'AllowHttp', timeoutSeconds: 1 },
      credentials: { secretName: 'electricity-maps' },
      refreshSeconds: 10,
      staleAfterSeconds: 10,
    });
    await until('it is read', async () => (await conditionOf(carbon, 'Ready'))?.status === 'True', PATIENCE_SECONDS);
    expect(provider.asked[0]?.headers['auth-token']).to.equal('key-of-a-test');
    expect((await statusOf(carbon))?.forecast?.method).to.equal('Published');
    const series = await client.get(CONFIG_MAPS, { name: `energy-source-${carbon}`, namespace });
    expect(series?.data?.['series']).to.contain('400');
    expect(operator.lines.join('\n')).not.to.contain('key-of-a-test');
  });

  it('says of a pool whether its sources are known', async () => {
    const { metadata: _, ...made } = aGpuPool({
      name: pool,
      spec: {
        provider: { type: 'None' },
        energy: { priceSource: tariff, carbonSource: carbon, billing: 'Metered', busyWattsPerGpu: 90 },
      },
    });
    await client.create(GPU_POOLS, { ...made, metadata: { name: pool } });
    await until('it is told', async () => (await poolCondition())?.status === 'True', PATIENCE_SECONDS);
    await client.mergePatch(GPU_POOLS, { name: pool }, { spec: { energy: { priceSource: 'gone' } } });
    await until(
      'the source is missed',
      async () => (await poolCondition())?.reason === 'SourceNotFound',
      PATIENCE_SECONDS,
    );
    expect((await poolCondition())?.message).to.contain('gone');
  });

  it('names the trouble of a source that is down, holds what it knows in a new life, and recovers', async () => {
    provider.instead = (response) => {
      response.destroy();
      return true;
    };
    await until(
      'it is told',
      async () => (await conditionOf(carbon, 'ProviderAvailable'))?.status === 'False',
      PATIENCE_SECONDS,
    );
    expect((await conditionOf(carbon, 'ProviderAvailable'))?.reason).to.equal('Unreachable');
    expect((await conditionOf(carbon, 'Ready'))?.status, 'published hours are still known').to.equal('True');

    await operator.stop();
    await start('second');
    const known = async () => (await statusOf(carbon))?.lastError?.failures === 1;
    await until('the second one has tried', known, PATIENCE_SECONDS);
    expect((await conditionOf(carbon, 'Ready'))?.status).to.equal('True');
    expect((await statusOf(carbon))?.forecast?.historyHours).to.be.greaterThan(400);

    provider.instead = () => false;
    await until(
      'it recovers',
      async () => (await conditionOf(carbon, 'ProviderAvailable'))?.status === 'True',
      PATIENCE_SECONDS,
    );
    expect((await statusOf(carbon))?.lastError).to.equal(undefined);
  });

  const status = (code: number) => (response: ServerResponse) => response.writeHead(code).end('{"error":"no"}');
  const outages: Readonly<
    Record<string, { does?: (response: ServerResponse) => unknown; tells?: number; reason: string }>
  > = {
    'a broken connection': { does: (response) => response.destroy(), reason: 'Unreachable' },
    silence: { does: () => undefined, reason: 'Unreachable' },
    'a page for people': { does: (response) => response.end('<html>welcome</html>'), reason: 'Garbled' },
    'an error of its own': { does: status(503), reason: 'Refused' },
    'an intensity of 0': { tells: 0, reason: 'Implausible' },
    'an intensity of −50': { tells: -50, reason: 'Implausible' },
    'an intensity of 10⁹': { tells: 1e9, reason: 'Implausible' },
  };

  it('changes nothing of what pools are planned by through any outage, and names it', async function () {
    this.timeout(600_000);
    await client.mergePatch(GPU_POOLS, { name: pool }, { spec: { energy: { priceSource: tariff } } });
    await until('the pool knows its hours', async () => (await poolCondition())?.status === 'True', PATIENCE_SECONDS);
    const before = (await statusOf(carbon))?.current?.value;
    const told = provider.slots;
    for (const [name, { does, tells, reason }] of Object.entries(outages)) {
      provider.instead = (response) => {
        does?.(response);
        return does !== undefined;
      };
      provider.slots = tells === undefined ? told : told.map((slot) => ({ ...slot, value: tells }));
      await until(
        `${name} is named`,
        async () => (await conditionOf(carbon, 'ProviderAvailable'))?.reason === reason,
        40,
      );
      expect((await conditionOf(carbon, 'Ready'))?.status, name).to.equal('True');
      expect((await statusOf(carbon))?.current?.value, name).to.equal(before);
      expect((await poolCondition())?.status, name).to.equal('True');
      provider.instead = () => false;
      provider.slots = told;
      await until(
        'it recovers',
        async () => (await conditionOf(carbon, 'ProviderAvailable'))?.status === 'True',
        PATIENCE_SECONDS,
      );
    }
  });
});
