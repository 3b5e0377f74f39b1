import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../../src/kube/clock.ts';
import { connect } from '../../../src/kube/connect.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import {
  isAborted,
  isBlockedByDisruptionBudget,
  isConflict,
  isGone,
  isTransient,
  KubeError,
} from '../../../src/kube/kube-error.ts';
import { THINGS, type Thing } from '../../support/memory-cluster.ts';
import { type Answer, type ScriptedServer, startScriptedServer } from '../../support/scripted-server.ts';

const AT = { name: 'a', namespace: 'n' };
const status = (code: number, reason: string, more: object = {}): Answer => ({
  status: code,
  body: { kind: 'Status', status: 'Failure', code, reason, message: `${reason} it is`, ...more },
});

async function errorOf(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(KubeError);
  return error as KubeError;
}

describe('connect', () => {
  let server: ScriptedServer;
  let client: KubeClient;

  beforeEach(async () => {
    server = await startScriptedServer();
    client = connect({ kubeconfigPath: server.kubeconfig(), requestTimeoutSeconds: 0.3 }, { random: () => 0 });
  });
  afterEach(async () => {
    client.close();
    await server.close();
  });
  const lines = () => server.asked.map(({ method, url }) => `${method} ${url}`);

  it('names the file when the kubeconfig cannot be read, and the contexts when one is unknown', () => {
    const missing = () => connect({ kubeconfigPath: '/no/such/file', requestTimeoutSeconds: 1 });
    expect(missing).to.throw('kubeconfig /no/such/file cannot be read');
    const unknown = () => connect({ kubeconfigPath: server.kubeconfig(), context: 'y', requestTimeoutSeconds: 1 });
    expect(unknown).to.throw('no context "y"; it has x');
  });

  it('reads its namespace from the context and keeps a path in the server address', async () => {
    const prefixed = connect({ kubeconfigPath: server.kubeconfig({}, '/clusters/7/'), requestTimeoutSeconds: 1 });
    expect(prefixed.defaultNamespace).to.equal('mine');
    await prefixed.get(THINGS, AT);
    prefixed.close();
    expect(lines()).to.deep.equal(['GET /clusters/7/apis/test.example/v1/namespaces/n/things/a']);
  });

  it('refuses a namespaced reference without namespace', async () => {
    const error = await client.get(THINGS, { name: 'a' }).catch((reason: Error) => reason.message);
    expect(error).to.contain('its reference needs a namespace');
  });

  it('shares connections between calls', async () => {
    for (let call = 0; call < 20; call++) await client.get(THINGS, AT);
    expect(server.connections()).to.equal(1);
  });

  const errors = {
    'a conflict': { answer: status(409, 'Conflict'), is: isConflict, tries: 1 },
    'an expired version': { answer: status(410, 'Expired'), is: isGone, tries: 1 },
    'a page of a proxy': { answer: { status: 502, body: '<html>bad gateway</html>' }, is: isTransient, tries: 5 },
    'a server error': { answer: status(500, 'InternalError'), is: isTransient, tries: 5 },
    'an answer that is no JSON': { answer: { body: 'hello' }, is: isTransient, tries: 5 },
    'lost connections': { answer: { fail: 'reset' as const }, is: isTransient, tries: 5 },
  };
  for (const [name, want] of Object.entries(errors)) {
    it(`reads ${name}, after ${want.tries} ${want.tries === 1 ? 'try' : 'tries'} of an idempotent call`, async () => {
      server.answer(want.answer);
      const parts = { clock: { ...systemClock, sleep: () => Promise.resolve() } };
      const impatient = connect({ kubeconfigPath: server.kubeconfig(), requestTimeoutSeconds: 1 }, parts);
      const error = await errorOf(impatient.mergePatch(THINGS, AT, { value: 1 }));
      impatient.close();
      expect(want.is(error), `${error.reason} ${error.status}`).to.equal(true);
      expect(error.message).to.match(/^patch Thing n\/a: /);
      expect(server.asked.length).to.equal(want.tries);
    });
  }

  it('says what the server said', async () => {
    server.answer(status(422, 'Invalid', { details: { causes: [{ field: 'spec.x', reason: 'FieldValueInvalid' }] } }));
    const error = await errorOf(client.create(THINGS, { metadata: AT }));
    expect(error.message).to.equal('create Thing n/a: Invalid it is (HTTP 422)');
    expect(error).to.include({ status: 422, reason: 'Invalid' });
    expect(error.details?.causes?.[0]?.field).to.equal('spec.x');
  });

  it('returns undefined for what is not there, and false for a deletion of it', async () => {
    server.answer(status(404, 'NotFound'));
    expect(await client.get(THINGS, AT)).to.equal(undefined);
    expect(await client.getScale(THINGS, AT)).to.equal(undefined);
    expect(await client.delete(THINGS, AT)).to.equal(false);
  });

  it('tries a creation again only when the server surely did nothing', async () => {
    server.answer(status(500, 'InternalError'));
    await errorOf(client.create(THINGS, { metadata: AT }));
    expect(server.asked.length).to.equal(1);
    server.answer(status(429, 'TooManyRequests'), { body: { metadata: AT } });
    await client.create(THINGS, { metadata: AT });
    expect(server.asked.length).to.equal(3);
  });

  it('waits as long as Retry-After says, unless that is longer than 30 s', async () => {
    server.answer({ ...status(429, 'TooManyRequests'), headers: { 'retry-after': '1' } }, { body: { metadata: AT } });
    const startedAt = performance.now();
    await client.get(THINGS, AT);
    expect(performance.now() - startedAt).to.be.within(950, 2000);
    server.answer({ ...status(503, 'ServiceUnavailable'), headers: { 'retry-after': '31' } });
    expect((await errorOf(client.get(THINGS, AT))).retryAfterSeconds).to.equal(31);
  });

  it('does not retry an eviction that a disruption budget forbids', async () => {
    const details = { retryAfterSeconds: 10, causes: [{ reason: 'DisruptionBudget' }] };
    server.answer(status(429, 'TooManyRequests', { details }));
    const error = await errorOf(client.evict(AT));
    expect(isBlockedByDisruptionBudget(error)).to.equal(true);
    expect(error.retryAfterSeconds).to.equal(10);
    expect(server.asked.length).to.equal(1);
  });

  for (const fail of ['never', 'stall'] as const) {
    it(`times out on an answer that is ${fail === 'never' ? 'never begun' : 'never finished'}`, async () => {
      server.answer({ fail });
      const startedAt = performance.now();
      const error = await errorOf(client.get(THINGS, AT, { retry: 'never' }));
      expect(error.reason).to.equal('Timeout');
      expect(error.message).to.equal('get Thing n/a: no answer in 0.3 s');
      expect(performance.now() - startedAt).to.be.lessThan(1000);
    });

    it(`ends at once when the caller aborts while the answer is ${fail === 'never' ? 'awaited' : 'read'}`, async () => {
      server.answer({ fail });
      const caller = new AbortController();
      setTimeout(() => caller.abort(), 50);
      const error = await errorOf(client.get(THINGS, AT, { signal: caller.signal, timeoutSeconds: 5 }));
      expect(isAborted(error)).to.equal(true);
      expect(server.asked.length).to.equal(1);
    });
  }

  it('reads all pages with their selectors, and starts over unpaged when the token expired', async () => {
    const page = (name: string, token: string): Answer => ({
      body: { items: [{ metadata: { ...AT, name } }], metadata: { resourceVersion: '7', continue: token } },
    });
    server.answer(page('a', 't1'), page('b', ''));
    const list = await client.list<Thing>(THINGS, { labelSelector: 'x=y,z', pageSize: 1 });
    expect(list.items.map(({ metadata, kind }) => `${kind} ${metadata.name}`)).to.deep.equal(['Thing a', 'Thing b']);
    expect(list.resourceVersion).to.equal('7');
    const base = 'GET /apis/test.example/v1/things?labelSelector=x%3Dy%2Cz';
    expect(lines()).to.deep.equal([`${base}&limit=1`, `${base}&limit=1&continue=t1`]);
    server.asked.length = 0;
    server.answer(page('a', 't1'), status(410, 'Expired'), page('c', ''));
    const again = await client.list(THINGS, { pageSize: 1 });
    expect(again.items.map(({ metadata }) => metadata.name)).to.deep.equal(['c']);
    expect(lines()[2]).to.equal('GET /apis/test.example/v1/things');
  });

  it('applies with kind, field manager and force', async () => {
    await client.applyStatus(THINGS, { metadata: AT, value: 3 }, { fieldManager: 'me', dryRun: true });
    const { method, url, headers, body } = server.asked[0] ?? { headers: {} };
    expect(`${method} ${url}`).to.equal(
      'PATCH /apis/test.example/v1/namespaces/n/things/a/status?fieldManager=me&dryRun=All&force=true',
    );
    expect(headers['content-type']).to.equal('application/apply-patch+yaml');
    expect(JSON.parse(body ?? '')).to.deep.equal({
      apiVersion: 'test.example/v1',
      kind: 'Thing',
      metadata: AT,
      value: 3,
    });
  });

  it('reads a scale whose zeros are left out, and writes one with a precondition', async () => {
    server.answer({ body: { metadata: { resourceVersion: '5' }, spec: {}, status: { selector: 'a=b' } } });
    const scale = { replicas: 0, observedReplicas: 0, selector: 'a=b', resourceVersion: '5' };
    expect(await client.setScale(THINGS, AT, { replicas: 0, resourceVersion: '4' })).to.deep.equal(scale);
    expect(server.asked[0]?.url).to.equal('/apis/test.example/v1/namespaces/n/things/a/scale');
    expect(JSON.parse(server.asked[0]?.body ?? '')).to.deep.equal({
      metadata: { resourceVersion: '4' },
      spec: { replicas: 0 },
    });
    const wrong = await client.setScale(THINGS, AT, { replicas: 1.5 }).catch((reason: Error) => reason.message);
    expect(wrong).to.contain('replicas must be a whole number of at least 0, not 1.5');
  });

  it('reads its token anew when the server no longer takes the old one', async () => {
    const tokenFile = path.join(server.folder, 'token');
    writeFileSync(tokenFile, 'first');
    const user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
    const withToken = connect({ kubeconfigPath: server.kubeconfig(user), requestTimeoutSeconds: 1 });
    await withToken.get(THINGS, AT);
    writeFileSync(tokenFile, 'second');
    server.answer(status(401, 'Unauthorized'), { body: {} });
    await withToken.get(THINGS, AT);
    withToken.close();
    expect(server.asked.map(({ headers }) => headers.authorization)).to.deep.equal([
      'Bearer first',
      'Bearer first',
      'Bearer second',
    ]);
  });

  it('keeps to its rate limit', async () => {
    const kubeconfigPath = server.kubeconfig();
    const slow = connect({ kubeconfigPath, requestTimeoutSeconds: 1, rateLimit: { perSecond: 20, burst: 2 } });
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 8 }, () => slow.get(THINGS, AT)));
    expect(performance.now() - startedAt).to.be.within(280, 900);
    await slow.get(THINGS, AT, { unthrottled: true });
    slow.close();
  });

  it('reads a watch line by line, whatever the chunks, and throws its ERROR event', async () => {
    const event = (type: string, object: object) => JSON.stringify({ type, object });
    const expired = event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
    server.answer({
      body: `${event('ADDED', { metadata: { ...AT, labels: { x: 'ä'.repeat(100_000) } } })}\n\n${expired}\n`,
    });
    const { signal } = new AbortController();
    const seen: string[] = [];
    const read = async () => {
      const events = client.watch(THINGS, { resourceVersion: '3', timeoutSeconds: 10, namespace: 'n', signal });
      for await (const { type, object } of events) seen.push(`${type} ${object.metadata.labels?.['x']?.length}`);
    };
    expect(isGone(await errorOf(read()))).to.equal(true);
    expect(seen).to.deep.equal(['ADDED 100000']);
    expect(server.asked[0]?.url).to.equal(
      '/apis/test.example/v1/namespaces/n/things?watch=true&allowWatchBookmarks=true&resourceVersion=3&timeoutSeconds=10',
    );
  });
});
