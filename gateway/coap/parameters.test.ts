import { describe, expect, test } from 'vitest';
import { coapParameters } from './parameters.ts';

describe('parameters', () => {
  // RFC 7252 §4.8.2, table 3
  test('have the defaults that the RFC gives and derives', () => {
    expect(coapParameters()).toMatchObject({
      ackTimeoutMs: 2_000,
      ackRandomFactor: 1.5,
      maxRetransmit: 4,
      nstart: 1,
      maxTransmitWaitMs: 93_000,
      maxLatencyMs: 100_000,
      exchangeLifetimeMs: 247_000,
      nonLifetimeMs: 145_000,
      separateAfterMs: 1_000,
    });
  });

  test('that are derived follow those that are given', () => {
    expect(coapParameters({ ackTimeoutMs: 1_000, maxRetransmit: 2, maxLatencyMs: 10_000 })).toMatchObject({
      maxTransmitWaitMs: 10_500,
      exchangeLifetimeMs: 25_500,
      nonLifetimeMs: 14_500,
      separateAfterMs: 500,
    });
  });

  test('that are given win over those derived, and undefined is not given', () => {
    expect(coapParameters({ exchangeLifetimeMs: 500, ackTimeoutMs: undefined })).toMatchObject({
      exchangeLifetimeMs: 500,
      nonLifetimeMs: 500,
      ackTimeoutMs: 2_000,
    });
  });

  test.each([
    { ackRandomFactor: 0.9 },
    { nstart: 0 },
    { nstart: 1.5 },
    { ackTimeoutMs: -1 },
    { maxLatencyMs: Number.NaN },
  ])('refuses %o', given =>
    expect(() => coapParameters(given)).toThrow(expect.objectContaining({ code: 'coap.parameters' })),
  );
});
