import { expect } from 'chai';
import type { GpuPool } from '../../src/api/gpu-pool.ts';
import { isConflict } from '../../src/kube/kube-error.ts';
import { type NodeScaler, ScalerError, type ScalerProblem } from '../../src/ports/node-scaler.ts';

export interface ScalerUnderTest {
  readonly scaler: NodeScaler;
  /** A pool whose target asks for two nodes. */
  readonly pool: GpuPool;
  readonly leftToOthers: GpuPool;
  /** Pools that cannot be scaled, each with what is wrong. */
  readonly troubled: Readonly<Partial<Record<ScalerProblem, GpuPool>>>;
  /** Changes the number of nodes as another program would. */
  changeBehind(nodes: number): Promise<void>;
}

/** What every scaler of nodes must do. */
export function describeNodeScaler(name: string, open: () => Promise<ScalerUnderTest>): void {
  describe(`${name} as a scaler of nodes`, () => {
    let under: ScalerUnderTest;
    before(async () => {
      under = await open();
    });

    it('reads how many nodes are asked for', async () => {
      expect((await under.scaler.read(under.pool))?.desired).to.equal(2);
    });

    it('asks for another number, and for none', async () => {
      for (const nodes of [3, 0, 2]) {
        const token = (await under.scaler.read(under.pool))?.token;
        await under.scaler.setNodes(under.pool, nodes, token);
        expect((await under.scaler.read(under.pool))?.desired).to.equal(nodes);
      }
    });

    it('may be asked for the same number again', async () => {
      await under.scaler.setNodes(under.pool, 2, (await under.scaler.read(under.pool))?.token);
      await under.scaler.setNodes(under.pool, 2, undefined);
      expect((await under.scaler.read(under.pool))?.desired).to.equal(2);
    });

    it('notices that somebody else was faster', async () => {
      const token = (await under.scaler.read(under.pool))?.token;
      await under.changeBehind(5);
      const error = await failureOf(under.scaler.setNodes(under.pool, 3, token));
      expect(isConflict(error), String(error)).to.equal(true);
      expect((await under.scaler.read(under.pool))?.desired).to.equal(5);
      await under.changeBehind(2);
    });

    it('knows nothing of a pool that is left to others, and leaves it alone', async () => {
      expect(await under.scaler.read(under.leftToOthers)).to.equal(undefined);
      await under.scaler.setNodes(under.leftToOthers, 3, undefined);
    });

    for (const problem of ['TargetNotFound', 'NotScalable', 'Forbidden'] as const) {
      it(`says ${problem} of a target that deserves it`, async function () {
        const pool = under.troubled[problem];
        if (pool === undefined) this.skip();
        const error = await failureOf(under.scaler.read(pool));
        expect(error, String(error)).to.be.instanceOf(ScalerError).and.to.include({ problem });
      });
    }
  });
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure === undefined) throw new Error('it was done');
  return failure;
}
