import { parseAllDocuments } from 'yaml';
import type { GpuPool } from '../api/gpu-pool.ts';
import { parseGpuPool, parseScalingPolicy, parseTrainingJob, parseTrainingProfile } from '../api/parse.ts';
import type { ScalingPolicy } from '../api/scaling-policy.ts';
import type { TrainingJob } from '../api/training-job.ts';
import type { TrainingProfile } from '../api/training-profile.ts';
import { EXIT, Problem } from './problem.ts';
import type { Terminal } from './terminal.ts';

/** What files hold, by kind. */
export interface Documents {
  readonly jobs: readonly TrainingJob[];
  readonly pools: readonly GpuPool[];
  readonly policies: readonly ScalingPolicy[];
  readonly profiles: readonly TrainingProfile[];
}

const PARSERS = {
  TrainingJob: parseTrainingJob,
  GPUPool: parseGpuPool,
  ScalingPolicy: parseScalingPolicy,
  TrainingProfile: parseTrainingProfile,
} as const;

/** Reads YAML or JSON files, `-` being the standard input. @throws Problem naming file, field and remedy */
export function readDocuments(files: readonly string[], terminal: Terminal): Documents {
  const objects = files.flatMap((file) => readObjects(file, terminal));
  const of = <T>(kind: keyof typeof PARSERS) =>
    objects.filter((each) => each.kind === kind).map((each) => each.parsed as T);
  return {
    jobs: of<TrainingJob>('TrainingJob'),
    pools: of<GpuPool>('GPUPool'),
    policies: of<ScalingPolicy>('ScalingPolicy'),
    profiles: of<TrainingProfile>('TrainingProfile'),
  };
}

interface ReadObject {
  readonly kind: keyof typeof PARSERS;
  readonly parsed: unknown;
}

function readObjects(file: string, terminal: Terminal): readonly ReadObject[] {
  const documents = parseAllDocuments(textOf(file, terminal));
  if ('empty' in documents) throw new Problem(EXIT.badInput, `${file} is empty: put a TrainingJob into it`);
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Problem(EXIT.badInput, `${file} is no YAML: ${error.message}`);
    const value = contentOf(file, document);
    return value === null ? [] : itemsOf(value).map((item) => readObject(file, item));
  });
}

/** Anchors are followed only here: an alias without one is the file's mistake, too. */
function contentOf(file: string, document: { toJS(): unknown }): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new Problem(EXIT.badInput, `${file} is no YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `kubectl get KIND -o yaml` writes several objects as one of kind List. */
function itemsOf(value: unknown): readonly unknown[] {
  return isRecord(value) && value['kind'] === 'List' && Array.isArray(value['items']) ? value['items'] : [value];
}

const WHY_UNREAD: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'you may not read it',
  EISDIR: 'it is a folder, name the files in it',
};

function textOf(file: string, terminal: Terminal): string {
  try {
    return file === '-' ? terminal.readInput() : terminal.readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = (code === undefined ? undefined : WHY_UNREAD[code]) ?? String(error);
    throw new Problem(EXIT.badInput, `${file}: ${why}; check what was given with -f`);
  }
}

function readObject(file: string, value: unknown): ReadObject {
  const kind = isRecord(value) ? value['kind'] : undefined;
  if (!isKnown(kind)) {
    const known = Object.keys(PARSERS).join(', ');
    throw new Problem(
      EXIT.badInput,
      `${file} holds ${kind === undefined ? 'something without a kind' : `an object of kind ${String(kind)}`}, which is of no use here: ${known} are`,
    );
  }
  try {
    const parsed = PARSERS[kind](value);
    const [unknown] = unknownFields(value, parsed);
    if (unknown !== undefined) {
      const parent = ['', ...unknown.split('.').slice(0, -1)].join('.');
      const remedy = `kubectl explain ${kind.toLowerCase()}${parent} lists those there are`;
      throw new Problem(EXIT.badInput, `${file}: ${unknown} is no field of a ${kind}; ${remedy}`);
    }
    return { kind, parsed };
  } catch (error) {
    if (error instanceof Problem) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new Problem(
      EXIT.badInput,
      `${file}: ${message}\nMend the fields named above; docs/reference/api.md says what each may hold.`,
    );
  }
}

function isKnown(kind: unknown): kind is keyof typeof PARSERS {
  return typeof kind === 'string' && Object.hasOwn(PARSERS, kind);
}

/** Fields that parsing has dropped because nobody knows them. */
function unknownFields(raw: unknown, parsed: unknown, path = ''): readonly string[] {
  if (Array.isArray(raw) && Array.isArray(parsed)) {
    return raw.flatMap((item, index) => unknownFields(item, parsed[index], `${path}[${index}]`));
  }
  if (!isRecord(raw) || !isRecord(parsed)) return [];
  return Object.entries(raw).flatMap(([name, value]) => {
    const here = path === '' ? name : `${path}.${name}`;
    if (name in parsed) return unknownFields(value, parsed[name], here);
    return value === null ? [] : [here];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
