/** The port Outbox over an SQS standard queue: `{"subscription": "<id>"}` for a wake-up, with `"ping": "<id>"` for a test, and `"about"` another. */
import { SendMessageBatchCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Outbox } from '../../node-core/ports/outbox.ts';

const MESSAGES_AT_ONCE = 10;
const TRIES = 4;

/** The client stays the caller's. */
export function sqsOutbox(client: SQSClient, queueUrl: string): Outbox {
  const send = async (ids: readonly string[], delaySeconds: number) => {
    const entries = ids.map((subscription, i) => ({
      Id: String(i),
      MessageBody: JSON.stringify({ subscription }),
      DelaySeconds: delaySeconds,
    }));
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
    return Failed.map(({ Id }) => ids[Number(Id)]!);
  };
  return {
    wake: async (subscriptions, delaySeconds) => {
      let left = subscriptions;
      for (let tried = 0; left.length > 0; tried++) {
        if (tried === TRIES) throw new Error(`the queue has not taken ${left.length} messages after ${TRIES} tries`);
        const chunks: string[][] = [];
        for (let i = 0; i < left.length; i += MESSAGES_AT_ONCE) chunks.push(left.slice(i, i + MESSAGES_AT_ONCE));
        left = (await Promise.all(chunks.map((chunk) => send(chunk, delaySeconds)))).flat();
      }
    },
    ping: async (subscription, message, about) => {
      const MessageBody = JSON.stringify({ subscription, ping: message, ...(about && { about }) });
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
    },
  };
}
