import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect } from 'chai';
import { parseOptions } from '../../../src/operator/options.ts';

const options = path.join(import.meta.dirname, '../../../src/operator/options.ts');
const script = `import { parseOptions } from ${JSON.stringify(options)}; parseOptions(process.argv.slice(1), {});`;

describe('the options of the operator', () => {
  it('have defaults', () => {
    expect(parseOptions([], {})).to.include({
      ...{
        namespace: 'stepwise-system',
        listenPort: 8080,
        leaderElection: true,
        readIntervalSeconds: 5,
        logLevel: 'info',
      },
    });
  });

  it('come from flags before the environment, and from neither when a variable is empty', () => {
    const environment = { STEPWISE_LISTEN_PORT: '9000', STEPWISE_WORKERS: '', POD_NAMESPACE: 'mine' };
    expect(parseOptions(['--namespace', 'flag'], environment)).to.include({
      listenPort: 9000,
      workers: 8,
      namespace: 'flag',
    });
  });

  it('collect headers, whose values may hold an equals sign', () => {
    const { prometheusHeaders } = parseOptions(['--prometheus-header', 'A=1', '--prometheus-header', 'B=x=y'], {});
    expect(prometheusHeaders).to.deep.equal({ A: '1', B: 'x=y' });
  });

  it('are frozen', () => expect(parseOptions([], {})).to.be.frozen);

  it('that make no sense end the process with a sentence', function () {
    this.timeout(20_000);
    const cases: readonly (readonly [string[], RegExp])[] = [
      [['--listen-port', '0'], /--listen-port.*"0" is not a whole number above 0/],
      [['--read-interval-seconds', '0.5'], /--read-interval-seconds.*0\.5/],
      [['--prometheus-url', 'prometheus'], /--prometheus-url.*prometheus/],
      [['--prometheus-header', 'novalue'], /"novalue" is not of the form Name=value/],
      [['--log-level', 'loud'], /error, warn, info, debug/],
      [['--colour'], /unknown option '--colour'/],
    ];
    for (const [argv, says] of cases) {
      const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, '--', ...argv], {
        encoding: 'utf8',
      });
      expect(status, argv.join(' ')).to.equal(1);
      expect(stderr).to.match(says);
    }
  });
});
