"""Opens each URL with wsproto on a socket and prints one report a line."""
import json
import socket
import sys
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, RejectConnection, Request, TextMessage
from wsproto.utilities import RemoteProtocolError


def talk(url):
    parts = urlsplit(url)
    report = {"protocol": "", "messages": []}
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as conn:
        ws = WSConnection(ConnectionType.CLIENT)
        conn.sendall(ws.send(Request(host=parts.netloc, target=parts.path, subprotocols=["a", "b"])))
        while True:
            data = conn.recv(4096)
            ws.receive_data(data or None)
            for event in ws.events():
                if isinstance(event, AcceptConnection):
                    report["protocol"] = event.subprotocol or ""
                    if not parts.path.endswith("/early"):
                        conn.sendall(ws.send(TextMessage("hi")))
                elif isinstance(event, RejectConnection):
                    return {"error": f"RejectConnection {event.status_code}"}
                elif isinstance(event, TextMessage):
                    report["messages"].append(event.data)
                    if event.data == "EARLY":
                        conn.sendall(ws.send(TextMessage("hi")))
                    elif event.data == "hi":
                        conn.sendall(ws.send(CloseConnection(1000)))
                elif isinstance(event, CloseConnection):
                    report["close"] = event.code
                    return report


for url in sys.argv[1:]:
    try:
        report = talk(url)
    except RemoteProtocolError as e:
        report = {"error": f"RemoteProtocolError: {e}"}
    print(json.dumps(report), flush=True)
