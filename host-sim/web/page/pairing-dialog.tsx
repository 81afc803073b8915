/** The pairing window: its code, as digits and QR, the time that is left, and what came of it. */
import { useEffect, useState } from "preact/hooks";
import { encode } from "uqr";
import { Dialog } from "./dialog.js";
import { ask, type CodeWindow, complain } from "./hub-link.js";
import { store, useStore } from "./store.js";

/** How often the seconds that are left are drawn, ms. */
const LOOK_MS = 500;

type State =
	| { stage: "asking" }
	| { stage: "open"; window: CodeWindow; until: number }
	| { stage: "over"; why: string };

function opened(window: CodeWindow): State {
	return { stage: "open", window, until: performance.now() + window.secondsLeft * 1_000 };
}

const ENDS: Record<string, string> = {
	time: "The time is over. The code is void.",
	attempts: "There were too many wrong tries. The code is void.",
	closed: "The window was closed.",
};

export function PairingDialog({ onClose }: { onClose: () => void }) {
	const [state, setState] = useState<State>({ stage: "asking" });
	const [why, setWhy] = useState("");
	const [, look] = useState(0);
	const { window: told } = useStore();
	const window = state.stage === "open" ? state.window : undefined;
	useEffect(() => {
		if (window === undefined) return;
		const timer = setInterval(() => look((n) => n + 1), LOOK_MS);
		return () => clearInterval(timer);
	}, [window?.code]);
	// the hub tells by MQTT that the window has changed; what it has become is asked for, as the code never goes there
	useEffect(() => {
		if (window === undefined) return;
		ask<CodeWindow>("GET", "/pairing")
			.then((now) => {
				if (now.open && now.code === window.code) return setState(opened(now));
				const paired = now.end === "paired" ? `${now.device} is paired.` : (ENDS[now.end] ?? "The window was closed.");
				setState({ stage: "over", why: paired });
			})
			.catch(complain);
	}, [told?.toldAt]);
	const open = (event: SubmitEvent) => {
		event.preventDefault();
		const form = new FormData(event.target as HTMLFormElement);
		const given = { name: String(form.get("name")), room: String(form.get("room")), kind: String(form.get("kind")) };
		ask<CodeWindow>("POST", "/pairing", given)
			.then((window) => setState(opened(window)))
			.catch((error: Error) => setWhy(error.message));
	};
	const close = () => {
		if (state.stage === "open") ask("DELETE", "/pairing").catch(() => {});
		onClose();
	};
	return (
		<Dialog title="Pair a device" onClose={close}>
			{state.stage === "asking" && (
				<form onSubmit={open}>
					<DeviceFields />
					<p class="why" role="alert">
						{why}
					</p>
					<div class="buttons">
						<button type="button" onClick={close}>
							Cancel
						</button>
						<button type="submit" class="main">
							Show the code
						</button>
					</div>
				</form>
			)}
			{state.stage === "open" && <Code window={state.window} until={state.until} onClose={close} />}
			{state.stage === "over" && (
				<>
					<p class="outcome" role="status">
						{state.why}
					</p>
					<div class="buttons">
						<button type="button" onClick={() => setState({ stage: "asking" })}>
							Pair another
						</button>
						<button type="button" class="main" onClick={onClose}>
							Done
						</button>
					</div>
				</>
			)}
		</Dialog>
	);
}

/** Name, room and kind of a device that is to come. */
export function DeviceFields() {
	const rooms = [...new Set([...store.devices.values()].map((device) => device.room).filter(Boolean))].sort();
	return (
		<>
			<label>
				Name
				<input name="name" maxLength={32} placeholder="Desk lamp" />
			</label>
			<label>
				Room
				<input name="room" maxLength={32} list="rooms" placeholder="Study" />
			</label>
			<datalist id="rooms">
				{rooms.map((room) => (
					<option key={room} value={room} />
				))}
			</datalist>
			<label>
				May
				<select name="kind">
					{(store.session?.kinds ?? ["device"]).map((kind) => (
						<option key={kind} value={kind}>
							{KIND_TEXTS[kind] ?? kind}
						</option>
					))}
				</select>
			</label>
		</>
	);
}

export const KIND_TEXTS: Record<string, string> = {
	device: "use its own corner (a sensor, a switch)",
	controller: "read and command all devices",
	viewer: "only look at everything",
	admin: "do everything, as you can",
};

function Code({ window, until, onClose }: { window: CodeWindow; until: number; onClose: () => void }) {
	const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1_000));
	return (
		<>
			<p>Enter this code on the device, or let it read the picture.</p>
			<p class="code">
				{window.code.slice(0, 4)} {window.code.slice(4)}
			</p>
			<QrCode text={window.qr} />
			<p class="facts">
				Hub {window.hubId} at {window.host}:{window.port}
				<br />
				<code>hearth join {window.code}</code>
			</p>
			<p class="countdown" role="timer">
				{seconds} s left, {window.attemptsLeft} {window.attemptsLeft === 1 ? "try" : "tries"} left
			</p>
			<progress max={120} value={seconds} aria-hidden />
			<div class="buttons">
				<button type="button" onClick={onClose}>
					Close the window
				</button>
			</div>
		</>
	);
}

/** Black on white, in dark pages too: readers want it so. */
function QrCode({ text }: { text: string }) {
	const { data, size } = encode(text, { border: 3 });
	let path = "";
	for (const [y, row] of data.entries())
		for (const [x, black] of row.entries()) if (black) path += `M${x} ${y}h1v1h-1z`;
	return (
		<svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="QR code" shape-rendering="crispEdges">
			<path fill="#fff" d={`M0 0h${size}v${size}H0z`} />
			<path fill="#000" d={path} />
		</svg>
	);
}
