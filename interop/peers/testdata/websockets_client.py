"""Opens each URL with websockets and prints one report a line."""
import asyncio
import json
import sys

import websockets


async def talk(url):
    messages = []
    async with websockets.connect(url, subprotocols=["a", "b"]) as connection:
        if url.endswith("/early"):
            messages.append(await connection.recv())
        await connection.send("hi")
        messages.append(await connection.recv())
        await connection.close(1000)
        return {"protocol": connection.subprotocol or "", "messages": messages, "close": connection.close_code}


async def main():
    for url in sys.argv[1:]:
        try:
            report = await asyncio.wait_for(talk(url), 5)
        except websockets.InvalidHandshake as e:
            report = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(report), flush=True)


asyncio.run(main())
