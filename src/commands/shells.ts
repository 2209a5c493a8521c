/** `weighbridge completion [SHELL]`: yargs writes the script, for the shell that it finds in the environment. */
import { UsageError } from '../failure.js';

const SHELLS: readonly string[] = ['bash', 'zsh', 'fish'];

/** The words for the parser, which knows no shells. To be called before it is made. Throws UsageError for a shell that has no script. */
export function chooseShell(words: readonly string[]): readonly string[] {
  const [command, shell, ...more] = words;
  if (command !== 'completion' || shell === undefined || shell.startsWith('-')) return words;
  if (!SHELLS.includes(shell)) {
    throw new UsageError(`completion: there are scripts for ${SHELLS.join(', ')}, not for ${JSON.stringify(shell)}`);
  }
  process.env['SHELL'] = shell;
  delete process.env['ZSH_NAME'];
  return [command, ...more];
}
