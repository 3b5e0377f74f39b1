// `npm run fuzz`: plans 100,000 random snapshots and says what is wrong with any of them.
//
// `npm run fuzz -- --seed SEED --index INDEX` plans one of them again and prints it.

import { parseArgs } from 'node:util';
import { brokenPromises } from '../support/plan-invariants.ts';
import { randomSnapshot } from '../support/random-snapshots.ts';

const COUNT = 100_000;
const MOST_TOLD = 20;

const { values } = parseArgs({
  options: { seed: { type: 'string' }, index: { type: 'string' }, count: { type: 'string' } },
});
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);

if (values.index === undefined) search(Number(values.count ?? COUNT));
else replay(Number(values.index));

function search(count: number): void {
  const startedAt = performance.now();
  process.stdout.write(`${count} snapshots of seed ${seed}\n`);
  let failures = 0;
  for (let index = 0; index < count; index++) {
    const problems = brokenPromises(randomSnapshot(seed, index));
    if (problems.length === 0) continue;
    failures += 1;
    if (failures <= MOST_TOLD) process.stdout.write(`--seed ${seed} --index ${index}: ${problems.join('; ')}\n`);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(`${failures} of ${count} plans broke a promise; ${seconds.toFixed(0)} s\n`);
  process.exitCode = failures === 0 ? 0 : 1;
}

function replay(index: number): void {
  const snapshot = randomSnapshot(seed, index);
  process.stdout.write(`${JSON.stringify(snapshot, told, 2)}\n`);
  const problems = brokenPromises(snapshot);
  process.stdout.write(problems.length === 0 ? 'no promise broken\n' : `${problems.join('\n')}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** JSON has no word for these. */
function told(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
