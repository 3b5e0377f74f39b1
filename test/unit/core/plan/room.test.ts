import { expect } from 'chai';
import { takeRoom } from '../../../../src/core/plan/room.ts';

describe('takeRoom', () => {
  const cases: readonly {
    readonly name: string;
    readonly free: readonly number[];
    readonly replicas: number;
    readonly gpusPerReplica?: number;
    readonly left: readonly number[] | undefined;
  }[] = [
    { name: 'nothing, anywhere', free: [0], replicas: 0, left: [0] },
    { name: 'a replica where there is least room', free: [4, 1, 2], replicas: 1, left: [4, 0, 2] },
    { name: 'replicas that fill a node on one', free: [2, 4, 3], replicas: 4, left: [2, 0, 3] },
    { name: 'the rest where there is least room for it', free: [4, 3, 4], replicas: 7, left: [0, 0, 4] },
    { name: 'nothing torn apart that one node would hold', free: [3, 1], replicas: 4, left: undefined },
    { name: 'no replica across two nodes', free: [1, 1], replicas: 1, gpusPerReplica: 2, left: undefined },
    { name: 'replicas of two GPUs', free: [3, 4], replicas: 3, gpusPerReplica: 2, left: [1, 0] },
    { name: 'replicas of which none fits a node', free: [4, 4], replicas: 1, gpusPerReplica: 8, left: undefined },
    { name: 'no more than there is room for', free: [2, 1], replicas: 3, left: undefined },
  ];
  for (const { name, free, replicas, gpusPerReplica = 1, left } of cases) {
    it(`places ${name}`, () => {
      const rooms = free.map((gpus) => ({ free: gpus }));
      expect(takeRoom(rooms, replicas, gpusPerReplica, 4)).to.equal(left !== undefined);
      if (left !== undefined) expect(rooms.map((room) => room.free)).to.eql(left);
    });
  }
});
