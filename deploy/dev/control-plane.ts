// Brings up Kubernetes itself: for the local cluster all of it, for tests an API server of their own.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { buildTools } from './build.ts';
import { type Certificates, ensureCertificates, writeKubeconfig } from './certificates.ts';
import { apiServer, type ControlPlaneParts, controllerManager, etcd, scheduler } from './control-plane-programs.ts';
import { takeFreePorts } from './free-ports.ts';
import { ensureRunning, isRunning, killProcess, type RunningProgram, startProcess, stopProcess } from './processes.ts';
import { type Report, reportNothing, timed } from './progress.ts';
import { type Probe, waitUntilReady } from './readiness.ts';
import { kubeconfigPath, ports, stateDirectory } from './settings.ts';
import { apiServerTools } from './tool-list.ts';

export interface ApiServerOptions {
  /** A folder of this server's own; its data, logs and certificates go there. */
  readonly directory: string;
  readonly report?: Report;
}

export interface ApiServer {
  readonly kubeconfigPath: string;
  readonly adminUrl: string;
  /** Ends the API server and etcd; the folder stays. */
  stop(): Promise<void>;
  /** Ends the API server politely and starts it again on the same port with the same data. */
  restart(): Promise<void>;
  /** Ends the API server as a crash would; etcd keeps running and restart() brings it back. */
  kill(): Promise<void>;
}

/** Starts etcd and kube-apiserver alone, on free ports of the loopback interface. */
export async function startApiServer({ directory, report = reportNothing }: ApiServerOptions): Promise<ApiServer> {
  await buildTools(apiServerTools, report);
  const [etcdClient, etcdPeer, apiServerPort] = (await takeFreePorts(3)) as [number, number, number];
  const certificates = ensureCertificates(path.join(directory, 'certificates'));
  const parts = { state: directory, ports: { etcdClient, etcdPeer, apiServer: apiServerPort }, certificates };
  const adminUrl = urlOf(apiServerPort);
  const place = { state: directory };
  // Programs outlive their starter by design; a test that crashes must not leave them behind.
  const running = await startStore(parts);
  const endAtExit = () => endNow(running);
  process.once('exit', endAtExit);
  const kubeconfig = path.join(directory, 'kubeconfig');
  return {
    kubeconfigPath: writeKubeconfig({ path: kubeconfig, serverUrl: adminUrl, certificates, user: 'admin' }),
    adminUrl,
    async stop() {
      await stopProcess('kube-apiserver', place);
      await stopProcess('etcd', place);
      process.removeListener('exit', endAtExit);
    },
    async restart() {
      await stopProcess('kube-apiserver', place);
      const started = await startProcess('kube-apiserver', place);
      running.push(started);
      await waitUntilReady(started, readyProbe(adminUrl, certificates));
    },
    kill: () => killProcess('kube-apiserver', place),
  };
}

/** Starts, or completes, the control plane of the local cluster. */
export async function ensureControlPlane(report: Report): Promise<Certificates> {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const certificates = ensureCertificates(path.join(stateDirectory, 'certificates'));
  const serverUrl = urlOf(ports.apiServer);
  await timed(report, 'etcd and kube-apiserver are ready', () =>
    startStore({ state: stateDirectory, ports, certificates }),
  );
  writeKubeconfig({ path: kubeconfigPath, serverUrl, certificates, user: 'admin' });
  const componentKubeconfig = (user: string) =>
    writeKubeconfig({ path: path.join(stateDirectory, `${user}.kubeconfig`), serverUrl, certificates, user });
  const manager = await ensureRunning(
    controllerManager({
      certificates,
      kubeconfig: componentKubeconfig('kube-controller-manager'),
      port: ports.controllerManager,
    }),
  );
  const planner = await ensureRunning(
    scheduler({ certificates, kubeconfig: componentKubeconfig('kube-scheduler'), port: ports.scheduler }),
  );
  await timed(report, 'kube-controller-manager and kube-scheduler are ready', async () => {
    const probe = (port: number) => ({ url: `${urlOf(port)}/healthz`, authority: certificates.certificate('ca') });
    await waitUntilReady(manager, probe(ports.controllerManager));
    await waitUntilReady(planner, probe(ports.scheduler));
  });
  return certificates;
}

async function startStore(parts: ControlPlaneParts): Promise<RunningProgram[]> {
  const place = { state: parts.state };
  const store = await ensureRunning(etcd(parts), place);
  const server = await ensureRunning(apiServer(parts), place);
  const { certificate, key } = parts.certificates;
  await waitUntilReady(store, {
    url: `${urlOf(parts.ports.etcdClient)}/health`,
    authority: certificate('ca'),
    certificate: certificate('admin'),
    key: key('admin'),
  });
  await waitUntilReady(server, readyProbe(urlOf(parts.ports.apiServer), parts.certificates));
  return [store, server];
}

function readyProbe(serverUrl: string, certificates: Certificates): Probe {
  return {
    url: `${serverUrl}/readyz`,
    authority: certificates.certificate('ca'),
    certificate: certificates.certificate('admin'),
    key: certificates.key('admin'),
  };
}

function urlOf(port: number): string {
  return `https://127.0.0.1:${port}`;
}

function endNow(programs: readonly RunningProgram[]): void {
  for (const program of programs) {
    if (isRunning(program)) process.kill(program.identity.pid, 'SIGKILL');
  }
}
