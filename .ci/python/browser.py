"""A person with a browser: reads the pages of authz, fills their forms, and stops where the client would take over."""
import dataclasses
import html.parser
import urllib.parse

import httpx2

MAX_STEPS = 10


@dataclasses.dataclass
class Form:
    """One form of a page: where it goes, its fields with their values, and its submit buttons."""

    action: str
    method: str
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    types: dict[str, str] = dataclasses.field(default_factory=dict)
    buttons: list[dict[str, str]] = dataclasses.field(default_factory=list)

    def field(self, *types):
        """The name of the first visible field of one of these types."""
        return next((name for name, kind in self.types.items() if kind in types), None)

    def button(self, label):
        """The submit button with this label."""
        return next((button for button in self.buttons if button["label"].strip() == label), None)


class FormReader(html.parser.HTMLParser):
    """Collects the forms of a page, and its text."""

    def __init__(self):
        super().__init__()
        self.forms = []
        self.text = ""
        self._form = None
        self._button = None

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "button" and attributes.get("type", "submit") == "submit":
            self._button = {"name": attributes.get("name"), "value": attributes.get("value", ""), "label": ""}
            self._form.buttons.append(self._button)
        elif tag == "input" and "name" in attributes:
            kind = attributes.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in attributes:
                return
            self._form.fields[attributes["name"]] = attributes.get("value", "")
            self._form.types[attributes["name"]] = kind

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None

    def handle_data(self, data):
        self.text += data
        if self._button is not None:
            self._button["label"] += data


class Browser:
    """Keeps cookies, follows redirects by GET, sends `Origin` with forms as browsers do."""

    def __init__(self, username="demo_user", password="demo_password"):
        self._http = httpx2.Client(follow_redirects=False, trust_env=False, headers={"Accept": "text/html"})
        self._username = username
        self._password = password
        self.logins = 0
        self.consents = 0

    def authorize(self, url, redirect_uri, answer="Allow"):
        """Opens the authorization URL, signs in where asked, answers the consent page; returns the callback's parameters."""
        response = self._http.get(url)
        for _ in range(MAX_STEPS):
            if response.is_redirect:
                target = urllib.parse.urljoin(str(response.url), response.headers["location"])
                if target.startswith(redirect_uri):
                    return single_parameters(target)
                response = self._http.get(target)
            else:
                response = self._answer_page(response, answer)
        raise AssertionError(f"no redirect to the client within {MAX_STEPS} steps")

    def _answer_page(self, response, answer):
        page = FormReader()
        page.feed(response.text)
        if response.status_code != 200:
            raise AssertionError(f"{response.status_code} at {response.url}: {' '.join(page.text.split())}")
        for form in page.forms:
            if form.field("password"):
                return self._sign_in(response, form)
            if button := form.button(answer):
                self.consents += 1
                return self._submit(response, form, {}, button)
        raise AssertionError(f"no form to sign in and none to {answer.lower()} at {response.url}")

    def _sign_in(self, response, form):
        self.logins += 1
        if self.logins > 1:
            raise AssertionError("asked to sign in a second time")
        credentials = {form.field("text", "email"): self._username, form.field("password"): self._password}
        return self._submit(response, form, credentials, form.buttons[0])

    def _submit(self, response, form, values, button):
        assert form.method == "post", "a form that changes something is posted"
        data = form.fields | values
        if button["name"]:
            data[button["name"]] = button["value"]
        origin = f"{response.url.scheme}://{response.url.netloc.decode()}"
        target = urllib.parse.urljoin(str(response.url), form.action)
        return self._http.post(target, data=data, headers={"Origin": origin})


def single_parameters(url):
    """The query of the callback; a repeated parameter is an error."""
    parameters = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in parameters.values()), f"a parameter is repeated: {sorted(parameters)}"
    return {name: values[0] for name, values in parameters.items()}
