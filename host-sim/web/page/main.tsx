/** The hub's page. */
import "./app.css";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { DevicesView } from "./devices-view.js";
import { complain, signOut, start } from "./hub-link.js";
import { HubView } from "./hub-view.js";
import { SignIn } from "./sign-in.js";
import { store, useStore } from "./store.js";
import { TopicsView } from "./topics-view.js";

const VIEWS = [
	["devices", "Devices"],
	["topics", "Topics"],
	["hub", "Hub"],
] as const;
type View = (typeof VIEWS)[number][0];

function viewOf(hash: string): View | undefined {
	return VIEWS.find(([name]) => `#${name}` === hash)?.[0];
}

function App() {
	const { link, session, problem } = useStore();
	const [asked, setAsked] = useState(viewOf(location.hash));
	useEffect(() => {
		const look = () => setAsked(viewOf(location.hash));
		addEventListener("hashchange", look);
		return () => removeEventListener("hashchange", look);
	}, []);
	if (link === "starting") return <main class="empty">Looking for the hub …</main>;
	if (link === "sign-in") return <SignIn />;
	const views = VIEWS.filter(([name]) => name !== "devices" || session?.devices !== false);
	const view = (views.find(([name]) => name === asked) ?? views[0]!)[0];
	return (
		<>
			<header>
				<img src="/icon.svg" alt="" width="28" height="28" />
				<h1>
					Hearth <small>{session?.hubId}</small>
				</h1>
				<nav aria-label="Views">
					{views.map(([name, title]) => (
						<a key={name} href={`#${name}`} aria-current={view === name ? "page" : undefined}>
							{title}
						</a>
					))}
				</nav>
				<span class={`link ${link}`} role="status">
					{link === "online" ? "online" : link === "offline" ? "no connection" : "…"}
				</span>
				{session?.local === false && (
					<button type="button" class="quiet" onClick={() => signOut().catch(complain)}>
						Sign out {session.userName}
					</button>
				)}
			</header>
			<main>{view === "devices" ? <DevicesView /> : view === "topics" ? <TopicsView /> : <HubView />}</main>
			{problem !== "" && (
				<div class="problem" role="alert">
					{problem}
					<button
						type="button"
						class="quiet"
						onClick={() => {
							store.problem = "";
							store.changed();
						}}
					>
						Dismiss
					</button>
				</div>
			)}
		</>
	);
}

render(<App />, document.getElementById("app")!);
start();
