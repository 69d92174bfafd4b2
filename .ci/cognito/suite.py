"""docs/providers/cognito: its template deployed into moto by its script, what that leaves there, and mcp-server with the
`.env` that it writes."""
import base64
import contextlib
import hashlib
import hmac
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import WaiterError

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
SCRIPT = ROOT / "docs/providers/cognito/deploy"
REGION = "eu-central-1"


def module(name, path):
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    loaded = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(loaded)
    return loaded


servers = module("with_servers", ROOT / ".ci/with-servers")
script = module("deploy", SCRIPT)
PASSWORD = "A made-up passphrase 1!"


class Suite:
    """What passed, what failed, and the moto that it runs against."""

    def __init__(self, folder, endpoint):
        self.folder, self.passed, self.failed = folder, 0, 0
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("MCP_", "AWS_"))} | {
            "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        self.endpoint = endpoint
        made_up = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.pools = boto3.client("cognito-idp", endpoint_url=endpoint, region_name=REGION, **made_up)
        self.stacks = boto3.client("cloudformation", endpoint_url=endpoint, region_name=REGION, **made_up)

    def check(self, what, got, expected):
        if got == expected:
            self.passed += 1
            print(f"ok: {what}")
        else:
            self.failed += 1
            print(f"FAILED: {what}:\n  got      {got!r}\n  expected {expected!r}")

    def deploy(self, name, *args):
        """Runs the script in a folder of its own."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        done = subprocess.run([sys.executable, SCRIPT, *args], env=self.environment, cwd=folder, capture_output=True, text=True, check=False)
        return folder, done

    def outputs(self, stack):
        found = self.stacks.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    def token(self, pool, client):
        """A token by moto for somebody new."""
        name = f"somebody-{time.monotonic_ns()}@example.com"
        self.pools.admin_create_user(UserPoolId=pool, Username=name)
        self.pools.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)
        parameters = {"USERNAME": name, "PASSWORD": PASSWORD}
        described = self.pools.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
        if secret := described.get("ClientSecret"):
            mac = hmac.new(secret.encode(), (name + client).encode(), hashlib.sha256)
            parameters["SECRET_HASH"] = base64.b64encode(mac.digest()).decode()
        return self.pools.admin_initiate_auth(UserPoolId=pool, ClientId=client, AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=parameters)["AuthenticationResult"]["AccessToken"]


def bad_input(suite):
    """Each with its own sentence, nothing deployed, nothing written."""
    good = {"--mcp-url": "https://mcp.example.com/mcp", "--domain-prefix": "example-mcp"}
    rows = [
        ("--mcp-url", "https://mcp.example.com/mcp/", "ends with a slash"),
        ("--mcp-url", "http://mcp.example.com/mcp", "http is for localhost only"),
        ("--mcp-url", "mcp.example.com/mcp", "not an absolute https URL"),
        ("--mcp-url", "https://mcp.example.com/mcp?x=1", "has a query"),
        ("--mcp-url", "https://me@mcp.example.com/mcp", "a user name"),
        ("--mcp-url", "https://mcp.example.com:port/mcp", "not a URL"),
        ("--mcp-url", "https://mcp.example.com/" + "a" * 240, "longer than 256"),
        ("--domain-prefix", "Example", "not 1 to 63 of a-z"),
        ("--domain-prefix", "-example", "not 1 to 63 of a-z"),
        ("--domain-prefix", "my-cognito", "allows no cognito"),
        ("--callback-url", "http://app.example/callback", "neither https"),
        ("--callback-url", "https://app.example/callback#x", "a fragment"),
        ("--callback-url", "callback", "neither https"),
        ("--callback-url", "javascript:alert(1)", "neither https"),
        ("--tier", "essentials", "use LITE, ESSENTIALS or PLUS"),
        ("--stack-name", "my stack", "a letter followed by"),
        ("--env-file", "nowhere/.env", "there is no folder nowhere"),
    ]
    for name, value, expected in rows:
        args = ["=".join(pair) for pair in (good | {name: value}).items()]
        folder, done = suite.deploy("bad-input", *args)
        told = done.stderr.strip()
        as_expected = done.returncode == 2 and told.startswith(f"{name}: ") and expected in told and "Fix: " in told and "\n" not in told
        suite.check(f"refused: {name} {value[:60]}", (as_expected, os.listdir(folder)), (True, []))
    _, done = suite.deploy("bad-input", "--mcp-url", "x", "--domain-prefix", "X", "--tier", "x")
    suite.check("all problems at once", (done.returncode, done.stderr.count("Fix: ")), (2, 3))
    _, done = suite.deploy("bad-input", "--domain-prefix", "x")
    suite.check("a missing argument is named", (done.returncode, "--mcp-url" in done.stderr), (2, True))
    suite.check("bad input deploys nothing", suite.stacks.describe_stacks()["Stacks"], [])


def same_rules(suite):
    """The template itself refuses what the script refuses, for whoever deploys it otherwise."""
    template = (SCRIPT.parent / "template.yaml").read_text()
    url, prefix = (re.compile(pattern) for pattern in re.findall(r"AllowedPattern: '(.*)'", template))
    urls = ["https://a.example", "https://a.example/mcp", "http://localhost:8001/mcp", "https://a.example/", "http://a.example", "https://a.example/?x", "https://me@a.example", "https://a b"]
    suite.check("script and template agree on URLs", [bool(url.fullmatch(raw)) for raw in urls], [script.url_problem(raw) is None for raw in urls])
    prefixes = ["a", "a-b", "A", "-a", "a-", "a" * 63, "a" * 64, "a.b"]
    suite.check("script and template agree on prefixes", [bool(prefix.fullmatch(raw)) for raw in prefixes], [bool(script.DOMAIN_PREFIX.fullmatch(raw)) for raw in prefixes])


class Cloud:
    """A CloudFormation that says what it is told to: moto has no failing stack."""

    def __init__(self, status):
        self.status = status

    def describe_stacks(self, **_):
        return {"Stacks": [{"StackStatus": self.status}]}

    def update_stack(self, **_):
        """Accepted, as always."""

    def get_waiter(self, _):
        return self

    def wait(self, **_):
        raise WaiterError("stack_update_complete", "failed", {})

    def describe_stack_events(self, **_):
        reason = "Domain already associated with another user pool."
        return {"StackEvents": [{"LogicalResourceId": "Domain", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": reason}]}


def failing_stacks(suite):
    given = script.arguments(["--mcp-url", "https://mcp.example.com/mcp", "--domain-prefix", "x"])
    for status, expected in [("CREATE_COMPLETE", "Domain: Domain already associated"), ("ROLLBACK_COMPLETE", "aws cloudformation delete-stack")]:
        try:
            script.deploy(Cloud(status), given)
            told = "nothing"
        except SystemExit as error:
            told = str(error.code)
        suite.check(f"a stack that fails is explained: {expected}", expected in told, True)


def deployed(suite):
    """What stands in moto is what the template says."""
    url = "https://mcp.example.com/mcp"
    args = ["--mcp-url", url, "--domain-prefix", "example-mcp"]
    folder, done = suite.deploy("deployed", *args)
    suite.check("deployed", (done.returncode, done.stderr), (0, ""))
    out = suite.outputs("portcullis-mcp")
    pool = out["PoolId"]
    suite.check("pool", {name: value for name, value in suite.pools.describe_user_pool(UserPoolId=pool)["UserPool"].items() if name in ("Name", "UserPoolTier", "UsernameAttributes", "AdminCreateUserConfig")},
                {"Name": "portcullis-mcp", "UserPoolTier": "ESSENTIALS", "UsernameAttributes": ["email"], "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}})
    domain = suite.pools.describe_user_pool_domain(Domain="example-mcp")["DomainDescription"]
    suite.check("domain", (domain["UserPoolId"], out["SignInPages"]), (pool, f"https://example-mcp.auth.{REGION}.amazoncognito.com"))
    found = suite.pools.list_resource_servers(UserPoolId=pool, MaxResults=50)["ResourceServers"]
    suite.check("resource server", [(server["Identifier"], [scope["ScopeName"] for scope in server["Scopes"]]) for server in found], [(url, ["mcp:read", "mcp:write"])])
    clients(suite, out, url)
    resources = suite.stacks.describe_stack_resources(StackName="portcullis-mcp")["StackResources"]
    suite.check("pages of the client", [found["PhysicalResourceId"] for found in resources if found["ResourceType"] == "AWS::Cognito::ManagedLoginBranding"], [f"{pool}|{out['PeopleClientId']}"])
    suite.check("its .env", (folder / ".env").read_text(), f"""\
# The user pool {pool} of the stack portcullis-mcp. Nothing in here is secret.
MCP_RESOURCE_AUTH_SERVER_URL=https://cognito-idp.{REGION}.amazonaws.com/{pool}
MCP_RESOURCE_PUBLIC_URL={url}
# Say so if a proxy in front speaks https; else set --tls-cert and --tls-key.
#MCP_RESOURCE_BEHIND_TLS_PROXY=true
MCP_RESOURCE_SCOPE_PREFIX={url}/
MCP_RESOURCE_PRESET=cognito
MCP_RESOURCE_OAUTH_STRICT=true
# Clients find Cognito's endpoints at this server, with the PKCE that Cognito takes without saying so, and get this client.
MCP_RESOURCE_METADATA_SHIM=on
MCP_RESOURCE_METADATA_SHIM_CLIENT_ID={out['PeopleClientId']}
MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS=http://localhost:3030/callback
# For the client.
MCP_SERVER_URL={url}
MCP_CLIENT_ID={out['PeopleClientId']}
""")
    again(suite, args, out)


def clients(suite, out, url):
    def of(client):
        return suite.pools.describe_user_pool_client(UserPoolId=out["PoolId"], ClientId=out[client])["UserPoolClient"]

    scopes = [f"{url}/mcp:read", f"{url}/mcp:write"]
    people, machines = of("PeopleClientId"), of("MachinesClientId")
    names = ("AllowedOAuthFlows", "AllowedOAuthScopes", "CallbackURLs", "AllowedOAuthFlowsUserPoolClient")
    suite.check("client of people", [people.get(name) for name in names], [["code"], ["openid", "email", "profile", *scopes], ["http://localhost:3030/callback"], True])
    suite.check("client of machines", [machines.get(name) for name in names], [["client_credentials"], scopes, None, True])
    suite.check("only machines have a secret", ("ClientSecret" in people, "ClientSecret" in machines), (False, True))


def again(suite, args, before):
    """A second run changes what is asked for and nothing else; a file that is there stays."""
    folder, done = suite.deploy("deployed", *args)
    suite.check("a .env that is there stays", (done.returncode, "--force" in done.stderr), (2, True))
    _, done = suite.deploy("deployed", *args, "--force")
    suite.check("nothing to update is fine", (done.returncode, done.stderr, suite.outputs("portcullis-mcp")), (0, "", before))
    _, done = suite.deploy("deployed", *args, "--force", "--callback-url", "http://localhost:4000/callback", "--callback-url", "app.example:/callback")
    people = suite.pools.describe_user_pool_client(UserPoolId=before["PoolId"], ClientId=before["PeopleClientId"])["UserPoolClient"]
    suite.check("an update keeps the client", (done.returncode, people["CallbackURLs"]), (0, ["http://localhost:4000/callback", "app.example:/callback"]))
    suite.check("nothing but the .env is left", sorted(os.listdir(folder)), [".env"])


def verdict(port, token, tool="whoami", arguments=None):
    """`ok`, or the reason of the refusal."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments or {}}}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/mcp", json.dumps(body).encode(), headers)
    try:
        with servers.DIRECT.open(request, timeout=10) as answer:
            return "ok" if "result" in json.load(answer) else "no result"
    except urllib.error.HTTPError as error:
        return json.load(error)["reason"]


