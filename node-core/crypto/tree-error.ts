/**
 * `missingTile`, `missingPage`: the store does not hold what the tree's size or a parent page says it holds.
 * `badPage`: stored bytes are not a page. All three mean that the store is damaged, never that input was wrong.
 */
export type TreeErrorCode = 'missingTile' | 'missingPage' | 'badPage';

/** Thrown when stored parts of the log or of the state cannot be used. The node restores from a snapshot. */
export class TreeError extends Error {
  readonly code: TreeErrorCode;

  constructor(code: TreeErrorCode, message: string) {
    super(message);
    this.name = 'TreeError';
    this.code = code;
  }
}
