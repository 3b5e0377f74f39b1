import { expect } from 'chai';
import { keyOf, pathOf, refOf } from '../../../src/kube/resource.ts';

const JOBS = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', namespaced: true };
const NODES = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };

describe('resource', () => {
  const paths = {
    'all namespaces': { path: pathOf(JOBS), want: '/apis/batch/v1/jobs' },
    'one namespace': { path: pathOf(JOBS, { namespace: 'n' }), want: '/apis/batch/v1/namespaces/n/jobs' },
    'a subresource': {
      path: pathOf(JOBS, { namespace: 'n', name: 'j', subresource: 'status' }),
      want: '/apis/batch/v1/namespaces/n/jobs/j/status',
    },
    'cluster scope, whose namespace is ignored': {
      path: pathOf(NODES, { namespace: 'n', name: 'a' }),
      want: '/api/v1/nodes/a',
    },
    'a name that would leave its path': {
      path: pathOf(NODES, { name: '../secrets' }),
      want: '/api/v1/nodes/..%2Fsecrets',
    },
  };
  for (const [name, { path, want }] of Object.entries(paths)) {
    it(`addresses ${name}`, () => expect(path).to.equal(want));
  }

  it('turns references into keys and back', () => {
    for (const ref of [{ namespace: 'n', name: 'j' }, { name: 'a' }]) expect(refOf(keyOf(ref))).to.deep.equal(ref);
    expect(keyOf({ metadata: { namespace: 'n', name: 'j' } })).to.equal('n/j');
  });
});
