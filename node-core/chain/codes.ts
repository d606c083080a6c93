/**
 * Every numbered code of the protocol, once. Numbers never change meaning and are never reused. Within a stage the
 * checks are made in the order of their numbers, and the first that fails gives the code; docs/spec/codes.md has the two
 * exceptions.
 */
export const CODES = {
  // 1000: form. Looked at before anything else; such a transaction is never packed.
  TX_TOO_LARGE: { number: 1001, text: 'The transaction is longer than 65,535 bytes.' },
  TX_MALFORMED: { number: 1002, text: 'The bytes are not a CBOR item, or nest too deep.' },
  TX_NON_CANONICAL: { number: 1003, text: 'The CBOR is not in its deterministic form (RFC 8949 §4.2.1).' },
  TX_SCHEMA: { number: 1004, text: 'A field is unknown, missing, of the wrong type or out of its bounds.' },
  TX_WRONG_CHAIN: { number: 1005, text: 'The transaction was signed for another chain.' },
  TX_WRONG_VERSION: { number: 1006, text: 'The transaction was signed for a protocol version that is not in force.' },
  TX_UNKNOWN_OPERATION: { number: 1007, text: 'An operation type is not in the protocol table.' },
  TX_BODY: { number: 1008, text: 'The body of an operation is not of the form that its type has.' },
  // 1100: admission. Depends on the state; checked by every node and again at execution. Never packed.
  SENDER_UNKNOWN: { number: 1101, text: 'The sender is not an account of this chain.' },
  KEY_MISMATCH: { number: 1102, text: "The key named by the signature is not the sender's." },
  SIGNATURE_INVALID: { number: 1103, text: 'The signature does not verify.' },
  EXPIRED: { number: 1104, text: 'The expiry height has passed.' },
  EXPIRY_TOO_FAR: { number: 1105, text: 'The expiry height is further ahead than the expiry window allows.' },
  NONCE_USED: { number: 1106, text: 'This sender has used this nonce already.' },
  NOT_PERMITTED: { number: 1107, text: 'The sender may not send an operation of this type.' },
  QUOTA_SHORT: { number: 1108, text: "The sender's quota points do not cover the cost." },
  MEMPOOL_FULL: { number: 1109, text: 'The node holds as many pending transactions as it can; try again later.' },
  // 2000: business rules. Packed with the rejection, and charged.
  NAME_TAKEN: { number: 2101, text: 'The account name is taken.' },
  KEY_IN_USE: { number: 2102, text: 'The key is in use already, by another account or for another purpose.' },
  LEVEL_NOT_ALLOWED: { number: 2103, text: 'This certification level cannot be given to this kind of subject.' },
  VALIDITY_PASSED: { number: 2104, text: 'The end of validity is not after the time of the block.' },
  SET_HEIGHT: { number: 2110, text: 'The height from which the set is to sign has passed or is too far ahead.' },
  SET_PENDING: {
    number: 2111,
    text: 'Another change of the validator set has been approved and is not effective yet.',
  },
  SET_INVALID: { number: 2112, text: 'A validator or a key is in the set twice, or nothing changes.' },
  SET_ACCOUNT: { number: 2113, text: 'An account in the set is not that of a validator.' },
  SET_NOT_APPROVED: { number: 2114, text: 'Validators with more than two thirds of the power have not approved it.' },
  NODE_TAKEN: { number: 2115, text: 'The node key is registered by another account.' },
  NODES_FULL: { number: 2116, text: 'The account has as many nodes registered as it may.' },
  NODE_UNKNOWN: { number: 2117, text: 'The node key is not registered by this account.' },
  SUBJECT_MISSING: { number: 2201, text: 'A previous record is named, but no subject.' },
  PREVIOUS_MISMATCH: { number: 2202, text: 'The previous record named is not the head of the subject.' },
  USER_UNKNOWN: { number: 2203, text: 'The account on whose behalf this is registered does not exist.' },
  USER_NOT_CERTIFIED: {
    number: 2204,
    text: 'The account on whose behalf this is registered was not certified by the sender.',
  },
  USER_LEVEL: { number: 2205, text: 'The level of the account on whose behalf this is registered does not allow it.' },
  USER_LAPSED: { number: 2206, text: 'The certification of the account on whose behalf this is registered has ended.' },
  SCHEMA_UNKNOWN: { number: 2207, text: 'The schema that the record names is not registered.' },
  SCHEMA_MISMATCH: { number: 2208, text: 'An attribute is missing, or is not as the schema says.' },
  SCHEMA_KNOWN: { number: 2210, text: 'The sender has registered this very schema already.' },
  // 3000: verification of receipts and proofs, offline.
  PROOF_FORM: { number: 3001, text: 'The file is not a receipt or proof in its one canonical form.' },
  PROOF_GENESIS: { number: 3002, text: 'The proof belongs to another chain than the genesis hash given.' },
  PROOF_VALIDATORS: { number: 3003, text: 'A validator-set change is not certified by the set before it.' },
  PROOF_CERTIFICATE: { number: 3004, text: 'The certificate does not hold more than two thirds of the voting power.' },
  PROOF_INCLUSION: { number: 3005, text: 'A Merkle path does not lead to the root in the certified header.' },
  PROOF_SIGNATURE: { number: 3006, text: "The transaction's signature does not verify with the sender's key." },
  PROOF_FILE: { number: 3007, text: 'The file is not the one that was registered: no digest matches.' },
  PROOF_REJECTED: { number: 3008, text: 'The transaction was packed but rejected: it registered nothing.' },
  PROOF_NOT_EXPIRED: { number: 3009, text: 'The proof does not show that the transaction can never be packed.' },
  PROOF_EQUIVOCATION: {
    number: 3010,
    text: 'The file does not hold two contradicting messages that a validator of that height has signed.',
  },
  // 4000: requests to a node.
  BAD_REQUEST: { number: 4000, text: 'The request is not of the form that the API describes.' },
  NOT_FOUND: { number: 4004, text: 'There is no such thing on this chain, as far as this node has it.' },
  BODY_TOO_LARGE: { number: 4013, text: 'The request body is too large.' },
  TOO_MANY_REQUESTS: { number: 4029, text: 'Too many requests; try again later.' },
  OVERLOADED: { number: 4030, text: 'The node handles as many requests as it can; try again later.' },
  HEIGHT_NOT_REACHED: { number: 4040, text: 'The chain, as far as this node has it, has not reached that height.' },
  STATE_NOT_KEPT: { number: 4041, text: 'This node proves state at its latest height only.' },
  // 4060 to 4079: the index of business fields.
  COLLECTION_UNKNOWN: { number: 4060, text: 'The index has no collection of this name.' },
  FIELD_UNKNOWN: { number: 4061, text: 'The collection has no such field.' },
  FIELD_NOT_INDEXED: { number: 4062, text: 'Nothing can be filtered or sorted by this field.' },
  FILTER_INVALID: { number: 4063, text: 'A filter is not of the form that the field takes.' },
  CURSOR_INVALID: { number: 4064, text: 'The cursor is not one that this query has given.' },
  INDEX_UNAVAILABLE: { number: 4065, text: 'The index of this node cannot answer now; the chain itself can.' },
  SUBJECT_TOO_LONG: {
    number: 4066,
    text: 'More records lie between the newest and the beginning of the range than one proof holds.',
  },
  // 4080 to 4099: events, and being told of them.
  EVENT_TYPE_UNKNOWN: { number: 4080, text: 'There is no such type of event.' },
  EVENT_FIELD_UNKNOWN: { number: 4081, text: 'Events of these types cannot be filtered by that field.' },
  EVENT_CURSOR_INVALID: { number: 4082, text: 'The cursor is neither the ID of an event of this chain nor a height.' },
  WEBHOOK_URL_REFUSED: { number: 4083, text: 'Webhooks are not delivered to such a URL.' },
  SUBSCRIPTIONS_FULL: { number: 4084, text: 'The account, or this node, has as many subscriptions as it may.' },
  SUBSCRIPTION_DISABLED: { number: 4085, text: 'The subscription is disabled; enable it first.' },
  // 4101 to 4119: who asks, and what of.
  AUTHENTICATION_REQUIRED: { number: 4101, text: 'The request needs an access token.' },
  TOKEN_INVALID: { number: 4102, text: 'The access token is none that this node gave for this chain.' },
  TOKEN_EXPIRED: { number: 4103, text: 'The access token has expired.' },
  TOKEN_REVOKED: { number: 4104, text: 'The account of the access token is gone, or has another key now.' },
  SCOPE_MISSING: { number: 4105, text: 'The access token is not good for this request.' },
  CHALLENGE_INVALID: { number: 4106, text: 'The challenge is none of this node, or of another chain or key.' },
  CHALLENGE_EXPIRED: { number: 4107, text: 'The challenge has expired.' },
  CHALLENGE_USED: { number: 4108, text: 'The challenge has been used already.' },
  ORIGIN_UNKNOWN: { number: 4109, text: 'The node does not serve under that origin.' },
  // 4120 to 4129: hosted files.
  HOSTED_FILE_TOO_LARGE: { number: 4120, text: 'Files of that length are not hosted.' },
  HOSTED_FILE_UNREGISTERED: {
    number: 4121,
    text: 'The file is not public: no record of the chain names its address and its digest.',
  },
  // 5000: a node in trouble.
  INTERNAL: { number: 5000, text: 'The node failed to answer; the cause is in its log.' },
  CONFIG_INVALID: { number: 5001, text: 'The configuration is not valid.' },
  PORT_IN_USE: { number: 5002, text: 'The port is in use.' },
  STORE_OTHER_CHAIN: { number: 5003, text: 'The data folder belongs to another chain.' },
  STORE_LOCKED: { number: 5004, text: 'Another process uses the data folder.' },
  STORE_CORRUPT: { number: 5005, text: 'The store does not agree with its own hashes.' },
  FILE_UNREADABLE: { number: 5006, text: 'A file cannot be read.' },
  NODE_UNREACHABLE: { number: 5007, text: 'The node does not answer.' },
  NOT_SYNCED: { number: 5008, text: 'The node has not caught up with the chain yet.' },
  STORE_FULL: { number: 5009, text: 'The disk of the data folder is full.' },
  // 6001 to 6029: the chain as plain files.
  CHAIN_FILE: { number: 6001, text: 'A file of the chain is not what it must be.' },
  // 6030 to 6059: snapshots of the state, and whoever starts from one.
  SNAPSHOT_INVALID: { number: 6030, text: 'The snapshot does not lead to the roots in its certified header.' },
  SNAPSHOT_CHUNK: { number: 6031, text: 'A chunk of a snapshot does not hold what its name says.' },
  SNAPSHOT_UNAVAILABLE: { number: 6032, text: 'There is no snapshot of this chain that holds and is complete.' },
  PRUNED: { number: 6060, text: 'This node does not keep blocks that old; ask an archive node.' },
  BACKUP_INVALID: { number: 6061, text: 'The backup is not as it was made.' },
} as const satisfies Record<string, { readonly number: number; readonly text: string }>;

export type CodeName = keyof typeof CODES;

const BY_NUMBER = new Map<number, CodeName>(
  Object.entries(CODES).map(([name, code]) => [code.number, name as CodeName]),
);

export function codeName(number: number): CodeName | undefined {
  return BY_NUMBER.get(number);
}

/** What a check found: a code, and for people the detail (never a secret, never personal data). */
export interface Refusal {
  readonly code: CodeName;
  readonly detail?: string;
  /** For a refusal that passes by itself: when it is worth asking again, as far as a node can tell. */
  readonly retryAfterSeconds?: number;
}

export function refusal(code: CodeName, detail?: string): Refusal {
  return detail === undefined ? { code } : { code, detail };
}

/** For boundaries where a refusal ends the work: CLI, files, HTTP. Inside the ledger refusals are values. */
export class BropError extends Error {
  readonly code: CodeName;
  constructor(code: CodeName, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? CODES[code].text : `${CODES[code].text} ${detail}`, options);
    this.name = 'BropError';
    this.code = code;
  }

  get number(): number {
    return CODES[this.code].number;
  }
}
