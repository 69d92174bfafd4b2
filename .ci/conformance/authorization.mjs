// The `authorization` mode of the MCP conformance suite against the built authz: the suite is the client, a person here
// follows the address that it prints. Reads AUTHZ_URL and MCP_URL; the last line is `N passed, N failed`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Browser } from './browser.mjs';

const { AUTHZ_URL, MCP_URL } = process.env;
const SUITE = fileURLToPath(new URL('node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url));
const REVISIONS = [undefined, '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];

async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return port;
}

/** Registers a public client (RFC 7591) for the callback of the suite; its identifier. */
async function register(redirectUri) {
    const metadata = { client_name: 'Conformance', redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' };
    const response = await fetch(`${AUTHZ_URL}/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(metadata)
    });
    const answer = await response.json();
    assert.equal(response.status, 201, JSON.stringify(answer));
    return answer.client_id;
}

/** Signs in and allows when the suite prints an address to open. */
function beThePerson(child, redirectUri, output) {
    let opened = false;
    child.stdout.on('data', async () => {
        const [page] = output.text.match(/^http\S+\/authorize\?\S+$/m) ?? [];
        if (opened || !page) return;
        opened = true;
        try {
            const callback = await new Browser().authorize(page, redirectUri);
            await fetch(`${redirectUri}?${new URLSearchParams(callback)}`);
        } catch (error) {
            output.text += `\n${error.stack}`;
            child.kill();
        }
    });
}

/** Runs every scenario in one revision; whether there was no failure, no warning, and nothing left out. */
async function passes(revision, resource) {
    const port = await freePort();
    const redirectUri = `http://127.0.0.1:${port}/callback`;
    const results = await mkdtemp(join(tmpdir(), 'portcullis-conformance-'));
    const options = ['--url', AUTHZ_URL, '--client-id', await register(redirectUri), '--port', port];
    if (resource) options.push('--resource', resource);
    if (revision) options.push('--spec-version', revision);
    const child = spawn(process.execPath, [SUITE, 'authorization', ...options, '--output-dir', results]);
    const output = { text: '' };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output.text += chunk));
    beThePerson(child, redirectUri, output);
    const [code] = await once(child, 'close');
    const checks = await checksIn(results);
    await rm(results, { recursive: true });
    const succeeded = checks.filter(check => check.status === 'SUCCESS').length;
    const bad = checks.filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO');
    const passed = code === 0 && succeeded >= 2 && bad.length === 0;
    const title = `${revision ?? 'every scenario'}${resource ? ' with a resource' : ''}`;
    console.log(`${passed ? 'ok  ' : 'FAIL'} ${title}: ${succeeded} checks passed, ${bad.length} not`);
    if (!passed) console.log(output.text, bad);
    return passed;
}

/** The checks of every result in a folder. */
async function checksIn(folder) {
    const files = (await readdir(folder, { recursive: true })).filter(name => basename(name) === 'checks.json');
    return (await Promise.all(files.map(async name => JSON.parse(await readFile(join(folder, name)))))).flat();
}

const counts = { passed: 0, failed: 0 };
for (const revision of REVISIONS) {
    for (const resource of [undefined, MCP_URL]) counts[(await passes(revision, resource)) ? 'passed' : 'failed']++;
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
