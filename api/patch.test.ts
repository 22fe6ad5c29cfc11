import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyPatch, diff, type Json } from './patch.ts';

// RFC 7396, Appendix A: those whose documents hold no null.
const examples: [unknown, unknown, unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test.each(examples)('RFC 7396: %j patched with %j is %j', (before, patch, after) => {
  expect(applyPatch(before, patch)).toEqual(after);
});

describe('a difference', () => {
  test('names only what changed', () => {
    const before = {
      session: { state: 'up', attempts: 0 },
      devices: { a: { registered: true }, b: { registered: true } },
    };
    const after = { session: { state: 'lost', attempts: 1 }, devices: { a: { registered: true } } };
    expect(diff(before, after)).toEqual({ session: { state: 'lost', attempts: 1 }, devices: { b: null } });
  });

  test('is undefined when two documents say the same', () => {
    expect(diff({ a: [{ b: 1 }], c: undefined }, { a: [{ b: 1 }] })).toBeUndefined();
  });

  test('tells lists whole, for their order is part of what they say', () => {
    expect(diff({ a: [1, 2] }, { a: [1, 2, 3] })).toEqual({ a: [1, 2, 3] });
  });

  test('keeps a device called __proto__ a device', () => {
    const after = JSON.parse('{"__proto__":{"registered":true}}') as Json;
    const applied = applyPatch({}, diff({}, after)) as object;
    expect(JSON.stringify(applied)).toBe('{"__proto__":{"registered":true}}');
    expect('registered' in applied).toBe(false);
  });
});

test('whatever two documents say, the difference applied to the first gives the second', () => {
  const { document } = fc.letrec<{ document: Json }>(tie => ({
    document: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('document'), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 3 }), tie('document'), { maxKeys: 4 }),
    ),
  }));
  const named = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), document);
  fc.assert(
    fc.property(named, named, (before, after) => {
      const patch = diff(before, after);
      const result = patch === undefined ? before : applyPatch(before, JSON.parse(JSON.stringify(patch)));
      expect(JSON.parse(JSON.stringify(result))).toEqual(JSON.parse(JSON.stringify(after)));
    }),
    { seed: 7396, numRuns: 300 },
  );
});
