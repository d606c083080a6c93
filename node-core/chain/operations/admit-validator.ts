/**
 * governance.admitValidator: the operator gives a company an account as a validator, under its legal document. It has no
 * power by that: only the validators in force can give it some (governance.setValidators).
 */
import { type Infer, record } from '../../codec/schema.ts';
import { publicKey } from '../../crypto/keys.ts';
import { accountName, legalDocument, quotaGrant } from '../account.ts';

export const ADMIT_VALIDATOR = 'governance.admitValidator';

export const admitValidatorBody = record({
  name: accountName,
  key: publicKey,
  legal: legalDocument,
  quota: quotaGrant,
});
export type AdmitValidator = Infer<typeof admitValidatorBody>;
