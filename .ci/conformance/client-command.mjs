// What the suite starts as the client under test: turns the suite's context into settings of the built client, lists the
// tools of the server named last on the command line, and calls each of them. No name of a scenario is looked at, but where two
// have the same variables: a client with a secret signs a person in or asks for itself, which a person would know.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const server = process.argv.at(-1);
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const state = mkdtempSync(join(tmpdir(), 'portcullis-conformance-client-'));

const freePort = () =>
    new Promise(resolve => {
        const probe = net.createServer().listen(0, '127.0.0.1', () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });

/** A file with `text`; none for none. */
function file(name, text) {
    if (text === undefined) return undefined;
    writeFileSync(join(state, name), text, { mode: 0o600 });
    return join(state, name);
}

/** The way to a token, by what the context has for it. */
function grant() {
    if (context.idp_issuer) {
        return {
            MCP_CLIENT_GRANT: 'enterprise',
            MCP_CLIENT_IDP_ISSUER: context.idp_issuer,
            MCP_CLIENT_IDP_ID: context.idp_client_id,
            MCP_CLIENT_IDP_TOKEN_FILE: file('id-token', context.idp_id_token)
        };
    }
    if (context.valid_jwt) {
        return { MCP_CLIENT_GRANT: 'workload-identity', MCP_CLIENT_ASSERTION_FILE: file('workload.jwt', context.valid_jwt) };
    }
    if (context.private_key_pem || /client-credentials/.test(context.name)) {
        return { MCP_CLIENT_GRANT: 'client-credentials', MCP_CLIENT_PRIVATE_KEY: file('key.pem', context.private_key_pem) };
    }
    return {};
}

/** The settings that the context stands for. */
async function settings() {
    const given = {
        MCP_SERVER_URL: server,
        MCP_CLIENT_STATE_DIR: join(state, 'client'),
        MCP_CALLBACK_PORT: String(await freePort()),
        MCP_CLIENT_METADATA_URL: 'https://conformance-test.local/client-metadata.json',
        BROWSER: 'curl --silent --location --noproxy * --output /dev/null',
        MCP_CLIENT_FORM_DEFAULTS: 'true',
        // For servers of 2025-03-26, which are their own issuer; all others name another.
        MCP_CLIENT_ASSUME_S256: new URL(server).origin,
        MCP_CLIENT_ID: context.client_id,
        MCP_CLIENT_SECRET: context.client_secret,
        ...grant()
    };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Something of the type that a schema asks for; where it asks for a schema, the first tool's as the client printed it. */
function example(name, schema, tools) {
    if (schema.default !== undefined) return schema.default;
    if (schema.enum) return schema.enum[0];
    if (name === 'schema') return tools[0].inputSchema;
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    switch (type) {
        case 'number':
        case 'integer':
            return 1;
        case 'boolean':
            return true;
        case 'array':
            return [];
        case 'object':
            return {};
        default:
            return 'example';
    }
}

/** The arguments of each call: those of the context, else one for every property. */
function calls(tools) {
    if (context.toolCalls) return context.toolCalls;
    return tools.map(({ name, inputSchema }) => {
        const properties = Object.entries(inputSchema.properties ?? {});
        return { name, arguments: Object.fromEntries(properties.map(([key, schema]) => [key, example(key, schema, tools)])) };
    });
}

const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MCP_')));
const env = { ...environment, ...(await settings()) };

const REFUSED_BY_THE_TOOL = 4;

function client(...command) {
    const run = spawnSync(process.env.PORTCULLIS_CLIENT, command, { env, cwd: state, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    process.stdout.write(run.stdout);
    return run;
}

/** The exit code of the first command that failed; a call that the server or its tool refuses is none. */
function useEveryTool() {
    const list = client('list', '--json');
    if (list.status !== 0) return list.status;
    for (const call of calls(JSON.parse(list.stdout))) {
        const { status } = client('call', call.name, JSON.stringify(call.arguments ?? {}), '--json');
        if (status !== 0 && status !== REFUSED_BY_THE_TOOL) return status;
    }
    return 0;
}

try {
    process.exitCode = useEveryTool() ?? 1;
} finally {
    rmSync(state, { recursive: true });
}
