/**
 * Keeps the key of each device's store: 32 random bytes, sealed with a key of the browser that no script can read
 * out. A copy of the profile's files alone does not open the store; who can run code in this origin can use it, as
 * everywhere.
 *
 * Runs in the worker; the key never leaves it.
 */

/** This browser has no place for keys: a private window, or site data is blocked. */
export class NoKeyring extends Error {}
/** There is a key, and it cannot be unsealed. */
export class KeyringLocked extends Error {}

interface Sealed {
  device: string;
  wrapping: CryptoKey;
  nonce: Uint8Array<ArrayBuffer>;
  sealed: ArrayBuffer;
}

const DATABASE = 'conclave-keyring';
const STORE = 'devices';

/** The key of a device's store; made at the first call. The caller overwrites it after use. */
export async function storeKey(device: string): Promise<Uint8Array<ArrayBuffer>> {
  const database = await open();
  try {
    const kept = (await done(database.transaction(STORE).objectStore(STORE).get(device))) as
      Sealed | undefined;
    return kept ? await unseal(kept) : await make(database, device);
  } finally {
    database.close();
  }
}

async function unseal({ device, wrapping, nonce, sealed }: Sealed): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(cipher(device, nonce), wrapping, sealed));
  } catch {
    throw new KeyringLocked();
  }
}

async function make(database: IDBDatabase, device: string): Promise<Uint8Array<ArrayBuffer>> {
  const key = crypto.getRandomValues(new Uint8Array(32));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const wrapping = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ]);
  const sealed = await crypto.subtle.encrypt(cipher(device, nonce), wrapping, key);
  const transaction = database.transaction(STORE, 'readwrite', { durability: 'strict' });
  // `add`, not `put`: a key that is there is never replaced.
  transaction.objectStore(STORE).add({ device, wrapping, nonce, sealed } satisfies Sealed);
  await completed(transaction);
  return key;
}

function cipher(device: string, nonce: Uint8Array<ArrayBuffer>): AesGcmParams {
  return { name: 'AES-GCM', iv: nonce, additionalData: new TextEncoder().encode(`conclave store ${device}`) };
}

async function open(): Promise<IDBDatabase> {
  const factory = globalThis.indexedDB as IDBFactory | undefined;
  if (!factory) throw new NoKeyring();
  try {
    const request = factory.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'device' });
    return await done(request);
  } catch (thrown) {
    const name = thrown instanceof DOMException ? thrown.name : '';
    // What browsers say where site data is blocked, and in some private windows.
    throw name === 'SecurityError' || name === 'InvalidStateError' ? new NoKeyring() : thrown;
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('The key ring gave no reason.'));
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('The key ring gave no reason.'));
  });
}
