/**
 * Seconds between checkpoints that lose the least: sqrt(2·checkpoint/rate), for failures that come at random
 * (Young 1974, Communications of the ACM 17, 530). Infinite where nothing interrupts.
 */
export function checkpointInterval(checkpointSeconds: number, interruptionsPerHour: number): number {
  return Math.sqrt((2 * checkpointSeconds) / (interruptionsPerHour / 3600));
}

/**
 * Share of the rent that interruptions waste, on capacity that is taken back so often an hour: half a checkpoint
 * interval of work and one restart each time. 0 where nothing interrupts.
 */
export function spotRisk(options: {
  readonly interruptionsPerHour: number;
  readonly checkpointSeconds: number;
  readonly restartSeconds: number;
}): number {
  const { interruptionsPerHour, checkpointSeconds, restartSeconds } = options;
  if (interruptionsPerHour === 0) return 0;
  const lost = checkpointInterval(checkpointSeconds, interruptionsPerHour) / 2;
  return (interruptionsPerHour * (lost + restartSeconds)) / 3600;
}
