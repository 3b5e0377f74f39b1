/** GPUs that are free on one node. */
export interface Room {
  free: number;
}

/**
 * Takes room for replicas of so many GPUs by best fit: whole nodes for as long as the replicas fill them, and the rest
 * together on the node with the least room that holds it, since exchange between nodes is several times slower. False
 * when that takes further nodes; the rooms are then of no more use.
 */
export function takeRoom(
  rooms: readonly Room[],
  replicas: number,
  gpusPerReplica: number,
  gpusPerNode: number,
): boolean {
  const perNode = Math.floor(gpusPerNode / gpusPerReplica);
  if (!(perNode > 0)) return replicas === 0;
  for (let left = replicas; left > 0; left -= perNode) {
    const gpus = Math.min(left, perNode) * gpusPerReplica;
    const room = tightest(rooms, gpus);
    if (room === undefined) return false;
    room.free -= gpus;
  }
  return true;
}

function tightest(rooms: readonly Room[], gpus: number): Room | undefined {
  let best: Room | undefined;
  for (const room of rooms) if (room.free >= gpus && room.free < (best?.free ?? Number.POSITIVE_INFINITY)) best = room;
  return best;
}
