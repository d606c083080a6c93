import { beforeAll, describe, expect, it } from 'vitest';
import { type SyntheticBlock, SyntheticChain, sign } from '../../test/proofs/synthetic-chain.ts';
import type { PublicKey } from '../crypto/provider.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { type Certificate, verifyCertificate } from './certificate.ts';
import type { Header } from './header.ts';
import { headerHash } from './identifiers.ts';
import { type BlockReference, proposalMessage, voteMessage } from './votes.ts';

let chain: SyntheticChain;
let block: SyntheticBlock;
const refused = { code: 'PROOF_CERTIFICATE' };

beforeAll(async () => {
  chain = await SyntheticChain.make(crypto, 'certificates', { standby: true });
  block = chain.block(7, [chain.transaction([{ type: 'x', body: 1 }])]);
});

const check = (certificate: Certificate, of: Pick<SyntheticBlock, 'header' | 'headerBytes'> = block) =>
  verifyCertificate(crypto, chain.genesis.validators, of.header, of.headerBytes, certificate);

/** A certificate whose signatures are over whatever `message` makes for each validator. */
function signedOver(
  message: (scope: Parameters<typeof voteMessage>[2], reference: BlockReference) => Uint8Array,
): Certificate {
  const reference = { headerHash: headerHash(crypto, block.headerBytes), logRoot: block.header.logRoot };
  const { chain: name, protocolVersion, height } = block.header;
  const signatures = [0, 1, 2].map((index) => {
    const { id, keys } = chain.members[index]!;
    const key: PublicKey = keys[0].publicKey;
    const scope = { chain: name, protocolVersion, height, round: 0, validator: id, key };
    return [index, 0, sign(keys[0], message(scope, reference))] as const;
  });
  return [0, signatures];
}

const precommit = voteMessage.bind(null, crypto, 'precommit');

describe('what a certificate needs', () => {
  it('is precommits of more than two thirds of the power', () => {
    expect(check(chain.certify(block))).toBeNull();
    expect(
      check(
        chain.certify(block, [
          [0, 0],
          [1, 0],
          [2, 0],
          [3, 0],
        ]),
      ),
    ).toBeNull();
    expect(check(signedOver(precommit))).toBeNull();
  });

  it('counts a standby key like the primary one', () => {
    expect(
      check(
        chain.certify(block, [
          [0, 1],
          [2, 0],
          [3, 1],
        ]),
      ),
    ).toBeNull();
  });

  it('refuses two thirds exactly: 2 of 3, and less', () => {
    const set = chain.setOf(chain.members.slice(0, 3));
    expect(
      verifyCertificate(
        crypto,
        set,
        block.header,
        block.headerBytes,
        chain.certify(block, [
          [0, 0],
          [1, 0],
        ]),
      ),
    ).toMatchObject(refused);
    expect(
      check(
        chain.certify(block, [
          [0, 0],
          [1, 0],
        ]),
      ),
    ).toMatchObject(refused);
  });

  it('counts power, not heads', () => {
    const members = chain.members.map((member, i) => ({ ...member, power: i === 3 ? 7 : 1 }));
    const set = chain.setOf(members);
    const three = chain.certify(
      block,
      [
        [0, 0],
        [1, 0],
        [2, 0],
      ],
      { members },
    );
    expect(verifyCertificate(crypto, set, block.header, block.headerBytes, three)).toMatchObject(refused);
    const heavy = chain.certify(
      block,
      [
        [0, 0],
        [3, 0],
      ],
      { members },
    );
    expect(verifyCertificate(crypto, set, block.header, block.headerBytes, heavy)).toBeNull();
  });
});

