import { beforeEach, expect, it } from 'vitest';
import { Chance } from '../../test/simulation/chance.ts';
import { consortium } from '../../test/simulation/fixture.ts';
import type { AccountId } from '../chain/identifiers.ts';
import { type ValidatorSet, validatorSet } from '../chain/validator-set.ts';
import { toHex } from '../codec/bytes.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { Peers } from './peers.ts';

/** The registry and the set of a chain that a test changes at will. */
class Book {
  readonly nodes = new Map<string, AccountId>();
  validators: ValidatorSet;
  constructor(validators: ValidatorSet) {
    this.validators = validators;
  }
  accountOfNode = (nodeKey: Uint8Array) => this.nodes.get(toHex(nodeKey));
}

const [A, B, C, D, OTHER] = ['aa', 'bb', 'cc', 'dd', 'ee'] as const;
let book: Book;
let peers: Peers;
let sent: string[];

beforeEach(async () => {
  const chance = new Chance('peers');
  const { genesis } = await consortium(crypto, (length) => chance.bytes(length), { validators: 4, timeMs: 0 });
  book = new Book(genesis.validators);
  for (const [i, id] of [A, B, C, D].entries()) book.nodes.set(id, book.validators.validators[i]!.id);
  sent = [];
  const transport = {
    start: async () => {},
    send: (peer: string) => sent.push(peer) > 0,
    peers: () => [],
    drop: () => {},
    close: async () => {},
  };
  peers = new Peers(transport, book);
  for (const [i, id] of [A, B, C, OTHER].entries()) {
    peers.connected(id);
    peers.greet(id, 10 + i);
  }
});

const indexes = () => [A, B, C, D, OTHER].map((id) => peers.validatorIndex(id));

it('whose node is connected is what the registry says; others follow', () => {
  expect(indexes()).toEqual([0, 1, 2, undefined, undefined]);
  peers.toValidators(Uint8Array.of(1));
  expect(sent).toEqual([A, B, C]);
});

it('what is no key at all is nobody', () => {
  peers.connected('not a key');
  expect(peers.validatorIndex('not a key')).toBeUndefined();
});

it('places move with the set, and a member that left is a follower', () => {
  const [, second, third, fourth] = book.validators.validators;
  book.validators = validatorSet(crypto, [fourth!, third!, second!]);
  peers.refresh();
  expect(indexes()).toEqual([undefined, 2, 1, undefined, undefined]);
  expect([peers.heightOfValidator(0), peers.heightOfValidator(1)]).toEqual([null, 12]);
});

it('a node that is registered later speaks for its company, and one that was taken back does not', () => {
  expect(peers.isValidator(OTHER)).toBe(false);
  book.nodes.set(OTHER, book.nodes.get(D)!);
  book.nodes.delete(A);
  peers.refresh();
  expect(indexes()).toEqual([undefined, 1, 2, undefined, 3]);
});

it('two nodes of one company have one vote on how far the chain is', () => {
  book.nodes.set(C, book.nodes.get(B)!);
  peers.refresh();
  // 0 (self), and 1 twice: two of four.
  expect(peers.agreedHeight(0)).toBeNull();
});

it('what more than a third claim is agreed as soon as more than two thirds have spoken', () => {
  expect(peers.agreedHeight(3)).toBe(11);
  peers.disconnected(B);
  peers.disconnected(C);
  expect(peers.agreedHeight(3)).toBeNull();
});

it('a validator that did not give what it has is not asked for it, and still is where it says', () => {
  peers.distrustHeight(A);
  expect([peers.having(1).includes(A), peers.heightOfValidator(0)]).toEqual([false, 10]);
});
