/** What a command is given of the world, so that it can be tried without one. */
export interface Terminal {
  readonly write: (text: string) => void;
  readonly readFile: (path: string) => string;
  readonly readInput: () => string;
  readonly nowSeconds: () => number;
}

export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml';
