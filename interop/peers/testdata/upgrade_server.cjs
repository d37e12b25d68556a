// A server that uses only node's http module. It switches to echo/1 and speaks first.
const http = require('http');
const server = http.createServer((req, res) => res.end('ordinary\n'));
server.on('upgrade', (req, socket, head) => {
  socket.on('error', () => {});
  if (req.url === '/403') {
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n');
    return;
  }
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\nEARLY');
  if (head.length) socket.write(head);
  socket.on('data', (data) => socket.write(data));
  socket.on('end', () => socket.end('BYE'));
});
server.listen(0, '127.0.0.1', () => console.log('127.0.0.1:' + server.address().port));
