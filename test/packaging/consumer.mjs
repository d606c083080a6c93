// A user's program: it has the package and nothing else. Argument: JSON with url, genesisHash, suite and secretKey of
// the operator, and a folder for its key. One line of JSON on standard output.
import { createApiClient, createClient, digestOf, signerFromSecretKey, signerFromWebCrypto } from 'brop/sdk';
import { createKeyFile, openKeyFile } from 'brop/signer-file';
import { fromHex, verifyReceipt } from 'brop/verify';

const { url, genesisHash, suite, secretKey, operator, folder } = JSON.parse(process.argv[2]);
const operatorClient = createClient({
  url,
  genesisHash,
  account: operator,
  signer: signerFromSecretKey(suite, fromHex(secretKey)),
});
const legal = { version: '1', digest: new Uint8Array(32) };
const quota = { max: 1_000_000, periodMs: 86_400_000 };

async function register(name, signer) {
  const permissions = ['evidence'];
  const { account } = await operatorClient.governance.admitPartner({
    name,
    key: signer.publicKey,
    legal,
    permissions,
    quota,
  });
  const client = createClient({ url, genesisHash, account, signer });
  const file = new TextEncoder().encode(`a file of ${name}`);
  const { receipt } = await client.evidence.register({ digests: await digestOf(file, ['sha-256', 'sm3']) });
  const verdict = await verifyReceipt(receipt, { genesisHash, file });
  const audit = await (await client.auth.fetch('/v1/audit', 'audit:read')).json();
  return { ok: verdict.ok, who: verdict.ok && verdict.who.name, logins: audit.entries.length };
}

const inWebCrypto = await signerFromWebCrypto(
  await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']),
);
const keyFile = `${folder}/key-${process.versions.node}.json`;
createKeyFile(keyFile, 'ed25519');
const results = [
  await register(`webcrypto ${process.version}`, inWebCrypto),
  await register(`file ${process.version}`, openKeyFile(keyFile)),
];
const { data } = await createApiClient({ url }).GET('/v1/status');
process.stdout.write(`${JSON.stringify({ node: process.version, results, height: data.height })}\n`);
