"""The only place with I/O: `sync` runs flows in threads over urllib3, `aio` in asyncio over aiohttp."""
