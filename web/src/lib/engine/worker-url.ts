/** The scripts that the page starts. */
import { SERVICE_WORKER, trusted } from './script-urls';
import workerUrl from './worker.ts?worker&url';

/** The worker, not yet told anything. */
export function startWorker(): Worker {
  return new Worker(trusted(workerUrl), { type: 'module', name: 'conclave' });
}

/** The service worker, which wakes the app where it is closed. */
export function registerServiceWorker(): Promise<ServiceWorkerRegistration> {
  return navigator.serviceWorker.register(trusted(SERVICE_WORKER), { updateViaCache: 'none' });
}
