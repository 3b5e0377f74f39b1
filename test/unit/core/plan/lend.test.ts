import { expect } from 'chai';
import fc from 'fast-check';
import { lend } from '../../../../src/core/plan/lend.ts';
import { type Claim, reserve } from '../../../../src/core/plan/reserve.ts';
import { aClaim, mostHeld, someClaims } from '../../../support/a-claim.ts';

function gpusAfter(claims: readonly Claim[], gpus: number, mayBorrow = true): Record<string, number> {
  const lent = lend(claims, reserve(claims, gpus), () => mayBorrow);
  return Object.fromEntries([...lent].map(([key, reservation]) => [key, reservation.gpus]));
}

describe('lend', () => {
  const runs = { heldGpus: 1, isNew: false, deadline: 10_000 } as const;
  const cases: Record<
    string,
    { claims: readonly Claim[]; gpus?: number; mayBorrow?: boolean; want: Record<string, number> }
  > = {
    'lends while speed grows with the GPUs': { claims: [aClaim({ ...runs, perDoubling: 1.31 })], want: { job: 8 } },
    'leaves GPUs idle that would bring too little': {
      claims: [aClaim({ ...runs, perDoubling: 1.29 })],
      want: { job: 1 },
    },
    'restarts nobody for a saving of less than ten restarts': {
      claims: [aClaim({ ...runs, work: 180, perDoubling: 2, restartSeconds: 10 })],
      want: { job: 1 },
    },
    'gives more at once to what starts anyway': {
      claims: [aClaim({ work: 180, perDoubling: 2, deadline: 10_000 })],
      want: { job: 8 },
    },
    'restarts nobody who may not be': { claims: [aClaim(runs)], mayBorrow: false, want: { job: 1 } },
    'gives to whom it brings most': {
      gpus: 6,
      claims: [aClaim({ ...runs, key: 'slow', perDoubling: 1.4 }), aClaim({ ...runs, key: 'fast', perDoubling: 1.9 })],
      want: { slow: 2, fast: 4 },
    },
    'keeps free what is reserved for later': {
      claims: [
        aClaim({ ...runs, key: 'first', deadline: 300, sizes: [{ gpus: 1, workSeconds: 290 }], restartSeconds: 0 }),
        aClaim({
          key: 'later',
          isNew: false,
          deadline: 800,
          sizes: [{ gpus: 8, workSeconds: 500 }],
          restartSeconds: 0,
        }),
        aClaim({ ...runs, key: 'asks', work: 250, perDoubling: 1.01, restartSeconds: 0 }),
      ],
      want: { first: 1, later: 8, asks: 1 },
    },
  };
  for (const [name, { claims, gpus = 8, mayBorrow, want }] of Object.entries(cases)) {
    it(name, () => {
      expect(gpusAfter(claims, gpus, mayBorrow)).to.deep.equal(want);
    });
  }

  it('takes nothing back that nobody needs', () => {
    const borrower = aClaim({ ...runs, heldGpus: 4, perDoubling: 1.1 });
    expect(gpusAfter([borrower], 8)).to.deep.equal({ job: 4 });
    const comes = aClaim({ key: 'comes', deadline: 300, sizes: [{ gpus: 7, workSeconds: 250 }] });
    expect(gpusAfter([borrower, comes], 8)).to.deep.equal({ job: 1, comes: 7 });
  });

  it('ends nobody later, makes nobody late and hands out no more than there is', () => {
    fc.assert(
      fc.property(someClaims, fc.boolean(), (claims, mayBorrow) => {
        const reserved = reserve(claims, 16);
        const before = new Map(reserved.byKey);
        const lent = lend(claims, reserved, () => mayBorrow);
        expect(mostHeld(lent.values())).to.be.at.most(16);
        for (const [key, { gpus, to }] of lent) {
          expect(gpus).to.be.at.least(before.get(key)?.gpus ?? Number.NaN);
          expect(to).to.be.at.most(before.get(key)?.to ?? Number.NaN);
        }
      }),
    );
  });

  it('changes nothing any more once what was lent is held', () => {
    fc.assert(
      fc.property(someClaims, (claims) => {
        const lent = lend(claims, reserve(claims, 16), () => true);
        const running = claims
          .filter(({ key }) => lent.get(key)?.from === 0)
          .map((claim) => ({ ...claim, heldGpus: lent.get(claim.key)?.gpus ?? 0, isNew: false }));
        const again = lend(running, reserve(running, 16), () => true);
        for (const { key, heldGpus } of running) expect(again.get(key)?.gpus).to.be.at.least(heldGpus);
      }),
    );
  });
});
