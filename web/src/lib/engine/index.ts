/** The engine in a browser. Everything above knows it as `Core` alone. */
import { failures } from './calls';
import { CoreError, type Core } from './core';
import { EngineWorker } from './core-worker';
import { SharedCore } from './remote';
import { startWorker } from './worker-url';

/** Starts the engine, or joins the tab that has it. */
export function createCore(): Core {
  if (!isSecureContext) throw new CoreError(failures.insecure);
  return new SharedCore('conclave-engine', (listener) => new EngineWorker(startWorker, listener));
}
