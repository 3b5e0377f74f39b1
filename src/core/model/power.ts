/** Electrical power of one GPU, without and with full work. */
export interface GpuPower {
  readonly idleWatts: number;
  /** What it really draws under full work: often well below what it is rated for. */
  readonly fullWatts: number;
}

/** Watts of one GPU at a utilisation of 0 to 1; anything outside is taken for the nearer end. */
export function gpuWatts(gpu: GpuPower, utilisation: number): number {
  const share = Math.min(1, Math.max(0, utilisation));
  return gpu.idleWatts + (gpu.fullWatts - gpu.idleWatts) * share;
}

/** Kilowatts of so many nodes, each with its host and its GPUs, `busyGpus` of all of them at work. */
export function nodesKilowatts(options: {
  readonly nodes: number;
  readonly gpusPerNode: number;
  readonly busyGpus: number;
  readonly utilisation: number;
  readonly hostWatts: number;
  readonly gpu: GpuPower;
}): number {
  const { nodes, gpusPerNode, busyGpus, utilisation, hostWatts, gpu } = options;
  const idleGpus = Math.max(0, nodes * gpusPerNode - busyGpus);
  const watts = nodes * hostWatts + busyGpus * gpuWatts(gpu, utilisation) + idleGpus * gpu.idleWatts;
  return watts / 1000;
}

/**
 * Kilowatt-hours at the meter of the building: its power usage effectiveness (PUE, 1 or more) is what cooling and
 * distribution take for each kilowatt-hour of the machines.
 */
export function meteredKilowattHours(kilowatts: number, hours: number, powerUsageEffectiveness: number): number {
  return kilowatts * hours * powerUsageEffectiveness;
}
