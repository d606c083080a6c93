/** What governance means to those who search and those who are told. */
import { createdAccountId } from '../../chain/identifiers.ts';
import { ADMIT_PARTNER, type AdmitPartner, admitPartnerBody } from '../../chain/operations/admit-partner.ts';
import { ADMIT_VALIDATOR, type AdmitValidator, admitValidatorBody } from '../../chain/operations/admit-validator.ts';
import {
  REGISTER_NODE,
  type RegisterNode,
  registerNodeBody,
  UNREGISTER_NODE,
  type UnregisterNode,
  unregisterNodeBody,
} from '../../chain/operations/register-node.ts';
import { SET_VALIDATORS, type SetValidators, setValidatorsBody } from '../../chain/operations/set-validators.ts';
import { proposedSet } from '../../chain/set-approval.ts';
import { toHex } from '../../codec/bytes.ts';
import { type Participant, participantRows } from '../../ledger/account-rows.ts';
import { type AppliedOperation, type Collection, type ProjectedEvent, projected } from '../../ledger/projection.ts';

export const nodes: Collection = {
  name: 'nodes',
  description: 'Registered node keys; those of the genesis are not among them.',
  writtenOnce: false,
  key: 'SHA-256 of the SPKI of the TLS key',
  fields: { account: { type: 'account', indexed: true, description: 'Whose node it is.' } },
};

export const governanceProjections = [
  projected<AdmitPartner>({
    type: ADMIT_PARTNER,
    body: admitPartnerBody,
    events: (at, body) => admitted(at, 'governance.partnerAdmitted', { kind: 'partner', ...body }),
  }),
  projected<AdmitValidator>({
    type: ADMIT_VALIDATOR,
    body: admitValidatorBody,
    events: (at, body) => admitted(at, 'governance.validatorAdmitted', { kind: 'validator', ...body }),
  }),
  projected<SetValidators>({
    type: SET_VALIDATORS,
    body: setValidatorsBody,
    events: ({ crypto }, body) => {
      const data = { effectiveHeight: body.effectiveHeight, set: toHex(proposedSet(crypto, body).hash) };
      return [{ type: 'governance.validatorsApproved', data, rows: [] }];
    },
  }),
  projected<RegisterNode>({
    type: REGISTER_NODE,
    body: registerNodeBody,
    events: (at, { nodeKey }) => {
      const [node, account] = [toHex(nodeKey), at.accountText(at.sender)];
      const rows = [{ collection: nodes.name, key: node, fields: { account } }];
      return [{ type: 'governance.nodeRegistered', data: { node, account }, rows }];
    },
  }),
  projected<UnregisterNode>({
    type: UNREGISTER_NODE,
    body: unregisterNodeBody,
    events: (at, { nodeKey }) => {
      const node = toHex(nodeKey);
      const rows = [{ collection: nodes.name, key: node, fields: null }];
      return [{ type: 'governance.nodeUnregistered', data: { node, account: at.accountText(at.sender) }, rows }];
    },
  }),
];

function admitted(at: AppliedOperation, type: string, participant: Participant): readonly ProjectedEvent[] {
  const account = at.accountText(createdAccountId(at.crypto, at, at.index));
  const { kind, name } = participant;
  return [{ type, data: { account, kind, name }, rows: participantRows(account, participant, at.height) }];
}
