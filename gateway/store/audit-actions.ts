/**
 * The acts that the audit trail knows, each with the sentence that explains it to the reader of a trail. Codes never
 * change and are never taken away, since rows on disk carry them; sentences may improve.
 */
export const auditActions = {
  'gateway.started': 'The gateway started.',
  'gateway.stopped': 'The gateway was stopped in order. A start without this before it follows a crash or a power cut.',

  'device.added': 'A device came onto the list of those that may attach.',
  'device.changed': 'What is known of a device changed: its name, its credential, whose UE Service ID it uses.',
  'device.removed': 'A device went off the list of those that may attach; its registration, if it had one, ended.',
  'device.registered': 'A device proved its credential and is registered with its application ID.',
  'device.deregistered': 'A device, or the gateway for it, ended its registration.',
  'device.refused': 'A device asked to register or to send and was refused.',

  'message.received': 'A message arrived and is on disk; its sender is told so only now.',
  'message.sent': 'A message was put on the wire to its next hop.',
  'message.acknowledged': 'The next hop took the message.',
  'message.reported': 'How the message ended was put on its way to its sender, as a delivery report.',
  'message.delivered': 'The delivery report of the far end says that the message arrived.',
  'message.failed': 'The message was given up: refused by the next hop, reported as undeliverable, or out of attempts.',
  'message.expired': 'The message was not delivered within its lifetime.',
  'message.duplicate':
    'A message ID came again from the same originator; it was answered as the first and not passed on.',
  'message.refused': 'A message was not accepted and is not on disk; its sender was told why.',

  'session.up': 'The gateway is registered with the MSGin5G Server.',
  'session.lost': 'The way to the MSGin5G Server was lost.',
  'session.refused': 'The MSGin5G Server refused the key or the registration.',
  'session.closed': 'The gateway de-registered from the MSGin5G Server.',

  'link.opened': 'A link to devices opened.',
  'link.lost': 'A link to devices was lost or could not be opened.',

  'peer.malformed': 'A peer sent what is not well-formed; it was answered as the RFC says.',
  'peer.unknown': 'A peer that is no registered device asked for something.',

  'store.failed': 'The store could not write; what came meanwhile was refused, not lost. Written after it recovered.',
  'store.recovered': 'The store writes again. The count says how many changes were refused meanwhile.',
} as const;
