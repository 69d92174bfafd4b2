"""Foreign issuers swapped in for authz by settings alone: npm oidc-provider in its flavours, and moto's Cognito."""
import base64
import contextlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
NODE_FOLDER = ROOT / "target/ci/issuers/node"
loader = importlib.machinery.SourceFileLoader("with_servers", str(ROOT / ".ci/with-servers"))
servers = importlib.util.module_from_spec(importlib.util.spec_from_loader("with_servers", loader))
loader.exec_module(servers)
DIRECT = servers.DIRECT

PATHS = {"plain": "", "okta": "/oauth2/default", "keycloak": "/realms/demo", "auth0": "/", "cognito": "/us-east-1_AbCdEfGhI", "hydra": "/"}
INTROSPECTION = {
    "MCP_RESOURCE_INTROSPECT_CLIENT_ID": "rs-introspector",
    "MCP_RESOURCE_INTROSPECT_CLIENT_SECRET": "rs-secret-rs-secret-rs-secret-rs",
}
CLIENTS = {"MCP_RESOURCE_OAUTH_STRICT": "false", "MCP_RESOURCE_ALLOWED_CLIENTS": "m2m"}
OTHERS = CLIENTS | {"MCP_RESOURCE_ALLOWED_CLIENTS": "another"}
OKTA = {"MCP_RESOURCE_PRESET": "okta", "MCP_RESOURCE_AUDIENCES": "api://default"}

# Flavour, settings of the stand-in, settings of the server, and what a call is answered with.
CASES = [
    ("plain", {}, {"MCP_RESOURCE_PRESET": "generic"}, "ok"),
    ("plain", {"ALG": "ES256"}, {"MCP_RESOURCE_PRESET": "generic"}, "ok"),
    ("plain", {"ALG": "ES256"}, {"MCP_RESOURCE_PRESET": "generic", "MCP_RESOURCE_ALGORITHMS": "RS256"}, "algorithm_not_allowed"),
    ("plain", {"OTHER": "1"}, {"MCP_RESOURCE_PRESET": "generic"}, "audience_mismatch"),
    ("plain", {"OTHER": "1"}, {"MCP_RESOURCE_PRESET": "generic"} | CLIENTS, "ok"),
    ("plain", {"FMT": "opaque"}, {"MCP_RESOURCE_PRESET": "generic", "MCP_RESOURCE_OPAQUE_TOKENS": "on"} | INTROSPECTION, "ok"),
    ("plain", {"FMT": "opaque"}, {"MCP_RESOURCE_PRESET": "generic"}, "opaque_token"),
    ("okta", {}, OKTA, "ok"),
    ("okta", {}, OKTA | {"MCP_RESOURCE_AUDIENCES": ""}, "audience_mismatch"),
    ("okta", {}, {"MCP_RESOURCE_PRESET": "okta"} | CLIENTS, "ok"),
    ("okta", {}, {"MCP_RESOURCE_PRESET": "okta"} | OTHERS, "client_not_allowed"),
    ("keycloak", {}, {"MCP_RESOURCE_PRESET": "keycloak"}, "ok"),
    ("keycloak", {}, {"MCP_RESOURCE_PRESET": "keycloak"} | OTHERS, "client_not_allowed"),
    ("auth0", {}, {"MCP_RESOURCE_PRESET": "auth0"}, "ok"),
    ("hydra", {}, {"MCP_RESOURCE_PRESET": "hydra"}, "ok"),
    ("hydra", {"FMT": "opaque"}, {"MCP_RESOURCE_PRESET": "hydra", "INTROSPECT_AT": "/token/introspection"} | INTROSPECTION, "ok"),
    ("cognito", {}, {"MCP_RESOURCE_PRESET": "cognito"}, "audience_missing"),
    ("cognito", {}, {"MCP_RESOURCE_PRESET": "cognito", "MCP_RESOURCE_OAUTH_STRICT": "observe"}, "ok"),
    ("cognito", {}, {"MCP_RESOURCE_PRESET": "cognito"} | CLIENTS, "ok"),
    ("cognito", {}, {"MCP_RESOURCE_PRESET": "cognito"} | OTHERS, "client_not_allowed"),
    ("cognito", {"COGNITO_AUD": "1"}, {"MCP_RESOURCE_PRESET": "cognito"}, "ok"),
]


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


