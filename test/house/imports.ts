/** Reads which modules a TypeScript file names, and how, from its syntax tree. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';

export interface Import {
  /** As written: './record.js', 'node:fs', 'yargs'. */
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) {
    const named = node.exportClause !== undefined && ts.isNamedExports(node.exportClause) ? node.exportClause : null;
    return node.isTypeOnly || (named !== null && named.elements.every((element) => element.isTypeOnly));
  }
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  const named = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements : null;
  return (
    clause.name === undefined && named !== null && named.length > 0 && named.every((element) => element.isTypeOnly)
  );
}

/** Imports, re-exports, dynamic imports, import types, and require() with a literal. */
export function importsOf(file: string): readonly Import[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    found.push({ specifier: specifier.text, typeOnly, line });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, isTypeOnly(node));
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, isTypeOnly(node));
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, true);
    else if (ts.isCallExpression(node)) {
      const callee = node.expression;
      const loads =
        callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
      if (loads) add(node, node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Headers that a C++ file includes, as written between quotes or angle brackets. */
export function includesOf(file: string): readonly Import[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      const found = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(text);
      return found?.[1] === undefined ? [] : [{ specifier: found[1], typeOnly: false, line: index + 1 }];
    });
}
