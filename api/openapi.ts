/** The OpenAPI 3.1 document, generated from the schemas of the routes. */
import type { Api } from './parts.ts';

const INFO = {
  title: 'BROP node API',
  version: '1.0.0',
  description:
    'An open consortium ledger whose every answer carries its proof. 可信登记开放平台节点接口：每个回答都自带证明。\n\n' +
    'Errors are RFC 9457 problems with a numbered code; the codes are at /v1/codes. The identity of a transaction is ' +
    '(sender, nonce), and so is its idempotency. Final data never changes: it has strong entity tags and may be cached ' +
    'for ever. Hashes, nonces and keys are lower-case hexadecimal, account IDs are bech32m, files within JSON base64url.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
};

const TAGS = [
  { name: 'transactions', description: 'Submit, follow, prove. 提交、查询与证明交易' },
  { name: 'chain', description: 'Blocks, state and codes. 区块、状态与代码' },
  { name: 'events', description: 'What happens on the chain, as pages or as a stream. 事件：分页或推送流' },
  { name: 'subscriptions', description: 'Being told by webhook. 订阅与 webhook 推送' },
  { name: 'authentication', description: 'Sign a challenge, get a token. 认证：签署质询，换取令牌' },
  { name: 'accounts', description: 'Accounts. 账户' },
  { name: 'hosting', description: 'Files of partners, kept and served. 文件托管' },
  { name: 'records', description: 'Search by business fields. 按业务字段查询' },
  { name: 'operation', description: 'For those who run the node. 运维' },
];

export type OpenApiDocument = ReturnType<Api['getOpenAPI31Document']>;

export function openApiDocument(app: Api): OpenApiDocument {
  return app.getOpenAPI31Document({ openapi: '3.1.0', info: INFO, tags: TAGS, servers: [{ url: '/' }] });
}
