import { html, type Markup } from './markup.ts';
import { PLOT_WIDTH } from './time-axis.ts';

export interface Figure {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  /** What the plot shows, for those who cannot see it. */
  readonly description: string;
  readonly width?: number;
  readonly height: number;
  readonly body: readonly Markup[];
}

/** One inline SVG that a screen reader announces by title and description. */
export function figureOf({ id, title, description, width = PLOT_WIDTH, height, body }: Figure): Markup {
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
${body}
</svg>`;
}

/** A part of the page: a heading, a sentence that says what to see, and the plots. */
export function section(id: string, heading: string, lead: string, content: readonly Markup[]): Markup {
  return html`<section id="${id}"><h2>${heading}</h2><p class="lead">${lead}</p>
${content}
</section>
`;
}

export function key(entries: readonly { readonly swatch: Markup; readonly text: string }[]): Markup {
  return html`<ul class="key">${entries.map(
    ({ swatch, text }) =>
      html`<li><svg viewBox="0 0 26 14" width="26" height="14" aria-hidden="true">${swatch}</svg>${text}</li>`,
  )}</ul>`;
}
