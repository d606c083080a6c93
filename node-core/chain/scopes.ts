/** What an access token may be good for (RFC 6749 §3.3). An account asks for the fewest it needs. */
export const SCOPES = {
  'subscriptions:manage': 'Make, change, test and end subscriptions of the account, and read their deliveries.',
  'hosting:manage': 'Upload files of the account, see how they are and what they cost.',
  'records:read': 'Read what a node gives only to the account that it concerns.',
  'audit:read': 'Read the audit log of the account: its own logins and management calls on this node.',
} as const;

export type Scope = keyof typeof SCOPES;

export const SCOPE_NAMES = Object.keys(SCOPES) as readonly Scope[];

export function isScope(text: string): text is Scope {
  return Object.hasOwn(SCOPES, text);
}
