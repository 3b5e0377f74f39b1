import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metricsPage: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Whether the process should be restarted, as a sentence when it should. */
  readonly unhealthy: () => string | undefined;
  /** Why it is not ready to serve, as a sentence when it is not. */
  readonly notReady: () => string | undefined;
}

/** Serves /metrics, /healthz and /readyz; GET only. Resolves once it listens. */
export async function serveHttp(options: HttpServerOptions): Promise<Server> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error) => {
      response.writeHead(500, { 'Content-Type': 'text/plain' }).end(`${String(error)}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new Error(`cannot serve on ${options.host}:${options.port}; is another operator running?`, { cause })),
    );
    server.listen(options.port, options.host, resolve);
  });
  return server;
}

async function answer(options: HttpServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
  } else if (path === '/metrics') {
    const page = await options.metricsPage();
    response.writeHead(200, { 'Content-Type': page.contentType }).end(page.body);
  } else if (path === '/healthz' || path === '/readyz') {
    const problem = path === '/healthz' ? options.unhealthy() : options.notReady();
    response.writeHead(problem === undefined ? 200 : 503, { 'Content-Type': 'text/plain' }).end(`${problem ?? 'ok'}\n`);
  } else {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('try /metrics, /healthz or /readyz\n');
  }
}