@contextlib.contextmanager
def started(suite, folder, pool, port):
    """mcp-server in that folder, by its `.env`; only where moto has the keys is said beside it."""
    known = f"{suite.endpoint}/{pool}/.well-known"
    environment = {name: value for name, value in suite.environment.items() if not name.startswith("AWS_")} | {
        "MCP_RESOURCE_METADATA_URL": f"{known}/openid-configuration", "MCP_RESOURCE_JWKS_URL": f"{known}/jwks.json",
    }
    with servers.running("mcp-server", environment, folder) as process:
        servers.wait_until_ready("mcp-server", process, f"http://127.0.0.1:{port}")
        yield


def served(suite):
    """Strict: a token of the template's client is good, others are not."""
    other_pool = suite.outputs("portcullis-mcp")
    (port,) = servers.free_ports(1)
    folder, done = suite.deploy("served", "--mcp-url", f"http://localhost:{port}/mcp", "--domain-prefix", "served", "--stack-name", "served")
    suite.check("deployed for localhost", (done.returncode, done.stderr), (0, ""))
    out = suite.outputs("served")
    with started(suite, folder, out["PoolId"], port):
        mine = suite.token(out["PoolId"], out["PeopleClientId"])
        suite.check("a token of the template's client", verdict(port, mine), "ok")
        suite.check("its scopes are those of the template", verdict(port, mine, "create_secure_note", {"content": "x"}), "ok")
        suite.check("a token of another pool", verdict(port, suite.token(other_pool["PoolId"], other_pool["PeopleClientId"])), "issuer_unknown")
        found_by_clients(suite, out, port)
        suite.check("a token of a machine, which has no audience", verdict(port, suite.token(out["PoolId"], out["MachinesClientId"])), "audience_missing")


