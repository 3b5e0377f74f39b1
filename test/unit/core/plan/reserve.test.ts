import { expect } from 'chai';
import fc from 'fast-check';
import { type Claim, type Reservation, reserve } from '../../../../src/core/plan/reserve.ts';
import { aClaim, mostHeld, someClaims } from '../../../support/a-claim.ts';

describe('reserve', () => {
  const at = (gpus: number, from: number, to: number): Reservation => ({ gpus, from, to });
  const cases: Record<string, { claims: readonly Claim[]; want: Record<string, Reservation>; refused?: string[] }> = {
    'gives one GPU where there is time': { claims: [aClaim({ deadline: 1010 })], want: { job: at(1, 0, 1010) } },
    'gives as many as the deadline takes': { claims: [aClaim({ deadline: 1009 })], want: { job: at(2, 0, 635) } },
    'refuses what no number would finish in time': { claims: [aClaim({ deadline: 200 })], want: {}, refused: ['job'] },
    'keeps what runs as it is while that is in time': {
      claims: [aClaim({ heldGpus: 4, isNew: false, deadline: 400 })],
      want: { job: at(4, 0, 1000 / 1.6 ** 2) },
    },
    'makes what runs smaller for another deadline': {
      claims: [
        aClaim({ key: 'runs', heldGpus: 8, isNew: false, deadline: 2000 }),
        aClaim({ key: 'comes', deadline: 640 }),
      ],
      want: { runs: at(1, 0, 1010), comes: at(2, 0, 635) },
    },
    'has the later deadline wait': {
      claims: [
        aClaim({ key: 'first', deadline: 270, isNew: false, sizes: [{ gpus: 8, workSeconds: 200 }] }),
        aClaim({ key: 'second', deadline: 500, sizes: [{ gpus: 4, workSeconds: 200 }] }),
      ],
      want: { first: at(8, 0, 210), second: at(4, 210, 420) },
    },
    'makes nobody late who was promised a deadline': {
      claims: [
        aClaim({ key: 'promised', deadline: 500, isNew: false, sizes: [{ gpus: 8, workSeconds: 400 }] }),
        aClaim({ key: 'new', deadline: 300, sizes: [{ gpus: 4, workSeconds: 200 }] }),
      ],
      want: { promised: at(8, 0, 410) },
      refused: ['new'],
    },
  };
  for (const [name, { claims, want, refused = [] }] of Object.entries(cases)) {
    it(name, () => {
      const reserved = reserve(claims, 8);
      expect(Object.fromEntries(reserved.byKey)).to.deep.equal(want);
      expect([...reserved.refused.keys()]).to.deep.equal(refused);
    });
  }

  it('tells the earliest deadline that it could have promised', () => {
    const promised = aClaim({ key: 'promised', isNew: false, deadline: 500, sizes: [{ gpus: 8, workSeconds: 400 }] });
    const late = aClaim({ key: 'new', deadline: 300, sizes: [{ gpus: 4, workSeconds: 200 }] });
    const earliest = reserve([promised, late], 8).refused.get('new') ?? Number.NaN;
    expect(earliest).to.equal(620);
    expect(reserve([promised, { ...late, deadline: earliest }], 8).refused.size).to.equal(0);
    expect(reserve([promised, { ...late, deadline: earliest - 1 }], 8).refused.size).to.equal(1);
  });

  it('never hands out more than there is, nor stops what runs', () => {
    fc.assert(
      fc.property(someClaims, (claims) => {
        const { byKey } = reserve(claims, 16);
        expect(mostHeld(byKey.values())).to.be.at.most(16);
        for (const { key, heldGpus } of claims) if (heldGpus > 0) expect(byKey.get(key)?.from).to.equal(0);
      }),
    );
  });

  it('makes nobody late for the sake of new jobs, and no new one either', () => {
    fc.assert(
      fc.property(someClaims, (claims) => {
        const lateOf = (some: readonly Claim[]) => {
          const { byKey } = reserve(some, 16);
          return some.filter(({ key, deadline }) => (byKey.get(key)?.to ?? 0) > deadline).map(({ key }) => key);
        };
        const before = lateOf(claims.filter(({ isNew }) => !isNew));
        expect(before).to.include.members(lateOf(claims));
      }),
    );
  });

  it('does the same for any order of the jobs', () => {
    fc.assert(
      fc.property(someClaims, (claims) => {
        const one = reserve(claims, 16);
        const other = reserve(claims.toReversed(), 16);
        expect(new Map([...other.byKey].sort())).to.deep.equal(new Map([...one.byKey].sort()));
        expect([...other.refused].sort()).to.deep.equal([...one.refused].sort());
      }),
    );
  });
});
