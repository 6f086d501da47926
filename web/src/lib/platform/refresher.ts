/**
 * Runs a query as often as needed and never twice at a time. What is asked for during a run is answered by one more
 * run after it, so the last answer is always newer than the last question.
 */
export class Refresher {
  #running: Promise<void> | null = null;
  #again = false;
  readonly #run: () => Promise<void>;

  constructor(run: () => Promise<void>) {
    this.#run = run;
  }

  ask(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#loop().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #loop(): Promise<void> {
    do {
      this.#again = false;
      await this.#run();
    } while (this.#again);
  }
}
