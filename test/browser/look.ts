// Serves the built page over a gateway written by hand, to look at: node test/browser/look.ts large
import { Dashboard } from './dashboard.ts';
import { sites } from './sites.ts';

const name = process.argv[2] ?? 'large';
const site = Object.entries(sites).find(([each]) => each === name);
if (!site) throw new Error(`there is no site ${name}; there are ${Object.keys(sites).join(', ')}`);
const source = site[1]();
const dashboard = new Dashboard(source);
await dashboard.start();
console.log(dashboard.newLink());

// As much life as the site has devices.
setInterval(() => {
  const { up, down, links = {} } = source.relay.status();
  const [link] = Object.entries(links)[0] ?? ['udp'];
  const more = Math.ceil(source.devices.length / 13);
  const at = links[link] ?? { up: 0, down: 0 };
  if (more > 0)
    source.setRelay({
      up: up + more,
      down: down + 2,
      links: { ...links, [link]: { up: at.up + more, down: at.down + 2 } },
    });
}, 1_000);