describe('forged certificates', () => {
  it('one validator twice', () => {
    expect(
      check(
        chain.certify(block, [
          [0, 0],
          [1, 0],
          [1, 0],
        ]),
      ),
    ).toMatchObject(refused);
    expect(
      check(
        chain.certify(block, [
          [0, 0],
          [0, 0],
          [0, 0],
        ]),
      ),
    ).toMatchObject(refused);
  });

  it('both keys of one validator', () => {
    expect(
      check(
        chain.certify(block, [
          [0, 0],
          [1, 0],
          [1, 1],
        ]),
      ),
    ).toMatchObject(refused);
  });

  it('signatures in another order', () => {
    expect(
      check(
        chain.certify(block, [
          [1, 0],
          [0, 0],
          [2, 0],
        ]),
      ),
    ).toMatchObject(refused);
  });

  it('a validator or a key that the set does not have', async () => {
    const [round, [first, second]] = chain.certify(block);
    const stranger = [4, 0, first![2]] as const;
    expect(check([round, [first!, second!, stranger]])).toMatchObject(refused);
    const single = await SyntheticChain.make(crypto, 'no standby keys');
    const own = single.block(3, []);
    const [, [a, b, c]] = single.certify(own);
    const other: Certificate = [0, [a!, b!, [c![0], 1, c![2]]]];
    expect(verifyCertificate(crypto, single.genesis.validators, own.header, own.headerBytes, other)).toMatchObject(
      refused,
    );
  });

  it("one validator's signature under another's index, or under its other key", () => {
    const [round, [first, second, third]] = chain.certify(block);
    expect(check([round, [first!, second!, [3, 0, third![2]]]])).toMatchObject(refused);
    expect(check([round, [first!, second!, [2, 1, third![2]]]])).toMatchObject(refused);
  });

  it('one bad signature beside enough good ones', () => {
    const [round, signatures] = chain.certify(block, [
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    const bad = signatures[3]![2].slice();
    bad[40]! ^= 1;
    expect(check([round, [...signatures.slice(0, 3), [3, 0, bad]]])).toMatchObject(refused);
  });

  it('prevotes', () => {
    expect(check(signedOver((scope, reference) => voteMessage(crypto, 'prevote', scope, reference)))).toMatchObject(
      refused,
    );
  });

  it('precommits for nil', () => {
    expect(check(signedOver((scope) => precommit(scope, null)))).toMatchObject(refused);
  });

  it('proposals', () => {
    expect(check(signedOver((scope, reference) => proposalMessage(crypto, scope, reference, -1)))).toMatchObject(
      refused,
    );
  });

  it('precommits of another height, round, chain, protocol version, header or log root', () => {
    const replays: Parameters<typeof signedOver>[0][] = [
      (scope, reference) => precommit({ ...scope, height: 8 }, reference),
      (scope, reference) => precommit({ ...scope, round: 1 }, reference),
      (scope, reference) => precommit({ ...scope, chain: crypto.hash('sha-256', scope.chain) }, reference),
      (scope, reference) => precommit({ ...scope, protocolVersion: 2 }, reference),
      (scope, reference) =>
        precommit(scope, { ...reference, headerHash: crypto.hash('sha-256', reference.headerHash) }),
      (scope, reference) => precommit(scope, { ...reference, logRoot: crypto.hash('sha-256', reference.logRoot) }),
    ];
    for (const replay of replays) expect(check(signedOver(replay))).toMatchObject(refused);
  });

  it('signatures of two rounds put together', () => {
    const [, first] = chain.certify(block);
    const [, second] = chain.certify(block, undefined, { round: 1 });
    expect(check([0, [first[0]!, first[1]!, second[2]!]])).toMatchObject(refused);
    expect(check([1, [first[0]!, first[1]!, second[2]!]])).toMatchObject(refused);
  });

  it('a round before the one in which the block was proposed', () => {
    const late = chain.block(8, [], { round: 2 });
    expect(check(chain.certify(late, undefined, { round: 1 }), late)).toMatchObject(refused);
    expect(check(chain.certify(late, undefined, { round: 2 }), late)).toBeNull();
    expect(check(chain.certify(late, undefined, { round: 5 }), late)).toBeNull();
  });

  it('a certificate for another header of the same height', () => {
    const header: Header = { ...block.header, timeMs: block.header.timeMs + 1 };
    const twin = chain.block(7, [], header);
    expect(check(chain.certify(twin))).toMatchObject(refused);
    expect(check(chain.certify(block), twin)).toMatchObject(refused);
  });
});
