import { expect } from 'chai';
import { parseGpuPool } from '../../../../src/api/parse.ts';
import { poolSnapshotOf } from '../../../../src/controllers/fleet/snapshot.ts';
import { changed, type JsonObject, spec } from '../../api/cases/case.ts';
import { GPU_POOL_BASE } from '../../api/cases/gpu-pool-cases.ts';

const END = '2027-12-01T00:00:00Z';
const END_SECONDS = Date.parse(END) / 1000;

const reservation = { nodes: 3, pricePerNodeHour: '0.31', endsAt: END };
const ownership = { purchasePricePerNode: '9800', amortisationMonths: 36, maintenancePerNodeMonth: '60' };

describe('nodes of a pool that are paid for anyway', () => {
  const cases: Record<string, { cost: JsonObject; now?: number; paidNodes: number }> = {
    'none on demand': { cost: {}, paidNodes: 0 },
    'none of spot': { cost: { capacityType: 'Spot' }, paidNodes: 0 },
    'those reserved, while the term lasts': {
      cost: { capacityType: 'Reserved', reservation },
      now: END_SECONDS - 1,
      paidNodes: 3,
    },
    'none once the term is over': { cost: { capacityType: 'Reserved', reservation }, now: END_SECONDS, paidNodes: 0 },
    'all that are owned': { cost: { capacityType: 'Owned', ownership }, paidNodes: 8 },
  };
  for (const [name, { cost, now = 0, paidNodes }] of Object.entries(cases)) {
    it(name, () => {
      const snapshot = poolSnapshotOf(parseGpuPool(changed(GPU_POOL_BASE, spec({ cost }))), 0, now);
      expect(snapshot.paidNodes).to.equal(paidNodes);
      expect(snapshot.pricePerNodeHour).to.equal(0.526);
    });
  }
});
