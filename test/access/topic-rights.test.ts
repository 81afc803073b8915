/** Rights by topic: a table of who may do what by a file of Hearth's own, and what the broker makes of it. */
import { parseAclFile } from "../../host-sim/users/acl-file.js";
import type { TopicRights } from "../../src/access/topic-rights.js";
import { fresh } from "../conformance/wire.js";
import { Fixture } from "../support/fixtures.js";
import { assert, suite } from "../support/test.js";

const test = suite("rights by topic");

const HOUSE = `
# a house
everyone
	allow read            public/#
	deny  write           public/readonly
	allow publish         in/%c
	allow publish         %c/box
	allow will            status/%c
	allow subscribe       news/+

anonymous
	allow receive         hall/door

group lamps
	member lamp-1
	member lamp 2
	allow write           lamps/%u/#
	allow read            lamps/%u/set
	deny  will            lamps/%u/quiet/#

group guests
	member eve
	member lamp 2
	allow read            garden/#
	deny  read            garden/safe
	deny  write           lamps/lamp 2/locked

user ann
	allow all             #
	deny  all             secret/#
	allow read            $SYS/#

user ben
	allow publish,receive public/readonly
	allow subscribe       +/+/temperature
	allow receive         room/kitchen/temperature
	deny  subscribe       public/inner/#

user eve
	allow read            garden/safe
`;

/** "user" or "user@client", "-" is anonymous; P(ublish), W(ill), S(ubscribe), R(eceive); allowed and refused topics */
const TABLE: readonly (readonly [who: string, right: "P" | "W" | "S" | "R", allowed: string, refused: string])[] = [
	// everyone
	["-", "R", "public public/a public/a/b public/readonly", "publi public2 $SYS/x a in/c status/c news/a $public/a"],
	["-", "S", "public/# public/+ public/a # + +/a +/# news/+ news/# news/a +/+", "a/# in/c hall/other $SYS/# news/a/b"],
	["-", "P", "in/c", "in/d in in/c/x public/a public/readonly status/c hall/door"],
	["-", "W", "status/c", "status/d in/c public/a"],
	["-@d", "P", "in/d d/box", "in/c c/box"],
	["-@$SYS", "P", "in/$SYS", "$SYS/box"],
	["-@a/b", "P", "", "in/a/b in/a in/b"],
	["-@+", "P", "", "in/c in/x in"],
	["-@#", "W", "", "status/c status status/x/y"],
	["-@%u", "P", "in/%u", "in/c in/%c"],
	// anonymous clients alone
	["-", "R", "hall/door", "hall hall/window hall/door/x"],
	["zoe", "R", "public/a", "hall/door"],
	["zoe", "P", "in/c", "in/zoe lamps/zoe/a public/readonly"],
	["", "R", "public/a", "hall/door lamps//x"],
	// groups
	["lamp-1", "P", "lamps/lamp-1 lamps/lamp-1/a lamps/lamp-1/quiet/x in/c", "lamps/lamp-2/a lamps lamps/c garden/a"],
	["lamp-1", "W", "lamps/lamp-1/state status/c", "lamps/lamp-1/quiet lamps/lamp-1/quiet/x lamps/lamp-2/state"],
	["lamp-1", "S", "lamps/lamp-1/set lamps/# lamps/+/set # public/#", "lamps/lamp-1/other lamps/lamp-2/set garden/#"],
	["lamp-1", "R", "lamps/lamp-1/set public/a", "lamps/lamp-1 lamps/lamp-1/a lamps/lamp-1/set/x garden/a"],
	["lamp 2", "P", "lamps/lamp 2/a", "lamps/lamp 2/locked lamps/lamp/a"],
	["lamp 2", "R", "garden garden/a lamps/lamp 2/set public/a", "garden/safe lamps/lamp-1/set"],
	["lamp 2", "S", "garden/# garden/+ garden/a", "garden/safe"],
	["lamp-3", "P", "in/c", "lamps/lamp-3/a"],
	["lamp-3", "R", "public/a", "lamps/lamp-3/set"],
	// the user's own before the group's
	["eve", "R", "garden/a garden/safe public/a", "lamps/eve/set secret/x"],
	["eve", "S", "garden/# garden/safe garden/+ +/safe", "lamps/eve/set lamps/#"],
	["eve", "P", "in/c", "garden/a lamps/eve/x"],
	// all, but
	["ann", "P", "a a/b /a a/ public/readonly in/d lamps/lamp-1/a", "secret secret/a secret/a/b $SYS/a $SYS $x"],
	["ann", "W", "a status/d lamps/lamp-1/quiet", "secret/a $SYS/a"],
	["ann", "R", "a public/a $SYS/broker/uptime $SYS", "secret secret/a $x/a $HEARTH/a"],
	["ann", "S", "# a/# +/a $SYS/# $SYS/broker/+ +/#", "secret/# secret/a secret secret/+ $x/# $HEARTH/#"],
	// single rights
	["ben", "P", "public/readonly in/c", "public/a public/readonly/x room/kitchen/temperature"],
	["ben", "R", "public/readonly public/inner/a room/kitchen/temperature", "room/hall/temperature room/kitchen"],
	["ben", "S", "+/+/temperature room/+/temperature # room/kitchen/temperature +/+/+", "room/kitchen/light a/b"],
	["ben", "S", "public/# public/a public/+", "public/inner public/inner/# public/inner/a public/inner/+"],
	["ben", "W", "status/c", "public/readonly public/a"],
	["ben", "S", "a/b/temperature secret/# +/# news/a", "a/b/c/temperature lamps/+ a/+ temperature"],
	["ben@status", "W", "status/status", "status/c"],
	["eve@lamp-1", "P", "in/lamp-1", "lamps/lamp-1/a in/eve"],
];