def answer_of(port, path, body=None):
    """Status and JSON of an answer."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://localhost:{port}{path}", body and json.dumps(body).encode(), headers)
    try:
        with servers.DIRECT.open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def found_by_clients(suite, out, port):
    """What an MCP client finds without being told anything but the URL."""
    origin = f"http://localhost:{port}"
    _, resource = answer_of(port, "/.well-known/oauth-protected-resource/mcp")
    suite.check("clients are sent to the shim", resource["authorization_servers"], [origin])
    _, document = answer_of(port, "/.well-known/oauth-authorization-server")
    endpoints = [document[name] for name in ("issuer", "authorization_endpoint", "token_endpoint", "code_challenge_methods_supported")]
    suite.check("which names the pages of the template", endpoints, [origin, f"{out['SignInPages']}/oauth2/authorize", f"{out['SignInPages']}/oauth2/token", ["S256"]])
    suite.check("and a scope of the template", (document["scopes_supported"], resource["scopes_supported"]), ([f"{origin}/mcp/mcp:read"],) * 2)
    status, registered = answer_of(port, "/oauth2/register", {"redirect_uris": ["http://localhost:3030/callback"], "client_name": "x"})
    suite.check("registration gives the client of the template", (status, registered.get("client_id")), (201, out["PeopleClientId"]))
    status, refused = answer_of(port, "/oauth2/register", {"redirect_uris": ["https://other.example/callback"], "client_name": "x"})
    suite.check("but for its callback only", (status, refused["error"]), (400, "invalid_redirect_uri"))


def served_to_machines(suite):
    """Without an audience, on the tier that has none: clients are told apart."""
    (port,) = servers.free_ports(1)
    url = f"http://localhost:{port}/mcp"
    folder, done = suite.deploy("machines", "--mcp-url", url, "--domain-prefix", "machines", "--stack-name", "machines", "--tier", "LITE", "--machines")
    suite.check("deployed on the tier LITE", (done.returncode, done.stderr), (0, ""))
    out = suite.outputs("machines")
    pool, people, machines = out["PoolId"], out["PeopleClientId"], out["MachinesClientId"]
    suite.check("its .env", (folder / ".env").read_text(), f"""\
