import winston from 'winston';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';
export type LogFormat = 'json' | 'text';
export type Logger = winston.Logger;

const SECRET_FIELD = /token|password|secret|authorization|api-?key/i;

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
  for (const name of Object.keys(info)) if (SECRET_FIELD.test(name)) info[name] = '(not logged)';
  return info;
}
