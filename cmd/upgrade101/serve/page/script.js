// The page shows octets from strangers. It makes elements and sets their text, and never
// parses a string as markup.
"use strict";

const byId = (id) => document.getElementById(id);

// element returns an element of a class, with children that are elements or texts.
function element(name, className, ...children) {
	const e = document.createElement(name);
	if (className) e.className = className;
	e.append(...children);
	return e;
}

// An octet is a code point from U+0000 to U+00FF, as the server writes it.

// glyph returns how an octet is shown.
function glyph(octet) {
	const code = octet.charCodeAt(0);
	if (code === 0x20) return "␣";
	if (code === 0x09) return "\\t";
	if (code === 0x0d) return "\\r";
	if (code === 0x0a) return "\\n";
	if (code < 0x20 || code > 0x7e) return "\\x" + code.toString(16).padStart(2, "0");
	return octet;
}

// escaped returns octets, with glyphs for those that are not printable. It cuts what is too
// long.
function escaped(octets, limit = 200) {
	const shown = Array.from(octets.slice(0, limit), (o) => (o === " " ? o : glyph(o))).join("");
	return octets.length > limit ? shown + ` … ${octets.length - limit} more` : shown;
}

// ask returns the answer to a question, or throws an error that says why there is none.
async function ask(path, options) {
	const response = await fetch(path, { cache: "no-store", ...options });
	let answer;
	try {
		answer = await response.json();
	} catch (error) {
		if (!(error instanceof SyntaxError)) throw error; // the connection broke
		throw refusal({ error: `the server answers ${response.status}, without JSON` });
	}
	if (!response.ok) throw refusal(answer);
	return answer;
}

const refusal = (answer) => Object.assign(new Error(answer.error), { field: answer.field, answered: true });

// reason says why there is no answer.
const reason = (error) => (error.answered ? error.message : "the server does not answer");

// Heads.

// showHead shows a head, octet for octet.
function showHead(into, octets, cut) {
	const parts = [];
	octets.split(/(?<=\n)/).forEach((line, i) => {
		const body = line.replace(/\r?\n$/, "");
		const name = /^(upgrade|connection):/i.test(body) ? body.indexOf(":") : 0;
		if (name > 0) parts.push(element("span", "key", escapedHead(body.slice(0, name))));
		else if (i === 0) parts.push(element("b", "", escapedHead(body)));
		parts.push(i === 0 && !name ? "" : escapedHead(body.slice(name)));
		parts.push(element("span", "end", Array.from(line.slice(body.length), glyph).join("")), line.endsWith("\n") ? "\n" : "");
	});
	if (cut) parts.push("… and more, which was not kept");
	into.replaceChildren(...parts);
}

const escapedHead = (octets) => Array.from(octets, (o) => (o === " " ? o : glyph(o))).join("");

// Analyses.

const classes = { Token: "tchar", Space: "ows", Comma: "comma", Slash: "slash", Illegal: "other" };

// showAnalysis shows how the server read fields.
function showAnalysis(into, analysis) {
	const parts = [verdict(analysis)];
	if (analysis.errors.length) {
		parts.push(element("ul", "faults", ...analysis.errors.map((e) => element("li", "",
			element("code", "", e.reason || "malformed"), ` ${e.in}, line ${e.line}, offset ${e.offset}: ${e.text}`))));
	}
	for (const line of analysis.lines) parts.push(figure(line, analysis.errors));
	if (analysis.hiddenLines) parts.push(element("p", "hint", `${analysis.hiddenLines} more lines, read but not shown.`));
	parts.push(element("div", "tables",
		table("Products, from Upgrade", ["name", "version", "line", "offset"],
			analysis.products.map((p) => [escaped(p.name), escaped(p.version) || "none", p.line, p.offset]), analysis.allProducts),
		table("Options, from Connection", ["option", "line", "offset"],
			analysis.options.map((o) => [escaped(o.option), o.line, o.offset]), analysis.allOptions)));
	into.replaceChildren(...parts);
}

function verdict(analysis) {
	const box = element("div", "verdict", element("strong", "", analysis.verdict), element("span", "", analysis.why));
	box.classList.toggle("no", analysis.verdict.startsWith("no "));
	return box;
}

