"""The official Python SDK client against the built authz and mcp-server: discovery, registration, sign-in, calls, reuse.

Reads AUTHZ_URL and MCP_URL. Each test is a person with an empty token storage; the last line is `N passed, N failed`.
"""
import contextlib
import datetime
import logging
import os
import re
import sys
import unittest

import httpx2
from mcp.client import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, OAuthFlowError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

from browser import Browser

AUTHZ_URL = os.environ["AUTHZ_URL"]
MCP_URL = os.environ["MCP_URL"]
REDIRECT_URI = "http://localhost:3030/callback"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


class Storage:
    """What one person's client remembers between its sessions."""

    def __init__(self, client_info=None):
        self.client_info = client_info
        self.tokens = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client_info

    async def set_client_info(self, client_info):
        self.client_info = client_info


class Person:
    """A storage, a browser, and the requests that the SDK made in the newest session."""

    def __init__(self, client_info=None, answer="Allow", auth_method=None):
        self.storage = Storage(client_info)
        self.browser = Browser()
        self.requests = []
        self.authorization_url = None
        self._answer = answer
        self._auth_method = auth_method
        self._callback = None

    @contextlib.asynccontextmanager
    async def session(self, mode="auto"):
        """A new session with mcp-server, as after a restart of the client."""
        self.requests = []
        provider = OAuthClientProvider(
            server_url=MCP_URL,
            client_metadata=OAuthClientMetadata(
                client_name="Python SDK suite",
                redirect_uris=[REDIRECT_URI],
                token_endpoint_auth_method=self._auth_method,
            ),
            storage=self.storage,
            redirect_handler=self._open,
            callback_handler=self._receive,
        )
        try:
            async with httpx2.AsyncClient(auth=provider, event_hooks={"request": [self._record]}) as http:
                async with Client(streamable_http_client(MCP_URL, http_client=http), mode=mode) as client:
                    yield client
        except BaseExceptionGroup as group:
            # The SDK's task groups wrap what happened once for each level.
            raise innermost(group) from None

    def seen(self, method, path, base=AUTHZ_URL):
        """How often the SDK asked for this in the newest session."""
        return self.requests.count((method, f"{base}{path}"))

    async def _record(self, request):
        self.requests.append((request.method, str(request.url)))

    async def _open(self, url):
        self.authorization_url = httpx2.URL(url)
        self._callback = self.browser.authorize(url, REDIRECT_URI, self._answer)

    async def _receive(self):
        if "error" in self._callback:
            raise OAuthFlowError(f"{self._callback['error']} from {self._callback['iss']}")
        return AuthorizationCodeResult(**self._callback)


