// Sends a request with http.request, with the given options and content, and prints the
// result. After an upgrade it sends hello, and ends when hello comes back.
const http = require("http");
const [url, options, content] = process.argv.slice(2);

const print = (report) => console.log(JSON.stringify(report));
const request = http.request(url, JSON.parse(options));
request.on("continue", () => request.end(content));
request.on("response", (response) => {
  response.resume();
  response.on("end", () => print({ status: response.statusCode, upgrade: response.headers.upgrade ?? "" }));
});
request.on("upgrade", (response, socket, head) => {
  const { statusCode: status, rawHeaders: fields } = response;
  let data = "";
  socket.on("data", (chunk) => {
    data += chunk;
    if (data.endsWith("hello")) socket.end();
  });
  socket.on("end", () => print({ status, fields, head: head.toString(), data }));
  socket.write("hello");
});
if (request.hasHeader("Expect")) request.flushHeaders();
else request.end(content);
