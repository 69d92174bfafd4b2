// The official TypeScript SDK client against the built authz and mcp-server: discovery, registration, sign-in, calls,
// reuse. Reads AUTHZ_URL and MCP_URL. Each test is a person with an empty token storage.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Browser } from './browser.mjs';

const { AUTHZ_URL, MCP_URL } = process.env;
const REDIRECT_URI = 'http://localhost:3030/callback';
const RFC3339 = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/;

/** One person's client: what it stores, its browser, and the requests that the SDK made in the newest session. */
class Person {
    browser = new Browser();
    requests = [];
    stored = {};
    authorizationUrl;
    redirectUrl = REDIRECT_URI;

    constructor({ client, authMethod = 'none', answer = 'Allow' } = {}) {
        this.stored.client = client;
        this.answer = answer;
        this.clientMetadata = {
            client_name: 'TypeScript SDK suite',
            redirect_uris: [REDIRECT_URI],
            grant_types: ['authorization_code', 'refresh_token'],
            response_types: ['code'],
            token_endpoint_auth_method: authMethod,
            application_type: 'native'
        };
        // A client that is registered beforehand has no place to save another registration.
        if (!client) this.saveClientInformation = value => void (this.stored.client = value);
    }

    // What the SDK asks of its OAuthClientProvider.
    clientInformation = () => this.stored.client;
    tokens = () => this.stored.tokens;
    saveTokens = tokens => void (this.stored.tokens = tokens);
    codeVerifier = () => this.stored.verifier;
    saveCodeVerifier = verifier => void (this.stored.verifier = verifier);
    state = () => (this.stored.state = randomUUID());
    redirectToAuthorization = url => void (this.authorizationUrl = url);

    /** Runs `use` in a new session with mcp-server, as after a restart; signs in when the SDK asks for it. */
    async session(use) {
        this.requests = [];
        this.authorizationUrl = undefined;
        const client = new Client({ name: 'typescript-sdk-suite', version: '1.0.0' });
        try {
            await client.connect(this.#transport());
        } catch (error) {
            if (!(error instanceof UnauthorizedError)) throw error;
            await this.#signIn();
            await client.connect(this.#transport());
        }
        try {
            return await use(client);
        } finally {
            await client.close();
        }
    }

    /** How often the SDK asked for this in the newest session. */
    seen(method, path) {
        return this.requests.filter(request => request === `${method} ${AUTHZ_URL}${path}`).length;
    }

    #transport() {
        const recorded = (url, init) => {
            this.requests.push(`${init?.method ?? 'GET'} ${url}`);
            return fetch(url, init);
        };
        return new StreamableHTTPClientTransport(new URL(MCP_URL), { authProvider: this, fetch: recorded });
    }

    async #signIn() {
        const callback = await this.browser.authorize(this.authorizationUrl, REDIRECT_URI, this.answer);
        assert.equal(callback.state, this.stored.state);
        assert.equal(callback.iss, AUTHZ_URL);
        if (callback.error) throw new Error(callback.error);
        await this.#transport().finishAuth(callback.code);
    }
}

const textOf = result => result.content.map(({ text }) => text).join(' ');

/** Calls the tool; the timestamp of its answer, which must be of this minute. */
async function getTime(client, args = {}) {
    const result = await client.callTool({ name: 'get_time', arguments: args });
    assert.ok(!result.isError, textOf(result));
    const [stamp] = textOf(result).match(RFC3339) ?? assert.fail(`no RFC 3339 time in: ${textOf(result)}`);
    assert.ok(Math.abs(Date.parse(stamp) - Date.now()) < 60_000, `${stamp} is not now`);
    return stamp;
}

const preRegistered = method => ({
    client_id: 'simple-mcp-client',
    client_secret: 'simple-mcp-secret-123',
    token_endpoint_auth_method: method
});

