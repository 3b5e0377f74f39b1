import { expect } from 'chai';
import { z } from 'zod';
import { EnergyProviders } from '../../../../src/adapters/energy/providers.ts';
import { Service, type ServiceOptions } from '../../../../src/adapters/energy/service.ts';
import { parseEnergySource } from '../../../../src/api/parse.ts';
import { inOrder } from '../../../../src/core/forecast/signal-slot.ts';
import { SignalError } from '../../../../src/ports/energy-signals.ts';
import * as loopback from '../../../support/energy-loopback.ts';

describe('what is asked of a service', () => {
  let provider: loopback.LoopbackProvider;
  const service = (change: Partial<ServiceOptions> = {}) =>
    new Service({
      url: provider.url,
      allowHttp: true,
      timeoutSeconds: 1,
      signal: AbortSignal.timeout(5000),
      hasWorked: false,
      turn: async () => undefined,
      ...change,
    });

  before(async () => {
    provider = await loopback.startLoopbackProvider(() => ({ body: { ok: true } }));
  });
  after(() => provider.close());
  beforeEach(() => {
    provider.instead = () => false;
    provider.asked.length = 0;
  });

  it('is given up when its time is over', async () => {
    provider.instead = () => true;
    const error = await problemOf(service().text({ path: '/slow' }));
    expect(error.problem).to.equal('Unreachable');
    expect(error.message).to.match(/timeout/);
  });

  it('is given up when the answer does not end in time, though it goes on coming', async () => {
    provider.instead = (response) => {
      const drip = setInterval(() => response.write(' '), 200);
      response.on('close', () => clearInterval(drip));
      return true;
    };
    const error = await problemOf(
      service({ timeoutSeconds: 0.6, signal: AbortSignal.timeout(1900) }).text({ path: '/slow' }),
    );
    expect(error.problem).to.equal('Unreachable');
    expect(error.message).to.match(/timeout/);
  });

  it('keeps a key in the query out of what it tells', async () => {
    provider.instead = (response) => {
      response.writeHead(400).end('{"message":"bad zone"}');
      return true;
    };
    const error = await problemOf(service().text({ path: '/api', query: { securityToken: 'hidden' } }));
    expect(error.message).to.contain('/api').and.to.contain('bad zone').and.not.to.contain('hidden');
  });

  it('names the field that has another form than is documented', async () => {
    const error = await problemOf(service().json(z.object({ price: z.array(z.number()) }), { path: '/price' }));
    expect(error.message).to.contain('price');
  });

  it('is optional only where the provider refuses it, not where it does not answer', async () => {
    provider.instead = (response) => {
      response.writeHead(403).end();
      return true;
    };
    expect(await service().jsonIfOffered(z.object({}), { path: '/forecast' })).to.equal(undefined);
    provider.instead = (response) => {
      response.destroy();
      return true;
    };
    expect((await problemOf(service().jsonIfOffered(z.object({}), { path: '/forecast' }))).problem).to.equal(
      'Unreachable',
    );
  });
});

describe('a key that a provider repeats', () => {
  it('is left out of what is told', async () => {
    const provider = await loopback.startLoopbackProvider(() => ({
      status: 400,
      body: { message: 'auth-token 0123456789abcdef may not ask for zone DE' },
    }));
    const signals = new EnergyProviders({
      client: { get: async () => undefined },
      prometheus: { url: 'http://127.0.0.1:1' },
      secondsBetweenRequests: 0,
    });
    const { spec } = parseEnergySource({
      apiVersion: 'stepwise.dev/v1alpha1',
      kind: 'EnergySource',
      metadata: { name: 'x' },
      spec: {
        signal: 'CarbonIntensity',
        basis: 'Average',
        provider: { type: 'ElectricityMaps', electricityMaps: { zone: 'DE' } },
        connection: { url: provider.url, transport: 'AllowHttp' },
        credentials: { secretName: 'key' },
      },
    });
    const credentials = { token: '0123456789abcdef\n' };
    const signal = AbortSignal.timeout(5000);
    const error = await problemOf(signals.read({ name: 'x', spec, credentials, now: 7200, since: 0, signal }));
    provider.close();
    expect(error.problem).to.equal('Refused');
    expect(error.message).to.contain('auth-token … may not ask for zone DE').and.not.to.contain('0123456789abcdef');
  });
});

