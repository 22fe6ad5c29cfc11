// Checks the types of each world with only that world's types: no DOM in the gateway, no Node in the dashboard.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const worlds = ['api', 'proof', 'native', 'gateway', 'lab', 'test', 'renderer'];
let failed = 0;
for (const world of worlds) {
  if (!existsSync(`${world}/tsconfig.json`)) continue;
  const checker = world === 'renderer' ? 'vue-tsc/bin/vue-tsc.js' : 'typescript/bin/tsc';
  const result = spawnSync(process.execPath, [`node_modules/${checker}`, '-p', world], { stdio: 'inherit' });
  if (result.status !== 0) failed++;
}
console.log(
  failed === 0 ? `types: ${worlds.length} worlds hold` : `types: ${failed} of ${worlds.length} worlds do not hold`,
);
process.exit(failed === 0 ? 0 : 1);
