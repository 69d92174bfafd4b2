// The clients that the field trusts most: openid-client, and oauth4webapi under it. Everything over https with a certificate
// that NODE_EXTRA_CA_CERTS trusts, every check of theirs switched on. Reads AUTHZ_URL and MCP_URL.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { Browser } from './browser.mjs';

const ISSUER = new URL(process.env.AUTHZ_URL);
const RESOURCE = process.env.MCP_URL;
const REDIRECT_URI = 'http://localhost:3030/callback';
const SCOPE = 'openid profile email mcp:read';
const GRANTS = ['authorization_code', 'refresh_token'];
const RESOURCE_SERVER = { client_id: 'mcp-server' };
const RESOURCE_SERVER_SECRET = 'mcp-server-secret-123';

/** The callback that a person who signs in and allows is sent to. */
async function callback(url) {
    const parameters = await new Browser().authorize(url.href, REDIRECT_URI);
    return new URL(`${REDIRECT_URI}?${new URLSearchParams(parameters)}`);
}

/** What mcp-server says to a tool call with this token. */
async function statusAtTheResource(token) {
    const response = await fetch(RESOURCE, {
        method: 'POST',
        headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            'mcp-protocol-version': '2025-11-25'
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_time', arguments: {} } })
    });
    await response.text();
    return [response.status, response.headers.get('www-authenticate') ?? ''];
}

const AS = {
    /** Discovery by the OpenID Connect document, or that of RFC 8414. */
    async discover(algorithm) {
        return oauth.processDiscoveryResponse(ISSUER, await oauth.discoveryRequest(ISSUER, { algorithm }));
    },
    async register(as, method) {
        const metadata = { client_name: 'oauth4webapi', redirect_uris: [REDIRECT_URI], grant_types: GRANTS };
        const asked = { ...metadata, token_endpoint_auth_method: method };
        return oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, asked));
    },
    async authorize(as, client, authentication) {
        const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
        const url = new URL(as.authorization_endpoint);
        url.search = new URLSearchParams({
            client_id: client.client_id,
            redirect_uri: REDIRECT_URI,
            response_type: 'code',
            scope: SCOPE,
            code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
            code_challenge_method: 'S256',
            resource: RESOURCE,
            state,
            nonce
        });
        const parameters = oauth.validateAuthResponse(as, client, await callback(url), state);
        const response = await oauth.authorizationCodeGrantRequest(
            as, client, authentication, parameters, REDIRECT_URI, verifier, { additionalParameters: { resource: RESOURCE } }
        );
        const options = { expectedNonce: nonce, requireIdToken: true, maxAge: 300 };
        return oauth.processAuthorizationCodeResponse(as, client, response, options);
    },
    async introspect(as, token) {
        const authentication = oauth.ClientSecretBasic(RESOURCE_SERVER_SECRET);
        const response = await oauth.introspectionRequest(as, RESOURCE_SERVER, authentication, token);
        return oauth.processIntrospectionResponse(as, RESOURCE_SERVER, response);
    },
    async refresh(as, client, authentication, token) {
        const response = await oauth.refreshTokenGrantRequest(as, client, authentication, token);
        return oauth.processRefreshTokenResponse(as, client, response);
    },
    async revoke(as, client, authentication, token) {
        return oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token));
    }
};

test('oauth4webapi: both documents name the same endpoints', async () => {
    const [oidc, oauth2] = [await AS.discover('oidc'), await AS.discover('oauth2')];
    for (const name of ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'registration_endpoint']) {
        assert.equal(oidc[name], oauth2[name]);
        assert.ok(oidc[name].startsWith('https://'));
    }
});

for (const [method, authenticated] of [
    ['client_secret_basic', client => oauth.ClientSecretBasic(client.client_secret)],
    ['client_secret_post', client => oauth.ClientSecretPost(client.client_secret)],
    ['none', () => oauth.None()]
]) {
    test(`oauth4webapi: registration, code, userinfo, refresh, introspection, revocation with ${method}`, async () => {
        const as = await AS.discover(method === 'none' ? 'oauth2' : 'oidc');
        const client = await AS.register(as, method);
        const authentication = authenticated(client);
        const tokens = await AS.authorize(as, client, authentication);
        const claims = oauth.getValidatedIdTokenClaims(tokens);
        assert.equal(claims.aud, client.client_id);

        const userInfo = await oauth.userInfoRequest(as, client, tokens.access_token);
        assert.equal((await oauth.processUserInfoResponse(as, client, claims.sub, userInfo)).sub, claims.sub);

        const introspected = await AS.introspect(as, tokens.access_token);
        assert.deepEqual([introspected.active, introspected.sub, introspected.aud], [true, claims.sub, RESOURCE]);

        const refreshed = await AS.refresh(as, client, authentication, tokens.refresh_token);
        assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
        assert.equal((await AS.introspect(as, refreshed.access_token)).active, true);

        await AS.revoke(as, client, authentication, refreshed.refresh_token);
        for (const token of [tokens.access_token, refreshed.access_token]) {
            assert.deepEqual(await AS.introspect(as, token), { active: false });
        }
        await assert.rejects(AS.refresh(as, client, authentication, refreshed.refresh_token), { error: 'invalid_grant' });
    });
}

for (const [method, authentication] of [
    // Without a word about it, openid-client puts the secret into the body.
    ['client_secret_post', undefined],
    ['client_secret_basic', openid.ClientSecretBasic()],
    ['none', openid.None()]
]) {
    test(`openid-client: discovery, registration, code, userinfo, refresh, introspection, revocation with ${method}`, async () => {
        const metadata = {
            client_name: 'openid-client',
            redirect_uris: [REDIRECT_URI],
            grant_types: GRANTS,
            token_endpoint_auth_method: method
        };
        const config = await openid.dynamicClientRegistration(ISSUER, metadata, authentication);
        const [pkceCodeVerifier, expectedState, expectedNonce] =
            [openid.randomPKCECodeVerifier(), openid.randomState(), openid.randomNonce()];
        const url = openid.buildAuthorizationUrl(config, {
            redirect_uri: REDIRECT_URI,
            scope: SCOPE,
            code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
            code_challenge_method: 'S256',
            resource: RESOURCE,
            state: expectedState,
            nonce: expectedNonce
        });
        const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
        const tokens = await openid.authorizationCodeGrant(config, await callback(url), checks, { resource: RESOURCE });
        const { sub } = tokens.claims();
        assert.equal((await openid.fetchUserInfo(config, tokens.access_token, sub)).sub, sub);

        const resourceServer = await openid.discovery(ISSUER, RESOURCE_SERVER.client_id, RESOURCE_SERVER_SECRET);
        assert.equal((await openid.tokenIntrospection(resourceServer, tokens.access_token)).active, true);
        const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token);
        await openid.tokenRevocation(config, refreshed.refresh_token);
        assert.deepEqual(await openid.tokenIntrospection(resourceServer, refreshed.access_token), { active: false });
    });
}

test('mcp-server takes the access token and refuses the ID token of the same sign-in', async () => {
    const as = await AS.discover('oidc');
    const client = await AS.register(as, 'none');
    const tokens = await AS.authorize(as, client, oauth.None());
    assert.deepEqual(await statusAtTheResource(tokens.access_token), [200, '']);
    const [status, challenge] = await statusAtTheResource(tokens.id_token);
    assert.equal(status, 401);
    assert.match(challenge, /error="invalid_token"/);
});
