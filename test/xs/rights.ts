/** On XS: what rights by topic cost a message whose route is known, and one whose route is built. */
import { limits } from "../../boards/esp32/limits.js";
import { Right, TopicRights } from "../../src/access/topic-rights.js";
import type { AccessRules } from "../../src/broker/access.js";
import { Broker } from "../../src/broker/broker.js";
import { Feeder, publishBytes } from "./clients.js";
import { costOf, report } from "./measure.js";
import { XsPlatform } from "./platform.js";

const TOPIC = "sensors/room1/temp";

const rights = new TopicRights();
for (let i = 0; i < 20; i++)
	rights.add({ of: "everyone" }, { allow: true, rights: Right.Publish, filter: `other${i}/%c/#` });
rights.add({ of: "everyone" }, { allow: true, rights: 15, filter: "sensors/#" });
rights.add({ of: "everyone" }, { allow: false, rights: 15, filter: "sensors/secret" });

function measure(name: string, access: AccessRules | undefined): void {
	const platform = new XsPlatform();
	platform.log = () => {};
	const broker = new Broker({ limits, platform, ...(access === undefined ? {} : { access }) });
	const feeder = new Feeder(broker);
	const publisher = feeder.connect("publisher")!;
	const other = feeder.connect("other")!;
	for (const id of ["a", "b"]) feeder.subscribe(feeder.connect(id)!, TOPIC, 0);
	const bytes = publishBytes(TOPIC, 38, 0, false, 0);
	const { memory, layout } = broker;
	memory.set(bytes, layout.receive);
	const publish = (from = publisher): void => {
		from.onReadable(memory, layout.receive, layout.receive + bytes.length);
		broker.endTurn();
	};
	report(`${name}, route known`, costOf(publish, 20));
	const alternate = costOf(() => {
		publish(other);
		publish();
	}, 1);
	report(`${name}, another publisher each time`, alternate);
	const rebuilt = costOf(() => {
		broker.accessChanged();
		publish();
	}, 1);
	report(`${name}, rules changed`, rebuilt);
}

measure("no rules", undefined);
measure("22 rules", rights);
host.exit(0);
