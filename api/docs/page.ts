/** The OpenAPI document as one readable page: plain HTML, no script. Every value goes through the template's escaping. */
import { html, raw } from 'hono/html';
import type { OpenApiDocument } from '../openapi.ts';
import { CODE_TABLE } from '../routes/get-codes.ts';
import { type SchemaLike, schemaProperties, typeText } from './schema-text.ts';
import { STYLE } from './style.ts';

type Html = ReturnType<typeof html>;

interface Content {
  readonly [type: string]: { readonly schema?: SchemaLike };
}

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: SchemaLike;
  }[];
  readonly requestBody?: { readonly description?: string; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

function endpointsOf(document: OpenApiDocument): Endpoint[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      // The document is ours: the operations have the fields that createRoute was given.
      const operation = item?.[method] as Operation | undefined;
      return operation === undefined ? [] : [{ method: method.toUpperCase(), path, operation }];
    }),
  );
}

export function docsPage(document: OpenApiDocument): Html {
  const { info, tags = [] } = document;
  const endpoints = endpointsOf(document);
  const schemas = Object.entries((document.components?.schemas ?? {}) as Record<string, SchemaLike>);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${info.title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to content 跳到正文</a>
<header>
<h1>${info.title} <small>${info.version}</small></h1>
${(info.description ?? '').split('\n\n').map((paragraph) => html`<p>${paragraph}</p>`)}
<p>Machine-readable 机器可读: <a href="/openapi.json">/openapi.json</a></p>
</header>
<nav aria-label="Contents 目录">
<h2>Contents 目录</h2>
<ul>
${tags.map(({ name, description }) => html`<li>${description ?? name}<ul>${endpoints.filter(hasTag(name)).map(tocEntry)}</ul></li>`)}
<li><a href="#schemas">Schemas 数据结构</a></li>
<li><a href="#codes">Codes 代码</a></li>
</ul>
</nav>
<main id="main">
${tags.map(({ name, description }) => html`<section><h2>${description ?? name}</h2>${endpoints.filter(hasTag(name)).map(endpoint)}</section>`)}
<section id="schemas"><h2>Schemas 数据结构</h2>${schemas.map(([name, schema]) => schemaCard(name, schema))}</section>
${codes()}
</main>
</body>
</html>
`;
}

function hasTag(name: string): (endpoint: Endpoint) => boolean {
  return ({ operation }) => operation.tags?.includes(name) === true;
}

function tocEntry({ method, path, operation }: Endpoint): Html {
  return html`<li><a href="#${operation.operationId}"><code>${method} ${path}</code></a> ${operation.summary ?? ''}</li>`;
}

function table(label: string, head: readonly string[], rows: readonly (readonly (string | Html)[])[]): Html {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table><thead><tr>
${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead><tbody>
${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** Text with `code` in it, as descriptions are written. */
function prose(text: string): (string | Html)[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
}

function contentText(content: Content | undefined): (string | Html)[] {
  return Object.entries(content ?? {}).map(
    ([type, { schema }]) => html`<div><code>${type}</code> ${typeText(schema)}</div>`,
  );
}

function endpoint({ method, path, operation }: Endpoint): Html {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  const parameterRows = parameters.map((p) => [
    html`<code>${p.name}</code>`,
    p.in,
    p.required === true ? 'yes 是' : 'no 否',
    typeText(p.schema),
    html`${prose(p.description ?? p.schema?.description ?? '')}`,
  ]);
  const responseRows = Object.entries(responses).map(([status, response]) => [
    status,
    response.description,
    html`${contentText(response.content)}`,
  ]);
  return html`<article id="${operationId}" aria-labelledby="${operationId}-title">
<h3 id="${operationId}-title"><span class="method">${method}</span> <code>${path}</code></h3>
<p><strong>${summary ?? ''}</strong></p>
${description === undefined ? '' : html`<p>${prose(description)}</p>`}
${parameterRows.length === 0 ? '' : html`<h4>Parameters 参数</h4>${table(`Parameters of ${operationId}`, ['Name 名称', 'In 位置', 'Required 必填', 'Type 类型', 'Meaning 含义'], parameterRows)}`}
${requestBody === undefined ? '' : html`<h4>Request body 请求体</h4><p>${requestBody.description ?? ''}</p>${contentText(requestBody.content)}`}
<h4>Answers 响应</h4>
${table(`Answers of ${operationId}`, ['Status 状态', 'Meaning 含义', 'Content 内容'], responseRows)}
</article>`;
}

function schemaCard(name: string, schema: SchemaLike): Html {
  const rows = schemaProperties(schema).map(({ path, type, required, description }) => [
    html`<code>${path}</code>`,
    type,
    required ? 'yes 是' : 'no 否',
    html`${prose(description)}`,
  ]);
  const body =
    rows.length === 0
      ? html`<p>${typeText(schema)}</p>`
      : table(`Fields of ${name}`, ['Field 字段', 'Type 类型', 'Always 必有', 'Meaning 含义'], rows);
  return html`<details id="schema-${name}"><summary><code>${name}</code> ${schema.description ?? ''}</summary>${body}</details>`;
}

function codes(): Html {
  const rows = CODE_TABLE.map(({ number, name, title, status }) => [
    String(number),
    html`<code>${name}</code>`,
    String(status),
    title,
  ]);
  return html`<section id="codes"><h2>Codes 代码</h2>${table('Codes', ['Number 编号', 'Name 名称', 'HTTP', 'Meaning 含义'], rows)}</section>`;
}
