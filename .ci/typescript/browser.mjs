// A person with a browser: reads the pages of authz, fills their forms, and stops where the client would take over.
import assert from 'node:assert/strict';

const MAX_STEPS = 10;
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescape = text =>
    text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
        if (name) return ENTITIES[name] ?? whole;
        return String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16));
    });

const attributesOf = tag =>
    Object.fromEntries(
        [...tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/g)].map(
            ([, name, double, single, bare]) => [name.toLowerCase(), unescape(double ?? single ?? bare ?? '')]
        )
    );

/** The forms of a page: where each goes, its fields with values and types, its submit buttons. */
export function formsOf(html) {
    return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, tag, content]) => {
        const { action = '', method = 'get' } = attributesOf(tag);
        const inputs = [...content.matchAll(/<input\b([^>]*)>/gi)]
            .map(([, input]) => ({ type: 'text', value: '', ...attributesOf(input) }))
            .filter(({ name, type, checked }) => name && (!/^(checkbox|radio)$/.test(type) || checked !== undefined));
        const buttons = [...content.matchAll(/<button\b([^>]*)>(.*?)<\/button>/gis)]
            .map(([, button, label]) => ({ type: 'submit', value: '', ...attributesOf(button), label: textOf(label) }))
            .filter(({ type }) => type === 'submit');
        return { action, method: method.toLowerCase(), inputs, buttons };
    });
}

const textOf = html => unescape(html.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim();

/** Keeps cookies, follows redirects by GET, sends `Origin` with forms as browsers do. */
export class Browser {
    logins = 0;
    consents = 0;
    #cookies = new Map();

    /** Opens the authorization URL, signs in where asked, answers the consent page; the callback's parameters. */
    async authorize(url, redirectUri, answer = 'Allow') {
        let response = await this.#request(new URL(url));
        for (let step = 0; step < MAX_STEPS; step++) {
            const location = response.headers.get('location');
            if (!location) {
                response = await this.#answerPage(response, answer);
                continue;
            }
            const target = new URL(location, response.url);
            if (target.href.startsWith(redirectUri)) return singleParameters(target);
            response = await this.#request(target);
        }
        assert.fail(`no redirect to the client within ${MAX_STEPS} steps`);
    }

    async #answerPage(response, answer) {
        const html = await response.text();
        assert.equal(response.status, 200, `${response.status} at ${response.url}: ${textOf(html)}`);
        for (const form of formsOf(html)) {
            if (form.inputs.some(({ type }) => type === 'password')) return this.#signIn(response.url, form);
            const button = form.buttons.find(({ label }) => label === answer);
            if (button) {
                this.consents++;
                return this.#submit(response.url, form, {}, button);
            }
        }
        assert.fail(`no form to sign in and none to ${answer.toLowerCase()} at ${response.url}`);
    }

    #signIn(page, form) {
        assert.equal(++this.logins, 1, 'asked to sign in a second time');
        const nameOf = (...types) => form.inputs.find(({ type }) => types.includes(type)).name;
        const credentials = { [nameOf('text', 'email')]: 'demo_user', [nameOf('password')]: 'demo_password' };
        return this.#submit(page, form, credentials, form.buttons[0]);
    }

    #submit(page, form, values, button) {
        assert.equal(form.method, 'post', 'a form that changes something is posted');
        const body = new URLSearchParams(form.inputs.map(({ name, value }) => [name, value]));
        for (const [name, value] of Object.entries(values)) body.set(name, value);
        if (button.name) body.set(button.name, button.value);
        return this.#request(new URL(form.action, page), { method: 'POST', body, origin: new URL(page).origin });
    }

    async #request(url, { method = 'GET', body, origin } = {}) {
        const headers = { accept: 'text/html', cookie: [...this.#cookies].map(pair => pair.join('=')).join('; ') };
        if (origin) headers.origin = origin;
        const response = await fetch(url, { method, body, headers, redirect: 'manual' });
        for (const cookie of response.headers.getSetCookie()) {
            const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
            if (/max-age=0/i.test(cookie)) this.#cookies.delete(name);
            else this.#cookies.set(name, value);
        }
        return response;
    }
}

/** The query of the callback; a repeated parameter is an error. */
function singleParameters(url) {
    const names = [...url.searchParams.keys()];
    assert.equal(new Set(names).size, names.length, `a parameter is repeated: ${names}`);
    return Object.fromEntries(url.searchParams);
}
