import type { Address } from './ledger.ts';

/** Ours: the Application Server behind the lab's server. Devices send to it, and the server's own messages come from it. */
export const applicationServer: Address = { addrType: 'AS', addr: 'as-1@example.com' };
