#!/usr/bin/env node
// The door of the program. It runs on any Node, so that an older one gets an answer instead of a crash:
// where the running Node is too old it runs the pinned one that came with the packages.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const neededMajor = 24;

if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  // Stripped and compiled once, then taken from the cache: half of the time to the ready line.
  module.enableCompileCache();
  const { main } = await import('../gateway/headless.ts');
  await main(process.argv.slice(2));
} else {
  runWithPinnedNode();
}

function runWithPinnedNode() {
  const pinned = join(root, 'node_modules', '.bin', 'node');
  if (!existsSync(pinned)) {
    console.error(
      `fieldgate: Node ${neededMajor} or later is needed, this is ${process.versions.node}. ` +
        `Run "npm start" once in ${root}: it installs the right one beside the program.`,
    );
    process.exit(1);
  }
  const child = spawn(pinned, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}