const ASKS = {
	P: "authorizePublish",
	W: "authorizeWill",
	S: "authorizeSubscribe",
	R: "authorizeReceive",
} as const satisfies Record<string, keyof TopicRights>;

function clientOf(who: string) {
	const [user, clientId = "c"] = who.split("@");
	return { clientId, userName: user === "-" ? undefined : user };
}

/** "lamp 2" is a name with a space in it */
function topicsOf(text: string): string[] {
	return text
		.replaceAll("lamp 2", "lamp_2")
		.split(" ")
		.filter(Boolean)
		.map((topic) => topic.replace("lamp_2", "lamp 2"));
}

test("who may publish, leave a Will, subscribe and receive: the whole table", () => {
	const rights = parseAclFile(HOUSE, "house");
	let cases = 0;
	for (const [who, right, allowed, refused] of TABLE)
		for (const [topics, expected] of [
			[allowed, true],
			[refused, false],
		] as const)
			for (const topic of topicsOf(topics)) {
				const answer = rights[ASKS[right]](clientOf(who), topic);
				assert.is(answer, expected, `${who} ${right} ${topic}`);
				cases++;
			}
	assert.ok(cases >= 200, `${cases} cases`);
});

test("rules in another order say the same", () => {
	const sections = HOUSE.split(/\n\n/).map((section) => section.split("\n"));
	const turned = sections.reverse().flatMap((lines) => {
		const at = lines.findIndex((line) => /^(everyone|anonymous|group|user)/.test(line));
		const members = lines.filter((line) => /member/.test(line));
		const rules = lines.slice(at + 1).filter((line) => /allow|deny/.test(line));
		return at < 0 ? [] : [lines[at]!, ...rules.reverse(), ...members];
	});
	const rights = parseAclFile(turned.join("\r\n"), "turned");
	for (const [who, right, allowed, refused] of TABLE) {
		for (const topic of topicsOf(allowed)) assert.ok(rights[ASKS[right]](clientOf(who), topic), `${who} ${topic}`);
		for (const topic of topicsOf(refused)) assert.not(rights[ASKS[right]](clientOf(who), topic), `${who} ${topic}`);
	}
});

test("an empty file allows nothing", () => {
	const rights = parseAclFile("# nothing\n\n", "empty");
	for (const ask of Object.values(ASKS)) assert.not(rights[ask]({ clientId: "c", userName: "ann" }, "a"));
});

test("a line that cannot be used: the file, its number, what was expected", () => {
	const refused = (text: string, pattern: RegExp) => {
		try {
			parseAclFile(text, "acl");
		} catch (error) {
			assert.is((error as Error).name, "HearthError");
			assert.match((error as Error).message, pattern);
			assert.not.match((error as Error).message, /\n/);
			return;
		}
		assert.unreachable(text);
	};
	refused("user ann\nallow a", /^acl:2: expected allow RIGHTS TOPIC/);
	refused("everyone\nallow write,reed a", /^acl:2: expected rights out of publish, will, .*commas/);
	refused("everyone\nallow constructor a", /^acl:2: expected rights out of/);
	refused("allow read a", /^acl:1: expected a line with everyone, anonymous, user or group before allow; add one/);
	refused("user ann\nmember ben", /^acl:2: expected a line with group NAME before member/);
	refused("group", /^acl:1: expected group NAME/);
	refused("user  ", /^acl:1: expected user NAME/);
	refused("everyone else", /^acl:1: expected everyone alone on its line/);
	refused("\n\ntopic", /^acl:3: expected topic \[read\|write\|readwrite\|deny\] TOPIC/);
	refused("topic reed a b", /^acl:1: expected read, write, readwrite or deny/);
	refused("topic read a/#/b", /^acl:1: expected a Topic Filter/);
	refused("pattern a+", /^acl:1: expected a Topic Filter/);
	refused("everyone\ndeny all #a", /^acl:2: expected a Topic Filter/);
	refused("permit all", /^acl:1: expected user, group, member/);
});

test("the broker refuses by them: SUBACK 0x80 and 0x87, PUBACK 0x87, CONNACK for a Will", () => {
	const access = parseAclFile(HOUSE, "house");
	const fixture = new Fixture({ access });
	const login = (user: string, version: 4 | 5, more = {}) => {
		const options = version === 5 ? fresh(5) : {};
		return fixture.connect(`${user}-${version}`, { ...options, username: user, password: Buffer.from("x"), ...more });
	};
	const ann = login("ann", 5);
	ann.subscribe("#");
	for (const version of [4, 5] as const) {
		const ben = login("ben", version);
		const refused = version === 4 ? 0x80 : 0x87;
		assert.equal(ben.subscribe(["public/#", "public/inner/#", "other/+"], 1), [1, refused, refused]);
		ben.publish("secret/x", "no", 1);
		assert.is((ben.take("puback") as { reasonCode?: number }).reasonCode ?? 0, version === 4 ? 0 : 0x87);
		ben.publish("public/readonly", "yes", 1);
		assert.equal(ann.messages(), ["public/readonly yes 0"]);
		assert.equal(ben.messages().slice(-1), ["puback"]);
	}
	const will = { topic: "lamps/lamp-1/quiet/x", payload: Buffer.from("x"), qos: 0 as const, retain: false };
	const lamp = fixture.open();
	assert.is(lamp.connect("l", { username: "lamp-1", password: Buffer.from("x"), will }).returnCode, 5);
	assert.is(login("lamp-1", 4, { will: { ...will, topic: "lamps/lamp-1/gone" } }).closed, false);
});

test.run();
