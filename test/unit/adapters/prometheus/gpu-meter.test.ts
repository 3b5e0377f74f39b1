import { expect } from 'chai';
import { PrometheusClient } from '../../../../src/adapters/prometheus/client.ts';
import { PrometheusGpuMeter } from '../../../../src/adapters/prometheus/gpu-meter.ts';
import { type LoopbackPrometheus, type Series, startLoopbackPrometheus } from '../../../support/a-prometheus-answer.ts';

const of = (labels: Record<string, string>, value: string): Series => ({ labels, value });
const POD = { UUID: 'GPU-1', namespace: 'team', pod: 'bert-0' };
const EXPORTER = { namespace: 'gpu-operator', pod: 'dcgm-exporter-x' };
const one = { device: 'GPU-1', namespace: 'team', pod: 'bert-0', share: 1, joules: undefined, watts: undefined };

const cases: Record<string, { energy?: readonly Series[]; power?: readonly Series[]; want: readonly object[] }> = {
  'nothing where no GPU is measured': { want: [] },
  'joules of millijoules, and watts': {
    energy: [of(POD, '5000')],
    power: [of(POD, '250.5')],
    want: [{ ...one, joules: 5, watts: 250.5 }],
  },
  'the pod of a scrape whose own labels win': {
    energy: [of({ UUID: 'GPU-1', ...EXPORTER, exported_namespace: 'team', exported_pod: 'bert-0' }, '5000')],
    want: [{ ...one, joules: 5 }],
  },
  'the UUID as it was once written': {
    power: [of({ ...POD, UUID: '', uuid: 'GPU-1' }, '90')],
    want: [{ ...one, watts: 90 }],
  },
  'the energy of a split GPU once, by its slices': {
    energy: [
      of({ ...POD, GPU_I_ID: '1', GPU_I_PROFILE: '3g.20gb' }, '7000'),
      of({ ...POD, pod: 'bert-1', GPU_I_ID: '5', GPU_I_PROFILE: '1g.5gb' }, '7000'),
    ],
    want: [
      { ...one, device: 'GPU-1/1', share: 0.75, joules: 7 },
      { ...one, device: 'GPU-1/5', pod: 'bert-1', share: 0.25, joules: 7 },
    ],
  },
  'pods that take turns on one GPU as sharers': {
    power: [of(POD, '200'), of({ ...POD, pod: 'other' }, '200')],
    want: [
      { ...one, share: 0.5, watts: 200 },
      { ...one, pod: 'other', share: 0.5, watts: 200 },
    ],
  },
  'no GPU that nobody holds': { energy: [of({ UUID: 'GPU-1' }, '5')], want: [] },
  'blanks of DCGM as unknown': {
    energy: [of(POD, '9223372036854775792')],
    power: [of(POD, '140737488355328')],
    want: [one],
  },
  'NaN and negative numbers as unknown': { energy: [of(POD, 'NaN')], power: [of(POD, '-3')], want: [one] },
};

describe('the GPU meter on Prometheus', () => {
  let prometheus: LoopbackPrometheus;
  const meter = () => new PrometheusGpuMeter(new PrometheusClient({ url: prometheus.url, timeoutSeconds: 1 }));

  before(async () => {
    prometheus = await startLoopbackPrometheus();
  });
  after(() => prometheus.close());
  beforeEach(() => {
    prometheus.asked.length = 0;
    prometheus.answers = {};
    prometheus.instead = () => false;
  });

  for (const [name, { energy = [], power = [], want }] of Object.entries(cases)) {
    it(`reads ${name}`, async () => {
      prometheus.answers = { energy, power };
      expect(await meter().readGpus()).to.deep.equal(want);
    });
  }

  it('asks two questions, however many GPUs there are', async () => {
    prometheus.answers = {
      energy: Array.from({ length: 500 }, (_, index) => of({ ...POD, UUID: `GPU-${index}` }, '1')),
    };
    expect(await meter().readGpus()).to.have.length(500);
    expect(prometheus.asked).to.have.length(2);
  });

  it('says so when there is no answer', async () => {
    prometheus.instead = (response) => {
      response.writeHead(503).end();
      return true;
    };
    const error = await meter()
      .readGpus()
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(String(error)).to.match(/HTTP 503/);
  });
});