# The user pool {pool} of the stack machines. Nothing in here is secret.
MCP_RESOURCE_AUTH_SERVER_URL=https://cognito-idp.{REGION}.amazonaws.com/{pool}
MCP_RESOURCE_PUBLIC_URL={url}
MCP_RESOURCE_PORT={port}
MCP_RESOURCE_SCOPE_PREFIX={url}/
MCP_RESOURCE_PRESET=cognito
# Tokens without an audience: the client id ties them to this server, and the prefix of their scopes.
MCP_RESOURCE_OAUTH_STRICT=false
MCP_RESOURCE_ALLOWED_CLIENTS={people},{machines}
# Clients find Cognito's endpoints at this server, with the PKCE that Cognito takes without saying so, and get this client.
MCP_RESOURCE_METADATA_SHIM=on
MCP_RESOURCE_METADATA_SHIM_CLIENT_ID={people}
MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS=http://localhost:3030/callback
# For the client.
MCP_SERVER_URL={url}
MCP_CLIENT_ID={people}
""")
    another = suite.pools.create_user_pool_client(UserPoolId=pool, ClientName="another")["UserPoolClient"]["ClientId"]
    with started(suite, folder, pool, port):
        suite.check("a token of a person", verdict(port, suite.token(pool, people)), "ok")
        suite.check("a token of a machine", verdict(port, suite.token(pool, machines)), "ok")
        suite.check("a token of another client of the pool", verdict(port, suite.token(pool, another)), "client_not_allowed")


@contextlib.contextmanager
def moto(folder):
    (port,) = servers.free_ports(1)
    with open(folder / "moto.log", "wb") as log:
        command = [sys.executable, str(HERE / "moto_with_cognito.py"), "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            for _ in range(400):
                with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                    servers.DIRECT.open(f"http://127.0.0.1:{port}/moto-api/", timeout=2).close()
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def main():
    with tempfile.TemporaryDirectory(prefix="portcullis-") as name:
        folder = pathlib.Path(name)
        with moto(folder) as endpoint:
            suite = Suite(folder, endpoint)
            for part in (bad_input, same_rules, failing_stacks, deployed, served, served_to_machines):
                part(suite)
        if suite.failed:
            for logs in (folder, *(found for found in folder.iterdir() if found.is_dir())):
                servers.print_logs(logs)
    print(f"{suite.passed} passed, {suite.failed} failed")
    sys.exit(1 if suite.failed else 0)


if __name__ == "__main__":
    main()
