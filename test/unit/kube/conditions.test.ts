import { expect } from 'chai';
import { type Condition, findCondition, isConditionTrue, setConditions } from '../../../src/kube/conditions.ts';

const EARLY = Date.UTC(2026, 0, 1);
const LATER = EARLY + 60_500;
const ready = { type: 'Ready', status: 'True', reason: 'AllWell', message: 'fine', observedGeneration: 1 } as const;

describe('setConditions', () => {
  const before = setConditions(undefined, [ready], EARLY) as Condition[];

  it('stamps a new condition in whole seconds', () => {
    expect(before).to.deep.equal([{ ...ready, lastTransitionTime: '2026-01-01T00:00:00Z' }]);
  });

  it('keeps the transition time while the status stays', () => {
    const [after] = setConditions(before, [{ ...ready, message: 'still fine' }], LATER);
    expect(after?.message).to.equal('still fine');
    expect(after?.lastTransitionTime).to.equal('2026-01-01T00:00:00Z');
  });

  it('moves the transition time with the status', () => {
    const [after] = setConditions(before, [{ ...ready, status: 'False' }], LATER);
    expect(after?.lastTransitionTime).to.equal('2026-01-01T00:01:00Z');
  });

  it('returns the very same array when nothing changed', () => {
    expect(setConditions(before, [ready], LATER)).to.equal(before);
  });

  it('sorts by type and keeps conditions of others', () => {
    const after = setConditions(before, [{ ...ready, type: 'Aligned' }], LATER);
    expect(after.map(({ type }) => type)).to.deep.equal(['Aligned', 'Ready']);
  });

  it('finds conditions', () => {
    expect(isConditionTrue(before, 'Ready')).to.equal(true);
    expect(isConditionTrue(before, 'Stalled')).to.equal(false);
    expect(findCondition(undefined, 'Ready')).to.equal(undefined);
  });
});
