"""`.env` alone switches the server from authz to each stand-in and back: no other setting, the same binary, the same folder."""
import contextlib
import tempfile
import pathlib

import logins
from stand_ins import INTROSPECTION, foreign_environment, oidc_provider, servers, token_of, verdict

OURS = "authz"
# What stands in `.env` for each flavour besides the issuer.
FLAVOURS = {
    "plain": {"MCP_RESOURCE_PRESET": "generic"},
    "okta": {"MCP_RESOURCE_PRESET": "okta", "MCP_RESOURCE_AUDIENCES": "api://default"},
    "keycloak": {"MCP_RESOURCE_PRESET": "keycloak"},
    "auth0": {"MCP_RESOURCE_PRESET": "auth0"},
    "hydra": {"MCP_RESOURCE_PRESET": "hydra"},
    "cognito": {"MCP_RESOURCE_PRESET": "cognito", "MCP_RESOURCE_METADATA_SHIM": "on"},
    "zitadel": {"MCP_RESOURCE_PRESET": "zitadel", "MCP_RESOURCE_AUDIENCES": "312909075211944000"} | INTROSPECTION,
}
STAND_IN = {"cognito": {"COGNITO_AUD": "1"}, "zitadel": {"FMT": "opaque"}}


@contextlib.contextmanager
def serving(settings, folder):
    """The server in a folder with nothing but `.env` in it, and nothing of ours in the environment."""
    lines = (f'{name}="{value}"\n' for name, value in settings.items())
    (folder / ".env").write_text("".join(lines))
    with servers.running("mcp-server", foreign_environment(), folder) as process:
        servers.wait_until_ready("mcp-server", process, f"http://127.0.0.1:{settings['MCP_RESOURCE_PORT']}")
        yield


@contextlib.contextmanager
def authz(port, resource, folder):
    settings = {
        "MCP_AUTH_PORT": str(port),
        "MCP_AUTH_DATABASE_URL": f"sqlite:{folder}/authz.db",
        "MCP_AUTH_KEY_DIR": f"{folder}/keys",
        "MCP_AUTH_RESOURCES": resource,
    }
    with servers.running("authz", foreign_environment() | settings, folder) as process:
        servers.wait_until_ready("authz", process, f"http://localhost:{port}")
        yield


def verdicts(port, tokens, own):
    """The verdict on the issuer's own token, and those on all others, which are of other issuers or opaque."""
    others = {verdict(port, token) for name, token in tokens.items() if name != own}
    expected = {"issuer_unknown"} if own == "zitadel" else {"issuer_unknown", "opaque_token"}
    told = "others refused" if others == expected else f"others {sorted(others)}"
    return f"own {verdict(port, tokens[own])}, {told}"


def results(folder, pool, cognito):
    """One line for each `.env`: authz, every stand-in, authz again."""
    port, authz_port = servers.free_ports(2)
    resource = f"http://localhost:{port}/mcp"
    always = {"MCP_RESOURCE_PORT": str(port)}
    environments = {OURS: always | {"MCP_RESOURCE_AUTH_SERVER_URL": f"http://localhost:{authz_port}"}}
    tokens = {}
    with contextlib.ExitStack() as running:
        home = pathlib.Path(running.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        running.enter_context(authz(authz_port, resource, folder))
        with serving(environments[OURS], home):
            code, _, complaint, tokens[OURS] = logins.call(resource, {}, folder)
            yield "sign-in, authz", "0", f"{code}{complaint if code else ''}"
        for flavour, settings in FLAVOURS.items():
            issuer = running.enter_context(oidc_provider(flavour, resource, STAND_IN.get(flavour, {}), folder))
            tokens[flavour] = token_of(issuer, resource)
            environments[flavour] = always | {"MCP_RESOURCE_AUTH_SERVER_URL": issuer, "MCP_RESOURCE_SCOPE_MAP": "mcp:read=tools.read"} | settings
        tokens["moto"] = pool["access_token"]
        environments["moto"] = always | cognito | {"MCP_RESOURCE_OAUTH_STRICT": "false", "MCP_RESOURCE_ALLOWED_CLIENTS": pool["client_id"]}
        for name in [*environments, OURS]:
            with serving(environments[name], home):
                yield f".env, {name}", "own ok, others refused", verdicts(port, tokens, name)