// figure shows a field line, lexeme by lexeme.
function figure(line, errors) {
	const fault = errors.find((e) => e.in === line.field && e.line === line.line);
	const end = line.from + line.octets.length;
	const items = [];
	if (line.from > 0) items.push(element("li", "gap", `${line.from} octets before`));
	for (const lexeme of line.lexemes) {
		const octets = element("span", "octets");
		for (let i = lexeme.offset; i < lexeme.offset + lexeme.length; i++) {
			const octet = element("span", "octet " + classes[lexeme.kind], glyph(line.octets[i - line.from]));
			if (fault && fault.offset === i) octet.classList.add("here");
			octets.append(octet);
		}
		const item = element("li", "", octets, element("span", "caption", `${lexeme.kind} ${lexeme.offset}`));
		if (fault && fault.offset >= lexeme.offset && fault.offset < lexeme.offset + lexeme.length) {
			item.className = "fault";
			item.append(element("span", "caption", `▲ ${fault.reason} ${fault.offset}`));
		}
		items.push(item);
	}
	if (line.length > end) items.push(element("li", "gap", `${line.length - end} octets more`));
	if (fault && fault.offset === line.length) {
		items.push(element("li", "fault", element("span", "octets", "end"), element("span", "caption", `▲ ${fault.reason} ${fault.offset}`)));
	} else if (!line.length) {
		items.push(element("li", "gap", "an empty line"));
	}
	const caption = element("figcaption", "", element("b", "", line.field), `, line ${line.line}, ${line.length} octets`);
	if (line.octets.length < line.length) caption.append(`, of which ${line.octets.length} are shown`);
	return element("figure", "line", caption, element("ol", "lexemes", ...items));
}

function table(title, names, rows, all) {
	const caption = rows.length < all ? `${title}: ${all}, of which ${rows.length} are shown` : title;
	const body = rows.length ? rows : [["none", ...names.slice(1).map(() => "")]];
	return element("table", "", element("caption", "", caption),
		element("thead", "", element("tr", "", ...names.map((n) => {
			const th = element("th", "", n);
			th.scope = "col";
			return th;
		}))),
		element("tbody", "", ...body.map((row) => element("tr", "", ...row.map((c) => element("td", "", String(c)))))));
}

// Echo.

const maxMessages = 50;
let socket = null; // until it is closed
let shown = null; // the handshake that is shown: its socket, and what became of its heads

const echoTexts = {
	opening: "The page is opening a WebSocket to this server.",
	open: "The page has a WebSocket to this server, which sends back every message.",
	openOver: (version) => `The page has a WebSocket over HTTP/${version} to this server, which sends back every message.`,
	closing: "The page is closing its WebSocket to this server.",
	closed: "The page has no WebSocket to this server now. “Open” makes a handshake.",
};

function setState(state, text) {
	byId("state").dataset.state = state;
	byId("state").textContent = text;
	byId("echo-text").textContent = echoTexts[state];
	byId("toggle").textContent = state === "closed" ? "Open" : "Close";
	byId("toggle").disabled = state === "closing";
	byId("send").disabled = state !== "open";
	sayHandshake();
}

const handshakeTexts = {
	none: () => "No handshake of this page has switched yet.",
	asked: () => "The page is asking the server for the heads of its handshake.",
	known: (open) => (open ? "What went over the connection before the first message." :
		"What went over the last connection that switched, before the first message. It is closed now."),
	overTLS: () => "Over TLS this server does not keep the heads.",
	failed: () => `The heads of the last handshake that switched are not known: ${shown.why}.`,
};

// sayHandshake says which handshake is shown.
function sayHandshake() {
	byId("handshake-text").textContent = handshakeTexts[shown?.heads ?? "none"](shown?.socket === socket);
}

// setHeads says what became of the heads of a handshake.
function setHeads(ours, heads, why = "") {
	shown = { socket: ours, heads, why };
	if (heads !== "known") {
		for (const id of ["request", "response", "own"]) byId(id).replaceChildren();
	}
	byId("heads").hidden = heads === "overTLS";
	sayHandshake();
}

function say(way, className, text) {
	const list = byId("transcript");
	const shown = text.length > 2000 ? `${text.slice(0, 2000)} … ${text.length - 2000} more` : text;
	list.append(element("li", className, element("span", "way", way), shown));
	while (list.childElementCount > maxMessages) list.firstElementChild.remove();
	list.scrollTop = list.scrollHeight;
}

// post returns the options of a question in JSON.
const post = (question) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) });

