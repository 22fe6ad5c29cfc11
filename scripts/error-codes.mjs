// Reads the codes of errors and of audit rows out of the source text: what docs/error-codes.md and docs/audit-actions.md tell.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Folders whose errors reach a reader: the dashboard, the log, `doctor` or the lab's control port. */
const folders = ['api', 'gateway', 'lab', 'native'];

/** `layer.reason`, lower case. */
const codePattern =
  /^(access|akma|channel|coap|config|dtls|http|lab|link|message|options|registration|rpc|session|store)\.[a-z0-9-]+$/;

/** The hint that gateway/base/errors.ts gives to what no reader can mend. */
let ourFault = '';

const errorClasses = new Set(['GatewayError', 'DtlsError']);

/**
 * Every place that makes an error: a code, the sentence with its values as names in ‹ ›, and the hint where there is one.
 * @returns {{ code: string, file: string, sentence: string, hint: string }[]}
 */
export function errorCodes(root) {
  ourFault = /ourFault = '([^']+)'/.exec(readFileSync(join(root, 'gateway/base/errors.ts'), 'utf8'))[1];
  return folders.flatMap(folder =>
    sourceFiles(root, folder).flatMap(file => {
      const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
      return walk(source).flatMap(node => errorsAt(node).map(error => ({ ...error, file })));
    }),
  );
}

/** The acts of the audit trail with their sentences. @returns {{ code: string, sentence: string }[]} */
export function auditActions(root) {
  const text = readFileSync(join(root, 'gateway/store/audit-actions.ts'), 'utf8');
  const source = ts.createSourceFile('audit-actions.ts', text, ts.ScriptTarget.Latest, true);
  return walk(source)
    .filter(node => ts.isPropertyAssignment(node) && ts.isStringLiteral(node.name))
    .map(node => ({ code: node.name.text, sentence: wordsOf(node.initializer) }));
}

function sourceFiles(root, folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .map(name => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter(name => name.endsWith('.ts') && !/(\.test\.ts$|\/test-|\/memory(-pair)?\.ts$)/.test(name))
    .sort();
}

function walk(node) {
  const found = [node];
  ts.forEachChild(node, child => void found.push(...walk(child)));
  return found;
}

/** The four ways in which the source names an error. */
function errorsAt(node) {
  if (ts.isNewExpression(node) && errorClasses.has(node.expression.getText())) {
    const [code, sentence, options] = node.arguments;
    if (ts.isStringLiteral(code) && !codePattern.test(code.text))
      throw new Error(`${code.text} is no code of a layer that scripts/error-codes.mjs knows`);
    return codesIn(code).map(one => ({ code: one, sentence: wordsOf(sentence), hint: hintIn(options) }));
  }
  // asGatewayError(error, code, what)
  if (ts.isCallExpression(node) && node.expression.getText() === 'asGatewayError') {
    return codesIn(node.arguments[1]).map(code => ({
      code,
      sentence: `${wordsOf(node.arguments[2])}: ‹cause›`,
      hint: ourFault,
    }));
  }
  // A row of a table: [..., code, sentence, hint]
  if (ts.isArrayLiteralExpression(node)) {
    const at = node.elements.findIndex(element => codesIn(element).length > 0);
    const [code, sentence, hint] = node.elements.slice(at);
    // A row that gives a code something else than a sentence (a layer, a status) is no error.
    if (at < 0 || !sentence || (ts.isStringLiteralLike(sentence) && !sentence.text.includes(' '))) return [];
    return [{ code: codesIn(code)[0], sentence: wordsOf(sentence), hint: wordsOf(hint) }];
  }
  // { code, message, hint }
  if (ts.isObjectLiteralExpression(node)) {
    const code = codesIn(memberOf(node, 'code'));
    const message = memberOf(node, 'message');
    if (code.length === 1 && message) return [{ code: code[0], sentence: wordsOf(message), hint: hintIn(node) }];
  }
  // code: { sentence, hint }, or code: sentence
  if (ts.isPropertyAssignment(node) && ts.isStringLiteral(node.name) && codePattern.test(node.name.text)) {
    if (node.getSourceFile().fileName.endsWith('audit-actions.ts')) return [];
    const { initializer } = node;
    if (ts.isStringLiteralLike(initializer))
      return [{ code: node.name.text, sentence: wordsOf(initializer), hint: '' }];
    const sentence = ts.isObjectLiteralExpression(initializer) && memberOf(initializer, 'sentence');
    if (sentence) return [{ code: node.name.text, sentence: wordsOf(sentence), hint: hintIn(initializer) }];
  }
  return [];
}

function codesIn(node) {
  if (!node) return [];
  if (ts.isStringLiteral(node)) return codePattern.test(node.text) ? [node.text] : [];
  return ts.isConditionalExpression(node) ? [...codesIn(node.whenTrue), ...codesIn(node.whenFalse)] : [];
}

function memberOf(object, name) {
  for (const member of object.properties) {
    if (ts.isShorthandPropertyAssignment(member) && member.name.text === name) return declared(member.name);
    if (ts.isPropertyAssignment(member) && member.name.text === name) return member.initializer;
  }
  return undefined;
}

function hintIn(options) {
  return options && ts.isObjectLiteralExpression(options) ? wordsOf(memberOf(options, 'hint')) : '';
}

/** What a constant of the same file stands for, nearest first; the name itself for anything else. */
function declared(name) {
  for (let scope = name.parent; scope; scope = scope.parent) {
    if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) continue;
    for (const statement of scope.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const found = statement.declarationList.declarations.find(one => one.name.getText() === name.text);
      if (found?.initializer) return found.initializer;
    }
  }
  return name;
}

/** A sentence as it will be read, with a name in ‹ › for each value. */
function wordsOf(node) {
  if (!node || node.getText() === 'undefined') return '';
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return (
      node.head.text +
      node.templateSpans.map(({ expression, literal }) => spanWords(expression) + literal.text).join('')
    );
  if (ts.isConditionalExpression(node)) {
    const both = [wordsOf(node.whenTrue), wordsOf(node.whenFalse)].filter(words => words !== '');
    return both.join(' / ');
  }
  if (ts.isIdentifier(node)) {
    const value = declared(node);
    if (node.text === 'ourFault') return ourFault;
    return value === node ? `‹${node.text}›` : wordsOf(value);
  }
  return valueName(node);
}

/** A constant text stands in a sentence as it is, anything else by its name. */
function spanWords(node) {
  const value = ts.isIdentifier(node) ? declared(node) : node;
  return ts.isStringLiteralLike(value) ? value.text : valueName(node);
}

/** `‹path›` of `this.#path`, of `path.slice(2)` and of `codeOf(path)`. */
function valueName(node) {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isCallExpression(node)) {
    const { expression } = node;
    if (ts.isPropertyAccessExpression(expression) && !ts.isIdentifier(expression.expression))
      return valueName(expression.expression);
    return node.arguments.length > 0 && !ts.isPropertyAccessExpression(expression)
      ? valueName(node.arguments[0])
      : valueName(expression);
  }
  if (ts.isPropertyAccessExpression(node)) {
    const name = node.name.text.replace('#', '');
    return ['length', 'key', 'message', 'join', 'toFixed'].includes(name) ? valueName(node.expression) : `‹${name}›`;
  }
  if (ts.isIdentifier(node)) return `‹${node.text}›`;
  const inner = walk(node).find(child => ts.isIdentifier(child) || ts.isPropertyAccessExpression(child));
  return inner ? valueName(inner) : '‹value›';
}
