// `npm run simulate -- --scenario FILE --out DIR`: runs one scenario, writes DIR/result.json and DIR/report.html, and
// ends with a short table.

import { parseArgs } from 'node:util';
import { InputError } from './input-error.ts';
import { prepareFolder, summaryOf, writeResult } from './result-writer.ts';
import { simulate } from './run.ts';
import { readScenario } from './scenario.ts';

const USAGE = 'npm run simulate -- --scenario FILE --out DIR';
const BAD_INPUT = 2;

try {
  const { scenario: file, out } = readArguments();
  const scenario = readScenario(file, process.env['STEPWISE_DATA'] ?? '../shared/data');
  prepareFolder(out);
  const result = await simulate(scenario);
  process.stdout.write(`${summaryOf(result, writeResult(result, out))}\n`);
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = BAD_INPUT;
}

function readArguments(): { readonly scenario: string; readonly out: string } {
  try {
    const { values } = parseArgs({ options: { scenario: { type: 'string' }, out: { type: 'string' } } });
    if (values.scenario !== undefined && values.out !== undefined) {
      return { scenario: values.scenario, out: values.out };
    }
  } catch (error) {
    throw new InputError(`${error instanceof Error ? error.message : String(error)}; use it as ${USAGE}`);
  }
  throw new InputError(`--scenario and --out are both needed: ${USAGE}`);
}