test('discovers, registers, signs in and calls', async () => {
    const person = new Person();
    await person.session(async client => {
        assert.match(await getTime(client), /(Z|\+00:00)$/);
        assert.match(await getTime(client, { timezone: 'Asia/Tokyo' }), /\+09:00$/);
    });
    assert.equal(person.requests[0], `POST ${MCP_URL}`);
    assert.ok(person.seen('GET', '/.well-known/oauth-authorization-server') >= 1);
    assert.equal(person.seen('POST', '/register'), 1);
    assert.equal(person.seen('POST', '/oauth2/token'), 1);
    assert.deepEqual([person.browser.logins, person.browser.consents], [1, 1]);
    assert.equal(person.authorizationUrl.searchParams.get('resource'), MCP_URL);
    assert.equal(person.authorizationUrl.searchParams.get('scope'), 'mcp:read');
    assert.equal(person.stored.client.issuer, AUTHZ_URL);
    assert.equal(person.stored.client.client_secret, undefined);
});

test('a second session needs no login', async () => {
    const person = new Person();
    await person.session(getTime);
    const { tokens } = person.stored;
    await person.session(getTime);
    assert.equal(person.stored.tokens, tokens);
    assert.ok(person.requests.every(request => request.endsWith(` ${MCP_URL}`)), person.requests);
    assert.deepEqual([person.browser.logins, person.browser.consents], [1, 1]);
});

for (const method of ['client_secret_basic', 'client_secret_post']) {
    test(`registers with a secret and uses ${method}`, async () => {
        const person = new Person({ authMethod: method });
        await person.session(getTime);
        assert.equal(person.stored.client.token_endpoint_auth_method, method);
        assert.ok(person.stored.client.client_secret);
    });

    test(`the pre-registered client signs in by ${method} without registering`, async () => {
        const person = new Person({ client: preRegistered(method) });
        await person.session(getTime);
        assert.equal(person.seen('POST', '/register'), 0);
        assert.equal(person.seen('POST', '/oauth2/token'), 1);
    });
}

test('lists the tools', async () => {
    const { tools } = await new Person().session(client => client.listTools());
    const names = tools.map(({ name }) => name);
    assert.ok(names.includes('get_time') && names.includes('whoami'), names);
});

test('whoami names the client that registered', async () => {
    const person = new Person();
    const text = textOf(await person.session(client => client.callTool({ name: 'whoami', arguments: {} })));
    for (const expected of [person.stored.client.client_id, MCP_URL, 'mcp:read']) {
        assert.ok(text.includes(expected), `${expected} in ${text}`);
    }
});

function flipped(accessToken) {
    const [head, claims, signature] = accessToken.split('.');
    return [head, claims, (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)].join('.');
}

test('a refused token is renewed without the person', async () => {
    const person = new Person();
    await person.session(getTime);
    const { tokens, client } = person.stored;
    person.stored.tokens = { ...tokens, access_token: flipped(tokens.access_token) };
    await person.session(getTime);
    assert.equal(person.stored.client, client);
    assert.notEqual(person.stored.tokens.access_token, tokens.access_token);
    assert.notEqual(person.stored.tokens.refresh_token, tokens.refresh_token);
    assert.deepEqual([person.browser.logins, person.browser.consents], [1, 1]);
});

test('a refused token that cannot be renewed leads to a new sign-in with the same registration', async () => {
    const person = new Person();
    await person.session(getTime);
    const { tokens: { refresh_token: _, ...tokens }, client } = person.stored;
    person.stored.tokens = { ...tokens, access_token: flipped(tokens.access_token) };
    await person.session(getTime);
    assert.equal(person.stored.client, client);
    assert.equal(person.seen('POST', '/register'), 0);
    assert.notEqual(person.stored.tokens.access_token, tokens.access_token);
    assert.deepEqual([person.browser.logins, person.browser.consents], [1, 2]);
});

test('a denied consent reaches the client as access_denied', async () => {
    const person = new Person({ answer: 'Deny' });
    await assert.rejects(person.session(getTime), { message: 'access_denied' });
    assert.equal(person.seen('POST', '/oauth2/token'), 0);
    assert.equal(person.stored.tokens, undefined);
});

test('an unknown time zone is an error of the tool', async () => {
    const call = client => client.callTool({ name: 'get_time', arguments: { timezone: 'Mars/Olympus' } });
    const result = await new Person().session(call);
    assert.equal(result.isError, true);
});
