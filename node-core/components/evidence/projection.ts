/** What evidence means to those who search and those who are told. */
import { recordIdUnder } from '../../chain/identifiers.ts';
import {
  REGISTER,
  REGISTER_BATCH,
  type Register,
  type RegisterBatch,
  registerBatchBody,
  registerBody,
} from '../../chain/operations/evidence.ts';
import {
  REGISTER_SCHEMA,
  type RegisterSchema,
  registerSchemaBody,
  schemaId,
} from '../../chain/operations/record-schema.ts';
import { toHex } from '../../codec/bytes.ts';
import {
  type AppliedOperation,
  type Collection,
  type Fields,
  type ProjectedEvent,
  present,
  projected,
} from '../../ledger/projection.ts';

export const evidence: Collection = {
  name: 'evidence',
  description: 'Evidence records, single ones and batches.',
  writtenOnce: true,
  key: 'record ID',
  open: 'attributes.',
  fields: {
    registrant: { type: 'account', indexed: true, description: 'The account that registered it.' },
    subject: { type: 'text', indexed: true, description: 'What it is about; records of one subject form a chain.' },
    digest: { type: 'digest', indexed: true, many: true, description: 'Digest of the file, `algorithm:hexadecimal`.' },
    onBehalfOf: { type: 'account', indexed: true, description: 'For whom a partner registered it.' },
    schema: { type: 'hash', indexed: true, description: 'The schema that its attributes follow.' },
    mediaType: { type: 'text', indexed: true, description: 'Media type of the file.' },
    sizeBytes: { type: 'integer', indexed: false, description: 'Length of the file.' },
    previous: { type: 'hash', indexed: false, description: "The subject's record before it, as its sender named it." },
    hosted: { type: 'hash', indexed: true, description: 'Digest of the address at which the file is hosted.' },
    root: { type: 'hash', indexed: true, description: 'Of a batch: the root over its digests.' },
    count: { type: 'integer', indexed: false, description: 'Of a batch: how many digests.' },
    'provenance.source': { type: 'text', indexed: false, description: 'Where the data came from.' },
    'provenance.method': { type: 'text', indexed: false, description: 'How they came to be.' },
    'provenance.device': { type: 'text', indexed: false, description: 'By which device.' },
    'provenance.operator': { type: 'text', indexed: false, description: 'Who worked it.' },
    'provenance.capturedMs': { type: 'integer', indexed: false, description: 'When, ms since 1970 UTC.' },
    'provenance.witnesses': { type: 'account', indexed: false, description: 'Accounts that saw it.' },
    'provenance.related': { type: 'hash', indexed: false, description: 'Records that belong to it.' },
  },
};

type Common = Omit<RegisterBatch, 'root' | 'count'>;

export const schemas: Collection = {
  name: 'schemas',
  description: 'Schemas of attributes.',
  writtenOnce: true,
  key: 'schema ID',
  fields: {
    registrant: { type: 'account', indexed: true, description: 'The partner that registered it.' },
    name: { type: 'text', indexed: true, description: 'What people call it.' },
    property: { type: 'text', indexed: true, many: true, description: 'Names of its attributes.' },
    indexed: { type: 'text', indexed: false, many: true, description: 'Those that are to be searched by.' },
    required: { type: 'text', indexed: false, many: true, description: 'Those that every record has.' },
    jsonSchema: { type: 'text', indexed: false, description: 'The schema as JSON.' },
  },
};

export const evidenceProjections = [
  projected<RegisterSchema>({ type: REGISTER_SCHEMA, body: registerSchemaBody, events: schemaRegistered }),
  projected<Register>({
    type: REGISTER,
    body: registerBody,
    events: (at, body) => {
      const digest = [...body.digests].map(([algorithm, bytes]) => `${algorithm}:${toHex(bytes)}`);
      return registered(at, body, { digest, ...present({ sizeBytes: body.sizeBytes }) });
    },
  }),
  projected<RegisterBatch>({
    type: REGISTER_BATCH,
    body: registerBatchBody,
    events: (at, body) => registered(at, body, { root: toHex(body.root), count: body.count }),
  }),
];

function schemaRegistered(at: AppliedOperation, body: RegisterSchema): readonly ProjectedEvent[] {
  const { name, schema } = body;
  const key = toHex(schemaId(at.crypto, at.sender, body));
  const registrant = at.accountText(at.sender);
  const properties = [...schema.properties];
  const fields = present({
    ...{ registrant, name, property: properties.map(([property]) => property), required: schema.required },
    indexed: properties.filter(([, property]) => property['x-indexed'] === true).map(([property]) => property),
    jsonSchema: JSON.stringify({ ...schema, properties: Object.fromEntries(properties) }),
  });
  const rows = [{ collection: schemas.name, key, fields }];
  return [{ type: 'evidence.schemaRegistered', data: { schema: key, registrant, name }, rows }];
}

function registered(at: AppliedOperation, body: Common, own: Fields): readonly ProjectedEvent[] {
  const key = toHex(recordIdUnder(at.stem, at.index));
  const fields = { registrant: at.accountText(at.sender), ...own, ...commonFields(at, body) };
  const rows = [{ collection: evidence.name, key, fields }];
  return [{ type: 'evidence.registered', data: { record: key, ...fields }, rows }];
}

function commonFields({ accountText }: AppliedOperation, body: Common): Fields {
  const { mediaType, subject, schema, previous, hosted, onBehalfOf, attributes, provenance } = body;
  return {
    ...present({
      subject,
      mediaType,
      schema: schema && toHex(schema),
      previous: previous && toHex(previous),
      onBehalfOf: onBehalfOf && accountText(onBehalfOf),
      hosted: hosted && toHex(hosted),
      'provenance.source': provenance?.source,
      'provenance.method': provenance?.method,
      'provenance.device': provenance?.device,
      'provenance.operator': provenance?.operator,
      'provenance.capturedMs': provenance?.capturedMs,
      'provenance.witnesses': provenance?.witnesses?.map(accountText),
      'provenance.related': provenance?.related?.map(toHex),
    }),
    ...Object.fromEntries([...(attributes ?? [])].map(([name, value]) => [`attributes.${name}`, value])),
  };
}
