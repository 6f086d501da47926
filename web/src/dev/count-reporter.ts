import type { Reporter, TestModule } from 'vitest/node';

/** Closes a run with its counts on one plain line. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    let broken = 0;
    for (const module of modules) {
      if (module.errors().length > 0) broken += 1;
      for (const test of module.children.allTests()) counts[test.result().state] += 1;
    }
    process.stdout.write(
      `web: ${counts.passed} passed, ${counts.failed + broken} failed, ${counts.skipped} skipped\n`,
    );
  }
}
