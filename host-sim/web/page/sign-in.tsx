/** Signing in, for everybody who is not at the hub's own machine. */
import { useState } from "preact/hooks";
import { signIn } from "./hub-link.js";

export function SignIn() {
	const [why, setWhy] = useState("");
	const [busy, setBusy] = useState(false);
	const submit = (event: SubmitEvent) => {
		event.preventDefault();
		const form = new FormData(event.target as HTMLFormElement);
		setBusy(true);
		signIn(String(form.get("user")), String(form.get("password")))
			.catch((error: Error) => setWhy(error.message))
			.finally(() => setBusy(false));
	};
	return (
		<main class="sign-in">
			<form onSubmit={submit}>
				<img src="/icon.svg" alt="" width="56" height="56" />
				<h1>Hearth</h1>
				<label>
					User name
					<input name="user" autocomplete="username" required />
				</label>
				<label>
					Password
					<input name="password" type="password" autocomplete="current-password" required />
				</label>
				<button type="submit" class="main" disabled={busy}>
					Sign in
				</button>
				<p class="why" role="alert">
					{why}
				</p>
			</form>
		</main>
	);
}
