import type { EventEmitter } from 'node:events';

/** A reader that has seen enough, such as `head`, closes the pipe: no failure of ours, and nobody to tell it to. */
export function endWhenNobodyReads(stream: EventEmitter, end: () => void): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    end();
  });
}
