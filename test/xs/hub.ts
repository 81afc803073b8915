/** On XS: a broker with an ESP32's limits on a free port of 127.0.0.1. Prints the port, and what it keeps in memory.
 *  "alice" may prove by SCRAM-SHA-256 that she knows the password "wonderland".
 *  Ends when a client publishes to the topic "end". */

import { limits } from "hearth-mqtt/limits";
import { decodeBase64 } from "../../src/auth/base64.js";
import { type ScramCredentials, ScramSha256 } from "../../src/auth/scram.js";
import { Broker } from "../../src/broker/broker.js";
import { keptBy, report } from "./measure.js";
import { XsPlatform } from "./platform.js";

const SALT = "0123456789abcdef";
const platform = new XsPlatform();
/** What is kept of the password, with the salt "0123456789abcdef" and 4,096 iterations. */
const alice: ScramCredentials = {
	salt: new Uint8Array(platform.text.size(SALT)),
	iterations: 4_096,
	storedKey: decodeBase64("koDA4w4uESj0AfNZTEbpK/0Fx0yK4YVjtgcbcPyVqYQ=")!,
	serverKey: decodeBase64("+wjLhweKjn9o4b6f4w3u2pPId+QIekOvK0vJURzRXjQ=")!,
};
platform.text.encode(SALT, alice.salt, 0);
const scram = new ScramSha256(platform, { credentials: (name) => (name === "alice" ? alice : undefined) });
const access = { allowAnonymous: true };
const kept = keptBy(() => new Broker({ limits, platform, access, authentication: [scram] }));
const broker = kept.value;
platform.attach(broker);
broker.subscribe("end", () => {
	broker.stop();
	platform.detach();
	report("counted", { internalErrors: broker.counters.internalErrors, drops: broker.counters.dropsQueue });
});
platform.endTurn();
const { slots, chunkBytes, bytes } = kept;
report("listening", { port: platform.listen(0), slots, chunkBytes, bytes, planned: broker.layout.bytes });
