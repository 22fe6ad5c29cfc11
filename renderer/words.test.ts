import { describe, expect, test } from 'vitest';
import type { AuditRecord, LinkRecord, Overview, SessionRecord } from '../api/contract.ts';
import { auditActions } from '../gateway/store/audit-actions.ts';
import { messageState } from '../api/contract.ts';
import { alarmsOf } from './alarms.ts';
import { eventWords } from './events.ts';
import { countWords, placeSite, siteRows } from './site-map.ts';
import { linkState, stateLook, stateLooks } from './states.ts';

const udp: LinkRecord = { id: 'udp', kind: 'udp', state: 'open', sinceMs: 0, where: '127.0.0.1:5683', devices: 0 };
const serial: LinkRecord = { ...udp, id: 'meters', kind: 'serial', where: '/dev/ttyUSB0' };
const gone: LinkRecord = {
  ...serial,
  state: 'opening',
  sinceMs: 7,
  reason: { code: 'link.serial-missing', message: 'there is no /dev/ttyUSB0' },
};
const up: SessionRecord = { state: 'up', sinceMs: 0, server: 's', attempts: 0 };

function overview(change: Partial<Overview> = {}): Overview {
  return {
    facts: { site: 'x', version: '0', isLab: false, startedAtMs: 0 },
    store: { state: 'open', commitMsP50: 1, auditSeq: 0 },
    session: up,
    figures: {
      messages: 0,
      queueUp: 0,
      queueDown: 0,
      devices: 0,
      registered: 0,
      sent: 0,
      retransmissions: 0,
      lostAfterAcknowledge: 0,
    },
    links: { udp, meters: serial },
    devices: {},
    messages: [],
    events: [],
    ...change,
  };
}

describe('what needs somebody', () => {
  test('is nothing while all works, and while the session comes up for the first time', () => {
    expect(alarmsOf(overview())).toEqual([]);
    for (const state of ['keyed', 'handshaking', 'registering'] as const)
      expect(alarmsOf(overview({ session: { ...up, state } }))).toEqual([]);
  });

  test('is amber where it may recover alone, red where it will not', () => {
    const reason = { code: 'akma.expired', message: 'the key expired' };
    const tones = (session: SessionRecord): string[] => alarmsOf(overview({ session })).map(({ tone }) => tone);
    expect(tones({ ...up, state: 'lost', reason, nextTryAtMs: 9 })).toEqual(['warn']);
    expect(tones({ ...up, state: 'handshaking', reason })).toEqual(['warn']);
    expect(tones({ ...up, state: 'no-key', reason })).toEqual(['fail']);
  });

  test('is a link that does not open, with the reason as a sentence', () => {
    expect(alarmsOf(overview({ links: { udp, meters: gone } }))).toEqual([
      {
        id: 'link:meters',
        tone: 'fail',
        title: 'Link meters is not open',
        sentences: [
          'There is no /dev/ttyUSB0.',
          'Its devices cannot be reached until it is. It is tried again by itself.',
        ],
        code: 'link.serial-missing',
        sinceMs: 7,
      },
    ]);
  });

  test('begins with the worst: loss, then the store, then the session, then links', () => {
    const all = overview({
      figures: { ...overview().figures, lostAfterAcknowledge: 2 },
      store: { state: 'failed', commitMsP50: 0, auditSeq: 0 },
      session: { ...up, state: 'off' },
      links: { meters: gone },
    });
    expect(alarmsOf(all).map(({ id }) => id)).toEqual(['lost', 'store', 'session', 'link:meters']);
    expect(alarmsOf(all)[0].title).toBe('2 messages were acknowledged and then not found');
  });
});

describe('states', () => {
  test('every state of a message has its icon and its word', () => {
    for (const state of messageState.options) expect(stateLook('message', state).word).toMatch(/^[A-Z][a-z]+$/);
    expect(Object.keys(stateLooks.message).sort()).toEqual([...messageState.options].sort());
  });

  test('a link that is tried again says what is in its way', () => {
    const states = ['link.serial-busy', 'link.serial-permission', 'link.serial-missing', 'link.port-taken'].map(code =>
      linkState({ ...gone, reason: { code, message: '' } }),
    );
    expect(states).toEqual(['held', 'no-permission', 'broken', 'held']);
    expect(linkState({ ...gone, reason: undefined })).toBe('opening');
  });

  test('a state that the table does not know is shown as it is', () => {
    expect(stateLook('message', 'teleported')).toMatchObject({ word: 'teleported', tone: 'off' });
  });
});

