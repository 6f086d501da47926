import type { Core } from '../../engine/core';
import { normalizeUsername, usernameFits } from '../../format/username';
import { failureOf } from '../../platform/failure';
import { parseLink } from '../../platform/route';
import type { Failure, PersonView } from '../../protocol/generated';

/** Finding somebody by handle or contact link, and opening the chat with them. */
export class NewChat {
  /** A handle or a contact link, as typed. */
  typed = $state('');
  working = $state(false);
  person = $state.raw<PersonView | null>(null);
  failure = $state.raw<Failure | null>(null);

  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async find(): Promise<void> {
    const link = parseLink(this.typed);
    if (link?.page === 'contact') return this.#look(link.username, link.account);
    if (link || !usernameFits(this.typed)) {
      this.person = null;
      this.failure = link
        ? refusal('This is not a contact link. Ask them to copy it from their settings.')
        : refusal('Type their whole name, like “mia”, or paste their contact link.');
      return;
    }
    return this.#look(normalizeUsername(this.typed), null);
  }

  /** Follows a contact link: handle and account have to fit each other. */
  async follow(username: string, account: string): Promise<void> {
    this.typed = username;
    await this.#look(username, account);
  }

  /** The room with the person who was found. */
  async open(): Promise<string | null> {
    if (!this.person || this.working) return null;
    this.working = true;
    try {
      return await this.#core.openChat(this.person.account);
    } catch (thrown) {
      this.failure = failureOf(thrown);
      return null;
    } finally {
      this.working = false;
    }
  }

  /** What was found no longer fits what is typed. */
  changed(): void {
    this.person = null;
    this.failure = null;
  }

  async #look(username: string, expected: string | null): Promise<void> {
    if (this.working) return;
    this.working = true;
    this.person = null;
    this.failure = null;
    try {
      this.person = await this.#core.findPerson(username, expected);
    } catch (thrown) {
      this.failure = failureOf(thrown);
    } finally {
      this.working = false;
    }
  }
}

function refusal(message: string): Failure {
  return { code: 'unreadable_name', message, retry_after: null };
}
