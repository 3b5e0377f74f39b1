/**
 * HTML that is safe to show as it is. Only the `html` tag makes it, and whatever the tag is given is escaped first, so
 * that a job cannot write itself into the page by its name.
 */
export class Markup {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /** Strings are escaped, numbers are coordinates in hundredths of a pixel, lists are joined. */
  static html(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
    const rest = parts.map((part, index) => written(part) + (literals[index + 1] ?? ''));
    return new Markup((literals[0] ?? '') + rest.join(''));
  }
}

type Part = Markup | string | number | readonly Markup[];

export const html = Markup.html;

export const NOTHING = html``;

/** Path data of many pieces: one element for a whole row instead of one for each piece keeps the page small. */
export function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function written(part: Part): string {
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return coordinate(part);
  return part instanceof Markup ? part.text : part.map(({ text }) => text).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control and direction marks would let a name rearrange the text around it. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd').replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}
