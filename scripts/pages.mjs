// Writes the pages of docs/ that are tables of the source, or with --check says whether they are true.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { auditActions, errorCodes } from './error-codes.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const pages = { 'docs/error-codes.md': errorPage(), 'docs/audit-actions.md': auditPage() };
let isTrue = true;
for (const [path, text] of Object.entries(pages)) {
  const target = join(root, path);
  const before = existsSync(target) ? readFileSync(target, 'utf8') : '';
  if (before === text) continue;
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else {
    isTrue = false;
    console.error(`${path} does not tell what the source says: run node scripts/pages.mjs`);
  }
}
process.exit(isTrue ? 0 : 1);

function errorPage() {
  const byCode = Map.groupBy(errorCodes(root), ({ code }) => code);
  const rows = [...byCode]
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([code, places]) => {
      const all = name => [...new Set(places.map(place => place[name]).filter(text => text !== ''))];
      const files = all('file').map(file => `\`${file}\``);
      return `| \`${code}\` | ${cell(all('sentence'))} | ${cell(all('hint').map(spoken))} | ${files.join('<br>')} |`;
    });
  return `# Error codes

Every error of Fieldgate has a code (\`layer.reason\`, for ever), a sentence with the values in it, and a hint where its
reader can do something. Values stand in ‹ ›. Made by \`node scripts/pages.mjs\` from the source.

| code | sentence | what to do | where |
|---|---|---|---|
${rows.join('\n')}
`;
}

function auditPage() {
  const rows = auditActions(root).map(({ code, sentence }) => `| \`${code}\` | ${cell([sentence])} |`);
  return `# Audit actions

The acts that the audit trail knows. Codes never change and are never taken away. Made by \`node scripts/pages.mjs\` from
\`gateway/store/audit-actions.ts\`.

| code | what happened |
|---|---|
${rows.join('\n')}
`;
}

/** A hint that is a value and nothing else is told by what caused the error. */
function spoken(hint) {
  return /^‹[^›]+›$/.test(hint) ? 'depends on the cause' : hint;
}

function cell(texts) {
  return texts.map(text => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join('<br>');
}
