/** The address of the worker's script, as Trusted Types ask for it: one policy that allows exactly this one. */
import workerUrl from './worker.ts?worker&url';

interface ScriptUrlPolicy {
  createScriptURL(url: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: ScriptUrlPolicy): ScriptUrlPolicy;
}

const rules: ScriptUrlPolicy = {
  createScriptURL(url) {
    if (url !== workerUrl) throw new TypeError('Only the worker may be loaded as a script.');
    return url;
  },
};

let policy: ScriptUrlPolicy | undefined;

/** The worker, not yet told anything. */
export function startWorker(): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy('conclave', rules) ?? rules;
  // What the policy returns is text to the compiler and a trusted address to the browser.
  return new Worker(policy.createScriptURL(workerUrl), { type: 'module', name: 'conclave' });
}
