import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GPU_QUERIES } from '../../src/adapters/prometheus/gpu-meter.ts';
import { QUERIES, type QueryName as TrainerQueryName } from '../../src/adapters/prometheus/queries.ts';

type QueryName = TrainerQueryName | keyof typeof GPU_QUERIES;

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** As Prometheus writes it: a decimal, NaN, +Inf or -Inf. */
  readonly value: string;
}

export interface LoopbackPrometheus {
  readonly url: string;
  readonly asked: { readonly promql: string; readonly headers: IncomingMessage['headers'] }[];
  /** Series by query; a query that is not named answers an empty vector. */
  answers: Partial<Record<QueryName, readonly Series[]>>;
  /** Answers in place of Prometheus; gives back false to let it answer. */
  instead: (response: ServerResponse) => boolean;
  close(): Promise<void>;
}

const NAMES = new Map(
  Object.entries({ ...QUERIES, ...GPU_QUERIES }).map(([name, promql]) => [promql as string, name as QueryName]),
);

/** Speaks Prometheus' instant-query format on the loopback interface. */
export async function startLoopbackPrometheus(): Promise<LoopbackPrometheus> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const promql = new URLSearchParams(body).get('query') ?? '';
    loopback.asked.push({ promql, headers: request.headers });
    if (loopback.instead(response)) return;
    const name = NAMES.get(promql);
    const series = name === undefined ? [] : (loopback.answers[name] ?? []);
    response.setHeader('Content-Type', 'application/json').end(vector(series));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const loopback: LoopbackPrometheus = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    answers: {},
    instead: () => false,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return loopback;
}

function vector(series: readonly Series[]): string {
  const result = series.map(({ labels, value }) => ({ metric: labels, value: [1_700_000_000.123, value] }));
  return JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });
}

/** What Prometheus answers for jobs of which each has these values. */
export function answersFor(
  jobs: readonly string[],
  values: {
    readonly named: Readonly<
      Partial<Record<'sums' | 'lowest' | 'highest' | 'averages', Readonly<Record<string, string>>>>
    >;
    readonly ranks: string;
    readonly scrapedAt: string;
    readonly rejections?: Readonly<Record<string, string>>;
  },
): LoopbackPrometheus['answers'] {
  const each = (make: (labels: Record<string, string>) => readonly Series[]) =>
    jobs.flatMap((name) => make({ namespace: 'team', training_job: name }));
  const named = (query: keyof typeof values.named) =>
    each((labels) =>
      Object.entries(values.named[query] ?? {}).map(([metric, value]) => ({
        labels: { ...labels, __name__: `stepwise_trainer_${metric}` },
        value,
      })),
    );
  return {
    sums: named('sums'),
    lowest: named('lowest'),
    highest: named('highest'),
    averages: named('averages'),
    ranks: each((labels) => [{ labels, value: values.ranks }]),
    scrapedAt: each((labels) => [{ labels, value: values.scrapedAt }]),
    rejections: each((labels) =>
      Object.entries(values.rejections ?? {}).map(([reason, value]) => ({ labels: { ...labels, reason }, value })),
    ),
  };
}
