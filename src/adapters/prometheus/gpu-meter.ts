import type { GpuMeasurement, GpuMeter } from '../../ports/gpu-meter.ts';
import type { PrometheusClient } from './client.ts';
import type { Sample } from './schema.ts';

/**
 * Labels differ by the version of the exporter and by the scrape: where its own labels win, those of the pod that holds the
 * GPU are kept as `exported_…`; `UUID` was once written small. A series that lacks one has it empty.
 */
const BY_GPU = 'by (UUID, uuid, GPU_I_ID, GPU_I_PROFILE, namespace, pod, exported_namespace, exported_pod)';

/** One query for each signal, over all GPUs. Two scrapes of one exporter tell the same, so the higher is taken. */
export const GPU_QUERIES = {
  energy: `max ${BY_GPU} (DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION)`,
  power: `max ${BY_GPU} (DCGM_FI_DEV_POWER_USAGE)`,
} as const;

const MILLIJOULES_PER_JOULE = 1000;
/** DCGM's mark for a number that it does not have, as a float; that for integers is larger still. */
const BLANK_FROM = 2 ** 47;

interface Gpu {
  readonly device: string;
  readonly namespace: string;
  readonly pod: string;
  readonly instance: string;
  readonly slices: number;
  joules?: number;
  watts?: number;
}

/** The GPUs as NVIDIA's DCGM exporter tells them. */
export class PrometheusGpuMeter implements GpuMeter {
  readonly #client: PrometheusClient;

  constructor(client: PrometheusClient) {
    this.#client = client;
  }

  async readGpus(signal?: AbortSignal): Promise<readonly GpuMeasurement[]> {
    const [energy, power] = await Promise.all([
      this.#client.query(GPU_QUERIES.energy, signal),
      this.#client.query(GPU_QUERIES.power, signal),
    ]);
    const gpus = new Map<string, Gpu>();
    for (const sample of energy) collect(gpus, sample, 'joules', sample.value / MILLIJOULES_PER_JOULE);
    for (const sample of power) collect(gpus, sample, 'watts', sample.value);
    return withShares([...gpus.values()]);
  }
}

function collect(gpus: Map<string, Gpu>, { labels, value }: Sample, field: 'joules' | 'watts', amount: number): void {
  const device = labels['UUID'] || labels['uuid'];
  const pod = labels['exported_pod'] || labels['pod'];
  const namespace = labels['exported_namespace'] || labels['namespace'];
  if (!device || !pod || !namespace) return;
  const instance = labels['GPU_I_ID'] ?? '';
  const key = `${device}/${instance}/${namespace}/${pod}`;
  const gpu = gpus.get(key) ?? { device, namespace, pod, instance, slices: slicesOf(labels['GPU_I_PROFILE']) };
  gpus.set(key, gpu);
  if (Number.isFinite(value) && value >= 0 && value < BLANK_FROM) gpu[field] = amount;
}

/** Compute slices of an instance, by its profile such as 3g.20gb; a whole GPU counts as one of its kind. */
function slicesOf(profile: string | undefined): number {
  const slices = Number(/^(\d+)g/.exec(profile ?? '')?.[1]);
  return slices > 0 ? slices : 1;
}

/**
 * Each instance of a split GPU repeats the counter of the whole device, and so does each pod of those that take turns on
 * one: they share it by their slices, so that its energy is counted once.
 */
function withShares(gpus: readonly Gpu[]): readonly GpuMeasurement[] {
  const slices = new Map<string, number>();
  for (const gpu of gpus) slices.set(gpu.device, (slices.get(gpu.device) ?? 0) + gpu.slices);
  return gpus.map(({ device, namespace, pod, joules, watts, ...gpu }) => ({
    device: gpu.instance === '' ? device : `${device}/${gpu.instance}`,
    namespace,
    pod,
    share: gpu.slices / (slices.get(device) ?? gpu.slices),
    joules,
    watts,
  }));
}
