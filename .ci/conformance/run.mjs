// The MCP conformance suite against the built mcp-server: the scenarios that need no tools made for them, each in every
// revision that it applies to. The suite knows no tokens, so a proxy adds one. Reads AUTHZ_URL and MCP_URL; the last line is
// `N passed, N failed`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Browser } from './browser.mjs';

const { AUTHZ_URL, MCP_URL } = process.env;
const REDIRECT_URI = 'http://localhost:3030/callback';
const SUITE = fileURLToPath(new URL('node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url));
const NOT_TESTABLE = 'Not testable: server does not list the diagnostic tool';

const SCENARIOS = {
    'server-initialize': ['2025-06-18', '2025-11-25'],
    'server-stateless': ['2026-07-28'],
    'tools-list': ['2025-06-18', '2025-11-25', '2026-07-28'],
    'resources-list': ['2025-06-18', '2025-11-25', '2026-07-28'],
    'prompts-list': ['2025-06-18', '2025-11-25', '2026-07-28'],
    'sep-2164-resource-not-found': ['2026-07-28'],
    'dns-rebinding-protection': ['2025-11-25', '2026-07-28'],
    caching: ['2026-07-28'],
    'http-header-validation': ['2026-07-28'],
    ping: ['2025-06-18', '2025-11-25']
};

/** Signs the demo person in with the demo client (RFC 6749 §4.1, RFC 7636). */
async function accessToken() {
    const issuer = await (await fetch(`${AUTHZ_URL}/.well-known/oauth-authorization-server`)).json();
    const verifier = randomBytes(32).toString('base64url');
    const request = {
        response_type: 'code',
        client_id: 'simple-mcp-client',
        redirect_uri: REDIRECT_URI,
        scope: 'mcp:read mcp:write',
        state: 'conformance',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        resource: MCP_URL
    };
    const page = `${issuer.authorization_endpoint}?${new URLSearchParams(request)}`;
    const callback = await new Browser().authorize(page, REDIRECT_URI);
    const credentials = Buffer.from('simple-mcp-client:simple-mcp-secret-123').toString('base64');
    const response = await fetch(issuer.token_endpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${credentials}` },
        body: new URLSearchParams({
            grant_type: 'authorization_code',
            code: callback.code,
            redirect_uri: REDIRECT_URI,
            code_verifier: verifier,
            resource: MCP_URL
        })
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer.access_token;
}

/** Passes everything on with a token; only its own port in Host and Origin becomes that of the server. */
async function proxy(token) {
    const target = new URL(MCP_URL);
    const server = http.createServer((request, response) => {
        const own = `:${server.address().port}`;
        const headers = { ...request.headers, authorization: `Bearer ${token}` };
        for (const name of ['host', 'origin']) {
            if (headers[name]?.endsWith(own)) headers[name] = headers[name].slice(0, -own.length) + `:${target.port}`;
        }
        const { method, url: path } = request;
        const onward = http.request({ host: target.hostname, port: target.port, method, path, headers }, answer => {
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
        });
        onward.on('error', () => response.destroy());
        response.on('close', () => onward.destroy());
        request.pipe(onward);
    });
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    return server;
}

/** Runs one scenario in one revision; whether it passed. */
async function passes(scenario, revision, url) {
    const results = await mkdtemp(join(tmpdir(), 'portcullis-conformance-'));
    const options = ['--scenario', scenario, '--spec-version', revision, '--url', url, '--output-dir', results];
    const child = spawn(process.execPath, [SUITE, 'server', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk));
    await once(child, 'close');
    const checks = await checksIn(results);
    await rm(results, { recursive: true });
    const of = status => checks.filter(check => check.status === status);
    // What the suite looks at through tools made for it, it says that it could not test.
    const untested = of('FAILURE').filter(check => check.errorMessage?.startsWith(NOT_TESTABLE));
    const bad = checks.filter(check => ['FAILURE', 'WARNING'].includes(check.status) && !untested.includes(check));
    const passed = of('SUCCESS').length > 0 && bad.length === 0;
    const counts = `${of('SUCCESS').length} checks passed, ${untested.length} not testable`;
    console.log(`${passed ? 'ok  ' : 'FAIL'} ${scenario} in ${revision}: ${counts}`);
    if (!passed) console.log(output);
    return passed;
}

/** The checks of the only result in a folder; none if the suite broke down. */
async function checksIn(folder) {
    const files = (await readdir(folder, { recursive: true })).filter(name => basename(name) === 'checks.json');
    return files.length === 1 ? JSON.parse(await readFile(join(folder, files[0]))) : [];
}

const server = await proxy(await accessToken());
const url = `http://localhost:${server.address().port}${new URL(MCP_URL).pathname}`;
const counts = { passed: 0, failed: 0 };
for (const [scenario, revisions] of Object.entries(SCENARIOS)) {
    for (const revision of revisions) counts[(await passes(scenario, revision, url)) ? 'passed' : 'failed']++;
}
server.close();
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
