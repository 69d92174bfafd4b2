"""Foreign issuers swapped in for authz by settings alone: npm oidc-provider in its flavours, and moto's Cognito."""
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile

import dot_env
import logins
from stand_ins import HERE, INTROSPECTION, child, mcp_server, oidc_provider, servers, token_of, verdict, wait_for

CLIENTS = {"MCP_RESOURCE_OAUTH_STRICT": "false", "MCP_RESOURCE_ALLOWED_CLIENTS": "m2m"}
OTHERS = CLIENTS | {"MCP_RESOURCE_ALLOWED_CLIENTS": "another"}
OKTA = {"MCP_RESOURCE_PRESET": "okta", "MCP_RESOURCE_AUDIENCES": "api://default"}
ZITADEL = {"MCP_RESOURCE_PRESET": "zitadel", "MCP_RESOURCE_AUDIENCES": "312909075211944000"}

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
    ("zitadel", {}, ZITADEL, "ok"),
    ("zitadel", {}, ZITADEL | {"MCP_RESOURCE_AUDIENCES": "312909075211944099"}, "audience_mismatch"),
    ("zitadel", {"FMT": "opaque"}, ZITADEL | INTROSPECTION, "ok"),
    ("zitadel", {"FMT": "opaque"}, ZITADEL | INTROSPECTION | {"MCP_RESOURCE_AUDIENCES": "312909075211944099"}, "audience_mismatch"),
    ("zitadel", {}, {"MCP_RESOURCE_PRESET": "zitadel"} | CLIENTS, "ok"),
    ("cognito", {}, {"MCP_RESOURCE_PRESET": "cognito"}, "audience_missing"),
    ("cognito", {}, {"MCP_RESOURCE_PRESET": "cognito", "MCP_RESOURCE_OAUTH_STRICT": "observe"}, "ok"),
    ("cognito", {}, {"MCP_RESOURCE_PRESET": "cognito"} | CLIENTS, "ok"),
    ("cognito", {}, {"MCP_RESOURCE_PRESET": "cognito"} | OTHERS, "client_not_allowed"),
    ("cognito", {"COGNITO_AUD": "1"}, {"MCP_RESOURCE_PRESET": "cognito"}, "ok"),
]


def answered(port, settings, token, folder):
    """What a server with these settings answers to the token."""
    settings = {"MCP_RESOURCE_SCOPE_MAP": "mcp:read=tools.read"} | settings
    with mcp_server(port, settings, folder):
        return verdict(port, token)


def stand_in_case(flavour, stand_in, settings, folder):
    (port,) = servers.free_ports(1)
    resource = f"http://localhost:{port}/mcp"
    with oidc_provider(flavour, resource, stand_in, folder) as issuer:
        settings = {"MCP_RESOURCE_AUTH_SERVER_URL": issuer} | settings
        if where := settings.pop("INTROSPECT_AT", None):
            settings["MCP_RESOURCE_INTROSPECT_URL"] = issuer.rstrip("/") + where
        token = token_of(issuer, "http://other.example/mcp" if "OTHER" in stand_in else resource)
        return answered(port, settings, token, folder)


@contextlib.contextmanager
def moto(folder):
    """Cognito's issuer is an address of Amazon, so the keys need an override; gives the pool and its settings."""
    (moto_port,) = servers.free_ports(1)
    bin_folder = pathlib.Path(sys.executable).parent
    with child([str(bin_folder / "moto_server"), "-H", "127.0.0.1", "-p", str(moto_port)], {}, folder):
        wait_for(f"http://127.0.0.1:{moto_port}/moto-api/")
        made = subprocess.run([sys.executable, str(HERE / "moto_cognito.py"), f"http://127.0.0.1:{moto_port}"], capture_output=True, text=True, check=True)
        pool = json.loads(made.stdout)
        yield pool, {
            "MCP_RESOURCE_AUTH_SERVER_URL": pool["issuer"],
            "MCP_RESOURCE_JWKS_URL": pool["jwks_uri"],
            "MCP_RESOURCE_PRESET": "cognito",
            "MCP_RESOURCE_SCOPE_MAP": "mcp:read=aws.cognito.signin.user.admin",
        }


def moto_cases(folder):
    (port,) = servers.free_ports(1)
    with moto(folder) as (pool, cognito):
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
    yield from logins.results(folder)
    with moto(folder) as (pool, cognito):
        yield from dot_env.results(folder, pool, cognito)


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
