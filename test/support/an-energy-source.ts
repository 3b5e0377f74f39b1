import { API_VERSION } from '../../src/api/group.ts';
import { parseEnergySource } from '../../src/api/parse.ts';
import type { EnergySourceObject } from '../../src/controllers/kinds.ts';

export interface EnergySourceParts {
  readonly name?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly spec?: object;
  readonly status?: EnergySourceObject['status'];
}

/** A carbon intensity, read every half an hour. */
export function anEnergySource(parts: EnergySourceParts = {}): EnergySourceObject {
  const { name = 'carbon', uid = `uid-of-${name}`, generation = 1, status } = parts;
  const metadata = { name, uid, generation, resourceVersion: '1' };
  const spec = {
    signal: 'CarbonIntensity',
    basis: 'Average',
    provider: { type: 'GbCarbonIntensity', gbCarbonIntensity: {} },
    ...parts.spec,
  };
  return { ...parseEnergySource({ apiVersion: API_VERSION, kind: 'EnergySource', metadata, spec, status }), metadata };
}
