/** What the page knows, in one place; views are drawn anew when it changes, at most once a frame. */
import { useEffect, useState } from "preact/hooks";
import { TopicTree } from "./topic-tree.js";

/** How the page is with the hub. */
export type Link = "starting" | "sign-in" | "connecting" | "online" | "offline";

export interface Device {
	id: string;
	name: string;
	room: string;
	model: string;
	kind: string;
	rights: string;
	login: "scram" | "password";
	pairings: number;
	seen: boolean;
	online: boolean;
	secondsAgo?: number;
	address?: string;
	/** when this was told, ms of the page's clock */
	toldAt: number;
}

export interface Knock {
	clientId: string;
	userName: string;
	address: string;
	count: number;
	secondsAgo: number;
}

export interface HubClient {
	clientId: string;
	userName: string;
	address: string;
	version: number;
	subscriptions: number;
}

export interface Session {
	hubId: string;
	signedIn: boolean;
	admin: boolean;
	userName: string;
	local: boolean;
	/** the hub has devices; without them everybody who is let in sees its state, and nobody is an admin */
	devices: boolean;
	kinds: string[];
}

/** Log lines that are shown. */
const LINES_MAX = 200;

export class Store {
	link: Link = "starting";
	session: Session | undefined;
	readonly devices = new Map<string, Device>();
	readonly clients = new Map<string, HubClient>();
	readonly sys = new Map<string, string>();
	readonly topics = new TopicTree();
	knocks: Knock[] = [];
	/** the window is open: seconds left and attempts left when it was told, and when that was */
	window: { open: boolean; secondsLeft: number; attemptsLeft: number; toldAt: number; end: string } | undefined;
	log: string[] = [];
	/** what went wrong last, for a line at the bottom */
	problem = "";
	private readonly views = new Set<() => void>();
	private scheduled = false;

	/** Something changed. */
	changed(): void {
		if (this.scheduled) return;
		this.scheduled = true;
		requestAnimationFrame(() => {
			this.scheduled = false;
			for (const view of this.views) view();
		});
	}

	watch(view: () => void): () => void {
		this.views.add(view);
		return () => this.views.delete(view);
	}

	/** Takes what the hub tells of itself, below $HEARTH/. */
	takeOwn(name: string, text: string): void {
		const [kind, id = ""] = name.split("/");
		if (text === "") {
			if (kind === "devices") this.devices.delete(id);
			if (kind === "clients") this.clients.delete(id);
			return this.changed();
		}
		const value = JSON.parse(text);
		const toldAt = performance.now();
		if (kind === "devices") this.devices.set(id, { ...value, toldAt });
		else if (kind === "clients") this.clients.set(id, value);
		else if (kind === "knocks") this.knocks = value;
		else if (kind === "window") this.window = { ...value, toldAt };
		else if (kind === "log") this.log = [...this.log, ...(value as string[])].slice(-LINES_MAX);
		this.changed();
	}

	/** What was known is of a connection that is no more. */
	forget(): void {
		this.devices.clear();
		this.clients.clear();
		this.sys.clear();
		this.knocks = [];
		this.log = [];
		this.changed();
	}
}

export const store = new Store();

/** Draws the component that calls this when something changes. */
export function useStore(): Store {
	const [, draw] = useState(0);
	useEffect(() => store.watch(() => draw((n) => n + 1)), []);
	return store;
}
