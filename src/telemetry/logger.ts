import winston from 'winston';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFormat = 'json' | 'text';
export type Logger = winston.Logger;

const SECRET_FIELD = /token|password|secret|authorization|api-?key/i;
const REDACTED = '(not logged)';
const MAX_DEPTH = 5;

/** Logs one JSON object a line, or text for people at a terminal. Fields whose name says secret are not written. */
export function createLogger(options: { readonly level: LogLevel; readonly format: LogFormat }): Logger {
  const { combine, timestamp, json, colorize, printf } = winston.format;
  const people = printf(({ timestamp: time, level, message, ...fields }) => {
    const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
    return `${String(time).slice(11, 19)} ${level} ${String(message)}${rest}`;
  });
  return winston.createLogger({
    level: options.level,
    format: combine(
      timestamp(),
      winston.format(readableErrors)(),
      winston.format(withoutSecrets)(),
      ...(options.format === 'json' ? [json()] : [colorize(), people]),
    ),
    transports: [new winston.transports.Console({ stderrLevels: [] })],
  });
}

function readableErrors(info: winston.Logform.TransformableInfo): winston.Logform.TransformableInfo {
  for (const [name, value] of Object.entries(info)) {
    if (value instanceof Error) info[name] = { name: value.name, message: value.message, stack: value.stack };
  }
  return info;
}

function withoutSecrets(info: winston.Logform.TransformableInfo): winston.Logform.TransformableInfo {
  for (const [name, value] of Object.entries(info)) {
    info[name] = SECRET_FIELD.test(name) ? REDACTED : redacted(value, MAX_DEPTH);
  }
  return info;
}

/** A copy without secrets; what lies deeper than anybody reads is left out. */
function redacted(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const fields = Object.entries(value).map(([name, inner]) => [
    name,
    SECRET_FIELD.test(name) ? REDACTED : redacted(inner, depth - 1),
  ]);
  return Object.fromEntries(fields);
}
