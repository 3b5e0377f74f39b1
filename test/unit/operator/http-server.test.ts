import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { serveHttp } from '../../../src/operator/http-server.ts';

describe('the page that the operator serves', () => {
  let server: Server;
  let problem: string | undefined;
  let metricsPage: () => Promise<{ contentType: string; body: string }>;

  before(async () => {
    server = await serveHttp({
      host: '127.0.0.1',
      port: 0,
      metricsPage: () => metricsPage(),
      unhealthy: () => undefined,
      notReady: () => problem,
    });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    problem = undefined;
    metricsPage = async () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' });
  });
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method });
    return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
  };

  it('holds the metrics', async () => {
    expect(await ask('/metrics?x=1')).to.deep.equal({ status: 200, text: 'up 1\n', type: 'text/plain; version=0.0.4' });
  });
  it('says what readiness waits for', async () => {
    expect((await ask('/readyz')).status).to.equal(200);
    problem = 'waiting for pods';
    expect(await ask('/readyz')).to.include({ status: 503, text: 'waiting for pods\n' });
    expect((await ask('/healthz')).status).to.equal(200);
  });
  it('survives a page that cannot be made', async () => {
    metricsPage = () => Promise.reject(new Error('no page'));
    expect((await ask('/metrics')).status).to.equal(500);
    expect((await ask('/healthz')).status).to.equal(200);
  });
  it('is read only, and elsewhere says what there is', async () => {
    expect((await ask('/metrics', 'POST')).status).to.equal(405);
    expect(await ask('/')).to.include({ status: 404, text: 'try /metrics, /healthz or /readyz\n' });
  });
  it('names a port that is taken', async () => {
    const { port } = server.address() as AddressInfo;
    const options = { host: '127.0.0.1', port, metricsPage, unhealthy: () => undefined, notReady: () => undefined };
    const error = await serveHttp(options).then(
      () => undefined,
      (refusal: unknown) => refusal,
    );
    expect((error as Error).message).to.contain(`127.0.0.1:${port}`);
  });
});