describe('an audit row in words', () => {
  const event: AuditRecord = {
    seq: 1,
    atMs: 0,
    action: 'device.registered',
    actor: 'device:a',
    object: 'device:a/b',
    deviceName: 'meter-1',
    result: 'ok',
  };

  test('names the device, the link, the message or nobody', () => {
    const said = (change: Partial<AuditRecord>): string => {
      const { subject, says, more } = eventWords({ ...event, ...change });
      return [subject, says, more].filter(Boolean).join(' | ');
    };
    expect(said({})).toBe('meter-1 | registered');
    expect(said({ deviceName: undefined })).toBe('a/b | registered');
    expect(said({ action: 'link.lost', object: 'link:meters', reason: 'unplugged' })).toBe(
      'meters | was lost | unplugged',
    );
    expect(said({ action: 'session.up', object: 'session' })).toBe('Session up');
    expect(said({ action: 'device.refused', reason: 'NOT_AUTHORIZED', count: 12 })).toBe(
      'meter-1 | was refused | NOT_AUTHORIZED · 12 times',
    );
    expect(said({ action: 'some.newer-act', object: 'thing:7' })).toBe('thing:7 | some.newer-act');
  });

  test('knows every act of the trail that the page shows', () => {
    const shown = Object.keys(auditActions).filter(
      action => !/^message\.(received|sent|acknowledged|delivered|duplicate|reported)$/.test(action),
    );
    expect(shown.filter(action => eventWords({ ...event, action }).says === action)).toEqual([]);
  });
});

describe('the map', () => {
  const device = (i: number, linkId?: string, state: 'registered' | 'link-lost' | 'absent' = 'registered') => ({
    key: `d${i}/a`,
    name: `device-${i}`,
    layer2Id: `d${i}`,
    appId: 'a',
    state,
    linkId,
  });
  const keyed = (devices: ReturnType<typeof device>[]) => Object.fromEntries(devices.map(each => [each.key, each]));

  test('has a row for each link, and one for devices that never came over any', () => {
    const rows = siteRows(
      overview({ devices: keyed([device(1, 'udp'), device(2, undefined, 'absent'), device(3, 'removed')]) }),
    );
    expect(rows.map(row => [row.label, row.devices.length, row.trouble])).toEqual([
      ['UDP', 1, undefined],
      ['Serial', 0, undefined],
      ['on no link yet', 2, '1 not registered'],
    ]);
    expect(rows.map(countWords)).toEqual(['1 device on 127.0.0.1:5683', '0 devices on /dev/ttyUSB0', '2 devices']);
  });

  test('calls links by their names where two are of one kind', () => {
    const rows = siteRows(overview({ links: { a: { ...serial, id: 'a' }, b: { ...serial, id: 'b' } } }));
    expect(rows.map(({ label }) => label)).toEqual(['a', 'b']);
  });

  test('never leaves out a device that needs somebody, however many there are', () => {
    const devices = Array.from({ length: 300 }, (_, i) => device(i, 'udp', i === 299 ? 'link-lost' : 'registered'));
    const [row] = placeSite(siteRows(overview({ links: { udp }, devices: keyed(devices) }))).rows;
    expect([row.marks.length, row.more]).toEqual([116, 184]);
    expect(row.marks[0].device.name).toBe('device-299');
    expect(new Set(row.marks.map(({ x, y }) => `${x} ${y}`)).size).toBe(116);
  });

  test('writes the names beside the marks where there are few', () => {
    const [row] = placeSite(
      siteRows(overview({ links: { udp }, devices: keyed([device(1, 'udp'), device(2, 'udp')]) })),
    ).rows;
    expect(row.marks.map(({ name }) => name)).toEqual(['device-1', 'device-2']);
  });
});