def token_of(issuer, resource):
    """A token by client_credentials, for the resource or for another."""
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": "tools.read", "resource": resource})
    basic = base64.b64encode(b"m2m:m2m-secret-m2m-secret-m2m-secret").decode()
    request = urllib.request.Request(issuer.rstrip("/") + "/token", form.encode(), {"Authorization": f"Basic {basic}"})
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


def answered(port, settings, token, folder):
    """What a server with these settings answers to the token."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MCP_")}
    environment |= settings | {
        "MCP_RESOURCE_PORT": str(port),
        "MCP_RESOURCE_DATABASE_URL": f"sqlite:{folder}/notes-{port}.db",
        "MCP_RESOURCE_SCOPE_MAP": settings.get("MCP_RESOURCE_SCOPE_MAP", "mcp:read=tools.read"),
    }
    with servers.running("mcp-server", environment, folder) as process:
        servers.wait_until_ready("mcp-server", process, f"http://127.0.0.1:{port}")
        return verdict(port, token)


def stand_in_case(flavour, stand_in, settings, folder):
    issuer_port, port = servers.free_ports(2)
    issuer = f"http://127.0.0.1:{issuer_port}{PATHS[flavour]}"
    resource = f"http://localhost:{port}/mcp"
    environment = {"FLAV": flavour, "PORT": str(issuer_port), "RESOURCE": resource} | stand_in
    settings = {"MCP_RESOURCE_AUTH_SERVER_URL": issuer} | settings
    if where := settings.pop("INTROSPECT_AT", None):
        settings["MCP_RESOURCE_INTROSPECT_URL"] = issuer.rstrip("/") + where
    with child(["node", str(NODE_FOLDER / "oidc-provider.mjs")], environment, folder):
        wait_for(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        token = token_of(issuer, "http://other.example/mcp" if "OTHER" in stand_in else resource)
        return answered(port, settings, token, folder)


def moto_cases(folder):
    """Cognito's issuer is an address of Amazon, so the keys need an override."""
    moto_port, port = servers.free_ports(2)
    bin_folder = pathlib.Path(sys.executable).parent
    with child([str(bin_folder / "moto_server"), "-H", "127.0.0.1", "-p", str(moto_port)], {}, folder):
        wait_for(f"http://127.0.0.1:{moto_port}/moto-api/")
        made = subprocess.run([sys.executable, str(HERE / "moto_cognito.py"), f"http://127.0.0.1:{moto_port}"], capture_output=True, text=True, check=True)
        pool = json.loads(made.stdout)
        cognito = {
            "MCP_RESOURCE_AUTH_SERVER_URL": pool["issuer"],
            "MCP_RESOURCE_JWKS_URL": pool["jwks_uri"],
            "MCP_RESOURCE_PRESET": "cognito",
            "MCP_RESOURCE_SCOPE_MAP": "mcp:read=aws.cognito.signin.user.admin",
        }
        listed = {"MCP_RESOURCE_OAUTH_STRICT": "false", "MCP_RESOURCE_ALLOWED_CLIENTS": pool["client_id"]}
        yield "moto, strict", "audience_missing", answered(port, cognito, pool["access_token"], folder)
        yield "moto, client listed", "ok", answered(port, cognito | listed, pool["access_token"], folder)
        yield "moto, client not listed", "client_not_allowed", answered(port, cognito | OTHERS, pool["access_token"], folder)
        yield "moto, ID token", "not_an_access_token", answered(port, cognito | listed, pool["id_token"], folder)


def results(folder):
    for flavour, stand_in, settings, expected in CASES:
        name = " ".join([flavour, *(f"{key}={value}" for key, value in (stand_in | settings).items() if "SECRET" not in key)])
        yield name, expected, stand_in_case(flavour, stand_in, settings, folder)
    yield from moto_cases(folder)


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="portcullis-") as name:
        folder = pathlib.Path(name)
        for case, expected, got in results(folder):
            if got == expected:
                passed += 1
                print(f"ok: {case}: {got}")
            else:
                failed += 1
                print(f"FAILED: {case}: {got}, expected {expected}")
                servers.print_logs(folder)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