def innermost(error):
    """The first exception in a tree of groups."""
    return innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def get_time(client, **arguments):
    """Calls the tool; the timestamp of its answer, which must be of this minute."""
    result = await client.call_tool("get_time", arguments)
    text = " ".join(content.text for content in result.content)
    assert not result.is_error, text
    stamp = RFC3339.search(text)
    assert stamp, f"no RFC 3339 time in: {text}"
    moment = datetime.datetime.fromisoformat(stamp.group())
    distance = abs((moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds())
    assert distance < 60, f"{stamp.group()} is {distance} s away from now"
    return stamp.group()


def pre_registered(auth_method):
    """The client that authz knows from the start."""
    return OAuthClientInformationFull(
        client_id="simple-mcp-client",
        client_secret="simple-mcp-secret-123",
        redirect_uris=[REDIRECT_URI],
        token_endpoint_auth_method=auth_method,
    )


class PythonSdk(unittest.IsolatedAsyncioTestCase):
    """Names say what must hold."""

    async def test_discovers_registers_signs_in_and_calls(self):
        person = Person(auth_method="none")
        async with person.session() as client:
            self.assertRegex(await get_time(client), r"Z$|\+00:00$")
            self.assertRegex(await get_time(client, timezone="Asia/Tokyo"), r"\+09:00$")
        self.assertEqual(person.requests[0], ("POST", MCP_URL))
        self.assertEqual(person.seen("GET", "/.well-known/oauth-authorization-server"), 1)
        self.assertEqual(person.seen("POST", "/register"), 1)
        self.assertEqual(person.seen("POST", "/oauth2/token"), 1)
        self.assertEqual((person.browser.logins, person.browser.consents), (1, 1))
        self.assertEqual(person.authorization_url.params["resource"], MCP_URL)
        self.assertEqual(person.authorization_url.params["scope"], "mcp:read")
        self.assertEqual(person.storage.client_info.issuer, AUTHZ_URL)
        self.assertIsNone(person.storage.client_info.client_secret)

    async def test_a_second_session_needs_no_login(self):
        person = Person()
        async with person.session() as client:
            await get_time(client)
        async with person.session() as client:
            await get_time(client)
        self.assertEqual(set(person.requests), {("POST", MCP_URL)})
        self.assertEqual((person.browser.logins, person.browser.consents), (1, 1))

    async def test_registers_with_a_secret_by_default(self):
        person = Person()
        async with person.session() as client:
            await get_time(client)
        self.assertEqual(person.storage.client_info.token_endpoint_auth_method, "client_secret_basic")
        self.assertTrue(person.storage.client_info.client_secret)

    async def test_registers_with_a_secret_in_the_form(self):
        person = Person(auth_method="client_secret_post")
        async with person.session() as client:
            await get_time(client)
        self.assertEqual(person.storage.client_info.token_endpoint_auth_method, "client_secret_post")

    async def test_the_pre_registered_client_signs_in_without_registering(self):
        for auth_method in ("client_secret_basic", "client_secret_post"):
            with self.subTest(auth_method):
                person = Person(pre_registered(auth_method))
                async with person.session() as client:
                    await get_time(client)
                self.assertEqual(person.seen("POST", "/register"), 0)
                self.assertEqual(person.seen("POST", "/oauth2/token"), 1)

    async def test_both_eras_of_the_protocol(self):
        person = Person()
        async with person.session(mode="2026-07-28") as client:
            await get_time(client)
            self.assertEqual(client.session.protocol_version, "2026-07-28")
        async with person.session(mode="legacy") as client:
            await get_time(client)
            self.assertEqual(client.session.protocol_version, "2025-11-25")

    async def test_lists_the_tools(self):
        person = Person()
        async with person.session() as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
        self.assertLessEqual({"get_time", "whoami"}, tools)

    async def test_whoami_names_the_client_that_registered(self):
        person = Person()
        async with person.session() as client:
            result = await client.call_tool("whoami", {})
        text = " ".join(content.text for content in result.content)
        for expected in (person.storage.client_info.client_id, MCP_URL, "mcp:read"):
            self.assertIn(expected, text)

    async def test_a_refused_token_leads_to_a_new_sign_in_with_the_same_registration(self):
        person = Person()
        async with person.session() as client:
            await get_time(client)
        good = person.storage.tokens.access_token
        head, claims, signature = good.split(".")
        flipped = "A" if signature[0] != "A" else "B"
        person.storage.tokens.access_token = ".".join((head, claims, flipped + signature[1:]))
        async with person.session() as client:
            await get_time(client)
        self.assertEqual(person.seen("POST", "/register"), 0)
        self.assertEqual(person.seen("POST", "/oauth2/token"), 1)
        self.assertNotEqual(person.storage.tokens.access_token, good)
        self.assertEqual((person.browser.logins, person.browser.consents), (1, 2))

    async def test_a_denied_consent_reaches_the_client_as_access_denied(self):
        person = Person(answer="Deny")
        with self.assertRaisesRegex(OAuthFlowError, f"^access_denied from {AUTHZ_URL}$"):
            async with person.session() as client:
                await get_time(client)
        self.assertEqual(person.seen("POST", "/oauth2/token"), 0)
        self.assertIsNone(person.storage.tokens)

    async def test_an_unknown_time_zone_is_an_error_of_the_tool(self):
        person = Person()
        async with person.session() as client:
            result = await client.call_tool("get_time", {"timezone": "Mars/Olympus"})
        self.assertTrue(result.is_error)


def main():
    # The SDK logs the traceback of a flow that was refused; here a refusal is a test.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(PythonSdk)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
    failed = len({str(test) for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)


if __name__ == "__main__":
    main()