async function connect() {
	setState("opening", "connecting");
	byId("toggle").disabled = true;
	let key;
	try {
		({ key } = await ask("key", post({})));
	} catch (error) {
		setState("closed", reason(error));
		return;
	}
	byId("toggle").disabled = false;
	const scheme = location.protocol === "https:" ? "wss:" : "ws:";
	const ours = new WebSocket(`${scheme}//${location.host}/?handshake=${key}`);
	let opened = false;
	socket = ours;
	ours.onopen = () => {
		opened = true;
		setHeads(ours, "asked");
		setState("open", "switched to websocket");
		showExchange(ours, key);
	};
	ours.onmessage = (event) => say("echo", "back", typeof event.data === "string" ? event.data : "(binary)");
	ours.onclose = (event) => {
		if (socket !== ours) return;
		socket = null;
		if (!opened) setState("closed", "not switched");
		else setState("closed", event.code === 1000 || event.code === 1005 ? "closed" : `closed, code ${event.code}`);
	};
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// showExchange shows the heads of our handshake. The socket may open before the server has
// noted them.
async function showExchange(ours, key) {
	for (let tries = 0; ; tries++) {
		try {
			const exchange = await ask("handshake?key=" + key);
			if (ours !== shown.socket) return; // there is another handshake
			own = exchange;
			compareOwn();
			if (ours === socket && ours.readyState === WebSocket.OPEN) byId("echo-text").textContent = echoTexts.openOver(exchange.version);
			if (!exchange.request) {
				setHeads(ours, "overTLS");
				return;
			}
			showHead(byId("request"), exchange.request, exchange.requestCut);
			showHead(byId("response"), exchange.response, exchange.responseCut);
			if (exchange.analysis) showAnalysis(byId("own"), exchange.analysis);
			else byId("own").replaceChildren(element("p", "hint", "The request is too long to be kept whole."));
			setHeads(ours, "known");
			return;
		} catch (error) {
			if (ours !== shown.socket) return;
			if (tries === 20) {
				setHeads(ours, "failed", reason(error));
				return;
			}
		}
		await pause(100);
	}
}

byId("echo").addEventListener("submit", (event) => {
	event.preventDefault();
	if (!socket || socket.readyState !== WebSocket.OPEN) return;
	const text = byId("message").value;
	say("sent", "", text);
	socket.send(text);
	byId("message").select();
});

byId("toggle").addEventListener("click", () => {
	if (!socket) {
		connect();
		return;
	}
	socket.close(1000);
	setState("closing", "closing");
});

// Try a field.

let reading = null;

async function read() {
	reading?.abort();
	const ours = (reading = new AbortController());
	const asked = { connection: byId("connection").value, upgrade: byId("upgrade").value };
	let problem = { message: "", field: "" };
	try {
		const analysis = await ask("parse", { ...post(asked), signal: ours.signal });
		if (ours.signal.aborted) return;
		showAnalysis(byId("result"), analysis);
		// The page must contain the result before it announces it.
		byId("spoken").textContent = [`${analysis.verdict}: ${analysis.why}`,
			...analysis.errors.map((e) => `${e.in}, line ${e.line}, offset ${e.offset}: ${e.text}`)].join(". ");
	} catch (error) {
		if (ours.signal.aborted) return;
		problem = { message: reason(error), field: error.field };
		byId("result").replaceChildren();
		byId("spoken").textContent = "";
	}
	byId("try-error").textContent = problem.field ? `${problem.field}: ${problem.message}` : problem.message;
	for (const field of ["Connection", "Upgrade"]) {
		byId(field.toLowerCase()).setAttribute("aria-invalid", String(problem.field === field));
	}
}

let waiting = 0;

for (const id of ["connection", "upgrade"]) {
	byId(id).addEventListener("input", () => {
		clearTimeout(waiting);
		waiting = setTimeout(read, 200);
	});
}

byId("try").addEventListener("submit", (event) => {
	event.preventDefault();
	clearTimeout(waiting);
	read();
});

const examples = [
	["From the RFC", "HTTP/2.0, SHTTP/1.3, IRC/6.9, RTA/x11", "upgrade"],
	["A browser", "websocket", "keep-alive, Upgrade"],
	["Two lines", ", websocket ,,\nh2c", "Upgrade"],
	["Blanks inside", "foo / 1", "Upgrade"],
	["Bad neighbour", "@@@, websocket", "Upgrade"],
	["Kelvin sign", "websoc\\u212Aet", "Upgrade"],
	["No version", "foo/, bar", "Upgrade"],
	["No option", "websocket", "keep-alive"],
];

byId("examples").append(...examples.map(([name, upgrade, connection]) => {
	const button = element("button", "", name);
	button.type = "button";
	button.addEventListener("click", () => {
		byId("upgrade").value = upgrade;
		byId("connection").value = connection;
		clearTimeout(waiting);
		read();
	});
	return button;
}));

// Last handshakes.

const maxLast = 50;
const notes = new Map(); // those that are listed, by number
let server = ""; // that counts them
let last = 0;

// beginWith notes which server counts the handshakes, and forgets those of another server.
function beginWith(name) {
	const first = !server;
	server = name;
	if (first) return;
	notes.clear();
	byId("last").replaceChildren();
	comparing?.abort();
	comparing = null;
	showNoParties("no offer chosen yet", "not asked yet");
}

function showNote(note) {
	const item = element("li", note.switched ? "switched" : "",
		element("span", "when", new Date(note.time).toLocaleTimeString()),
		element("span", "what", `${escaped(note.method)} ${escaped(note.target)} offers ${escaped(note.offered) || "nothing"}`),
		element("span", "why", note.decision));
	if (note.upgrade) {
		const button = element("button", "quiet", "Compare");
		button.type = "button";
		button.setAttribute("aria-label", `Compare what three parties make of handshake ${note.number}`);
		button.addEventListener("click", () => {
			compareNote(note);
			showParties();
		});
		item.append(button);
	}
	byId("last").prepend(item);
	notes.set(note.number, note);
	notes.delete(note.number - maxLast);
}

// Three parties.

let comparing = null; // the last question
let own = null; // this page's handshake: its server and number

const compareNote = (note) => compare(`handshake ${note.number}`, note.connection, note.upgrade);

// compareOwn shows this page's handshake, unless somebody has chosen another offer.
function compareOwn() {
	const note = own?.server === server && notes.get(own.number);
	if (note?.upgrade && !comparing) compareNote(note);
}

// compare asks what three parties make of an offer, and shows it. A field is an array of lines,
// or a text as somebody types it.
async function compare(what, connection, upgrade, sent = what) {
	comparing?.abort();
	const ours = (comparing = new AbortController());
	try {
		const parties = await ask("parties", { ...post({ connection, upgrade }), signal: ours.signal });
		if (ours.signal.aborted) return;
		for (const [name, party] of Object.entries(parties)) {
			const box = byId(name + "-verdict");
			box.replaceChildren(element("strong", "", party.verdict));
			box.className = party.switched ? "verdict" : "verdict no";
			for (const part of ["request", "response"]) {
				const into = byId(`${name}-${part}`);
				if (into) showHead(into, party[part]);
				if (into && !party[part]) into.textContent = "nothing";
			}
		}
		byId("parties-state").textContent = sent;
	} catch (error) {
		if (ours.signal.aborted) return;
		showNoParties(`${what}: ${reason(error)}`, error.answered ? "not asked" : "no answer");
	}
}

// showNoParties shows that there is nothing to show, and why.
function showNoParties(why, verdict) {
	byId("parties-state").textContent = why;
	for (const name of ["client", "proxy", "server", "direct"]) {
		byId(name + "-verdict").className = "verdict unasked";
		byId(name + "-verdict").textContent = verdict;
		for (const part of ["request", "response"]) byId(`${name}-${part}`)?.replaceChildren();
	}
}

// showParties moves the reader to the view.
function showParties() {
	byId("parties-title").scrollIntoView();
	byId("parties-title").focus({ preventScroll: true });
}

byId("compare").addEventListener("click", () => {
	const typed = "the fields typed above";
	compare(typed, byId("connection").value, byId("upgrade").value, typed + ", as they were then");
	showParties();
});

byId("curl").replaceChildren(element("code", "", `curl ${location.protocol === "https:" ? "-k " : ""}${location.origin}/`));

// sayLast says what the list is. An empty list means that there is no handshake only if the
// server has said so.
function sayLast(text, live) {
	byId("last-state").textContent = text;
	byId("last").classList.toggle("live", live);
}

async function poll() {
	for (;;) {
		if (!document.hidden) {
			try {
				const answer = await ask("handshakes?after=" + last);
				if (answer.server !== server) {
					beginWith(answer.server);
					const all = last === 0;
					last = 0;
					if (!all) continue;
				}
				answer.handshakes.forEach(showNote);
				while (byId("last").childElementCount > maxLast) byId("last").lastElementChild.remove();
				last = answer.last;
				compareOwn();
				sayLast("live, at most the last 50", true);
			} catch (error) {
				sayLast(reason(error), false);
			}
		}
		await pause(1500);
	}
}

byId("upgrade").value = examples[0][1];
byId("connection").value = examples[0][2];
setState("closed", "not connected");
connect();
read();
poll();
