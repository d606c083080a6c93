/** Prometheus text exposition format 0.0.4, as much as a reader of samples needs. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by the name that stands in their line, such as `x_count` of a histogram. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };
const NUMBERS: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity };

/** Lines that are not samples are passed over. */
export function parseMetrics(text: string): Samples {
  const found = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', number] = LINE.exec(line.trim()) ?? [];
    if (name === undefined || number === undefined) continue;
    const value = NUMBERS[number] ?? Number(number);
    const samples = found.get(name) ?? [];
    samples.push({ labels: Object.fromEntries(pairs(labels)), value });
    found.set(name, samples);
  }
  return found;
}

function* pairs(labels: string): Iterable<[string, string]> {
  for (const [, name, value] of labels.matchAll(LABEL)) {
    yield [name!, value!.replace(/\\[n"\\]/g, (escaped) => ESCAPES[escaped]!)];
  }
}

/** The sum over all label values; undefined when there is no such sample. */
export function total(samples: Samples, name: string): number | undefined {
  return samples.get(name)?.reduce((sum, { value }) => sum + value, 0);
}

/** The value of a label of the first sample. */
export function labelOf(samples: Samples, name: string, label: string): string | undefined {
  return samples.get(name)?.[0]?.labels[label];
}
