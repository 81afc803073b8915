/** A client of SCRAM-SHA-256 for MQTT.js, written with node:crypto. RFC 5802, section 3 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import type { IClientOptions, MqttClient } from "mqtt";

/** @returns CONNECT's options: the method and client-first-message */
export function scramOptions(user: string): IClientOptions {
	const authenticationData = Buffer.from(`n,,n=${user},r=${randomBytes(12).toString("base64")}`);
	return { properties: { authenticationMethod: "SCRAM-SHA-256", authenticationData } };
}

/** Lets the client answer the server's first message. @returns the server's signature, as it must be */
export function answerScram(client: MqttClient, options: IClientOptions, password: string): () => string {
	const bare = options.properties!.authenticationData!.toString().slice(3);
	let expected = "";
	client.handleAuth = (packet, callback) => {
		const data = packet.properties?.authenticationData?.toString() ?? "";
		const [r, s, i] = data.split(",").map((part) => part.slice(2)) as [string, string, string];
		const hmac = (key: Buffer, value: string | Buffer) => createHmac("sha256", key).update(value).digest();
		const salted = pbkdf2Sync(password, Buffer.from(s, "base64"), Number(i), 32, "sha256");
		const clientKey = hmac(salted, "Client Key");
		const message = `${bare},${data},c=biws,r=${r}`;
		const signature = hmac(createHash("sha256").update(clientKey).digest(), message);
		const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString("base64");
		expected = `v=${hmac(hmac(salted, "Server Key"), message).toString("base64")}`;
		const authenticationData = Buffer.from(`c=biws,r=${r},p=${proof}`);
		const properties = { authenticationMethod: "SCRAM-SHA-256", authenticationData };
		callback(undefined, { cmd: "auth", reasonCode: 0x18, properties } as never);
	};
	return () => expected;
}
