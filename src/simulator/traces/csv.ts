import { readFileSync } from 'node:fs';
import { InputError } from '../input-error.ts';

/** One line of a CSV file, with readers that say where a bad value stands. */
export interface CsvRow {
  text(column: string): string;
  number(column: string): number;
  /** Undefined where the field is empty, `nan`, or the column missing. */
  optionalNumber(column: string): number | undefined;
}

export interface CsvTable {
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

/**
 * Reads a CSV file with a header line. Quoted fields are refused, not misread: no trace here has them, and a library
 * would be more than the few lines it saves.
 */
export function readCsv(file: string, required: readonly string[]): CsvTable {
  const lines = readText(file).split(/\r?\n/);
  const columns = (lines[0] ?? '').split(',').map((name) => name.trim());
  for (const column of required) {
    if (columns.includes(column)) continue;
    throw new InputError(`${file}: column ${column} is missing; the first line must name ${required.join(', ')}`);
  }
  const position = new Map(columns.map((name, index) => [name, index]));
  const rows = lines.slice(1).flatMap((line, index) => {
    if (line === '') return [];
    const place = `${file}:${index + 2}`;
    if (line.includes('"')) throw new InputError(`${place}: quoted fields are not read; write the values plainly`);
    return [csvRow(line.split(','), position, place)];
  });
  return { columns, rows };
}

function csvRow(fields: readonly string[], position: ReadonlyMap<string, number>, place: string): CsvRow {
  const raw = (column: string) => fields[position.get(column) ?? -1]?.trim();
  const optionalNumber = (column: string) => {
    const value = raw(column);
    if (value === undefined || value === '' || value.toLowerCase() === 'nan') return undefined;
    const number = Number(value);
    if (!Number.isFinite(number)) throw new InputError(`${place}: ${column} is '${value}'; it must be a number`);
    return number;
  };
  const missing = (column: string) => new InputError(`${place}: ${column} is empty; every line must give it`);
  return {
    optionalNumber,
    number(column) {
      const value = optionalNumber(column);
      if (value === undefined) throw missing(column);
      return value;
    },
    text(column) {
      const value = raw(column);
      if (value === undefined || value === '') throw missing(column);
      return value;
    },
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new InputError(`${file} cannot be read; give the path of a CSV file`, { cause: error });
  }
}
