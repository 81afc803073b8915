/** Stands for the SDK's module "embedded:network/interface/wifi": what it says comes from a socket of the test, on the
 *  port that mcconfig's option `air` names. A line is an address, "-" when there is none, or what goes wrong in a
 *  driver: "throw", "fill". */
import config from "mc/config";
import TCP from "./tcp.js";

export default class WiFi {
	connection = 0;
	address: string | undefined = undefined;
	private air: TCP | undefined = undefined;

	constructor(private readonly options: { onChanged?: (property: string) => void }) {}

	connect(): void {
		if (this.air !== undefined) return;
		const wifi = this;
		this.air = new TCP({
			port: Number(config.air),
			onReadable(count) {
				const bytes = new Uint8Array(count);
				this.read(bytes);
				const lines = new TextDecoder("utf-8").decode(bytes).trim().split("\n");
				wifi.hear(lines[lines.length - 1]!);
			},
		});
	}

	disconnect(): void {}

	private hear(line: string): void {
		if (line === "throw") throw new Error("in the radio's driver");
		if (line === "fill") for (let chain = {}; ; ) chain = { chain }; // not one slot is left
		this.address = line === "-" ? undefined : line;
		this.connection = line === "-" ? 0 : 500;
		this.options.onChanged?.("address");
	}
}
