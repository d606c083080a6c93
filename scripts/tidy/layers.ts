// The layering table of the design, as data: one row per room. A file belongs to the row with the longest matching
// path. A room may always import itself, except that `components` are rooms of their own.

export interface Room {
  readonly path: string;
  /** Paths of rooms that this room may import; '*' is every room. */
  readonly mayImport: readonly string[];
  /** Rooms that '*' leaves out. */
  readonly except?: readonly string[];
}

const codec = 'node-core/codec';
const crypto = 'node-core/crypto';
const chain = 'node-core/chain';
const ledger = 'node-core/ledger';
const components = 'node-core/components';
const protocol = 'node-core/protocol';
const consensus = 'node-core/consensus';
const ports = 'node-core/ports';
const middleware = 'node-core/middleware';

const chainAndBelow = [codec, crypto, chain];
const ledgerAndBelow = [...chainAndBelow, ledger];
const pureRooms = [...ledgerAndBelow, components, protocol, consensus, middleware];

/** The table. A folder with TypeScript in it that no row names is a finding. */
export const rooms: readonly Room[] = [
  { path: codec, mayImport: [] },
  { path: crypto, mayImport: [codec] },
  { path: chain, mayImport: [codec, crypto] },
  { path: ledger, mayImport: chainAndBelow },
  { path: components, mayImport: ledgerAndBelow },
  { path: protocol, mayImport: [...ledgerAndBelow, components] },
  { path: consensus, mayImport: chainAndBelow },
  { path: ports, mayImport: [...ledgerAndBelow, components, protocol, consensus] },
  { path: middleware, mayImport: [...ledgerAndBelow, protocol, ports] },
  { path: 'node-core/runtime', mayImport: [...pureRooms, ports] },
  { path: 'node-core', mayImport: [] },
  { path: 'adapters', mayImport: [...pureRooms, ports] },
  { path: 'api', mayImport: [...pureRooms, ports] },
  { path: 'nodes', mayImport: ['*'], except: ['functions', 'cdk', 'site', 'examples', 'test', 'scripts'] },
  { path: 'functions', mayImport: ['api', ...pureRooms, ports, 'adapters', 'sdk'] },
  { path: 'cdk', mayImport: [] },
  { path: 'sdk', mayImport: chainAndBelow },
  { path: 'cli', mayImport: ['*'], except: ['functions', 'cdk', 'site', 'examples', 'test', 'scripts'] },
  { path: 'site', mayImport: ['sdk'] },
  { path: 'examples', mayImport: ['sdk'] },
  { path: 'test', mayImport: ['*'] },
  { path: 'scripts', mayImport: ['*'], except: ['test'] },
  { path: 'docs', mayImport: [] },
];

/** The room of contracts: its files import types only, and are imported as types, error classes apart. */
export const contractsRoom = ports;

/** Each folder in here is a room; from another one it may import only `read.ts`. */
export const componentsRoom = components;
export const componentDoor = 'read.ts';

/** Rooms whose code runs in consensus, in a browser and under simulation alike: no clock, no chance, no host. */
export const pureRoot = 'node-core';
export const pureMayImportPackages = ['@noble/hashes', '@noble/curves', '@scure/base'];

/** What test files beside code may import on top of what their room may. */
export const testMayImport = 'test';
/** Rooms whose files run from a bare clone's development packages too. */
export const developmentRooms = ['test', 'scripts', 'cdk', 'site', 'examples'];

/** Files that something other than an import starts. `*` is one path segment or a part of one, `**` any number. */
export const entryPoints = [
  '**/*.test.ts',
  '**/*.d.ts',
  'vitest.config.ts',
  'scripts/*.ts',
  'cli/main.ts',
  'cli/start.ts',
  'nodes/*/main.ts',
  'functions/*/main.ts',
  // In place of a package, when functions are bundled.
  'functions/shared/no-prometheus.ts',
  'cdk/app.ts',
  'cdk/config/*.ts',
  'sdk/index.ts',
  'adapters/signer-file/portable.ts',
  'test/packaging/consumer.ts',
  'test/aws/main.ts',
  'test/simulation/main.ts',
  'test/bench/main.ts',
  'test/faults/main.ts',
];

export const maxFunctionLines = 70;

/** The room of a file: its path, or for a component the component's folder. */
export function roomOf(file: string): string | undefined {
  const folder = file.slice(0, Math.max(0, file.lastIndexOf('/')));
  const row = rowOf(file);
  if (row?.path !== componentsRoom) return row?.path;
  const component = folder.slice(componentsRoom.length + 1).split('/')[0];
  return component ? `${componentsRoom}/${component}` : componentsRoom;
}

/** The row of the table that a file or folder falls under. */
export function rowOf(file: string): Room | undefined {
  return rooms.filter((room) => isWithin(file, room.path)).sort((a, b) => b.path.length - a.path.length)[0];
}

export function isWithin(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}
