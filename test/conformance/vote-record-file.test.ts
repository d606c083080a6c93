import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { voteRecordFile } from '../../adapters/vote-record-file/vote-record.ts';
import type { VoteRecord } from '../../node-core/ports/vote-record.ts';
import { describeVoteRecord } from './vote-record.ts';

describeVoteRecord('file', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'brop-vote-'));
  const folder = join(parent, 'vote-record');
  const holders: VoteRecord[] = [];
  const track = (record: VoteRecord) => {
    holders.push(record);
    return record;
  };
  return {
    holder: () => track(voteRecordFile({ folder, create: true })),
    returning: () => track(voteRecordFile({ folder })),
    async cleanup() {
      for (const holder of holders) await holder.close();
      rmSync(parent, { recursive: true });
    },
  };
});
