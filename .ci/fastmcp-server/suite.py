"""Our client at servers that none of us wrote: npm oidc-provider in front of a Python fastmcp server. Whole sign-ins with a
scripted browser, with dynamic registration and with a client that the issuer knows; then a list and calls."""
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "issuers-stand-ins"))
import stand_ins
from stand_ins import child, foreign_environment, oidc_provider, servers, wait_for

CLIENT = servers.BINARIES / "client"
CLIENTS = {
    "registers itself": {"MCP_USE_DCR": "true"},
    "is registered": {"MCP_CLIENT_ID": "mcp-public"},
}


@contextlib.contextmanager
def fastmcp(port, issuer, resource, folder):
    with child([sys.executable, str(HERE / "server.py")], {"ISSUER": issuer, "RESOURCE": resource, "PORT": str(port)}, folder):
        wait_for(f"http://127.0.0.1:{port}/.well-known/oauth-protected-resource/mcp")
        yield


class Person:
    """The client with a folder of its own, and a browser."""

    def __init__(self, resource, settings, folder):
        (callback_port,) = servers.free_ports(1)
        self.folder = folder
        self.environment = foreign_environment() | settings | {
            "MCP_SERVER_URL": resource,
            "MCP_CALLBACK_PORT": str(callback_port),
            "MCP_CLIENT_STATE_DIR": str(folder / "state"),
            "BROWSER": f"{sys.executable} {stand_ins.HERE / 'browser.py'}",
        }

    def run(self, *command):
        """Exit code, the JSON that was printed, and how often a page was to be opened."""
        process = subprocess.run([CLIENT, *command, "--json"], env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        if process.stderr and process.returncode != 0:
            print(process.stderr)
        return process.returncode, json.loads(process.stdout or "null"), process.stderr.count("open this page")


def client_checks(issuer, person):
    code, tools, pages = person.run("list")
    yield "signs in once and lists the tools", code == 0 and pages == 1 and {tool["name"] for tool in tools} == {"add", "whoami"}
    code, result, pages = person.run("call", "whoami")
    who = result and result["structuredContent"]
    yield "calls as the person, without another sign-in", code == 0 and pages == 0 and who["iss"] == issuer and bool(who["sub"])
    expected = person.environment.get("MCP_CLIENT_ID")
    yield "is the client that it should be", bool(who) and (who["client_id"] == expected if expected else who["client_id"] != "mcp-public")
    code, result, _ = person.run("call", "add", '{"a": 2, "b": 40}')
    yield "passes arguments", code == 0 and result["structuredContent"] == {"result": 42}
    code, result, _ = person.run("call", "add", '{"a": "two"}')
    yield "tells an error of the tool", code == 4


def results(folder):
    for name, settings in CLIENTS.items():
        (mcp_port,) = servers.free_ports(1)
        resource = f"http://127.0.0.1:{mcp_port}/mcp"
        with oidc_provider("plain", resource, {}, folder) as issuer, fastmcp(mcp_port, issuer, resource, folder):
            with tempfile.TemporaryDirectory(dir=folder) as own:
                for what, held in client_checks(issuer, Person(resource, settings, pathlib.Path(own))):
                    yield f"a client that {name} {what}", held


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="portcullis-") as name:
        folder = pathlib.Path(name)
        for case, held in results(folder):
            passed, failed = passed + held, failed + (not held)
            print("ok  " if held else "FAIL", case, flush=True)
        if failed:
            print((folder / "stand-in.log").read_text(errors="replace"))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
