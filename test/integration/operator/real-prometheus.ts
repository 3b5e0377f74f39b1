// A real Prometheus that scrapes trainers' pages which a test writes.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildTools, toolPath } from '../../../deploy/dev/build.ts';
import { takeFreePorts } from '../../../deploy/dev/free-ports.ts';
import { reportNothing } from '../../../deploy/dev/progress.ts';
import type { TrainerPage } from '../../conformance/metrics-source.ts';
import { until } from '../kube/fixtures.ts';

export interface RealPrometheus {
  readonly url: string;
  /** Serves the pages of these jobs' ranks, and waits until Prometheus has scraped them and nothing else. */
  show(jobs: Readonly<Record<string, readonly TrainerPage[]>>): Promise<void>;
  close(): Promise<void>;
}

/** Runs a Prometheus of its own under a configuration, its data in the folder, which goes with it. */
export async function runPrometheus(
  folder: string,
  configuration: object,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  await buildTools(['prometheus'], reportNothing);
  const config = path.join(folder, 'prometheus.json');
  writeFileSync(config, JSON.stringify(configuration));
  const [port] = (await takeFreePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const flags = [`--config.file=${config}`, `--storage.tsdb.path=${path.join(folder, 'data')}`];
  const child = spawn(toolPath('prometheus'), [...flags, `--web.listen-address=127.0.0.1:${port}`], {
    stdio: 'ignore',
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise((resolve) => child.once('close', resolve));
  await until(
    'Prometheus is ready',
    async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok ?? false,
    30,
  );
  return {
    url,
    async close() {
      process.removeListener('exit', kill);
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function startRealPrometheus(): Promise<RealPrometheus> {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-'));
  const pages = new Map<string, TrainerPage>();
  const trainers = createServer((request, response) => {
    const page = pages.get(request.url ?? '');
    response.setHeader('Content-Type', 'text/plain; version=0.0.4');
    if (page === undefined) response.writeHead(404).end();
    else
      response.end(
        Object.entries(page)
          .map(([name, value]) => `stepwise_trainer_${name} ${value}\n`)
          .join(''),
      );
  });
  await new Promise<void>((resolve) => trainers.listen(0, '127.0.0.1', resolve));
  const target = `127.0.0.1:${(trainers.address() as AddressInfo).port}`;
  const targets = path.join(folder, 'targets.json');
  writeFileSync(targets, '[]');
  const scrape = {
    job_name: 'trainers',
    scrape_interval: '100ms',
    scrape_timeout: '100ms',
    file_sd_configs: [{ files: [targets], refresh_interval: '1s' }],
  };
  const { url, close } = await runPrometheus(folder, { scrape_configs: [scrape] });
  const scraped = async () => {
    const query = 'count({__name__="stepwise_trainer_steps_total"}) or vector(0)';
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}&nocache=${Math.random()}`);
    const body = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    return Number(body.data.result[0]?.value[1]);
  };
  let shown = 0;
  return {
    url,
    async show(jobs) {
      shown++;
      pages.clear();
      const groups = Object.entries(jobs).flatMap(([key, ranks]) =>
        ranks.map((page, rank) => {
          const [namespace = '', training_job = ''] = key.split('/');
          const __metrics_path__ = `/${shown}/${key}/${rank}`;
          pages.set(__metrics_path__, page);
          return { targets: [target], labels: { namespace, training_job, pod: `p${shown}-${rank}`, __metrics_path__ } };
        }),
      );
      // The old targets go first: Prometheus marks their series stale, so that no rank is counted twice.
      writeFileSync(targets, '[]');
      await until('the old pages are forgotten', async () => (await scraped()) === 0, 30);
      writeFileSync(targets, JSON.stringify(groups));
      await until('the new pages are scraped', async () => (await scraped()) === groups.length, 30);
    },
    async close() {
      await close();
      trainers.closeAllConnections();
      trainers.close();
    },
  };
}
