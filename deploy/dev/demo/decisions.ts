// The decisions of a run in the order in which they were made, each with the operator's own sentence.

import { TIME_LAPSE } from './settings.ts';
import { clock, type Ended } from './summary.ts';
import { WIDTH, wrapWords } from './table.ts';

const NAME_WIDTH = 18;
const INDENT = 2 + 4 + 2 + NAME_WIDTH + 2;

export function renderDecisions(ended: readonly Ended[]): string[] {
  const made = ended.flatMap(({ job, appliedAt }) =>
    (job.status?.decisions ?? []).map(({ time, message }) => ({
      at: Math.max(0, Date.parse(time) / 1000 - appliedAt),
      name: job.metadata.name,
      message,
    })),
  );
  return made
    .sort((one, other) => one.at - other.at)
    .flatMap(({ at, name, message }) => {
      const lines = wrapWords(message, WIDTH - INDENT);
      const head = `  ${clock(at * TIME_LAPSE)}  ${name.padEnd(NAME_WIDTH)}  `;
      return lines.map((line, index) => (index === 0 ? head : ' '.repeat(INDENT)) + line);
    });
}
