// The live table: redrawn in place on a terminal, plain lines elsewhere.

import type { JobLine } from './job-line.ts';

export const WIDTH = 118;

interface Column {
  readonly title: string;
  readonly width: number;
  readonly value: (line: JobLine) => string;
  readonly left?: true;
}

const COLUMNS: readonly Column[] = [
  { title: 'JOB', width: 18, value: ({ name }) => name, left: true },
  { title: 'STATE', width: 9, value: ({ state }) => state, left: true },
  { title: 'WORKERS', width: 7, value: ({ workers }) => workers },
  { title: 'GPUS', width: 4, value: ({ gpus }) => gpus },
  { title: 'BATCH', width: 5, value: ({ batch }) => batch },
  { title: 'SAMPLES/S', width: 9, value: ({ samplesPerSecond }) => samplesPerSecond },
  { title: 'PROGRESS', width: 8, value: ({ progress }) => progress },
  { title: '$/HOUR', width: 7, value: ({ ratePerHour }) => ratePerHour },
  { title: 'COST SO FAR', width: 11, value: ({ cost }) => cost },
  { title: 'COST TO TARGET', width: 14, value: ({ costToTarget }) => costToTarget },
];

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

export function styleFor(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Style {
  const colours = stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
  const wrap = (code: string) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: wrap('1'), dim: wrap('2'), good: wrap('32'), bad: wrap('31') };
}

export function renderTable(lines: readonly JobLine[], style: Style): string[] {
  const head = COLUMNS.map(({ title, width, left }) => pad(title, width, left)).join('  ');
  return [
    style.bold(head),
    ...lines.flatMap((line) => {
      const row = COLUMNS.map(({ value, width, left }) => pad(value(line), width, left)).join('  ');
      const [first = '', second = ''] = wrapWords(line.decision, WIDTH - 4);
      return [row, style.dim(`  └ ${first}`), style.dim(`    ${second}`)];
    }),
  ];
}

/** A head, and three rows for each job. */
export function tableRows(jobs: number): number {
  return 1 + 3 * jobs;
}

/** One line that stands by itself, for logs. */
export function renderPlain(line: JobLine): string {
  const cells = COLUMNS.slice(1).map(({ title, value }) => `${title.toLowerCase()} ${value(line)}`);
  return `${line.name}: ${cells.join(', ')}; ${line.decision}`;
}

export function pad(text: string, width: number, left?: true): string {
  const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return left ? cut.padEnd(width) : cut.padStart(width);
}

/** Breaks a sentence into lines of at most so many characters. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A block of lines that is drawn over itself. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  #height = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  draw(lines: readonly string[]): void {
    const up = this.#height === 0 ? '' : `\u001b[${this.#height}A`;
    this.#stream.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`);
    this.#height = lines.length;
  }
}
