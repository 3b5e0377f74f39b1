import { expect } from 'chai';
import { polluxDecide } from '../../bench/peers/pollux-decide.ts';
import type { Allocations, PolluxDecision, PolluxJob, PolluxNode } from '../../bench/peers/pollux-policy.ts';
import type { PolluxProfile } from '../../bench/peers/pollux-profiles.ts';
import { jobsFor } from '../../bench/peers/pollux-time.ts';

const PROFILE: PolluxProfile = {
  application: 'cifar10',
  perfParams: { alpha_c: 0.02, beta_c: 0.0007, alpha_n: 0.09, beta_n: 0.002, alpha_r: 0.015, beta_r: 1e-8, gamma: 1.3 },
  gradParams: { sqr: 0.13, var: 5 },
  initBatchSize: 128,
  maxBatchSize: 4096,
  localBatchSizeBounds: [32, 1024],
};
const NODES: readonly PolluxNode[] = [{ name: 'node-0', gpus: 4 }];

/** A policy that answers what it is told to, and keeps what it was asked. */
function aPolicy(answer: PolluxDecision) {
  const asked: Allocations[] = [];
  return {
    asked,
    decide: async (_jobs: readonly PolluxJob[], _nodes: readonly PolluxNode[], held: Allocations) => {
      asked.push(held);
      return answer;
    },
  };
}

describe('the Pollux policy as a peer', () => {
  const found: PolluxDecision = {
    found: true,
    allocations: { 'cifar10-0': ['node-0'] },
    batches: {},
    desiredNodes: 1,
    seconds: 2,
    cpuSeconds: 2,
  };

  it('is told what active jobs hold on nodes that exist', async () => {
    const policy = aPolicy(found);
    const held = { 'cifar10-0': ['node-0', 'lost'], ended: ['node-0'] };
    expect(await polluxDecide(policy)(jobsFor([PROFILE], 1), NODES, held)).to.deep.equal(found);
    expect(policy.asked).to.deep.equal([{ 'cifar10-0': ['node-0'] }]);
  });

  it('leaves jobs what they hold when its search found nothing that fits', async () => {
    const policy = aPolicy({ found: false, allocations: {}, batches: {}, desiredNodes: 2, seconds: 3, cpuSeconds: 3 });
    const decision = await polluxDecide(policy)(jobsFor([PROFILE], 1), NODES, { 'cifar10-0': ['node-0'] });
    expect(decision).to.deep.equal({
      found: false,
      allocations: { 'cifar10-0': ['node-0'] },
      batches: {},
      desiredNodes: 2,
      seconds: 3,
      cpuSeconds: 3,
    });
  });

  it('is not asked about no jobs, which it cannot answer', async () => {
    const policy = aPolicy(found);
    expect((await polluxDecide(policy)([], NODES, {})).allocations).to.deep.equal({});
    expect(policy.asked).to.deep.equal([]);
  });

  it('is timed with jobs of all profiles in turn, each under its own name', () => {
    const jobs = jobsFor([PROFILE, { ...PROFILE, application: 'bert' }], 4);
    expect(jobs.map(({ name }) => name)).to.deep.equal(['cifar10-0', 'bert-1', 'cifar10-2', 'bert-3']);
  });
});
