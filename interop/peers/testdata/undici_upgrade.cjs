// Upgrades to the given protocol with undici, sends hello, ends when hello comes back, and
// prints the result.
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
