import { Agent } from 'node:https';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { z } from 'zod';
import { SignalError } from '../../ports/energy-signals.ts';

/** A year of quarters of an hour as XML is 3 MB; more than this is refused rather than taken into memory. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** What ENTSO-E bans for, the longest that is known of. */
const THROTTLED_SECONDS = 600;

export interface ServiceOptions {
  readonly url: string;
  readonly allowHttp: boolean;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Whether these credentials were accepted before: some providers say 401 where they mean 429. */
  readonly hasWorked: boolean;
  readonly ca?: Buffer | undefined;
  /** With every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Waits until the host may be asked again. */
  readonly turn: (host: string) => Promise<void>;
}

export interface Request {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One provider's service for the length of one reading. Messages name host and path, never query or headers. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #base: URL;
  readonly #http: AxiosInstance;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#base = new URL(options.url);
    if (this.#base.protocol !== 'https:' && !options.allowHttp) {
      const message = `${this.#base.host} is asked over http: use https, or set spec.connection.transport to AllowHttp`;
      throw new SignalError('Misconfigured', message);
    }
    this.#http = axios.create({
      maxContentLength: MAX_ANSWER_BYTES,
      maxRedirects: 0,
      proxy: false,
      responseType: 'text',
      transformResponse: (text: unknown) => text,
      validateStatus: () => true,
      ...(options.ca === undefined ? {} : { httpsAgent: new Agent({ ca: options.ca }) }),
    });
  }

  /** The origin, for links that an answer gives. */
  get origin(): string {
    return this.#base.origin;
  }

  async json<S extends z.ZodType>(schema: S, request: Request): Promise<z.output<S>> {
    const text = await this.text({ ...request, headers: { Accept: 'application/json', ...request.headers } });
    const at = this.#describe(request.path);
    if (text.trim() === '') throw new SignalError('Empty', `${at} answered with nothing`);
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      throw new SignalError('Garbled', `${at} did not answer with JSON`);
    }
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'the answer' : issue.path.join('.');
    throw new SignalError('Garbled', `${at} answered in another form than it documents: ${where}: ${issue?.message}`);
  }

  /** As `json`, but undefined where the provider does not have it, or not for these credentials. */
  async jsonIfOffered<S extends z.ZodType>(schema: S, request: Request): Promise<z.output<S> | undefined> {
    try {
      return await this.json(schema, request);
    } catch (error) {
      if (
        error instanceof SignalError &&
        ['Unauthorized', 'Throttled', 'NotFound', 'Refused', 'Empty'].includes(error.problem)
      ) {
        return undefined;
      }
      throw error;
    }
  }

  async text(request: Request): Promise<string> {
    const answer = await this.#get(request);
    if (answer.status >= 200 && answer.status < 300) return answer.data;
    throw this.#refusal(request.path, answer);
  }

  /** Whatever the status, for providers whose errors are documents too. */
  async textOfAny(
    request: Request,
  ): Promise<{ readonly isOk: boolean; readonly text: string; readonly refusal: SignalError }> {
    const answer = await this.#get(request);
    const isOk = answer.status >= 200 && answer.status < 300;
    return { isOk, text: answer.data, refusal: this.#refusal(request.path, answer) };
  }

  async #get({ path, query = {}, headers = {} }: Request): Promise<AxiosResponse<string>> {
    await this.#options.turn(this.#base.host);
    const { timeoutSeconds } = this.#options;
    // Of the whole answer: the timeout of axios begins anew with every byte.
    const timedOut = AbortSignal.timeout(timeoutSeconds * 1000);
    const signal = AbortSignal.any([this.#options.signal, timedOut]);
    const url = `${this.#base.href.replace(/\/+$/, '')}${path}`;
    try {
      return await this.#http.get<string>(url, {
        params: query,
        headers: { ...this.#options.headers, ...headers },
        signal,
      });
    } catch (error) {
      // The error of axios carries the request with its key, so it is no cause.
      const isTimeout = timedOut.aborted && !this.#options.signal.aborted;
      if (isTimeout) {
        const message = `${this.#describe(path)} gave no answer: timeout of ${timeoutSeconds} s exceeded`;
        throw new SignalError('Unreachable', message);
      }
      const why = axios.isAxiosError(error) ? error.message || (error.code ?? 'no connection') : String(error);
      const isTooMuch = /maxContentLength/.test(why);
      throw new SignalError(isTooMuch ? 'Garbled' : 'Unreachable', `${this.#describe(path)} gave no answer: ${why}`);
    }
  }

  #refusal(path: string, { status, headers, data }: AxiosResponse<string>): SignalError {
    const at = `${this.#describe(path)} answered HTTP ${status}`;
    const isUnauthorized = status === 401 || status === 403;
    if (status === 429 || (isUnauthorized && this.#options.hasWorked)) {
      const retryAfterSeconds = retryAfter(headers['retry-after']) ?? THROTTLED_SECONDS;
      const hint = isUnauthorized ? ', though these credentials worked before: asked too often' : ': asked too often';
      return new SignalError('Throttled', `${at}${hint}`, { retryAfterSeconds });
    }
    if (isUnauthorized) return new SignalError('Unauthorized', `${at}: check the Secret of spec.credentials`);
    const said = saidBy(data);
    return new SignalError(status === 404 ? 'NotFound' : 'Refused', said === '' ? at : `${at}: ${said}`);
  }

  #describe(path: string): string {
    return `${this.#base.host}${path}`;
  }
}

/** Seconds, as nearly all send it; a date is not worth the trouble. */
function retryAfter(header: unknown): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 86_400) : undefined;
}

const errorSchema = z.object({ error: z.unknown(), message: z.unknown(), detail: z.unknown() }).partial();

/** The provider's own words, where they are short and no page. */
function saidBy(body: string): string {
  try {
    const { error, message, detail } = errorSchema.parse(JSON.parse(body));
    const nested = typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : error;
    const said = [message, nested, detail].find((each) => typeof each === 'string') ?? '';
    return String(said).slice(0, 200);
  } catch {
    return '';
  }
}
