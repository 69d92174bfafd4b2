"""What the parts of the suite share: the stand-ins as child processes, tokens from them, calls to mcp-server."""
import base64
import contextlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
NODE_FOLDER = ROOT / "target/ci/issuers/node"
COGNITO_DOCUMENT = ROOT / "mcp-server/tests/it/providers/data/transcribed/cognito/discovery.json"
loader = importlib.machinery.SourceFileLoader("with_servers", str(ROOT / ".ci/with-servers"))
servers = importlib.util.module_from_spec(importlib.util.spec_from_loader("with_servers", loader))
loader.exec_module(servers)
DIRECT = servers.DIRECT

PATHS = {"plain": "", "okta": "/oauth2/default", "keycloak": "/realms/demo", "auth0": "/", "cognito": "/us-east-1_AbCdEfGhI", "hydra": "/", "zitadel": ""}
INTROSPECTION = {
    "MCP_RESOURCE_INTROSPECT_CLIENT_ID": "rs-introspector",
    "MCP_RESOURCE_INTROSPECT_CLIENT_SECRET": "rs-secret-rs-secret-rs-secret-rs",
}


def foreign_environment():
    """The environment without any setting of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MCP_")}


@contextlib.contextmanager
def child(command, environment, folder):
    """A process of ours, ended by its id."""
    with open(folder / "stand-in.log", "ab") as log:
        process = subprocess.Popen(command, env=os.environ | environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


def wait_for(url):
    for _ in range(400):
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            with DIRECT.open(url, timeout=2):
                return
        time.sleep(0.05)
    raise RuntimeError(f"no answer from {url}")


@contextlib.contextmanager
def oidc_provider(flavour, resource, settings, folder):
    """A flavour on a free port; gives its issuer."""
    (port,) = servers.free_ports(1)
    issuer = f"http://127.0.0.1:{port}{PATHS[flavour]}"
    environment = {"FLAV": flavour, "PORT": str(port), "RESOURCE": resource, "DOCUMENT": str(COGNITO_DOCUMENT)} | settings
    with child(["node", str(NODE_FOLDER / "oidc-provider.mjs")], environment, folder):
        wait_for(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        yield issuer


@contextlib.contextmanager
def mcp_server(port, settings, folder):
    """A server with these settings and no others."""
    environment = foreign_environment() | settings | {
        "MCP_RESOURCE_PORT": str(port),
        "MCP_RESOURCE_DATABASE_URL": f"sqlite:{folder}/notes-{port}.db",
    }
    with servers.running("mcp-server", environment, folder) as process:
        servers.wait_until_ready("mcp-server", process, f"http://127.0.0.1:{port}")
        yield


def token_of(issuer, resource):
    """A token by client_credentials, for the resource or for another."""
    with DIRECT.open(f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=10) as answer:
        endpoint = json.load(answer)["token_endpoint"]
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "tools.read", "resource": resource})
    basic = base64.b64encode(b"m2m:m2m-secret-m2m-secret-m2m-secret").decode()
    request = urllib.request.Request(endpoint, form.encode(), {"Authorization": f"Basic {basic}"})
    with DIRECT.open(request, timeout=10) as answer:
        return json.load(answer)["access_token"]


def verdict(port, token):
    """Calls whoami: `ok`, or the reason of the refusal."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/mcp", json.dumps(body).encode(), headers)
    try:
        with DIRECT.open(request, timeout=10) as answer:
            return "ok" if "result" in json.load(answer) else "no result"
    except urllib.error.HTTPError as error:
        return json.load(error)["reason"]
