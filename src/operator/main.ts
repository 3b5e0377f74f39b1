import { systemClock } from '../kube/clock.ts';
import { LeaderElector } from '../kube/leader-election.ts';
import { createLogger } from '../telemetry/logger.ts';
import { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import { showEnergySources } from './energy-metrics.ts';
import { showFleet } from './fleet-metrics.ts';
import { serveHttp } from './http-server.ts';
import { parseOptions } from './options.ts';
import { wire } from './wire.ts';

const LEASE_NAME = 'stepwise-operator';
/** What still runs this long after leadership was lost is cut off: by then another leader is at work. */
const LOST_LEADERSHIP_GRACE_SECONDS = 3;

async function main(): Promise<void> {
  // 1. What was asked for.
  const options = parseOptions(process.argv.slice(2), process.env);
  const log = createLogger({ level: options.logLevel, format: options.logFormat });
  const metrics = new OperatorMetrics();
  const { client, cluster, events, kubeMetrics, controllers, fleet, planner } = wire(options, log, metrics);
  const informers = Object.values(cluster);

  // 2. Stop gracefully when told to.
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());

  // 3. Metrics and probes are there from the start; readiness comes with the caches.
  const server = await serveHttp({
    host: options.listenHost,
    port: options.listenPort,
    metricsPage: async () => {
      showFleet(metrics, cluster.trainingJobs.list(), cluster.pools.list());
      showEnergySources(metrics, cluster.energySources.list());
      return { contentType: metrics.registry.contentType, body: await metrics.registry.metrics() };
    },
    unhealthy: () => undefined,
    notReady: () => {
      const waiting = informers.filter((informer) => !informer.hasSynced).map((informer) => informer.resource.plural);
      return waiting.length === 0 ? undefined : `waiting for ${waiting.join(', ')} of the API server`;
    },
  });
  log.info('started', { server: client.server, prometheus: options.prometheusUrl, identity: options.identity });

  // 4. Watch, and work while leading.
  const watching = informers.map((informer) => informer.run(stopping.signal));
  const lead = async (leading: AbortSignal) => {
    log.info('leading');
    leading.addEventListener('abort', () => {
      log.error('leadership was lost');
      setTimeout(() => process.exit(1), LOST_LEADERSHIP_GRACE_SECONDS * 1000).unref();
    });
    await Promise.all([...controllers.map((controller) => controller.run(stopping.signal, leading)), cycle(leading)]);
  };
  const cycle = async (leading: AbortSignal) => {
    const ended = AbortSignal.any([leading, stopping.signal]);
    await Promise.race([
      Promise.all(informers.map(({ synced }) => synced)),
      new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true })),
    ]);
    while (!ended.aborted) {
      await fleet.run(ended).catch((error) => log.error('a planning cycle failed', { error }));
      await systemClock.sleep(options.readIntervalSeconds, ended);
    }
  };
  if (options.leaderElection) {
    const { namespace, identity } = options;
    const elector = new LeaderElector({ client, namespace, name: LEASE_NAME, identity, metrics: kubeMetrics, log });
    await elector.run(stopping.signal, lead);
  } else {
    await lead(new AbortController().signal);
  }

  // 5. A leader that lost its Lease ends; its successor is at work already.
  stopping.abort();
  await Promise.all(watching);
  await planner.close();
  await events.flush(AbortSignal.timeout(2000));
  client.close();
  server.close();
  server.closeAllConnections();
  log.info('stopped');
}

main().catch((error: unknown) => {
  process.stderr.write(`stepwise-operator: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
