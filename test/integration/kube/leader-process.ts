// A candidate in a process of its own, for tests that kill it: leader-process.ts KUBECONFIG NAMESPACE NAME LEASE_SECONDS
import { connect } from '../../../src/kube/connect.ts';
import { LeaderElector } from '../../../src/kube/leader-election.ts';

const [kubeconfigPath, namespace = '', name = '', leaseSeconds = '15'] = process.argv.slice(2);
const client = connect({ kubeconfigPath, requestTimeoutSeconds: 5 });
const scale = Number(leaseSeconds) / 15;
const elector = new LeaderElector({
  client,
  namespace,
  name,
  identity: `process-${process.pid}`,
  leaseSeconds: Number(leaseSeconds),
  renewDeadlineSeconds: 10 * scale,
  retrySeconds: 2 * scale,
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const result = await elector.run(stop.signal, async (leading) => {
  process.send?.('leading');
  await new Promise<void>((resolve) => {
    for (const signal of [leading, stop.signal]) signal.addEventListener('abort', () => resolve(), { once: true });
  });
});
process.send?.(result);
client.close();
process.disconnect?.();
