/** What a process did with a model, seen from outside: strace's record of its system calls, reduced to the loader's own. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const tracedCalls = [
  'openat,open,close,read,readv,pread64,preadv,preadv2,mmap,munmap,madvise,mlock,mlock2,readahead,fadvise64',
  'io_uring_setup,io_uring_enter,io_uring_register,mbind',
].join(',');

/** Options of strace: a file for each thread, descriptors with their paths, sizes of buffers and not their content. */
export const straceOptions = (out: string): string[] => [
  '-ff',
  '-y',
  '-ttt',
  '-s',
  '0',
  '-e',
  'abbrev=!readv,preadv,preadv2',
  '-e',
  `trace=${tracedCalls}`,
  '-e',
  'signal=none',
  '-o',
  out,
];

/** Why processes cannot be traced here; null if they can. */
export function straceMissing(): string | null {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `strace cannot trace here: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
}

/** A call that concerns the model, as often as it was made with such arguments. */
export interface ModelCall {
  /** In words that expectations use, such as `pread64`, `pread64 direct`, `map shared`, `advise MADV_RANDOM`. */
  readonly what: string;
  /** Bytes asked for; 0 where the call has none. */
  readonly bytes: number;
  readonly thread: number;
}

interface Call {
  readonly at: number;
  readonly thread: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly text: string;
  readonly result: number;
}

function parse(line: string, thread: number): Call[] {
  const found = /^(\d+\.\d+) (\w+)\((.*)\)\s+= (0x[0-9a-f]+|-?\d+)/.exec(line);
  if (found === null) return [];
  const [, at = '', name = '', text = '', result = ''] = found;
  return [{ at: Number(at), thread, name, text, args: text.split(', '), result: Number(result) }];
}

function callsOf(folder: string, prefix: string): Call[] {
  return readdirSync(folder)
    .filter((file) => file.startsWith(`${prefix}.`))
    .flatMap((file) => {
      const thread = Number(file.slice(prefix.length + 1));
      return readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .flatMap((line) => parse(line, thread));
    })
    .sort((a, b) => a.at - b.at);
}

/** Names that a strace older than the kernel's headers does not know. */
const numbered: ReadonlyMap<string, string> = new Map([
  ['0x16', 'MADV_POPULATE_READ'],
  ['0x17', 'MADV_POPULATE_WRITE'],
]);

const adviceName = (argument: string): string => {
  const word = argument.split(' ')[0] ?? '';
  return numbered.get(word) ?? word;
};

/** Larger than a page anywhere: what is smaller only asks the kernel what it can do. */
const PROBE_BYTES = 65536;

/** A call, and how the model's file was opened on whose descriptor it was made; null for any other call. */
interface Placed {
  readonly call: Call;
  readonly opened: { readonly direct: boolean } | null;
}

const isModel = (path: string, text: string): boolean => text.includes(`<${path}>`);

const opens = ({ name, result }: Call): boolean => /^open(at)?$/.test(name) && result >= 0;

/** The harness parses the header on descriptors of its own, which alone have POSIX_FADV_RANDOM: calls on them are left out. */
function withoutHeader(calls: readonly Call[], path: string): Placed[] {
  const headers = new Set<Call>();
  const open = new Map<number, Call>();
  const opening = (descriptor: string): Call | undefined => open.get(Number.parseInt(descriptor, 10));
  for (const call of calls) {
    if (opens(call)) open.set(call.result, call);
    const opened = opening(call.args[0] ?? '');
    if (call.name === 'fadvise64' && call.text.endsWith('POSIX_FADV_RANDOM') && opened) headers.add(opened);
  }
  open.clear();
  const placed: Placed[] = [];
  for (const call of calls) {
    const descriptor = call.args[call.name === 'mmap' ? 4 : 0] ?? '';
    if (opens(call)) open.set(call.result, call);
    const opened = opens(call) ? call : isModel(path, descriptor) ? opening(descriptor) : undefined;
    if (opened !== undefined && headers.has(opened)) continue;
    const ours = opened?.text.includes(path) === true;
    placed.push({ call, opened: ours ? { direct: opened.text.includes('O_DIRECT') } : null });
  }
  return placed;
}

const sumOf = (text: string, pattern: RegExp): number =>
  [...text.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);

/** Bytes that a reading call asks for. */
function requested({ name, args, text }: Call): number {
  if (name === 'read' || name === 'pread64') return Number(args[2]);
  return sumOf(text, /iov_len=(\d+)/g);
}

export interface Trace {
  /** The loader's calls on the model's file, its mapping, and memory that was asked for with it, in order of time. */
  readonly calls: readonly ModelCall[];
  /** The thread that parsed the header and then called the loader. */
  readonly caller: number;
}

/** Reads the files that strace wrote for each thread, named `prefix` and its number. */
export function readTrace(folder: string, prefix: string, path: string, fileBytes: number): Trace {
  const calls = callsOf(folder, prefix);
  const caller = calls.find(({ name, text }) => name === 'fadvise64' && isModel(path, text))?.thread ?? 0;
  return { calls: modelCalls(calls, path, fileBytes), caller };
}

function modelCalls(calls: readonly Call[], path: string, fileBytes: number): ModelCall[] {
  const seen: ModelCall[] = [];
  let mapped: { begin: number; end: number }[] = [];
  for (const { call, opened } of withoutHeader(calls, path)) {
    const { name, args, text, thread, result } = call;
    const note = (what: string, bytes = 0): void => void seen.push({ what, bytes, thread });
    const address = Number(args[0]);
    const length = Number(args[1]);
    const inModel = mapped.some(({ begin, end }) => address >= begin && address < end);
    switch (name) {
      case 'openat':
      case 'open':
        if (opened?.direct === true) note('open direct');
        break;
      case 'read':
      case 'readv':
      case 'pread64':
      case 'preadv':
      case 'preadv2':
        if (opened === null) break;
        note(
          `${name}${opened.direct ? ' direct' : ''}${/RWF_DONTCACHE|, 0x80/.test(text) ? ' dontcache' : ''}`,
          requested(call),
        );
        break;
      case 'mmap':
        if (text.includes('MAP_HUGETLB') && result >= 0) note('memory MAP_HUGETLB', length);
        if (opened === null || result < 0 || length <= PROBE_BYTES) break;
        mapped.push({ begin: result, end: result + length });
        note(`map ${text.includes('MAP_SHARED') ? 'shared' : 'private'}`, length);
        if (text.includes('MAP_POPULATE')) note('map populate', length);
        if (text.includes('PROT_WRITE')) note('map writable', length);
        break;
      case 'munmap':
        if (!inModel) break;
        // All at once is the end of the weights; less is an end that held no tensor.
        if (length < fileBytes && mapped.some(({ begin, end }) => address === begin || address + length >= end)) {
          note('unmap', length);
        }
        mapped = mapped.filter(({ begin, end }) => !(address === begin && address + length >= end));
        break;
      case 'madvise':
        if (inModel) note(`advise ${adviceName(args[2] ?? '')}`, length);
        else if (length > PROBE_BYTES && /MADV_HUGEPAGE|MADV_POPULATE_WRITE|^0x17/.test(args[2] ?? '')) {
          note(`memory ${adviceName(args[2] ?? '')}`, length);
        }
        break;
      case 'mlock':
      case 'mlock2':
        if (inModel) note(`${name}${text.includes('MLOCK_ONFAULT') ? ' on-fault' : ''}`, length);
        break;
      case 'readahead':
        if (opened !== null && Number(args[1]) < fileBytes) note('readahead', Number(args[2]));
        break;
      case 'fadvise64':
        if (opened !== null) note(`fadvise ${args[3] ?? ''}`);
        break;
      case 'io_uring_enter':
        note('ring');
        break;
      case 'io_uring_register':
        note(`ring ${adviceName(args[1] ?? '')}`);
        break;
      case 'mbind':
        if (length > PROBE_BYTES) note('mbind', length);
        break;
    }
  }
  return seen;
}
