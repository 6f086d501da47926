/** Separate people in separate profiles of real Chromium. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium, type BrowserContext, type Page } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export class Profile {
  /** Violations of the content security policy and errors that nobody caught: none may happen. */
  readonly complaints: string[] = [];

  private readonly folder: string;
  private context: BrowserContext;

  private constructor(folder: string, context: BrowserContext) {
    this.folder = folder;
    this.context = context;
  }

  static async open(): Promise<Profile> {
    const folder = mkdtempSync(join(tmpdir(), 'conclave-profile-'));
    const profile = new Profile(folder, await launch(folder));
    profile.watch();
    return profile;
  }

  /** Another tab of the same profile. */
  async tab(url: string): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(url);
    return page;
  }

  /** Closes the browser and starts it again on the same profile. */
  async restart(): Promise<void> {
    await this.context.close();
    this.context = await launch(this.folder);
    this.watch();
  }

  async close(): Promise<void> {
    await this.context.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private watch(): void {
    this.context.on('weberror', (error) => {
      this.complaints.push(String(error.error()));
    });
    this.context.on('console', (message) => {
      const text = message.text();
      if (/content security policy|trusted type/i.test(text)) this.complaints.push(text);
    });
  }
}

async function launch(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, {
    executablePath: process.env.CONCLAVE_TEST_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    viewport: { width: 1280, height: 800 },
  });
}
