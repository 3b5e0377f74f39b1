import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { PrometheusClient, type PrometheusOptions } from '../../../../src/adapters/prometheus/client.ts';
import { QUERIES } from '../../../../src/adapters/prometheus/queries.ts';
import { PrometheusTrainerMetrics } from '../../../../src/adapters/prometheus/trainer-metrics-source.ts';
import { describeMetricsSource } from '../../../conformance/metrics-source.ts';
import { answersFor, type LoopbackPrometheus, startLoopbackPrometheus } from '../../../support/a-prometheus-answer.ts';
import { evaluate } from '../../../support/memory-metrics.ts';

describe('the Prometheus adapter', () => {
  let prometheus: LoopbackPrometheus;
  const source = (options: Partial<PrometheusOptions> = {}) =>
    new PrometheusTrainerMetrics(new PrometheusClient({ url: prometheus.url, timeoutSeconds: 1, ...options }));

  before(async () => {
    prometheus = await startLoopbackPrometheus();
  });
  after(() => prometheus.close());
  beforeEach(() => {
    prometheus.asked.length = 0;
    prometheus.answers = {};
    prometheus.instead = () => false;
  });

  describeMetricsSource('Prometheus on the loopback interface', async () => ({
    source: source(),
    show: async (jobs) => {
      prometheus.answers = evaluate(jobs);
    },
  }));

  for (const count of [1, 500]) {
    it(`asks no more questions for ${count} jobs than for one`, async () => {
      const jobs = Array.from({ length: count }, (_, index) => `job-${index}`);
      const values = { named: { lowest: { steps_total: '5' } }, ranks: '1', scrapedAt: '1700000000' };
      prometheus.answers = answersFor(jobs, values);
      expect((await source().readTrainers()).size).to.equal(count);
      expect(prometheus.asked).to.have.length(Object.keys(QUERIES).length);
    });
  }

  it('names the reason that was given most often', async () => {
    const rejections = { invalid: '1', out_of_memory: '3', world_size: '0' };
    prometheus.answers = answersFor(['bert'], { named: {}, ranks: '1', scrapedAt: '1700000000', rejections });
    expect((await source().readTrainers()).get('team/bert')?.rejectionReason).to.equal('out_of_memory');
  });

  const json = (body: string) => (response: ServerResponse) => {
    response.setHeader('Content-Type', 'application/json').end(body);
    return true;
  };
  const status =
    (code: number, headers: Record<string, string> = {}) =>
    (response: ServerResponse) => {
      response.writeHead(code, headers).end('{"status":"error","error":"no"}');
      return true;
    };
  const troubles: Readonly<Record<string, { instead: LoopbackPrometheus['instead']; says: RegExp }>> = {
    'a bad query': { instead: status(400), says: /HTTP 400/ },
    'a wrong token': { instead: status(401), says: /HTTP 401, check the bearer token/ },
    'an error of its own': { instead: status(500), says: /HTTP 500/ },
    'a redirect': { instead: status(302, { Location: 'http://127.0.0.1:1/' }), says: /HTTP 302/ },
    'half an answer': { instead: json('{"status":"success","da'), says: /not an instant vector/ },
    'a page for people': { instead: json('<html>welcome</html>'), says: /not an instant vector/ },
    'a matrix': {
      instead: json('{"status":"success","data":{"resultType":"matrix","result":[]}}'),
      says: /not an instant vector/,
    },
    silence: { instead: () => true, says: /timeout/ },
    'a broken connection': {
      instead: (response) => {
        response.destroy();
        return true;
      },
      says: /hang up|ECONNRESET/,
    },
    'more than fits into memory': {
      instead: (response) => {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': String(65 * 1024 * 1024) });
        response.end(Buffer.alloc(65 * 1024 * 1024, ' '));
        return true;
      },
      says: /maxContentLength/,
    },
  };
  for (const [name, { instead, says }] of Object.entries(troubles)) {
    it(`does not take ${name} for an answer`, async () => {
      prometheus.instead = instead;
      const message = await complaintOf(new PrometheusClient({ url: prometheus.url, timeoutSeconds: 1 }).query('up'));
      expect(message).to.match(says).and.to.contain(prometheus.url);
    });
  }

  it('says where it looked when nobody listens', async () => {
    const client = new PrometheusClient({ url: 'http://127.0.0.1:1', timeoutSeconds: 1 });
    expect(await complaintOf(client.query('up')))
      .to.contain('http://127.0.0.1:1')
      .and.to.contain('ECONNREFUSED');
  });

  it('ends with its signal', async () => {
    prometheus.instead = () => true;
    const ending = AbortSignal.timeout(20);
    expect(await complaintOf(source().readTrainers(ending))).to.match(/cancel/i);
  });

  it('sends the headers that it was given, below a path that it was given', async () => {
    await source({
      url: `${prometheus.url}/select/0/prometheus/`,
      headers: { 'X-Scope-OrgID': 'team' },
    }).readTrainers();
    expect(prometheus.asked[0]?.headers).to.include({ 'x-scope-orgid': 'team' });
  });

  it('reads a token anew for each query and never tells it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'token-'));
    const bearerTokenFile = path.join(folder, 'token');
    try {
      const client = new PrometheusClient({ url: prometheus.url, timeoutSeconds: 1, bearerTokenFile });
      writeFileSync(bearerTokenFile, 'first-secret\n');
      await client.query('up');
      writeFileSync(bearerTokenFile, 'second-secret\n');
      await client.query('up');
      const sent = prometheus.asked.map(({ headers }) => headers.authorization);
      expect(sent).to.deep.equal(['Bearer first-secret', 'Bearer second-secret']);
      prometheus.instead = status(403);
      const error = await client.query('up').then(
        () => undefined,
        (refusal: unknown) => refusal,
      );
      expect(allThatIsTold(error)).not.to.contain('second-secret');
      rmSync(bearerTokenFile);
      expect(await complaintOf(client.query('up'))).to.contain('ENOENT');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

async function complaintOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (refusal: unknown) => refusal,
  );
  if (!(error instanceof Error)) throw new Error('it was taken for an answer');
  return error.message;
}

/** What a logger may write of an error: its own fields, and those of its causes. */
function allThatIsTold(error: unknown): string {
  const told: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) told.push(at.message, at.stack ?? '', JSON.stringify(at));
  return told.join('\n');
}
