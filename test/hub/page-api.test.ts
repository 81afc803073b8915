/** The page's own requests, whatever server brings them: who may sign in and for how long, and what is told to whom. */

import { text } from "../../host-sim/text.js";
import { Guesses } from "../../src/broker/guesses.js";
import { Cause } from "../../src/errors.js";
import { type PageAnswer, PageApi } from "../../src/hub/page-api.js";
import { cookieOf, hostNameOf, isSameOrigin, type PageRequest, Refused } from "../../src/hub/page-requests.js";
import { SESSION_MS } from "../../src/hub/page-sessions.js";
import { assert, suite } from "../support/test.js";

const test = suite("hub: the page's requests");

type Fields = Readonly<Record<string, string>>;

function request(method: string, path: string, fields: Fields = {}, more: Partial<PageRequest> = {}): PageRequest {
	const field = (name: string): string | undefined => fields[name];
	return { method, path, address: "10.0.0.5:4000", isSecure: false, isTrusted: false, field, ...more };
}

/** A hub whose only device is an admin with a password; `gone` revokes it. */
function make(sessionsMax = 3) {
	const world = { now: 1, gone: false, draws: 0 };
	const device = { id: "panel", kind: "admin" };
	const devices = {
		hubId: "K7Q2M9XD",
		devices: { find: (id: string) => (id === device.id && !world.gone ? device : undefined) },
		isAdmin: ({ userName }: { userName?: string }) => userName === device.id && !world.gone,
	};
	const api = new PageApi({
		devices: devices as never,
		access: {
			authenticate: ({ userName }, password) => {
				const right = userName === device.id || userName === "bob";
				return right && Buffer.from(password!).toString() === "pw" ? Cause.None : Cause.BadUserNameOrPassword;
			},
		},
		guesses: new Guesses(8),
		text,
		sessionsMax,
		now: () => world.now,
		randomBytes: (bytes) => bytes.fill(++world.draws),
		mqttAddress: (host) => ({ host, port: 1_883 }),
		log: () => {},
	});
	return { api, world };
}

function answerOf(api: PageApi, asked: PageRequest, body = ""): PageAnswer {
	const answers: PageAnswer[] = [];
	api.answer(asked, body, (answer) => answers.push(answer));
	assert.is(answers.length, 1);
	return answers[0]!;
}

function signIn(api: PageApi, userName: string, password = "pw"): PageAnswer {
	const json = { "content-type": "application/json" };
	return answerOf(api, request("POST", "/session", json), JSON.stringify({ userName, password }));
}

const cookie = ({ fields }: PageAnswer): Fields => ({ cookie: fields["set-cookie"]!.split(";")[0]! });

const seenBy = (api: PageApi, fields: Fields) => answerOf(api, request("GET", "/session", fields)).body;

/** @returns the status of what is refused */
function refusal(task: () => void): number {
	try {
		task();
	} catch (error) {
		if (error instanceof Refused) return error.status;
		throw error;
	}
	return 0;
}

test("a device that has signed in is signed out when it is revoked, and the admin's rights go with it", () => {
	const { api, world } = make();
	const panel = cookie(signIn(api, "panel"));
	const bob = cookie(signIn(api, "bob"));
	assert.is((seenBy(api, panel) as { admin: boolean }).admin, true);
	assert.is((seenBy(api, bob) as { admin: boolean }).admin, false);
	world.gone = true;
	assert.is(api.userOf(request("GET", "/mqtt", panel)), undefined);
	assert.is((seenBy(api, panel) as { signedIn: boolean }).signedIn, false);
	assert.is(api.userOf(request("GET", "/mqtt", bob)), "bob");
});

test("a session ends a week after it was used last; each use begins the week anew", () => {
	const { api, world } = make();
	const bob = cookie(signIn(api, "bob"));
	for (let i = 0; i < 3; i++) {
		world.now += SESSION_MS;
		assert.is(api.userOf(request("GET", "/session", bob)), "bob");
	}
	world.now += SESSION_MS + 1;
	assert.is(api.userOf(request("GET", "/session", bob)), undefined);
	world.now -= SESSION_MS;
	assert.is(api.userOf(request("GET", "/session", bob)), undefined, "it does not come back");
});

test("one session more than there may be ends the one that was used longest ago", () => {
	const { api } = make(2);
	const [first, second] = [cookie(signIn(api, "bob")), cookie(signIn(api, "bob"))];
	assert.is(api.userOf(request("GET", "/", first)), "bob");
	const third = cookie(signIn(api, "bob"));
	assert.equal(
		[first, second, third].map((fields) => api.userOf(request("GET", "/", fields))),
		["bob", undefined, "bob"],
	);
});

test("over TLS the cookie is for TLS only", () => {
	const { api } = make();
	const json = { "content-type": "application/json" };
	const asked = request("POST", "/session", json, { isSecure: true });
	const { fields } = answerOf(api, asked, '{"userName":"bob","password":"pw"}');
	assert.match(fields["set-cookie"]!, /; HttpOnly; SameSite=Strict; Secure$/);
});

test("pairing is for admins; where the hub has no devices there is none", () => {
	const { api } = make();
	assert.is(
		refusal(() => api.answer(request("GET", "/pairing"), "", () => {})),
		401,
	);
	const bob = cookie(signIn(api, "bob"));
	assert.is(
		refusal(() => api.answer(request("GET", "/pairing", bob), "", () => {})),
		403,
	);
});

test("wrong passwords count against who sends them, right ones don't", () => {
	const { api } = make();
	for (let i = 0; i < 10; i++) assert.is(signIn(api, "bob").status, 200);
	for (let i = 0; i < 3; i++) assert.is(signIn(api, "bob", "no").status, 401);
	assert.is(
		refusal(() => signIn(api, "bob")),
		429,
	);
});

test("names, origins and cookies are read as browsers write them, and nothing else", () => {
	const hosts = ["Hub.local:80", "10.0.0.1", "[::1]:8080", "a b", "", "x/y", "a:b", undefined];
	assert.equal(hosts.map(hostNameOf), ["hub.local", "10.0.0.1", "::1", ...new Array(5).fill(undefined)]);
	const same = (origin: string, host = "hub.local:8080"): boolean =>
		isSameOrigin(request("GET", "/", { origin, host }));
	assert.equal(
		[
			"http://hub.local:8080",
			"https://HUB.local:8080",
			"http://hub.local",
			"null",
			"http://evil/hub.local:8080",
			"",
		].map((origin) => same(origin)),
		[true, true, false, false, false, false],
	);
	assert.is(cookieOf("a=1; hearth=x=y;b", "hearth"), "x=y");
	for (const header of [undefined, "", "hearth", "hearth=", "xhearth=1"])
		assert.is(cookieOf(header, "hearth"), undefined);
});

test.run();
