"""Posts webhooks over HTTP."""

from collections.abc import Mapping

import aiohttp


class HttpPoster:
    """A pool of connections of its own. It is made where an event loop runs."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=16),
            timeout=aiohttp.ClientTimeout(total=10),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        """None once it was taken, else what came instead."""
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return None if answer.ok and answer.status < 300 else f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as fault:
            return repr(fault)

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()
