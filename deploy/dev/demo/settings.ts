// What the parts of the demo must agree on.

import path from 'node:path';
import { instanceTypes } from '../instance-types.ts';
import { repositoryDirectory } from '../settings.ts';

/** Seconds of a job's own time in one second of the demo. Prices are multiplied by it, so that costs stay as they are. */
export const TIME_LAPSE = 60;

export const DEMO_NAMESPACE = 'stepwise-demo';
export const PROFILE_ANNOTATION = 'simulator.stepwise.dev/profile';

export const demoDirectory = path.join(repositoryDirectory, '.dev', 'demo');
export const resultPath = path.join(repositoryDirectory, '.dev', 'results', 'demo.json');
export const jobsDirectory = path.join(import.meta.dirname, 'jobs');

/** A GPUPool of the demo on one of the local cluster's NodePools. */
export interface DemoPool {
  readonly name: string;
  readonly nodePool: string;
  readonly gpusPerNode: number;
  readonly maxNodes: number;
  /** What the machine costs, before the time-lapse. */
  readonly usdPerNodeHour: number;
}

export const DEMO_POOLS: readonly DemoPool[] = [
  demoPool({ name: 'demo-t4', nodePool: 'gpu-t4', instanceType: 'g4dn.xlarge', maxNodes: 8 }),
  demoPool({ name: 'demo-t4x4', nodePool: 'gpu-t4x4', instanceType: 'g4dn.12xlarge', maxNodes: 2 }),
  demoPool({ name: 'demo-t4-few', nodePool: 'gpu-t4-few', instanceType: 'g4dn.xlarge', maxNodes: 5 }),
];

function demoPool(given: {
  readonly name: string;
  readonly nodePool: string;
  readonly instanceType: string;
  readonly maxNodes: number;
}): DemoPool {
  const found = instanceTypes.find(({ name }) => name === given.instanceType);
  const price = found?.offerings[0]?.Price;
  if (found === undefined || price === undefined) throw new Error(`instance-types.ts has no ${given.instanceType}`);
  const { name, nodePool, maxNodes } = given;
  return { name, nodePool, maxNodes, usdPerNodeHour: price, gpusPerNode: Number(found.resources['nvidia.com/gpu']) };
}
