// What a user of TypeScript would write; only its types are checked.
import { type ApiSchemas, createApiClient, createClient, type Signer, UnsettledError } from 'brop/sdk';
import { openKmsSigner } from 'brop/signer-kms';
import { openPkcs11Signer } from 'brop/signer-pkcs11';
import { verifyReceipt } from 'brop/verify';

export async function example(useKms: boolean): Promise<number | undefined> {
  const signer: Signer = useKms
    ? await openKmsSigner({ keyId: 'alias/brop' })
    : await openPkcs11Signer({ library: '/driver.so', tokenLabel: 'brop', pin: '1234', keyLabel: 'account' });
  const client = createClient({ url: 'https://node.example', genesisHash: '00'.repeat(32), signer, account: 'brop1…' });
  try {
    const { receipt } = await client.evidence.register({ digests: new Map([['sha-256', new Uint8Array(32)]]) });
    const verdict = await verifyReceipt(receipt, { genesisHash: '00'.repeat(32) });
    return verdict.ok ? verdict.height : verdict.number;
  } catch (error) {
    if (!(error instanceof UnsettledError)) throw error;
    const { data, error: problem } = await createApiClient({ url: 'https://node.example' }).GET('/v1/status');
    const status: ApiSchemas['Problem'] | undefined = problem;
    // @ts-expect-error A misspelt member is an error.
    data?.hieght;
    return status?.code ?? data?.height;
  }
}
