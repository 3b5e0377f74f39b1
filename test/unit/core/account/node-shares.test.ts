import { expect } from 'chai';
import fc from 'fast-check';
import { type StandingNode, shareNodes } from '../../../../src/core/account/node-shares.ts';

const node = (name: string, held: Record<string, number> = {}, foreignGpus = 0): StandingNode => ({
  name,
  held: Object.entries(held).map(([key, gpus]) => ({ key, gpus })),
  foreignGpus,
});

const NOBODY = new Map();

const cases: Record<
  string,
  {
    readonly nodes: readonly StandingNode[];
    readonly awaiting?: Record<string, number>;
    readonly before?: Record<string, Record<string, number>>;
    readonly want: Record<string, number>;
    readonly foreign?: number;
    readonly unclaimed?: number;
  }
> = {
  'a node of one job is its own, whatever of it stands idle': { nodes: [node('a', { x: 1 })], want: { x: 1 } },
  'a shared node goes by the GPUs held': { nodes: [node('a', { x: 3, y: 1 })], want: { x: 0.75, y: 0.25 } },
  'a stranger bears a share': { nodes: [node('a', { x: 1 }, 3)], want: { x: 0.25 }, foreign: 0.75 },
  'a node of strangers is theirs': { nodes: [node('a', {}, 2)], want: {}, foreign: 1 },
  'workers without GPUs count alike': { nodes: [node('a', { x: 0, y: 0 })], want: { x: 0.5, y: 0.5 } },
  'an empty node is for those that wait for nodes, by their GPUs': {
    nodes: [node('a'), node('b')],
    awaiting: { x: 6, y: 2 },
    want: { x: 1.5, y: 0.5 },
  },
  "an empty node that nobody waits for is still its last user's": {
    nodes: [node('a')],
    before: { a: { x: 2, y: 2 } },
    want: { x: 0.5, y: 0.5 },
  },
  'those that wait take over what another left': {
    nodes: [node('a')],
    before: { a: { x: 2 } },
    awaiting: { y: 1 },
    want: { y: 1 },
  },
  'a node that nobody wanted is unclaimed': { nodes: [node('a')], want: {}, unclaimed: 1 },
};

const mapOf = (record: Record<string, number> = {}) => Object.entries(record).map(([key, gpus]) => ({ key, gpus }));

describe('shareNodes', () => {
  for (const [name, { nodes, awaiting, before = {}, want, foreign = 0, unclaimed = 0 }] of Object.entries(cases)) {
    it(name, () => {
      const lastHeld = new Map(Object.entries(before).map(([at, held]) => [at, mapOf(held)]));
      const shares = shareNodes(nodes, mapOf(awaiting), lastHeld);
      expect(Object.fromEntries(shares.byJob)).to.deep.equal(want);
      expect({ foreign: shares.foreign, unclaimed: shares.unclaimed }).to.deep.equal({ foreign, unclaimed });
    });
  }

  it('remembers the users of a node while it stands, and no longer', () => {
    const first = shareNodes([node('a', { x: 1 }), node('b', { y: 1 })], [], NOBODY);
    const second = shareNodes([node('a')], [], first.lastHeld);
    expect(Object.fromEntries(second.byJob)).to.deep.equal({ x: 1 });
    expect([...second.lastHeld.keys()]).to.deep.equal(['a']);
    expect(shareNodes([node('b')], [], second.lastHeld).unclaimed).to.equal(1);
  });

  it('gives away every node once, neither more nor less', () => {
    const held = fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.nat(8));
    const nodes = fc
      .array(fc.tuple(held, fc.nat(3)), { maxLength: 12 })
      .map((all) => all.map(([users, strangers], index) => node(`n${index}`, users, strangers)));
    const before = fc.dictionary(
      fc.constantFrom('n0', 'n1', 'n2'),
      fc.dictionary(fc.constantFrom('x', 'q'), fc.nat(4)),
    );
    fc.assert(
      fc.property(nodes, held, before, (standing, waiting, earlier) => {
        const known = Object.entries(earlier).filter(([, users]) => Object.keys(users).length > 0);
        const lastHeld = new Map(known.map(([at, users]) => [at, mapOf(users)]));
        const { byJob, foreign, unclaimed } = shareNodes(standing, mapOf(waiting), lastHeld);
        const all = [...byJob.values()].reduce((sum, part) => sum + part, foreign + unclaimed);
        expect(all).to.be.closeTo(standing.length, 1e-9);
      }),
    );
  });
});
