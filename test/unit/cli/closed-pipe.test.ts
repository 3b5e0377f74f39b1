import { EventEmitter } from 'node:events';
import { expect } from 'chai';
import { endWhenNobodyReads } from '../../../src/cli/closed-pipe.ts';

describe('a pipe that its reader has closed', () => {
  const failure = (code: string) => Object.assign(new Error(`write ${code}`), { code });

  it('ends the program without a word, as head and less expect', () => {
    const stream = new EventEmitter();
    let isEnded = false;
    endWhenNobodyReads(stream, () => {
      isEnded = true;
    });
    stream.emit('error', failure('EPIPE'));
    expect(isEnded).to.equal(true);
  });

  it('hides no other failure', () => {
    const stream = new EventEmitter();
    endWhenNobodyReads(stream, () => expect.fail('a full disk is to be told'));
    expect(() => stream.emit('error', failure('ENOSPC'))).to.throw('write ENOSPC');
  });
});
