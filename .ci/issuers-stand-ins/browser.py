"""A person with a browser, for $BROWSER: opens the page, signs in and consents wherever a form asks, until the client's page.

Works for the development pages of oidc-provider, where every name and password will do, and for authz.
"""
import html.parser
import http.cookiejar
import sys
import traceback
import urllib.parse
import urllib.request

MAX_FORMS = 4


class FormReader(html.parser.HTMLParser):
    """The first form of a page: where it goes, what is filled in, and the button to press."""

    def __init__(self):
        super().__init__()
        self.action = None
        self.fields = {}
        self.button = None
        self.done = False

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = attributes.get("action", "")
        elif self.done or self.action is None:
            return
        elif tag == "input" and "name" in attributes:
            person = {"text": "demo_user", "email": "demo_user", "password": "demo_password"}
            self.fields[attributes["name"]] = person.get(attributes.get("type", "text"), attributes.get("value", ""))
        elif tag == "button" and attributes.get("name") and attributes.get("value") != "deny":
            self.button = self.button or (attributes["name"], attributes.get("value", ""))

    def handle_endtag(self, tag):
        if tag == "form" and self.action is not None:
            self.done = True


def walk(url):
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(url, timeout=10)
    for _ in range(MAX_FORMS):
        form = FormReader()
        form.feed(page.read().decode())
        if form.action is None:
            return
        fields = form.fields | dict([form.button] if form.button else [])
        here = urllib.parse.urlsplit(page.url)
        target = urllib.parse.urljoin(page.url, form.action)
        request = urllib.request.Request(target, urllib.parse.urlencode(fields).encode(), {"Origin": f"{here.scheme}://{here.netloc}"})
        page = opener.open(request, timeout=10)
    raise RuntimeError(f"still a form at {page.url}")


if __name__ == "__main__":
    try:
        walk(sys.argv[1])
    except Exception:
        # The client starts a browser with its output closed.
        with open("browser.log", "a") as log:
            traceback.print_exc(file=log)
        raise
