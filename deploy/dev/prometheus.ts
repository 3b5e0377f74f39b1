// Prometheus for the cluster: scrapes trainers every two seconds and the operator beside it.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { toolPath } from './build.ts';
import { ensureRunning } from './processes.ts';
import { type Report, timed } from './progress.ts';
import { waitUntilReady } from './readiness.ts';
import { kubeconfigPath, ports, stateDirectory } from './settings.ts';

export async function ensurePrometheus(report: Report): Promise<void> {
  const configPath = path.join(stateDirectory, 'prometheus.yaml');
  writeFileSync(configPath, stringify(prometheusConfig(kubeconfigPath), { lineWidth: 0 }));
  const address = `127.0.0.1:${ports.prometheus}`;
  await timed(report, 'Prometheus is ready', async () => {
    const prometheus = await ensureRunning({
      name: 'prometheus',
      command: toolPath('prometheus'),
      args: [
        `--config.file=${configPath}`,
        `--storage.tsdb.path=${path.join(stateDirectory, 'prometheus')}`,
        '--storage.tsdb.retention.time=6h',
        '--storage.tsdb.retention.size=1GB',
        `--web.listen-address=${address}`,
        '--web.enable-lifecycle',
      ],
    });
    await waitUntilReady(prometheus, { url: `http://${address}/-/ready` });
    // It may have run before with another configuration.
    await fetch(`http://${address}/-/reload`, { method: 'POST' });
  });
}

const podLabel = (name: string) => `__meta_kubernetes_pod_label_${name}`;
const podAnnotation = (name: string) => `__meta_kubernetes_pod_annotation_${name}`;

export function prometheusConfig(kubeconfig: string): object {
  return {
    global: { scrape_interval: '10s', evaluation_interval: '10s' },
    scrape_configs: [
      {
        job_name: 'stepwise-trainers',
        scrape_interval: '2s',
        scrape_timeout: '2s',
        // Prometheus 3 refuses a page without a content type; a trainer written by hand may not send one.
        fallback_scrape_protocol: 'PrometheusText0.0.4',
        kubernetes_sd_configs: [{ role: 'pod', kubeconfig_file: kubeconfig }],
        relabel_configs: trainerRelabelling,
      },
      {
        job_name: 'stepwise-operator',
        scrape_interval: '5s',
        static_configs: [{ targets: [`127.0.0.1:${ports.operatorMetrics}`] }],
      },
    ],
  };
}

const trainerRelabelling = [
  // 1. Only pods of a training job, at their port named stepwise, and only while they run.
  { action: 'keep', source_labels: [podLabel('stepwise_dev_training_job')], regex: '.+' },
  { action: 'keep', source_labels: ['__meta_kubernetes_pod_container_port_name'], regex: 'stepwise' },
  { action: 'drop', source_labels: ['__meta_kubernetes_pod_phase'], regex: 'Pending|Succeeded|Failed' },
  // 2. A simulated pod has no page of its own: its annotations say where its page is.
  {
    action: 'replace',
    source_labels: [podAnnotation('stepwise_dev_metrics_address')],
    regex: '(.+)',
    target_label: '__address__',
  },
  {
    action: 'replace',
    source_labels: [podAnnotation('stepwise_dev_metrics_path')],
    regex: '(.+)',
    target_label: '__metrics_path__',
  },
  // 3. Whose samples these are.
  { action: 'replace', source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
  { action: 'replace', source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
  { action: 'replace', source_labels: [podLabel('stepwise_dev_training_job')], target_label: 'training_job' },
];
