import type { EnergyMemory } from '../energy-source/energy-memory.ts';
import { poolEnergy } from '../energy-source/pool-energy.ts';
import { type PoolDraft, type PoolView, setCondition } from './pool-draft.ts';

/** Says whether the hours to come are known; nothing of a pool that has no energy in its spec and never had. */
export function reportPoolEnergy(draft: PoolDraft, view: Pick<PoolView, 'now' | 'pool'>, memory: EnergyMemory): void {
  const { reason, message } = poolEnergy(view.pool, memory, view.now);
  const isTold = draft.status.conditions?.some(({ type }) => type === 'EnergyKnown') ?? false;
  if (view.pool.spec.energy === undefined && !isTold) return;
  const status = reason === 'EnergyKnown' ? 'True' : reason === 'NotConfigured' ? 'Unknown' : 'False';
  setCondition(draft, view, 'EnergyKnown', status, reason, message);
}
