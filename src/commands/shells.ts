/** `weighbridge completion [SHELL]`: yargs writes the script, for the shell that it finds in the environment. */
import { UsageError } from '../failure.js';

const SHELLS: readonly string[] = ['bash', 'zsh', 'fish'];

/** To be called before the parser is made. Throws UsageError for a shell that has no script. */
export function chooseShell([command, shell]: readonly string[]): void {
  if (command !== 'completion' || shell === undefined || shell.startsWith('-')) return;
  if (!SHELLS.includes(shell)) {
    throw new UsageError(`completion: there are scripts for ${SHELLS.join(', ')}, not for ${JSON.stringify(shell)}`);
  }
  process.env['SHELL'] = shell;
  delete process.env['ZSH_NAME'];
}
