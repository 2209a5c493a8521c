/** `weighbridge doctor`: what this machine lets us measure, and what would help. */
import type { CommandModule } from 'yargs';
import { diagnose, type Diagnosis, type Finding } from '../doctor.js';
import { printable } from '../failure.js';
import { columnsOf, wrap } from '../wrap.js';

interface DoctorArguments {
  readonly path: string;
  readonly json: boolean;
}

const STATUS_WIDTH = 9;
const NAME_WIDTH = 17;

function lines({ status, name, finding, remedy }: Finding, columns: number): string {
  const indent = ' '.repeat(STATUS_WIDTH + NAME_WIDTH);
  const first = status.padEnd(STATUS_WIDTH) + name.padEnd(NAME_WIDTH);
  const text = wrap(printable(finding), columns, indent, first);
  return remedy === null ? text : `${text}\n${wrap(`→ ${printable(remedy)}`, columns, indent)}`;
}

function print({ path, machine, findings }: Diagnosis, columns: number): string {
  const { cpu, kernel, fingerprint } = machine;
  const head = [
    `${cpu.model ?? 'unknown CPU'}, ${cpu.usableCores} CPUs; Linux ${kernel ?? 'unknown'}; fingerprint ${fingerprint}`,
    `looked at ${path}`,
  ];
  return [
    ...head.map((line) => wrap(printable(line), columns)),
    '',
    ...findings.map((f) => lines(f, columns)),
    '',
  ].join('\n');
}

export const doctorCommand: CommandModule<object, DoctorArguments> = {
  command: 'doctor [path]',
  describe: 'Say what this machine lets us measure, with remedies; changes nothing',
  builder: (parser) =>
    parser
      .positional('path', { type: 'string', default: '.', describe: 'a model, or a folder of models' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
      .example('$0 doctor /models', 'whether cold, warm and direct loads can be measured there'),
  handler: async ({ path, json }) => {
    const diagnosis = await diagnose(path);
    const text = json ? `${JSON.stringify(diagnosis, null, 2)}\n` : print(diagnosis, columnsOf(process.stdout));
    process.stdout.write(text);
  },
};
