import { describe, expect, it } from 'vitest';
import { SendSlots } from './send-slots.ts';

/** Work that ends when it is told to. */
function rig(slots: SendSlots) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string, owner: string) =>
    slots.run('working', owner, () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { begun, end: (name: string) => ends.get(name)!(), start, settle };
}

describe('slots for requests', () => {
  it('an owner has an eighth of them at most, and others pass by those of its requests that wait', async () => {
    const { begun, end, start, settle } = rig(new SendSlots({ working: 16, doubtful: 8 }));
    for (let i = 0; i < 40; i++) void start(`greedy ${i}`, 'greedy');
    void start('other', 'other');
    await settle();
    expect(begun).toEqual(['greedy 0', 'greedy 1', 'other']);
    end('greedy 0');
    await settle();
    expect(begun.at(-1)).toBe('greedy 2');
    expect(begun).toHaveLength(4);
  });

  it('when all are taken, who came first comes first, and none is lost by work that fails', async () => {
    const slots = new SendSlots({ working: 1, doubtful: 1 });
    const { begun, end, start, settle } = rig(slots);
    void start('a', 'a');
    const failing = slots.run('working', 'b', () => Promise.reject(new Error('no')));
    void start('c', 'c');
    await settle();
    expect(begun).toEqual(['a']);
    end('a');
    await expect(failing).rejects.toThrow('no');
    await settle();
    expect(begun).toEqual(['a', 'c']);
  });
});
