"""Opens each URL with aiohttp and prints one report a line."""
import asyncio
import json
import sys

import aiohttp


async def talk(session, url):
    messages = []
    async with session.ws_connect(url, protocols=("a", "b")) as connection:
        if url.endswith("/early"):
            messages.append(await connection.receive_str())
        await connection.send_str("hi")
        messages.append(await connection.receive_str())
        await connection.close()
        return {"protocol": connection.protocol or "", "messages": messages, "close": connection.close_code}


async def main():
    async with aiohttp.ClientSession() as session:
        for url in sys.argv[1:]:
            try:
                report = await asyncio.wait_for(talk(session, url), 5)
            except aiohttp.WSServerHandshakeError as e:
                report = {"error": f"{e.status}, {e.message}"}
            print(json.dumps(report), flush=True)


asyncio.run(main())
