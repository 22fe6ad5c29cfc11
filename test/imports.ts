import ts from 'typescript';

export interface SourceFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** Undefined when only the run knows it. */
  readonly name: string | undefined;
  readonly isType: boolean;
}

/** Everything that a file loads by name: imports, re-exports, import types, `require`, workers and files by their URL. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const it = importAt(node);
    if (it) found.push(it);
    ts.forEachChild(node, visit);
  };
  for (const code of path.endsWith('.vue') ? scriptsOf(text) : [text])
    visit(ts.createSourceFile(path, code, ts.ScriptTarget.Latest));
  if (path.endsWith('.vue'))
    for (const [, name] of text.matchAll(/<(?:script|template)\b[^>]*\bsrc="([^"]+)"/g))
      found.push({ name, isType: false });
  return found;
}

function scriptsOf(vue: string): string[] {
  return [...vue.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)].map(([, code]) => code);
}

function importAt(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node)) return imported(node.moduleSpecifier, node.importClause?.isTypeOnly);
  if (ts.isExportDeclaration(node)) return node.moduleSpecifier && imported(node.moduleSpecifier, node.isTypeOnly);
  if (ts.isExternalModuleReference(node)) return imported(node.expression);
  if (ts.isImportTypeNode(node))
    return imported(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
  if (ts.isNewExpression(node)) return urlBeside(node);
  if (!ts.isCallExpression(node) || !loads(node.expression)) return undefined;
  return imported(node.arguments[0]);
}

function imported(name: ts.Node | undefined, isType = false): Import {
  return { name: name && ts.isStringLiteralLike(name) ? name.text : undefined, isType };
}

/** `new URL('./writer.ts', import.meta.url)`. A URL that is put together from values names no file of the repository. */
function urlBeside({ expression, arguments: given }: ts.NewExpression): Import | undefined {
  const isOfFile =
    ts.isIdentifier(expression) && expression.text === 'URL' && given?.length === 2 && isOfMeta(given[1]);
  return isOfFile && ts.isStringLiteralLike(given[0]) ? imported(given[0]) : undefined;
}

/** `import()`, `require()`, `createRequire()()`, `import.meta.resolve()` and `import.meta.glob()`. */
function loads(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword || isOfMeta(callee)) return true;
  if (ts.isCallExpression(callee))
    return ts.isIdentifier(callee.expression) && callee.expression.text === 'createRequire';
  return ts.isIdentifier(callee) && callee.text === 'require';
}

function isOfMeta(node: ts.Expression): boolean {
  return ts.isPropertyAccessExpression(node) && ts.isMetaProperty(node.expression);
}
