// Runs the suite with node's test runner; the last line is `N passed, N failed`.
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const counts = { passed: 0, failed: 0 };
const tests = run({ files: [fileURLToPath(new URL('suite.test.mjs', import.meta.url))], timeout: 120_000 });
tests.on('test:pass', () => counts.passed++);
tests.on('test:fail', () => counts.failed++);
tests.compose(spec).pipe(process.stdout, { end: false });
tests.on('end', () => {
    setImmediate(() => console.log(`${counts.passed} passed, ${counts.failed} failed`));
    process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
});
