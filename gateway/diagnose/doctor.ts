import { checkAddon, checkData, checkKey, checkNode, checkPorts, checkSerial, type Finding } from './checks.ts';

/**
 * Every check in the order in which a person would look, each with a sentence and, where something is wrong, what to do.
 * It changes nothing.
 */
export async function examine(dataDirectory: string, config: DoctorConfig): Promise<Finding[]> {
  const data = checkData(dataDirectory);
  const isRunning = data.some(finding => finding.what === 'lock' && finding.level === 'note');
  return [
    checkNode(process.versions.node),
    checkAddon(),
    ...data,
    ...(await checkPorts(config, isRunning)),
    ...(await checkKey(config)),
    ...checkSerial(config),
  ];
}

/** The part of the configuration that can be in the way. */
export interface DoctorConfig {
  /** HOST:PORT */
  readonly listen: string;
  /** HOST:PORT */
  readonly deviceListen: string;
  readonly akma?: { readonly keyFile: string };
  readonly serial: readonly { readonly id: string; readonly path: string }[];
}

/** The findings as lines for a terminal. */
export function report(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ level, what, sentence, hint }) => [
    `${level.padEnd(5)} ${what.padEnd(10)} ${sentence}`,
    ...(hint ? [`${' '.repeat(17)}${hint}`] : []),
  ]);
  const broken = findings.filter(finding => finding.level === 'FAIL').length;
  return [...lines, broken === 0 ? 'Nothing is in the way.' : `${broken} of ${findings.length} checks need you.`].join(
    '\n',
  );
}