describe('the pace of requests', () => {
  it('is kept for each host, over all sources', async () => {
    const provider = await loopback.startLoopbackProvider(loopback.csv);
    const now = 1_780_000_000;
    Object.assign(provider, { now, slots: [{ from: now - 3600, to: now, value: 1 }] });
    const signals = new EnergyProviders({
      client: { get: async () => undefined },
      prometheus: { url: 'http://127.0.0.1:1' },
      secondsBetweenRequests: 0.05,
    });
    const spec = parseEnergySource({
      apiVersion: 'stepwise.dev/v1alpha1',
      kind: 'EnergySource',
      metadata: { name: 'x' },
      spec: {
        signal: 'CarbonIntensity',
        basis: 'Average',
        provider: { type: 'Csv', csv: { column: 'ci_lca_g_per_kwh', unit: 'GramsPerKwh', replay: 'Once' } },
        connection: { url: provider.url, transport: 'AllowHttp' },
      },
    }).spec;
    const ask = (name: string) =>
      signals.read({ name, spec, credentials: undefined, now, since: now - 7200, signal: AbortSignal.timeout(5000) });
    const startedAt = performance.now();
    await Promise.all(['a', 'b', 'c'].map(ask));
    provider.close();
    expect(performance.now() - startedAt).to.be.at.least(95);
  });
});

describe('a session with WattTime', () => {
  it('is kept between readings and renewed once when it has run out', async () => {
    const provider = await loopback.startLoopbackProvider(loopback.wattTime);
    const now = 1_780_000_200;
    const slots = Array.from({ length: 24 }, (_, index) => ({
      from: now - 3600 + index * 300,
      to: now - 3300 + index * 300,
      value: 400 + index,
    }));
    Object.assign(provider, { now, slots });
    const signals = new EnergyProviders({
      client: { get: async () => undefined },
      prometheus: { url: 'http://127.0.0.1:1' },
      secondsBetweenRequests: 0,
    });
    const spec = parseEnergySource({
      apiVersion: 'stepwise.dev/v1alpha1',
      kind: 'EnergySource',
      metadata: { name: 'x' },
      spec: {
        signal: 'CarbonIntensity',
        basis: 'Marginal',
        provider: { type: 'WattTime', wattTime: { region: 'CAISO_NORTH' } },
        connection: { url: provider.url, transport: 'AllowHttp' },
        credentials: { secretName: 'watt-time' },
      },
    }).spec;
    const credentials = { username: 'u', password: 'p' };
    const ask = () =>
      signals.read({ name: 'x', spec, credentials, now, since: now - 3600, signal: AbortSignal.timeout(5000) });
    const logins = () => provider.asked.filter(({ url }) => url.pathname === '/login').length;
    await ask();
    await ask();
    expect(logins(), 'one login for two readings').to.equal(1);
    let refusals = 1;
    provider.instead = (response, request) => {
      if (request.url?.startsWith('/login') === true || refusals-- <= 0) return false;
      response.writeHead(401).end('{"error":"expired"}');
      return true;
    };
    expect(inOrder(await ask())).to.have.length(24);
    expect(logins()).to.equal(2);
    expect(provider.asked.at(-1)?.url.searchParams.get('signal_type')).to.equal('co2_moer');
    provider.close();
  });
});

async function problemOf(call: Promise<unknown>): Promise<SignalError> {
  const error = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (error instanceof SignalError) return error;
  throw new Error(`a SignalError was expected, not ${String(error)}`);
}
