/** governance.admitPartner: the operator admits a company, with its legal document, its permissions and its quota. */
import { type Infer, record } from '../../codec/schema.ts';
import { publicKey } from '../../crypto/keys.ts';
import { accountName, legalDocument, permissions, quotaGrant } from '../account.ts';

export const ADMIT_PARTNER = 'governance.admitPartner';

export const admitPartnerBody = record({
  name: accountName,
  key: publicKey,
  legal: legalDocument,
  permissions,
  quota: quotaGrant,
});
export type AdmitPartner = Infer<typeof admitPartnerBody>;
