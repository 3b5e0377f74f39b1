// Waiting for the world, with an end.

import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MILLISECONDS = 250;

/** @throws Error naming what was waited for, when it has not come within so many seconds */
export async function waitFor(what: string, seconds: number, isThere: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + seconds * 1000;
  while (!(await isThere())) {
    if (Date.now() > giveUpAt) throw new Error(`waited ${seconds} s for ${what}, in vain`);
    await sleep(PAUSE_MILLISECONDS);
  }
}
