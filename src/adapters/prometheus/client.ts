import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import axios, { type AxiosInstance } from 'axios';
import { z } from 'zod';
import { instantVectorSchema, type Sample } from './schema.ts';

export interface PrometheusOptions {
  /** Base address, such as http://prometheus.monitoring:9090 or one with a path prefix. */
  readonly url: string;
  readonly timeoutSeconds: number;
  /** Read again at every query, so that a rotated token is used. */
  readonly bearerTokenFile?: string | undefined;
  /** Headers such as X-Scope-OrgID for a multi-tenant store. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly caFile?: string | undefined;
}

/** 64 MiB hold the answer for over 200,000 series; more is refused rather than taken into memory. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export class PrometheusClient {
  readonly #options: PrometheusOptions;
  readonly #http: Promise<AxiosInstance>;

  constructor(options: PrometheusOptions) {
    this.#options = options;
    this.#http = openHttp(options);
    this.#http.catch(() => undefined);
  }

  /** Evaluates an instant query now. Throws, naming query and address, when there is no usable answer. */
  async query(promql: string, signal?: AbortSignal): Promise<readonly Sample[]> {
    const { url, bearerTokenFile } = this.#options;
    try {
      const http = await this.#http;
      const token = bearerTokenFile === undefined ? undefined : (await readFile(bearerTokenFile, 'utf8')).trim();
      const answer = await http.post('/api/v1/query', new URLSearchParams({ query: promql }), {
        ...(signal === undefined ? {} : { signal }),
        ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }),
      });
      return parseVector(answer.data);
    } catch (error) {
      throw new Error(`Prometheus at ${url} gave no answer to ${promql}: ${describe(error)}`, {
        cause: withoutRequest(error),
      });
    }
  }
}

async function openHttp(options: PrometheusOptions): Promise<AxiosInstance> {
  const ca = options.caFile === undefined ? undefined : await readFile(options.caFile);
  return axios.create({
    baseURL: options.url.replace(/\/+$/, ''),
    timeout: options.timeoutSeconds * 1000,
    maxContentLength: MAX_ANSWER_BYTES,
    maxRedirects: 0,
    headers: { ...options.headers },
    proxy: false,
    ...(ca === undefined ? {} : { httpsAgent: new Agent({ ca, keepAlive: true }) }),
  });
}

function parseVector(body: unknown): readonly Sample[] {
  const parsed = instantVectorSchema.safeParse(body);
  if (!parsed.success) throw new Error(`the answer is not an instant vector: ${z.prettifyError(parsed.error)}`);
  return parsed.data.data.result.map(({ metric, value }) => ({ labels: metric, value: toNumber(value[1]) }));
}

/** Prometheus writes +Inf and -Inf where JavaScript reads Infinity. */
function toNumber(text: string): number {
  return Number(text.replace(/Inf$/, 'Infinity'));
}

/** An error of axios carries the request with its headers, and whoever logs causes would write the token down. */
function withoutRequest(error: unknown): unknown {
  if (!axios.isAxiosError(error)) return error;
  return new Error(`${error.code ?? 'no code'}: ${error.message}`);
}

/** Says what went wrong without headers, which may hold a token. */
function describe(error: unknown): string {
  if (!axios.isAxiosError(error)) return error instanceof Error ? error.message : String(error);
  const status = error.response?.status;
  if (status === 401 || status === 403) return `HTTP ${status}, check the bearer token`;
  if (status !== undefined) return `HTTP ${status}`;
  return error.message === '' ? (error.code ?? 'no connection') : error.message;
}
