/** `weighbridge setup`: builds the addon where the package lies, whether or not one is there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CommandModule } from 'yargs';
import { exitCode } from '../failure.js';
import { addonPath } from '../native.js';

export const setupCommand: CommandModule = {
  command: 'setup',
  describe: 'Build the native addon; needs Python 3, make and a C++20 compiler',
  builder: (parser) => parser.example('$0 setup', 'build or rebuild the addon of this installation'),
  handler: async () => {
    const script = fileURLToPath(new URL('../../../scripts/install.mjs', import.meta.url));
    const child = spawn(process.execPath, [script, '--force'], { stdio: ['ignore', 'inherit', 'inherit'] });
    const [code] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (code === 0) process.stdout.write(`${addonPath()}\n`);
    else process.exitCode = exitCode.failed;
  },
};
