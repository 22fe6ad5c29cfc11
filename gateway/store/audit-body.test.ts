import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../proof/canonical-json.ts';
import { auditActions } from './audit-actions.ts';
import { closeAuditBody, openAuditBody } from './audit-body.ts';
import { anEvent } from './test-store.ts';
import type { AuditEvent } from './types.ts';

const full: Required<AuditEvent> = {
  action: 'device.registered',
  atMs: 1_795_219_200_000,
  monotonicMs: 12.25,
  actor: 'device:meter-1',
  from: 'udp 127.0.0.1:40001',
  object: 'device:meter-1/app-1',
  result: 'ok',
  reason: 'asked "nicely"\n',
  before: { registered: false, z: null, address: 'ö' },
  after: { registered: true, attempts: 1 },
  count: 3,
};

test('a body is the canonical JSON of the event with its sequence number', () => {
  for (const event of [full, anEvent('gateway.started')]) {
    expect(closeAuditBody(openAuditBody(event), 4711)).toBe(canonicalJson({ ...event, seq: 4711 }));
  }
});

test('whatever an event says, its body is the canonical JSON of it', () => {
  const text = fc.string({ unit: 'binary' });
  const facts = fc.dictionary(text, fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()));
  const events = fc.record({ actor: text, object: text, reason: text, before: facts, after: facts });
  fc.assert(
    fc.property(events, told => {
      const event = { ...full, ...told };
      expect(closeAuditBody(openAuditBody(event), 1)).toBe(canonicalJson({ ...event, seq: 1 }));
    }),
    { numRuns: 200, seed: 8785 },
  );
});

test('what a device made up cannot keep a row from being written', () => {
  const body = closeAuditBody(openAuditBody({ ...full, actor: 'device:\ud800', after: { 'a\udc00': '\udead' } }), 1);
  expect(JSON.parse(body)).toMatchObject({ actor: 'device:\ufffd', after: { 'a\ufffd': '\ufffd' } });
  expect(canonicalJson(JSON.parse(body))).toBe(body);
});

test('every action is a dotted code with a sentence', () => {
  for (const [code, sentence] of Object.entries(auditActions)) {
    expect(code).toMatch(/^[a-z]+\.[a-z]+$/);
    expect(sentence).toMatch(/^[A-Z].*\.$/);
  }
});
