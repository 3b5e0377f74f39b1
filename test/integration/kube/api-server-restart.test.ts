import { expect } from 'chai';
import { connect } from '../../../src/kube/connect.ts';
import { Informer } from '../../../src/kube/informer.ts';
import { noMetrics } from '../../../src/kube/kube-metrics.ts';
import { ownApiServer } from '../../support/api-server.ts';
import { CONFIG_MAPS, until } from './fixtures.ts';

describe('Informer while the API server goes away', () => {
  it('goes on after a crash of the API server and follows again', async function () {
    this.timeout(120_000);
    const server = await ownApiServer();
    const client = connect({ kubeconfigPath: server.kubeconfigPath, requestTimeoutSeconds: 5 });
    const causes: string[] = [];
    const informer = new Informer({
      client,
      resource: CONFIG_MAPS,
      namespace: 'default',
      metrics: { ...noMetrics, watchRestarted: ({ cause }) => causes.push(cause) },
    });
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    await informer.synced;
    await server.kill();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await server.restart();
    const metadata = { name: `after-${Date.now()}`, namespace: 'default' };
    await client.create(CONFIG_MAPS, { metadata });
    const seconds = await until('the change arrives', () => informer.get(`default/${metadata.name}`) !== undefined, 35);
    console.log(`      ${seconds.toFixed(2)} s after the restart, ${causes.length} restarts: ${causes.join(' ')}`);
    expect(causes.length).to.be.within(1, 12);
    stop.abort();
    await running;
    await client.delete(CONFIG_MAPS, metadata);
  });
});
