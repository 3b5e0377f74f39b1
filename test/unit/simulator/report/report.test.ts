import { expect } from 'chai';
import { type DefaultTreeAdapterMap, parse } from 'parse5';
import { renderReport } from '../../../../src/simulator/report/report.ts';
import type { JobResult, SimulationResult } from '../../../../src/simulator/result.ts';
import { aJobResult, aSimulationResult } from '../../../support/a-simulation-result.ts';

type Node = DefaultTreeAdapterMap['node'];
type Element = DefaultTreeAdapterMap['element'];

/** The elements of a page by a parser that reports what browsers silently repair. */
function parsed(page: string): readonly Element[] {
  const errors: string[] = [];
  const tree = parse(page, { onParseError: ({ code, startLine }) => errors.push(`${code} in line ${startLine}`) });
  expect(errors).to.deep.equal([]);
  return elementsOf(tree);
}

function elementsOf(node: Node): readonly Element[] {
  const children = 'childNodes' in node ? node.childNodes.flatMap(elementsOf) : [];
  return 'tagName' in node ? [node, ...children] : children;
}

function textOf(node: Node): string {
  if (node.nodeName === '#text' && 'value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

function attribute(element: Element, name: string): string {
  return element.attrs.find((one) => one.name === name)?.value ?? '';
}

function withClass(elements: readonly Element[], name: string): readonly Element[] {
  return elements.filter((element) => attribute(element, 'class').split(' ').includes(name));
}

function withJobs(jobs: readonly JobResult[], fields: Partial<SimulationResult> = {}): SimulationResult {
  return { ...aSimulationResult({ jobs: 3 }), jobs, ...fields };
}

describe('the report of a simulation', () => {
  const large = aSimulationResult({ jobs: 160, zones: ['DE-LU', 'GB'] });

  it('is well-formed and shows every job in the Gantt and in the table', () => {
    const elements = parsed(renderReport(large));
    const rows = withClass(elements, 'job').map((row) => textOf(row));
    const headers = elements.filter((element) => attribute(element, 'scope') === 'row').map(textOf);
    expect(rows).to.have.length(160);
    for (const { name } of large.jobs) {
      expect(
        rows.some((row) => row.includes(`${name} (`)),
        name,
      ).to.equal(true);
      expect(headers).to.include(name);
    }
  });

  it('stays small for many jobs, and for jobs that never rest', () => {
    const restless = large.jobs.map((job) => {
      const allocation = Array.from({ length: 5000 }, (_, index) => ({
        from: index * 10,
        to: index * 10 + 10,
        state: 'Running' as const,
        pool: 't4',
        gpus: 1 + (index % 8),
        globalBatchSize: 128,
      }));
      return { ...job, allocation };
    });
    expect(renderReport(large).length).to.be.below(1_500_000);
    expect(renderReport({ ...large, jobs: restless }).length).to.be.below(1_500_000);
  });

  it('asks nothing of a network and runs nothing', () => {
    const elements = parsed(renderReport(large));
    const names = new Set(elements.map(({ tagName }) => tagName));
    for (const forbidden of ['script', 'link', 'img', 'iframe', 'image', 'use'])
      expect(names).not.to.include(forbidden);
    const attributes = elements.flatMap(({ attrs }) => attrs.map(({ name }) => name));
    expect(attributes.filter((name) => name.startsWith('on') || ['href', 'src', 'style'].includes(name))).to.deep.equal(
      [],
    );
    expect(renderReport(large)).to.contain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });

  it('announces every plot by a title and a description of its own', () => {
    const elements = parsed(renderReport(large));
    const plots = elements.filter((element) => attribute(element, 'role') === 'img');
    expect(plots.length).to.be.at.least(7);
    for (const plot of plots) {
      const labels = attribute(plot, 'aria-labelledby').split(' ');
      expect(labels).to.have.length(2);
      for (const label of labels) {
        const named = elements.filter((element) => attribute(element, 'id') === label);
        expect(named, label).to.have.length(1);
        expect(named.map(textOf).join(''), label).not.to.equal('');
      }
    }
  });

  it('shows names as text, whatever they contain', () => {
    const hostile = `</title></svg><script>alert(1)</script><img src=x onerror="alert(2)">&amp;'"`;
    const page = renderReport({
      ...withJobs([aJobResult({ name: hostile, application: hostile })]),
      scenario: { ...large.scenario, name: hostile, policy: hostile, currency: hostile, startsAt: hostile },
    });
    const elements = parsed(page);
    expect(elements.filter(({ tagName }) => ['script', 'img'].includes(tagName))).to.deep.equal([]);
    expect(elements.filter((element) => attribute(element, 'scope') === 'row').map(textOf)).to.include(hostile);
  });

  it('takes marks out of a name that would turn the text around it', () => {
    const page = renderReport(withJobs([aJobResult({ name: 'a\u202eb\u0000c' })]));
    expect(page).to.contain('a\ufffdb\ufffdc');
    expect(page).not.to.match(/(?!\n)[\p{Cc}\p{Cf}]/u);
  });

  it('says what is missing when nothing was simulated', () => {
    const page = renderReport(aSimulationResult({ jobs: 0 }));
    parsed(page);
    for (const sentence of ['No job was submitted.', 'No cost was sampled.', 'No decision was recorded.']) {
      expect(page).to.contain(sentence);
    }
  });

  it('shows the unknown as unknown, never as zero and never as NaN', () => {
    const never = aJobResult({ startedAt: undefined, finishedAt: undefined, deadline: undefined, allocation: [] });
    const measured = aJobResult({ name: 'odd', cost: Number.NaN, energyKwh: Number.NaN, deadline: Number.NaN });
    const page = renderReport(
      withJobs([never, measured], {
        series: {
          pools: [],
          cost: [{ at: 0, cost: Number.NaN }],
          energy: [{ at: 0, zone: 'GB', pricePerMwh: undefined, carbonGramsPerKwh: Number.NaN }],
        },
        decisions: [{ at: 0, milliseconds: 1, jobs: 2, gap: undefined }],
      }),
    );
    parsed(page);
    expect(page).not.to.match(/NaN|undefined|Infinity/);
    expect(page).to.contain('never ran').and.to.contain('This policy proves no lower bound.');
    expect(page).not.to.contain('id="energy-plot"');
  });

  it('does not call emissions zero where no carbon intensity was known', () => {
    const unknown = withJobs([aJobResult({ co2eKg: undefined })]);
    const none = { ...unknown.totals, co2eKg: 0 };
    expect(renderReport({ ...unknown, totals: { ...unknown.totals, co2eKg: undefined } })).to.contain('CO₂e unknown');
    expect(renderReport({ ...unknown, totals: none })).to.contain('0 kg CO₂e');
  });

  const outcomes: readonly [string, Partial<JobResult>, string][] = [
    ['a late job by how much', { finishedAt: 7800, deadline: 7200 }, 'late 10 min (8.3%)'],
    ['a refused job', { refused: true, startedAt: undefined, finishedAt: undefined }, 'refused'],
    ['a job that was still running', { finishedAt: undefined, deadline: undefined }, 'not finished'],
    ['a job in time by its slack', { finishedAt: 3660, deadline: 7200 }, '59 min early'],
  ];
  for (const [what, fields, remark] of outcomes) {
    it(`tells ${what}`, () => {
      expect(withClass(parsed(renderReport(withJobs([aJobResult(fields)]))), 'word').map(textOf)).to.include(remark);
    });
  }
});
