"""Whole sign-ins by the client of this repository, with a scripted browser, up to an accepted call of a tool."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from stand_ins import HERE, foreign_environment, mcp_server, oidc_provider, servers

CLIENT = servers.BINARIES / "client"
PATIENCE_SECONDS = 60
CALLBACK = "http://localhost:3030/callback"
REGISTERED = {"MCP_CLIENT_ID": "mcp-public"}
REGISTERS = {"MCP_USE_DCR": "true"}

GENERIC = {"MCP_RESOURCE_PRESET": "generic"}
SHIM = {"MCP_RESOURCE_METADATA_SHIM": "on"}
SHIM_CLIENT = SHIM | {"MCP_RESOURCE_METADATA_SHIM_CLIENT_ID": "mcp-public", "MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS": CALLBACK}
BOUND = {"COGNITO_AUD": "1"}
COGNITO = {"MCP_RESOURCE_PRESET": "cognito", "MCP_RESOURCE_SCOPE_PREFIX": "RESOURCE/"}
ENTRA_LIKE = {"MCP_RESOURCE_METADATA_SHIM_DROP_RESOURCE": "on"}
NOT_ENTRA_LIKE = {"MCP_RESOURCE_METADATA_SHIM_DROP_RESOURCE": "off"}
AUDIENCE_LIKE = {"NO_ISS": "1", "DEMAND_AUDIENCE": "1"}

# What it shows, flavour, settings of the stand-in, of the server and of the client, and what comes of it.
CASES = [
    ("plain", "plain", {}, GENERIC, REGISTERED, "ok"),
    ("plain, client registers", "plain", {}, GENERIC, REGISTERS, "ok"),
    ("okta", "okta", {}, {"MCP_RESOURCE_PRESET": "okta", "MCP_RESOURCE_AUDIENCES": "api://default"}, REGISTERED, "ok"),
    ("keycloak, client registers", "keycloak", {}, {"MCP_RESOURCE_PRESET": "keycloak"}, REGISTERS, "ok"),
    ("auth0", "auth0", {}, {"MCP_RESOURCE_PRESET": "auth0"}, REGISTERED, "ok"),
    ("hydra", "hydra", {}, {"MCP_RESOURCE_PRESET": "hydra"}, REGISTERED, "ok"),
    ("zitadel", "zitadel", {}, {"MCP_RESOURCE_PRESET": "zitadel", "MCP_RESOURCE_AUDIENCES": "312909075211944000"}, REGISTERED, "ok"),
    ("cognito as it is", "cognito", BOUND, COGNITO, REGISTERED, "3: S256"),
    ("cognito behind the shim", "cognito", BOUND, COGNITO | SHIM, REGISTERED, "ok"),
    ("cognito behind the shim, client registers", "cognito", BOUND, COGNITO | SHIM_CLIENT, REGISTERS, "ok"),
    ("cognito behind the shim, another redirect URI", "cognito", BOUND, COGNITO | SHIM_CLIENT | {"MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS": "https://app.example/cb"}, REGISTERS, "3: invalid_redirect_uri"),
    ("resource refused, and sent", "cognito", BOUND | {"REFUSE_RESOURCE": "1"}, COGNITO | SHIM | NOT_ENTRA_LIKE, REGISTERED, "no sign-in"),
    ("resource refused, and dropped by the shim", "cognito", BOUND | {"REFUSE_RESOURCE": "1"}, COGNITO | SHIM | ENTRA_LIKE, REGISTERED, "ok"),
    ("audience demanded, and added by the shim", "auth0", AUDIENCE_LIKE, {"MCP_RESOURCE_PRESET": "auth0"} | SHIM, REGISTERED, "ok"),
    ("a shim before an issuer that sends iss", "plain", {}, GENERIC | SHIM, REGISTERED, "no start: RFC 9207"),
]


def call(resource, client, folder):
    """`client call whoami` with an empty state: its exit code, what it printed and what it complained of."""
    (callback_port,) = servers.free_ports(1)
    with tempfile.TemporaryDirectory(dir=folder) as state:
        environment = foreign_environment() | client | {
            "MCP_SERVER_URL": resource,
            "MCP_CALLBACK_PORT": str(callback_port),
            "MCP_CLIENT_STATE_DIR": state,
            "BROWSER": f"{sys.executable} {HERE / 'browser.py'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [CLIENT, "call", "whoami", "--json"]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if not ends(process, folder / "browser.log"):
            process.kill()
            process.communicate()
            return "no sign-in", "", "", None
        printed, complaint = process.communicate()
        return process.returncode, printed, complaint, kept_token(pathlib.Path(state))


def ends(process, browser_log):
    """Whether the client ends; not when the browser has given up, whom it would go on waiting for."""
    browser_log.unlink(missing_ok=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not browser_log.exists():
        if process.poll() is not None:
            return True
        time.sleep(0.05)
    return False


def kept_token(state):
    """The access token that the client has kept, if it is a JWT."""
    for file in state.rglob("*"):
        if file.is_file() and (found := re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", file.read_text(errors="replace"))):
            return found.group()
    return None


def outcome(issuer, resource, client, words, folder):
    code, printed, complaint, _ = call(resource, client, folder)
    if code == 0:
        identity = json.loads(printed)
        return "ok" if issuer in json.dumps(identity) else f"another issuer: {printed}"
    told = [word for word in words if word in complaint]
    return f"{code}: {' '.join(told) or complaint.strip()}" if isinstance(code, int) else code


def login(case, folder):
    name, flavour, stand_in, settings, client, expected = case
    (port,) = servers.free_ports(1)
    resource = f"http://localhost:{port}/mcp"
    with oidc_provider(flavour, resource, stand_in, folder) as issuer:
        settings = {"MCP_RESOURCE_SCOPE_MAP": "mcp:read=tools.read"} | settings if "MCP_RESOURCE_SCOPE_PREFIX" not in settings else settings
        settings = {key: value.replace("RESOURCE", resource) for key, value in settings.items()} | {"MCP_RESOURCE_AUTH_SERVER_URL": issuer}
        try:
            with mcp_server(port, settings, folder):
                words = [expected.partition(": ")[2]] if ": " in expected else []
                return outcome(issuer, resource, client, words, folder)
        except RuntimeError:
            log = (folder / "mcp-server.log").read_text()
            return "no start: RFC 9207" if "RFC 9207" in log and "MCP_RESOURCE_METADATA_SHIM" in log else "no start"


def results(folder):
    for case in CASES:
        yield f"sign-in, {case[0]}", case[-1], login(case, folder)
