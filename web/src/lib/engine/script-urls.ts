/** Addresses of scripts, as Trusted Types ask for them: the one policy of the page, which allows exactly these. */
import workerUrl from './worker.ts?worker&url';

/** Stands in `public/`: a service worker needs an address that stays. */
export const SERVICE_WORKER = '/service-worker.js';

interface ScriptUrlPolicy {
  createScriptURL(url: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: ScriptUrlPolicy): ScriptUrlPolicy;
}

const rules: ScriptUrlPolicy = {
  createScriptURL(url) {
    if (url !== workerUrl && url !== SERVICE_WORKER)
      throw new TypeError('Only the workers may be loaded as scripts.');
    return url;
  },
};

let policy: ScriptUrlPolicy | undefined;

/** What the policy returns is text to the compiler and a trusted address to the browser. */
export function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy('conclave', rules) ?? rules;
  return policy.createScriptURL(url);
}
