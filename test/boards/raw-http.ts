/** HTTP requests as they are written, and what answers them. */
import { once } from "node:events";
import { connect } from "node:net";

/** @returns all that answers what is sent as it is; bytes as Latin-1 */
export async function raw(port: number, text: string | Buffer): Promise<string> {
	const socket = connect(port, "127.0.0.1");
	socket.on("error", () => {});
	await once(socket, "connect");
	socket.write(text);
	let answer = "";
	socket.setEncoding("latin1").on("data", (chunk) => {
		answer += chunk;
	});
	await once(socket, "close");
	return answer;
}

/** @returns an answer's status; 0: there is none */
export const status = (answer: string): number => Number(answer.split(" ")[1] ?? 0);

/** @returns what follows an answer's head */
export const bodyOf = (answer: string): string => answer.slice(answer.indexOf("\r\n\r\n") + 4);

/** @returns a field of an answer; undefined: it has none */
export const fieldOf = (answer: string, name: string): string | undefined =>
	new RegExp(`^${name}: (.*)\r$`, "im").exec(answer)?.[1];
