/** Public attributes of a record: names of their own, and flat values. */
import { CodecError } from '../../codec/error.ts';
import { dictionary, type Schema, text } from '../../codec/schema.ts';

export const MAX_ATTRIBUTES = 32;
export const MAX_ATTRIBUTE_BYTES = 1_024;

export const attributeName = text({ max: 64, pattern: /^[A-Za-z][A-Za-z0-9_.-]*$/ });

const attributeText = text({ min: 0, max: MAX_ATTRIBUTE_BYTES });
const attributeValue: Schema<string | number | boolean> = {
  decode: (value, path) => {
    if (typeof value === 'string') return attributeText.decode(value, path);
    if (typeof value === 'number' || typeof value === 'boolean') return value;
    throw new CodecError('schema', 'neither text, safe integer, true nor false', path);
  },
  encode: (value) => (typeof value === 'string' ? attributeText.encode(value) : value),
};

export const attributes = dictionary(attributeName, attributeValue, { max: MAX_ATTRIBUTES });
