import { Writable } from 'node:stream';
import { expect } from 'chai';
import winston from 'winston';
import { createLogger } from '../../../src/telemetry/logger.ts';

function logged(log: (logger: ReturnType<typeof createLogger>) => void): string {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const logger = createLogger({ level: 'info', format: 'json' });
  logger.clear().add(new winston.transports.Stream({ stream }));
  log(logger);
  return text;
}

describe('the log', () => {
  it('is one JSON object a line', () => {
    const line = JSON.parse(logged((log) => log.info('decided', { job: 'team/bert' })));
    expect(line).to.include({ level: 'info', message: 'decided', job: 'team/bert' });
    expect(line.timestamp).to.match(/^\d{4}-\d\d-\d\dT/);
  });

  it('keeps to its level', () => expect(logged((log) => log.debug('quiet'))).to.equal(''));

  it('tells errors with their stack', () => {
    const { error } = JSON.parse(logged((log) => log.error('failed', { error: new TypeError('no such field') })));
    expect(error).to.include({ name: 'TypeError', message: 'no such field' });
    expect(error.stack).to.contain('logger.test.ts');
  });

  it('does not write fields that are called secret, at any depth', () => {
    const secrets = { token: 'abc-1', nested: { Authorization: 'abc-2', list: [{ apiKey: 'abc-3' }] } };
    const text = logged((log) => log.info('asked', { ...secrets, harmless: 'kept' }));
    expect(text).not.to.match(/abc-\d/);
    expect(text).to.contain('kept');
    expect(secrets.nested.Authorization, 'what was logged is left as it was').to.equal('abc-2');
  });
});
