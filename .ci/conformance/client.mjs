// The client scenarios of the MCP conformance suite against the built client, each in every revision asked for. Reads
// PORTCULLIS_CLIENT; the last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path => fileURLToPath(new URL(path, import.meta.url));
const COMMAND = `${process.execPath} ${here('client-command.mjs')}`;
const ONLY = process.argv.slice(2);

const REVISIONS = ['2025-03-26', '2025-11-25', '2026-07-28', 'draft'];

/** The suites, with the revisions that every sign-in is run in, whether a revision asks for it or not. */
const SUITES = [
    { folder: '@modelcontextprotocol/conformance', signIns: ['2025-11-25', '2026-07-28'], options: ['--force'] },
    { folder: 'conformance-0.1', signIns: ['2025-11-25'], options: [] }
];

/** Its issuer is not the one that its address stands for (RFC 8414 §3.3), in the older suite only. */
const WRONG_ISSUER = { folder: 'conformance-0.1', name: 'auth/2025-03-26-oauth-metadata-backcompat' };

const isUsed = ({ suite, name }) => suite.folder !== WRONG_ISSUER.folder || name !== WRONG_ISSUER.name;

async function run(suite, ...options) {
    const script = here(`node_modules/${suite.folder}/dist/index.js`);
    const stdio = ['ignore', 'pipe', 'pipe'];
    const child = spawn(process.execPath, ['-r', here('loopback.cjs'), script, ...options], { stdio });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk));
    const [code] = await once(child, 'close');
    return { code, output };
}

/** The scenarios of a suite, once for each revision. Extensions that are no way to sign in, as skills, are not claimed. */
async function scenarios(suite) {
    const { output } = await run(suite, 'list', '--client');
    const lines = [...output.matchAll(/^ {2}- (\S+) \[(\S+)\]$/gm)];
    return lines.flatMap(([, name, applies]) => {
        const isOld = applies === '2025-03-26';
        const wanted = [...applies.split(','), ...(name.startsWith('auth/') && !isOld ? suite.signIns : [])];
        return REVISIONS.filter(revision => wanted.includes(revision)).map(revision => ({ suite, name, revision }));
    });
}

/** Runs one scenario in one revision; whether it passed. */
async function passes({ suite, name, revision }) {
    const results = await mkdtemp(join(tmpdir(), 'portcullis-conformance-'));
    const options = ['--command', COMMAND, '--scenario', name, '--output-dir', results, ...suite.options];
    const { code, output } = await run(suite, 'client', ...options, '--spec-version', revision);
    const checks = await checksIn(results);
    await rm(results, { recursive: true });
    const of = status => checks.filter(check => check.status === status);
    const [succeeded, bad] = [of('SUCCESS'), [...of('FAILURE'), ...of('WARNING')]];
    const passed = code === 0 && succeeded.length > 0 && bad.length === 0;
    console.log(`${passed ? 'ok  ' : 'FAIL'} ${suite.folder} ${name} ${revision}: ${succeeded.length} checks passed, ${bad.length} not`);
    if (!passed) console.log(output.replace(/^/gm, '    '));
    return passed;
}

/** The checks of every result in a folder. */
async function checksIn(folder) {
    const files = (await readdir(folder, { recursive: true })).filter(name => basename(name) === 'checks.json');
    return (await Promise.all(files.map(async name => JSON.parse(await readFile(join(folder, name)))))).flat();
}

const all = (await Promise.all(SUITES.map(scenarios))).flat();
const queue = all.filter(scenario => (ONLY.length === 0 ? isUsed(scenario) : ONLY.includes(scenario.name)));
const counts = { passed: 0, failed: 0 };
async function work() {
    for (let next = queue.shift(); next; next = queue.shift()) counts[(await passes(next)) ? 'passed' : 'failed']++;
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
