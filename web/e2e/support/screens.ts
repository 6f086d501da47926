/** What a person does on the screens, by the names that a screen reader would hear. */
import assert from 'node:assert/strict';

import type { Locator, Page } from 'playwright-core';

export const PASSWORD = 'vier ruhige Otter im Regen';

/** Waits until what is seen is what is expected, and says what was seen last when it never is. */
export async function eventually<T>(look: () => Promise<T>, expected: T, within = 30_000): Promise<void> {
  const until = Date.now() + within;
  for (;;) {
    const seen = await look();
    try {
      assert.deepEqual(seen, expected);
      return;
    } catch (difference) {
      if (Date.now() > until) throw difference;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

export async function register(page: Page, link: string, name: string): Promise<void> {
  await page.goto(link);
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('button', { name: 'New chat' }).first().waitFor({ timeout: 60_000 });
}

export async function signIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  const field = page.getByRole('textbox', { name: 'Name' });
  if (await field.isEditable()) await field.fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** An administrator's invite token for the next person. */
export async function invite(page: Page): Promise<string> {
  const before = page.url();
  await page.goto(new URL('/#/settings', before).href);
  await page
    .getByRole('button', { name: /invite/i })
    .first()
    .click();
  const field = page.getByLabel('Invite link');
  await field.waitFor();
  const link = await field.inputValue();
  const token = /#\/invite\/([\w-]+)/.exec(link)?.[1];
  assert.ok(token !== undefined, `no invite in ${link}`);
  await page.goto(new URL('/#/chats', before).href);
  return token;
}

export async function openChat(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await page.getByLabel('Name or contact link').fill(name);
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByRole('button', { name: 'Start chat' }).click();
  await composer(page).waitFor();
}

/** Opens the chat of a stranger among the requests. */
export async function openRequest(page: Page, name: string): Promise<void> {
  const requests = page.getByRole('list', { name: 'Requests' });
  const fold = page.getByRole('button', { name: /^Requests/ });
  await fold.waitFor();
  if ((await fold.getAttribute('aria-expanded')) !== 'true') await fold.click();
  await requests.getByText(name, { exact: true }).click();
}

/** Opens the chat of a stranger and accepts it. */
export async function acceptRequest(page: Page, name: string): Promise<void> {
  await openRequest(page, name);
  await page.getByRole('button', { name: 'Accept' }).click();
  await page.getByRole('list', { name: 'Chats' }).getByText(name, { exact: true }).waitFor();
}

export function composer(page: Page): Locator {
  return page.getByRole('textbox', { name: 'Message' });
}

export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

/** The articles of the timeline. */
export function messages(page: Page): Locator {
  return page.getByRole('feed', { name: 'Messages' }).getByRole('article');
}

/** Texts of the timeline as they stand on the screen, in order. */
export async function texts(page: Page): Promise<string[]> {
  return messages(page).evaluateAll((articles) =>
    articles.map((article) => article.querySelector('[data-text]')?.textContent ?? article.textContent),
  );
}

/** Delivery states of own messages, in order. */
export async function deliveries(page: Page): Promise<string[]> {
  return messages(page).evaluateAll((articles) =>
    articles
      .map((article) => article.getAttribute('data-delivery') ?? '')
      .filter((state) => state !== 'received'),
  );
}

/** Shows the recovery key from its card, answers what is asked back, and returns the words. */
export async function recoveryWords(page: Page): Promise<string[]> {
  await page.getByRole('button', { name: 'Show the words' }).click();
  const items = page.getByRole('list', { name: 'Recovery key' }).getByRole('listitem');
  await eventually(() => items.locator('.word').count(), 24);
  const words = await items.locator('.word').allTextContents();
  await page.getByRole('button', { name: 'I have kept it' }).click();
  const asked = page.getByRole('textbox', { name: /^Word \d+$/ });
  await asked.first().waitFor();
  for (const label of await page.getByText(/^Word \d+$/).allTextContents()) {
    const place = Number(/\d+/.exec(label)?.[0]);
    await page.getByLabel(label, { exact: true }).fill(words[place - 1] ?? '');
  }
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  return words;
}

/** The rows of Settings, Devices, as they read. */
export async function devices(page: Page): Promise<string[]> {
  return page.getByRole('list', { name: 'Your devices' }).getByRole('listitem').allTextContents();
}

export async function removeDevice(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: `Remove ${name}` }).click();
  await page.getByLabel('Type “remove” to go on').fill('remove');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
}
