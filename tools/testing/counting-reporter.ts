import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';

/** Mocha's own report for people, and the counts in .dev/results/tests/NAME.json for who adds them up. */
class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const name = String((options.reporterOptions as { name?: unknown } | undefined)?.name ?? 'tests');
    runner.once('end', () => {
      const { passes = 0, failures = 0, pending = 0 } = this.stats;
      const folder = path.resolve('.dev/results/tests');
      mkdirSync(folder, { recursive: true });
      const counts = { passed: passes, failed: failures, skipped: pending };
      writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(counts)}\n`);
    });
  }
}

// Mocha takes the default export of a reporter module.
// biome-ignore lint/style/noDefaultExport: asked for by mocha
export default CountingReporter;
