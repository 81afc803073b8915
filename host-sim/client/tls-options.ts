/** TLS's options: Node's own, as a browser has its own way with certificates. */
import { frozen } from "../../src/frozen.js";
import { FLAG, type Rule, STRING } from "../../src/promises/option-table.js";
import type { ConnectOptions } from "../../src/promises/settings.js";

export const TLS_OPTIONS: readonly Rule[] = frozen([
	[STRING, "cert", "sslCertFile"],
	[STRING, "key", "sslKeyFile"],
	[STRING, "ca", "sslCafile", "cafile"],
	[STRING, "capath", "sslCapath"],
	[FLAG, "verify", "sslVerifyPeer", "rejectUnauthorized"],
	[FLAG, "allowSelfSigned", "sslAllowSelfSigned"],
	[STRING, "serverName", "servername", "sslHostName"],
]);

export interface TlsSettings {
	cert?: string;
	key?: string;
	ca?: string;
	capath?: string;
	serverName?: string;
	verify: boolean;
	allowSelfSigned: boolean;
}

const TEXTS = frozen(["cert", "key", "ca", "capath", "serverName"] as const);

/** @param o by Hearth's own names */
export function readTls(o: ConnectOptions): TlsSettings {
	const tls: TlsSettings = { verify: o.verify ?? true, allowSelfSigned: o.allowSelfSigned ?? false };
	for (const name of TEXTS) if (o[name] !== undefined) tls[name] = o[name];
	return tls;
}
