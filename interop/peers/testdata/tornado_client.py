"""Opens each URL with tornado and prints one report a line."""
import asyncio
import json
import logging
import sys
import traceback

from tornado.httpclient import HTTPClientError
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketError, websocket_connect


async def talk(url):
    messages = []
    connection = await websocket_connect(url, subprotocols=["a", "b"])
    protocol = connection.selected_subprotocol or ""
    if url.endswith("/early"):
        messages.append(await connection.read_message())
    await connection.write_message("hi")
    messages.append(await connection.read_message())
    connection.close(1000)
    while (message := await connection.read_message()) is not None:
        messages.append(message)
    return {"protocol": protocol, "messages": messages, "close": connection.close_code}


class Failed(logging.Handler):
    """Keeps the assert statement that has failed. tornado checks a 101 with such statements,
    logs the failure, and raises only that the stream is closed."""

    line = ""

    def emit(self, record):
        if record.exc_info and record.exc_info[0] is AssertionError:
            self.line = traceback.extract_tb(record.exc_info[2])[-1].line


async def main():
    failed = Failed()
    logging.basicConfig(handlers=[failed])
    for url in sys.argv[1:]:
        try:
            report = await asyncio.wait_for(talk(url), 5)
        except (HTTPClientError, WebSocketError) as e:
            report = {"error": str(e)}
        except StreamClosedError:
            report = {"error": failed.line}
        print(json.dumps(report), flush=True)


asyncio.run(main())
