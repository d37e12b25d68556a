// Upgrades with undici, to that protocol, and prints what came of it. Then it sends hello,
// and ends when that comes back.
const { upgrade } = require("undici");
const [url, protocol] = process.argv.slice(2);

const print = (report) => console.log(JSON.stringify(report));
upgrade(url, { protocol }).then(
  ({ headers, socket }) => {
    let data = "";
    socket.on("data", (chunk) => {
      data += chunk;
      if (data.endsWith("hello")) socket.end();
    });
    socket.on("end", () => print({ headers, data }));
    socket.write("hello");
  },
  (error) => print({ error: `${error.name}: ${error.message}` }),
);
