import { describe, expect, test } from 'vitest';

import { FakeCore, refuse } from '../../../dev/fake-core';
import { Device } from '../device';
import { SignUp } from './sign-up.svelte';

async function form(fault?: ReturnType<typeof refuse>) {
  const core = new FakeCore();
  if (fault) core.faults.set('register', fault);
  const device = new Device(() => Promise.resolve(core));
  await device.start();
  const made = new SignUp(device, 'token');
  made.name = '@Mia';
  made.password = 'four boats';
  return { core, form: made };
}

describe('signing up', () => {
  test('the name goes out as the server stores it, with the invite of the link', async () => {
    const { core, form: signUp } = await form();
    expect(await signUp.submit()).toBe(true);
    expect(core.calls).toContainEqual(['register', 'mia', 'four boats', 'token']);
  });

  test('the password does not stay in the form', async () => {
    const { form: signUp } = await form();
    await signUp.submit();
    expect(signUp.password).toBe('');
  });

  test('a taken name is told at the name, until it changes', async () => {
    const { form: signUp } = await form(refuse('username_taken', 'This name is taken. Choose another one.'));
    expect(await signUp.submit()).toBe(false);
    expect(signUp.nameProblem).toBe('This name is taken. Choose another one.');
    expect(signUp.failure).toBeNull();
    signUp.name = 'mia2';
    expect(signUp.nameProblem).toBeNull();
  });

  test('a common password is told at the password, until it changes', async () => {
    const { form: signUp } = await form(refuse('password_common', 'Choose another one.'));
    await signUp.submit();
    expect(signUp.passwordProblem).toBe('Choose another one.');
    signUp.password = 'five boats';
    expect(signUp.passwordProblem).toBeNull();
  });

  test('a used invite is told below the form', async () => {
    const { form: signUp } = await form(refuse('invite_needed', 'Ask for a new one.'));
    await signUp.submit();
    expect(signUp.failure?.message).toBe('Ask for a new one.');
    expect(signUp.nameProblem).toBeNull();
  });

  test('what was typed survives a refusal', async () => {
    const { form: signUp } = await form(refuse('offline'));
    await signUp.submit();
    expect([signUp.name, signUp.password, signUp.working]).toEqual(['@Mia', 'four boats', false]);
  });

  test('pressing twice makes one account', async () => {
    const { core, form: signUp } = await form();
    await Promise.all([signUp.submit(), signUp.submit()]);
    expect(core.calls.filter(([goal]) => goal === 'register')).toHaveLength(1);
  });

  test('a name that is just begun is no mistake; one that was left is', async () => {
    const { form: signUp } = await form();
    signUp.name = 'm';
    expect(signUp.nameProblem).toBeNull();
    signUp.nameLeft = true;
    expect(signUp.nameProblem).toBe('One more character.');
  });

  test('it is complete with a fitting name and eight characters', async () => {
    const { form: signUp } = await form();
    expect(signUp.complete).toBe(true);
    signUp.password = '1234567';
    expect(signUp.complete).toBe(false);
    signUp.password = '12345678';
    signUp.name = 'mia keller';
    expect(signUp.complete).toBe(false);
  });
});
