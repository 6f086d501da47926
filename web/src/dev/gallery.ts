import '../lib/styles/index.css';

import { mount } from 'svelte';

import App from '../routes/App.svelte';
import { CONSOLE_SCENES } from './console-scenes';
import { CONTENT_SCENES } from './content-scenes';
import { FakeWaking } from './fake-waking';
import { NOTIFICATION_SCENES } from './notification-scenes';
import { PLACE_SCENES } from './place-scenes';
import { PRESENCE_SCENES } from './presence-scenes';
import { REQUEST_SCENES } from './request-scenes';
import { type Actions, SCENES as SCREENS } from './scenes';
import { SIGN_IN_SCENES } from './sign-in-scenes';

const SCENES = {
  ...SCREENS,
  ...CONSOLE_SCENES,
  ...CONTENT_SCENES,
  ...NOTIFICATION_SCENES,
  ...PLACE_SCENES,
  ...PRESENCE_SCENES,
  ...REQUEST_SCENES,
  ...SIGN_IN_SCENES,
};

const target = document.getElementById('app');
if (!target) throw new Error('The page has no place for the gallery.');

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What stands in an element, without what is decoration. */
function spokenText(element: HTMLElement): string {
  const copy = element.cloneNode(true) as HTMLElement;
  for (const hidden of copy.querySelectorAll('[aria-hidden="true"]')) hidden.remove();
  return copy.textContent;
}

/** The element that a person would name so: a field by its label, a button by what it says. */
async function find(name: string): Promise<HTMLElement> {
  for (let tries = 0; tries < 40; tries += 1) {
    const dialog = document.querySelector('dialog[open]') ?? document;
    const fields = [...dialog.querySelectorAll<HTMLElement>('label')]
      .filter((label) => label.textContent.trim() === name)
      .map((label) => document.getElementById(label.getAttribute('for') ?? ''));
    const named = [...dialog.querySelectorAll<HTMLElement>('button, a, textarea, input')].filter(
      (element) =>
        element.checkVisibility() &&
        (element.getAttribute('aria-label') ?? spokenText(element)).trim() === name,
    );
    const found = fields[0] ?? named[0];
    if (found) return found;
    await wait(50);
  }
  throw new Error(`Nothing here is called “${name}”.`);
}

/** The newest message with these words. */
async function article(words: string): Promise<HTMLElement> {
  for (let tries = 0; tries < 40; tries += 1) {
    const all = [...document.querySelectorAll<HTMLElement>('article[data-id]')];
    const found = all.findLast((one) => one.textContent.includes(words));
    if (found) return found;
    await wait(50);
  }
  throw new Error(`No message here says “${words}”.`);
}

const actions: Actions = {
  wait,
  press: async (name) => {
    (await find(name)).click();
    await wait(60);
  },
  type: async (label, text) => {
    const field = await find(label);
    if (!(field instanceof HTMLInputElement) && !(field instanceof HTMLTextAreaElement)) return;
    field.focus();
    field.value = text;
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
    await wait(30);
  },
  key: async (init) => {
    window.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, ...init }));
    await wait(60);
  },
  open: async (name) => {
    const all = [...document.querySelectorAll<HTMLElement>('summary')];
    all.find((summary) => summary.textContent.trim() === name)?.click();
    await wait(60);
  },
  scroll: async (top) => {
    const box = document.querySelector('[role=feed]')?.closest('.box');
    if (box) box.scrollTop = top;
    await wait(150);
  },
  hover: async (words) => {
    (await article(words)).dispatchEvent(
      new PointerEvent('pointerover', { bubbles: true, pointerType: 'mouse' }),
    );
    await wait(60);
  },
  menu: async (words) => {
    const found = await article(words);
    const { left, bottom } = found.getBoundingClientRect();
    found.dispatchEvent(
      new MouseEvent('contextmenu', {
        bubbles: true,
        cancelable: true,
        clientX: left + 160,
        clientY: Math.min(bottom, innerHeight - 40),
      }),
    );
    await wait(80);
  },
};

const name = new URLSearchParams(location.search).get('scene');
const scene = name === null ? undefined : SCENES[name];

if (scene) {
  if (name === 'opening') localStorage.setItem('conclave.signed-in', 'yes');
  const core = scene.core();
  history.replaceState(null, '', `${location.pathname}${location.search}${scene.hash}`);
  // No browser is asked for anything here.
  const waking = scene.waking ?? new FakeWaking();
  mount(App, { target, props: { open: () => Promise.resolve(core), waking } });
  await wait(250);
  await scene.then?.(actions, core);
  document.documentElement.dataset['ready'] = 'yes';
} else {
  document.body.style.overflow = 'auto';
  const list = document.createElement('ul');
  for (const key of Object.keys(SCENES)) {
    const link = document.createElement('a');
    link.href = `?scene=${key}`;
    link.textContent = key;
    const item = document.createElement('li');
    item.append(link);
    list.append(item);
  }
  target.append(list);
  document.documentElement.dataset['scenes'] = Object.keys(SCENES).join(' ');
  document.documentElement.dataset['ready'] = 'yes';
}
