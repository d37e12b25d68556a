"""Opens each URL with websocket-client and prints one report a line."""
import json
import struct
import sys

import websocket


def talk(url):
    messages = []
    connection = websocket.create_connection(url, timeout=5, subprotocols=["a", "b"])
    if url.endswith("/early"):
        messages.append(connection.recv())
    connection.send("hi")
    messages.append(connection.recv())
    connection.send_close(1000)
    frame = connection.recv_frame()
    assert frame.opcode == websocket.ABNF.OPCODE_CLOSE, frame
    connection.shutdown()
    return {"protocol": connection.subprotocol or "", "messages": messages, "close": struct.unpack("!H", frame.data[:2])[0]}


for url in sys.argv[1:]:
    try:
        report = talk(url)
    except websocket.WebSocketException as e:
        report = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(report), flush=True)
