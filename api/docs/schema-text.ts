/** JSON Schemas as people read them: a short type, and the fields one under the other. */

export interface SchemaLike {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly items?: SchemaLike;
  readonly properties?: Readonly<Record<string, SchemaLike>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly SchemaLike[];
  readonly anyOf?: readonly SchemaLike[];
  readonly allOf?: readonly SchemaLike[];
}

/** `string | null`, `Account`, `array of integer`, `"pending"` … */
export function typeText(schema: SchemaLike | undefined): string {
  if (schema === undefined) return '';
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined) return choices.map(typeText).join(' | ');
  if (schema.allOf !== undefined) return schema.allOf.map(typeText).filter(Boolean).join(' & ');
  if (schema.items !== undefined) return `array of ${typeText(schema.items)}`;
  const type = typeof schema.type === 'string' ? schema.type : (schema.type ?? []).join(' | ');
  return schema.format === undefined ? type : `${type} (${schema.format})`;
}

export interface Property {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/** All fields, those of fields with a path such as `quota.max` or `transactions[].nonce`. */
export function schemaProperties(schema: SchemaLike, prefix = ''): Property[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const row = {
      path,
      type: typeText(field),
      required: schema.required?.includes(name) === true,
      description: field.description ?? '',
    };
    if (field.items?.properties !== undefined) return [row, ...schemaProperties(field.items, `${path}[].`)];
    return [row, ...schemaProperties(field, `${path}.`)];
  });
}
