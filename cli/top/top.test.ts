import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parseMetrics, total } from './prometheus-text.ts';
import { render } from './render.ts';
import { type NodeRow, rowOf } from './rows.ts';
import type { Scrape } from './scrape.ts';
import { openScreen } from './screen.ts';

const TARGET = { name: 'somewhere', url: 'http://x' };

function scrapeOf(atMs: number, values: Readonly<Record<string, number>>): Scrape {
  const text = Object.entries({ brop_height: 7, brop_best_peer_height: 7, ...values }).map(([k, v]) => `${k} ${v}`);
  return { atMs, samples: parseMetrics(text.join('\n')) };
}

describe('Prometheus text', () => {
  it('is read with labels, escapes, exponents and infinities; other lines are passed over', () => {
    const samples = parseMetrics(
      [
        '# HELP a b',
        'a{x="1",y="say \\"hi\\"\\n, {\\\\}"} 2.5e3',
        'a{x="2",y=""} 1 1700000000000',
        'b_bucket{le="+Inf"} +Inf',
        'c NaN',
        'nonsense',
        '=1',
        '',
      ].join('\n'),
    );
    expect(samples.get('a')?.[0]).toEqual({ labels: { x: '1', y: 'say "hi"\n, {\\}' }, value: 2_500 });
    expect(total(samples, 'a')).toBe(2_501);
    expect(total(samples, 'b_bucket')).toBe(Infinity);
    expect([...samples.keys()]).toEqual(['a', 'b_bucket', 'c']);
  });
});

describe('a row', () => {
  it('has rates since the scrape before, and totals where there was none', () => {
    const counters = (n: number) => ({
      'brop_transactions_total{result="applied"}': 100 * n,
      'brop_transactions_total{result="rejected"}': 10 * n,
      brop_block_interval_seconds_sum: 3 * n,
      brop_block_interval_seconds_count: 2 * n,
      process_cpu_seconds_total: n / 2,
    });
    const [first, second] = [scrapeOf(0, counters(1)), scrapeOf(2_000, counters(2))];
    expect(rowOf(TARGET, second, first)).toMatchObject({
      transactionsPerSecond: 55,
      blockIntervalSeconds: 1.5,
      cpuPercent: 25,
    });
    expect(rowOf(TARGET, first, null)).toMatchObject({ transactionsPerSecond: null, blockIntervalSeconds: 1.5 });
    // A node that has started anew counts from 0.
    expect(rowOf(TARGET, { ...first, atMs: 4_000 }, second)).toMatchObject({ transactionsPerSecond: 55 });
    // No block since the last look.
    expect(rowOf(TARGET, { ...second, atMs: 4_000 }, second)).toMatchObject({ blockIntervalSeconds: 1.5 });
  });

  it('says what state the node is in', () => {
    const state = (values: Readonly<Record<string, number>>) => rowOf(TARGET, scrapeOf(0, values), null).state;
    expect(state({ brop_block_age_seconds: 3 })).toBe('ok');
    expect(state({ brop_best_peer_height: 8 })).toBe('ok');
    expect(state({ brop_best_peer_height: 9 })).toBe('behind');
    expect(state({ brop_block_age_seconds: 31 })).toBe('stalled');
    expect(rowOf(TARGET, null, null)).toMatchObject({ node: 'somewhere', state: 'down', height: null });
  });

  it('takes name and role from the node, and no round from a follower', () => {
    const row = rowOf(
      TARGET,
      scrapeOf(0, { 'brop_build_info{node="v0",role="follower",version="1"}': 1, brop_consensus_round: -1 }),
      null,
    );
    expect(row).toMatchObject({ node: 'v0', role: 'follower', round: null });
  });
});

describe('the picture', () => {
  const row = (changes: Partial<NodeRow>): NodeRow => ({ ...rowOf(TARGET, scrapeOf(0, {}), null), ...changes });

  it('has a line per node, numbers under each other, and colours only where asked for', () => {
    const rows = [row({ node: 'a', height: 5 }), row({ node: 'longer', height: 12_345, state: 'down' })];
    const [head, first, second] = render(rows, { colour: false, width: 200 });
    expect(head).toMatch(/^node {4}state {2}height/);
    expect(first!.indexOf('5') + 1).toBe(second!.indexOf('12345') + 5);
    expect([head, first, second].join('')).not.toContain('\u001b');
    const red = render(rows, { colour: true, width: 200 })[2]!;
    expect([red.startsWith('\u001b[31m'), red.endsWith('\u001b[0m')]).toEqual([true, true]);
  });

  it('is cut to the width, and a name cannot steer the terminal', () => {
    const rows = [row({ node: 'evil\u001b[2J\nname' })];
    for (const line of render(rows, { colour: false, width: 20 })) {
      expect(line.length).toBeLessThanOrEqual(20);
      expect([line.includes('\u001b'), line.includes('\n')]).toEqual([false, false]);
    }
  });
});

describe('the screen', () => {
  function terminal() {
    const stdin = Object.assign(new PassThrough(), { isTTY: true, raw: false, setRawMode: (on: boolean) => on });
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 3 });
    const modes: boolean[] = [];
    stdin.setRawMode = (on) => {
      modes.push(on);
      return on;
    };
    const screen = openScreen(stdin as never, stdout as never);
    return { stdin, stdout, modes, screen, shown: () => String(stdout.read() ?? '') };
  }

  it('shows as many lines as fit, draws again when the size changes, and leaves the terminal as it was', async () => {
    const { stdout, screen, modes, shown } = terminal();
    screen.show(['one', 'two', 'three', 'four']);
    expect(shown()).toMatch(/one.*two.*three/s);
    let drawn = 0;
    screen.onResize(() => {
      drawn += 1;
    });
    stdout.columns = 40;
    stdout.emit('resize');
    expect([drawn, screen.width]).toEqual([1, 40]);
    screen.close();
    stdout.emit('resize');
    expect(drawn).toBe(1);
    expect(modes).toEqual([true, false]);
    expect(shown()).toContain('\u001b[?25h\u001b[?1049l');
  });

  it.each(['q', 'Q', '\u0003', '\u001b'])('is left with %j, and with nothing else', async (key) => {
    const { stdin, screen } = terminal();
    let left = false;
    void screen.left.then(() => {
      left = true;
    });
    stdin.write('x');
    await new Promise(setImmediate);
    expect(left).toBe(false);
    stdin.write(key);
    await screen.left;
    screen.close();
  });
});
