// Opens each URL with the WebSocket of ws or of undici, which have the interface of
// browsers, and prints one report a line.
const [library, ...urls] = process.argv.slice(2);
const { WebSocket } = require(library);

function talk(url) {
  return new Promise((resolve) => {
    const report = { messages: [] };
    const socket = new WebSocket(url, ["a", "b"]);
    socket.onopen = () => {
      report.protocol = socket.protocol;
      report.extensions = socket.extensions;
      if (!url.endsWith("/early")) socket.send("hi");
    };
    socket.onmessage = ({ data }) => {
      report.messages.push(data);
      if (data === "EARLY") socket.send("hi");
      if (data === "hi") socket.close(1000);
    };
    socket.onerror = (event) => resolve({ error: event.message || event.type });
    socket.onclose = ({ code }) => resolve({ ...report, close: code });
  });
}

(async () => {
  for (const url of urls) console.log(JSON.stringify(await talk(url)));
  process.exit(); // undici keeps a connection open after it has refused the 101
})();
