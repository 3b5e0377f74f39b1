import { TRAINER_METRICS as M } from '../../../src/api/trainer-metrics.ts';
import type { TrainerReading } from '../../../src/core/estimate/reading.ts';
import { aReading } from '../../support/a-reading.ts';

/** Values of one page in Prometheus' text format, by name and labels as they are written. */
type Page = ReadonlyMap<string, number>;

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[^}]*\})?) (\S+)/;

function parsePage(text: string): Page {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = LINE.exec(line);
    if (match === null) throw new Error(`not a line of Prometheus' text format: ${line}`);
    values.set(match[1] ?? '', Number(match[2]?.replace('Inf', 'Infinity')));
  }
  return values;
}

/** What the operator's queries make of the pages of all ranks; undefined when no page was scraped. */
export function readingOf(texts: readonly string[], observedAt: number): TrainerReading | undefined {
  const pages = texts.map(parsePage);
  if (pages.length === 0) return undefined;
  const of = (name: string) => pages.flatMap((page) => page.get(name) ?? []);
  const reduced = (name: string, reduce: (values: readonly number[]) => number) => {
    const values = of(name);
    return values.length === 0 ? undefined : reduce(values);
  };
  const sum = (name: string) => reduced(name, (values) => values.reduce((total, value) => total + value, 0));
  const least = (name: string) => reduced(name, (values) => Math.min(...values));
  const step = M.stepDuration.name;
  return aReading({
    observedAt,
    ranks: pages.length,
    steps: least(M.steps.name),
    samples: sum(M.samples.name),
    stepSecondsSum: sum(`${step}_sum{phase="total"}`),
    stepSecondsCount: sum(`${step}_count{phase="total"}`),
    computeSecondsSum: sum(`${step}_sum{phase="compute"}`),
    synchronizationSecondsSum: sum(`${step}_sum{phase="synchronization"}`),
    configVersion: least(M.configVersion.name),
  });
}
