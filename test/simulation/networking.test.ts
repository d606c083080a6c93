/** The CDDL of docs/spec/networking.md against messages that nodes send, by an implementation that is not ours. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toHex } from '../../node-core/codec/bytes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import { encodeMessage, type Message, type MessageOf } from '../../node-core/runtime/messages.ts';
import { rig } from './rig.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PYTHON = join(ROOT, '.cache', 'venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
const DOCUMENTS = ['networking', 'README', 'transactions', 'execution', 'operations', 'genesis', 'receipts', 'proofs'];

function grammar(): string {
  const texts = DOCUMENTS.map((name) => readFileSync(join(ROOT, 'docs', 'spec', `${name}.md`), 'utf8'));
  return texts.flatMap((text) => [...text.matchAll(/^```cddl\n([\s\S]*?)^```/gm)].map((match) => match[1]!)).join('\n');
}

function wrong(samples: readonly (readonly [rule: string, bytes: Uint8Array, matches: boolean])[]): Promise<string[]> {
  const rows = samples.map(([rule, bytes, matches]) => [rule, toHex(bytes), matches]);
  return new Promise((resolve, reject) => {
    const child = execFile(PYTHON, [join(ROOT, 'test', 'spec', 'check_cddl.py')], (error, stdout, stderr) =>
      error === null ? resolve(JSON.parse(stdout)) : reject(new Error(`${error.message}\n${stderr}`)),
    );
    child.stdin!.end(JSON.stringify({ cddl: grammar(), samples: rows }));
  });
}

it('every message matches its grammar, and what is none does not', async () => {
  const r = await rig({ validators: 4, self: 1 });
  const [peer] = r.members.peerIds as [string];
  await r.connect(peer);
  await r.pass(3_000);
  const [, , round] = r
    .sentTo(peer)
    .find((message) => message[0] === 'compactProposal') as MessageOf<'compactProposal'>;
  await r.receive(peer, ['getProposal', 1, round, []]);
  for (let i = 0; i < 3; i++) await r.pass(3_000);
  await r.receive(peer, ['votes', [r.vote(1, 0, null, 2)]]);
  await r.receive(peer, ['votes', [r.vote(1, 0, [new Uint8Array(32), new Uint8Array(32)], 2)]]);
  await r.receive(peer, ['status', 5]);
  await r.receive(peer, ['blocks', [r.nextBlock({ signers: [0, 2, 3] }).row]]);
  await r.receive(peer, ['getBlocks', 1]);
  const sent = r.sentTo(peer);
  const kinds = ['hello', 'status', 'proposal', 'votes', 'getBlocks', 'blocks', 'equivocation'] as const;
  const first = kinds.map((kind) => sent.find((message) => message[0] === kind));
  expect(first.map((message) => message?.[0])).toEqual(kinds);
  const others = ['compactProposal', 'room'].map((kind) => sent.find((message) => message[0] === kind));
  const good = [
    ...[...first, ...others],
    ...[
      ['transactions', [Uint8Array.of(1)]],
      ['getProposal', 1, 0, [0, 9_999]],
      ['proposalParts', 1, 0, [Uint8Array.of(1)]],
    ],
  ] as Message[];
  const [, rows] = good[5] as Extract<Message, readonly ['blocks', ...unknown[]]>;
  const vote = r.vote(0, 0, null, 0);
  const [, evidence] = good[6] as Extract<Message, readonly ['equivocation', Uint8Array]>;
  expect(
    await wrong([
      ...good.map((message) => ['message', encodeMessage(message), true] as const),
      ...good.map((message) => ['message', encode([...(message as readonly string[]), 0]), false] as const),
      ['commit', rows[0]![1], true],
      ['block', rows[0]![0], true],
      ['commit', rows[0]![0], false],
      ['equivocation', evidence, true],
      ['equivocation', evidence.slice(0, -1), false],
      ['vote', encode(vote), true],
      ['vote', encode([2, ...vote.slice(1)]), false],
      ['votes', encode(['votes', []]), false],
      ['message', encode(['unknown', 1]), false],
    ]),
  ).toEqual([]);
});
