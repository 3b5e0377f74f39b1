import { percent } from '../../core/explain/figures.ts';
import type { SimulationResult } from '../result.ts';
import { figureOf, key, section } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { errorPanel } from './prediction-error-panel.ts';
import { type Comparison, comparisons, coverage, type Predicted } from './prediction-errors.ts';
import { scatterPanel } from './prediction-scatter-panel.ts';
import { counted } from './quantities.ts';

export const PROMISED_COVERAGE = 0.9;

/** What was believed while jobs ran, against what came: for the finish and for the cost. */
export function predictionPlot({ jobs, scenario }: SimulationResult): Markup {
  const heading = 'Predicted against actual';
  const finish = comparisons(jobs, 'finish');
  const cost = comparisons(jobs, 'cost');
  if (finish.length + cost.length === 0) {
    return section('predictions', heading, 'No prediction was made about a job that has finished.', []);
  }
  const subjects: readonly [Predicted, readonly Comparison[], string][] = [
    ['finish', finish, 'run time, hours'],
    ['cost', cost, `cost, ${scenario.currency}`],
  ];
  const figures = subjects.map(([subject, compared, label]) =>
    figureOf({
      id: `${subject}-predictions`,
      title: `Predicted against actual ${subject}`,
      description: coverageSentence(subject, compared),
      height: 330,
      body: [scatterPanel(compared, label, subject === 'finish' ? 3600 : 1), errorPanel(compared, subject)],
    }),
  );
  const lead = `${coverageSentence('finish', finish)} ${coverageSentence('cost', cost)}`;
  return section('predictions', heading, lead, [key(PREDICTION_KEY), ...figures]);
}

/** Whether the intervals keep their promise, overall and in each third of the runs. */
export function coverageSentence(subject: Predicted, compared: readonly Comparison[]): string {
  const overall = coverage(compared);
  if (overall === undefined) return `No ${subject} was predicted for a job that has finished.`;
  const thirds = [0, 1, 2].map((third) =>
    coverage(compared.filter(({ progress }) => Math.min(2, Math.floor(progress * 3)) === third)),
  );
  const [first = '–', second = '–', last = '–'] = thirds.map((share) => (share === undefined ? '–' : percent(share)));
  return `The ${percent(PROMISED_COVERAGE)} intervals held the actual ${subject} in ${percent(overall)} of ${counted(
    compared.length,
    'prediction',
  )} (${first}, ${second} and ${last} in the three thirds of the runs).`;
}

const PREDICTION_KEY = [
  {
    swatch: html`<path class="whisker" d="M13 0V14"/><circle class="hit" cx="13" cy="7" r="3"/>`,
    text: 'held by the 90% interval',
  },
  {
    swatch: html`<path class="whisker" d="M13 0V14"/><path class="miss" d="M9.5 3.5l7 7m0-7l-7 7"/>`,
    text: 'missed by it',
  },
  {
    swatch: html`<rect class="band" x="1" y="2" width="24" height="10"/>`,
    text: '10th to 90th percentile of the error',
  },
  { swatch: html`<path class="curve" d="M1 7H25"/>`, text: 'median error' },
];
