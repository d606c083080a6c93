/** What a run may do to the connections between nodes. Nodes are numbers; links have a direction. */
export interface Network {
  readonly name: string;
  /** The address that a node listens on. */
  readonly hostOf: (node: number) => string;
  /** Where `from` has to dial to reach the node that listens on `port` of `to`. */
  readonly dialled: (from: number, to: number, port: number) => { readonly host: string; readonly port: number };
  /** The words before a node's command line that put it into this network. */
  readonly prefixOf: (node: number) => readonly string[];
  /** Nothing that `from` sends reaches `to` any more; nobody is told, as when a cable is pulled. */
  cut(from: number, to: number): Promise<void>;
  /** What `from` sends reaches `to` slowly. */
  slow(from: number, to: number): Promise<void>;
  /** All links are whole again. */
  mend(): Promise<void>;
  close(): Promise<void>;
}
