import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { type ApiServer, startApiServer } from '../../../deploy/dev/control-plane.ts';
import { kubectl, tryKubectl } from '../../../deploy/dev/kubectl.ts';
import { isRunning, listProcesses } from '../../../deploy/dev/processes.ts';

describe('an API server of its own', function () {
  // A machine that has not built the programs yet does so here.
  this.timeout(900_000);

  let directory: string;
  let server: ApiServer;

  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'stepwise-api-server-'));
    server = await startApiServer({ directory });
  });

  after(async () => {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const run = (...args: string[]) => kubectl(args, { kubeconfig: server.kubeconfigPath });

  it('answers as cluster-admin on the loopback interface', async () => {
    expect(server.adminUrl).to.match(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await run('auth', 'can-i', '*', '*', '--all-namespaces')).to.equal('yes\n');
  });

  it('keeps its objects and its address across a restart', async () => {
    await run('create', 'configmap', 'kept', '--from-literal=answer=42');
    const addressBefore = server.adminUrl;

    await server.restart();

    expect(await run('get', 'configmap', 'kept', '--output=jsonpath={.data.answer}')).to.equal('42');
    expect(server.adminUrl).to.equal(addressBefore);
  });

  it('refuses connections while killed and comes back with a restart', async () => {
    await server.kill();
    const whileDead = await tryKubectl(['get', 'namespaces'], { kubeconfig: server.kubeconfigPath });
    expect(whileDead.code).to.not.equal(0);
    expect(whileDead.stderr).to.match(/refused/);

    await server.restart();

    expect(await run('get', 'namespaces', '--output=name')).to.include('namespace/default');
  });

  it('leaves no process behind when stopped', async () => {
    const place = { state: directory };
    expect(listProcesses(place).filter(isRunning)).to.have.length(2);

    await server.stop();

    expect(listProcesses(place).filter(isRunning)).to.deep.equal([]);
  });
});
