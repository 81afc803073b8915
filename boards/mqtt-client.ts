/** `import MQTTClient from "hearth-mqtt/boards/mqtt-client"`: ECMA-419's MQTTClient on a device, by Hearth's client.
 *  What it takes and tells is what the SDK's own does; docs/client.md says what it does beyond. */
import { MqttClient, type MqttClientOptions } from "../src/ecma419/mqtt-client.js";
import { TimerPlatform } from "./timer-platform.js";

export default class MQTTClient extends MqttClient {
	constructor(options: MqttClientOptions) {
		super(options, new TimerPlatform());
	}
}
