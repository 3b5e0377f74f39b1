// `npm run bench [-- KEY…]`: runs the benchmarks, writes `.dev/results/bench.json`, fails when a figure is out of range.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Bench, type Figures, type Range, violations } from './bench.ts';
import { benches } from './benches.ts';

const resultsFile = path.resolve('.dev/results/bench.json');
const ranges: Readonly<Record<string, Readonly<Record<string, Range>>>> = JSON.parse(
  readFileSync(new URL('ranges.json', import.meta.url), 'utf8'),
);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((key) => !benches.some((bench) => bench.key === key));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${benches.map(({ key }) => key).join(', ')}`);
  process.exit(2);
}
let failed = 0;
for (const bench of benches) {
  if (wanted.length > 0 && !wanted.includes(bench.key)) continue;
  failed += await runOne(bench);
}
process.exitCode = failed > 0 ? 1 : 0;

async function runOne(bench: Bench): Promise<number> {
  const startedAt = performance.now();
  console.log(`${bench.key}  ${bench.title}`);
  const figures = await bench.run((line) => console.log(`    ${line}`));
  for (const [name, value] of Object.entries(figures)) console.log(`  ${name} ${Number(value.toPrecision(4))}`);
  const wrong = violations(figures, ranges[bench.key] ?? {});
  for (const line of wrong) console.log(`  OUT OF RANGE: ${line}`);
  console.log(`  ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  keep(bench.key, figures);
  return wrong.length;
}

/** Figures of earlier runs of other benchmarks stay in the file. */
function keep(key: string, figures: Figures): void {
  const before = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {};
  mkdirSync(path.dirname(resultsFile), { recursive: true });
  writeFileSync(resultsFile, `${JSON.stringify({ ...before, [key]: figures }, undefined, 2)}\n`);
}
