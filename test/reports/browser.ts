/** Pages in a real browser, and what must never happen in one. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { chromium, type Browser, type Page as Tab } from 'playwright-core';
import { root } from '../command.js';

let browser: Browser | null = null;

/** False where there is none. */
export async function launch(): Promise<boolean> {
  const executablePath = browserPath();
  if (executablePath === null) return false;
  // A browser's own sandbox does not let root start it.
  browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
  return true;
}

export async function close(): Promise<void> {
  await browser?.close();
}

function browserPath(): string | null {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const paths = (process.env['PATH'] ?? '').split(delimiter).flatMap((at) => names.map((name) => join(at, name)));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface View {
  readonly width: number;
  readonly colorScheme?: 'light' | 'dark';
  readonly javaScriptEnabled?: boolean;
}

export interface Opened {
  readonly tab: Tab;
  /** What a page must not do: errors, messages of the console, requests. */
  readonly trouble: readonly string[];
}

export async function opened(
  path: string,
  { width, colorScheme = 'light', javaScriptEnabled = true }: View,
): Promise<Opened> {
  const context = await browser!.newContext({ viewport: { width, height: 800 }, colorScheme, javaScriptEnabled });
  const tab = await context.newPage();
  const trouble: string[] = [];
  const address = pathToFileURL(path).href;
  tab.on('pageerror', (error) => trouble.push(error.message));
  tab.on('console', (message) => trouble.push(`${message.type()}: ${message.text()}`));
  tab.on('dialog', (dialog) => trouble.push(`dialog: ${dialog.message()}`));
  tab.on('request', (request) => {
    if (request.url() !== address) trouble.push(`request: ${request.url()}`);
  });
  await tab.goto(address);
  return { tab, trouble };
}

/** As a reader scrolls; gives how each chart was drawn. */
export async function drawnAll(tab: Tab): Promise<readonly (string | null)[]> {
  const figures = await tab.locator('figure:not([hidden])').all();
  const drawn: (string | null)[] = [];
  for (const figure of figures) {
    await figure.scrollIntoViewIfNeeded();
    await figure.locator('.live svg').waitFor();
    drawn.push(await figure.getAttribute('data-drawn'));
  }
  return drawn;
}

/** Skipped aloud where there is no browser. */
export function inBrowser(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  test.serial(title, async (t) => {
    if (browser === null) {
      t.log('skipped: no chromium on PATH; apt-get install chromium brings one');
      t.pass();
      return;
    }
    await body(t);
  });
}

/** Each serious violation that axe-core finds, in a line. */
export async function seriousOf(tab: Tab): Promise<readonly string[]> {
  // By the protocol, which the policy of the page does not bind. What passed is judged as well, but not told node by node.
  await tab.evaluate(readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  const { violations } = await tab.evaluate<{
    readonly violations: readonly {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  }>("axe.run({ resultTypes: ['violations'] })");
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.length} × ${nodes[0]?.html.slice(0, 200) ?? ''}`);
}

/** Nothing beside the window, and the colours that the reader wants. */
export async function fitsItsReader(t: ExecutionContext, tab: Tab, colorScheme: 'light' | 'dark'): Promise<void> {
  t.true(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing sticks out at the side');
  const [ink, paper] = await tab.evaluate<[string, string]>(
    '[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]',
  );
  const brightness = (color: string): number => Number(/\d+/.exec(color)?.[0]);
  t.is(brightness(ink) > brightness(paper), colorScheme === 'dark');
}
