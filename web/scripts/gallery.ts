/**
 * Builds the gallery, serves it under the policy of the real server and looks at every screen: light and dark, wide,
 * middle and narrow. Writes pictures, and fails on anything that the policy refuses, that throws, that overflows
 * sideways or that axe-core finds.
 *
 *     node scripts/gallery.ts [part of a scene's name…]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';

import { chromium, type Page } from 'playwright-core';

const root = join(import.meta.dirname, '..');
const out = join(root, '../test-results/gallery');
const site = join(out, 'site');
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; " +
  "img-src 'self' data: blob:; worker-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; " +
  "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; " +
  'trusted-types conclave svelte-trusted-html';
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const SIZES = [
  { name: 'wide', width: 1280, height: 800 },
  { name: 'middle', width: 900, height: 700 },
  { name: 'narrow', width: 390, height: 780 },
];
const THEMES = ['light', 'dark'] as const;

execFileSync(
  process.execPath,
  [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--mode', 'gallery', '--logLevel', 'warn'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
mkdirSync(out, { recursive: true });

const server = createServer((request, response) => {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  try {
    const body = readFileSync(join(site, path));
    response.writeHead(200, {
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      'content-security-policy': POLICY,
    });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
const base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/gallery.html`;

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  ),
});

const problems: string[] = [];

async function watch(page: Page, where: () => string): Promise<void> {
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  page.on('console', (message) => {
    if (message.type() === 'error' && !where().includes('broken'))
      problems.push(`${where()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => {
    if (!where().includes('broken')) problems.push(`${where()}: ${error.message}`);
  });
}

async function judge(page: Page, where: string): Promise<void> {
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  if (sideways) problems.push(`${where}: wider than the window`);
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const axe = (
      globalThis as unknown as {
        axe: {
          run: (options: object) => Promise<{
            violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[];
          }>;
        };
      }
    ).axe;
    const result = await axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return result.violations.flatMap((rule) =>
      rule.nodes
        .slice(0, 3)
        .map((node) => `${rule.id} at ${node.target.join(' ')}: ${node.failureSummary.replace(/\s+/g, ' ')}`),
    );
  });
  problems.push(...found.map((one) => `${where}: ${one}`));
}

/** Scrolls a long chat to its beginning and lets messages arrive: what is looked at may move one pixel at most. */
async function measureScroll(page: Page): Promise<void> {
  await page.goto(`${base}?scene=conversation-long-unread`);
  await page.waitForSelector('html[data-ready]');
  const found = await page.evaluate(async () => {
    const box = document.querySelector('[role=feed]')?.closest<HTMLElement>('.box');
    if (!box) return null;
    const edge = box.getBoundingClientRect();
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    let drift = 0;
    for (let step = 0; step < 600 && !document.querySelector('.start'); step += 1) {
      const rows = [...box.querySelectorAll<HTMLElement>('article')];
      const row = rows.find((one) => one.getBoundingClientRect().bottom > edge.top + 200);
      const before = { top: row?.getBoundingClientRect().top ?? 0, scroll: box.scrollTop };
      box.scrollTop -= 60;
      const moved = before.scroll - box.scrollTop;
      await frame();
      await frame();
      const now = box.querySelector(`[data-key="${CSS.escape(row?.dataset['key'] ?? '')}"]`);
      drift = Math.max(drift, Math.abs((now?.getBoundingClientRect().top ?? Infinity) - before.top - moved));
    }
    return { drift, begun: document.querySelector('.start') !== null };
  });
  if (!found?.begun || found.drift > 1) problems.push(`scrolling: ${JSON.stringify(found)}`);
}

const index = await browser.newPage();
await index.goto(base);
await index.waitForSelector('html[data-ready]');
const all = (await index.getAttribute('html', 'data-scenes'))?.split(' ') ?? [];
await measureScroll(index);
await index.close();
const wanted = process.argv.slice(2);
const scenes = all.filter((scene) => wanted.length === 0 || wanted.some((part) => scene.includes(part)));

for (const theme of THEMES) {
  for (const size of SIZES) {
    const context = await browser.newContext({
      viewport: size,
      colorScheme: theme,
      reducedMotion: 'reduce',
      locale: 'en-US',
    });
    const page = await context.newPage();
    let where = '';
    await watch(page, () => where);
    for (const scene of scenes) {
      where = `${scene} ${theme} ${size.name}`;
      // On a new page each: no scene sees what another left.
      await page.goto('about:blank');
      await page.goto(`${base}?scene=${scene}`);
      try {
        await page.waitForSelector('html[data-ready]', { timeout: 5000 });
      } catch {
        problems.push(`${where}: did not get ready`);
      }
      await page.screenshot({ path: join(out, `${scene}-${theme}-${size.name}.png`) });
      // The middle size has the same colours and names as the wide one.
      if (size.name !== 'middle') await judge(page, where);
      await page.evaluate(() => localStorage.clear());
    }
    await context.close();
  }
}

await browser.close();
server.close();
for (const problem of new Set(problems)) console.error(problem);
const looked = scenes.length * THEMES.length * SIZES.length;
console.log(`${looked} pictures in test-results/gallery, ${new Set(problems).size} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
