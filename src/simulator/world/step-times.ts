import { lastAtOrBelow, MeasuredCurve } from './measured-curve.ts';
import type { Placement } from './training-world.ts';

/** One measured step: one pass over `microBatchSize` samples on each GPU, and the exchange after it. */
export interface MeasuredStep {
  /** GPUs on each node; undefined where only their number and that of the nodes is known. */
  readonly placement: Placement | undefined;
  readonly nodes: number;
  readonly gpus: number;
  readonly microBatchSize: number;
  readonly stepSeconds: number;
  /** The part of it that no computing hides. */
  readonly synchronizationSeconds: number;
}

export interface PassSeconds {
  readonly step: number;
  readonly synchronization: number;
}

interface Curves {
  readonly step: MeasuredCurve;
  readonly synchronization: MeasuredCurve;
}

/**
 * Step times by interpolation, as the simulator that comes with the measurements does it (petuum/adaptdl, branch
 * osdi21-artifact, simulator/applications.py): a measured placement between its micro batches; any other between
 * micro batches, GPUs and nodes. There it takes a triangulation of the three, here first the nodes at the same number
 * of GPUs to a node, so that full nodes lie between full nodes.
 */
export class StepTimes {
  readonly #placements: ReadonlyMap<string, Curves>;
  /** By number of nodes, ascending; in each by number of GPUs, ascending. */
  readonly #nodes: readonly number[];
  readonly #byNodes: ReadonlyMap<number, readonly (readonly [number, Curves])[]>;

  constructor(measured: readonly MeasuredStep[]) {
    const placed = measured.filter((step) => step.placement !== undefined);
    this.#placements = new Map(
      [...Map.groupBy(placed, (step) => keyOf(step.placement ?? []))].map(([key, steps]) => [key, curvesOf(steps)]),
    );
    const byNodes = [...Map.groupBy(measured, (step) => step.nodes)].sort(([one], [other]) => one - other);
    this.#nodes = byNodes.map(([nodes]) => nodes);
    this.#byNodes = new Map(
      byNodes.map(([nodes, steps]) => {
        const byGpus = [...Map.groupBy(steps, (step) => step.gpus)].sort(([one], [other]) => one - other);
        return [nodes, byGpus.map(([gpus, same]) => [gpus, curvesOf(same)] as const)];
      }),
    );
  }

  at(placement: Placement, microBatchSize: number): PassSeconds {
    const measured = this.#placements.get(keyOf(placement));
    if (measured !== undefined) return read(measured, microBatchSize);
    const nodes = Math.min(placement.length, this.#nodes.at(-1) ?? 1);
    const gpus = placement.reduce((sum, onNode) => sum + onNode, 0);
    const index = Math.max(0, lastAtOrBelow(this.#nodes, nodes));
    const below = this.#nodes[index] ?? nodes;
    const above = this.#nodes[index + 1] ?? below;
    const one = this.#atNodes(below, (gpus * below) / nodes, microBatchSize);
    if (below === nodes || below === above) return one;
    const other = this.#atNodes(above, (gpus * above) / nodes, microBatchSize);
    return between(one, other, (nodes - below) / (above - below));
  }

  #atNodes(nodes: number, gpus: number, microBatchSize: number): PassSeconds {
    const curves = this.#byNodes.get(nodes) ?? [];
    const counts = curves.map(([count]) => count);
    const index = Math.max(0, Math.min(lastAtOrBelow(counts, gpus + 1e-9), counts.length - 1));
    const [below, lower] = curves[index] ?? [];
    const [above, upper] = curves[index + 1] ?? [];
    if (below === undefined || lower === undefined) throw new Error(`no step time on ${nodes} nodes was measured`);
    const one = read(lower, microBatchSize);
    if (above === undefined || upper === undefined || gpus <= below) return one;
    return between(one, read(upper, microBatchSize), (gpus - below) / (above - below));
  }
}

function keyOf(placement: Placement): string {
  return [...placement].sort((one, other) => one - other).join('-');
}

function curvesOf(steps: readonly MeasuredStep[]): Curves {
  return {
    step: new MeasuredCurve(steps.map((step) => [step.microBatchSize, step.stepSeconds])),
    synchronization: new MeasuredCurve(steps.map((step) => [step.microBatchSize, step.synchronizationSeconds])),
  };
}

function read(curves: Curves, microBatchSize: number): PassSeconds {
  const step = curves.step.at(microBatchSize);
  return { step, synchronization: Math.min(step, Math.max(0, curves.synchronization.at(microBatchSize))) };
}

function between(one: PassSeconds, other: PassSeconds, share: number): PassSeconds {
  return {
    step: one.step + share * (other.step - one.step),
    synchronization: one.synchronization + share * (other.synchronization - one.synchronization),
  };
}
