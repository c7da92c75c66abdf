"""Asks an ASGI application in this process, cookies kept from one request to the next."""

from __future__ import annotations

import asyncio

import httpx


class AsgiClient:
    def __init__(self, app, base_url="http://localhost:8787"):
        self._app = app
        self._base_url = base_url
        self._cookies = httpx.Cookies()

    def request(self, method, url, **options):
        async def ask():
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url=self._base_url, cookies=self._cookies, follow_redirects=False
            ) as client:
                answer = await client.request(method, url, **options)
                self._cookies.update(client.cookies)
                return answer

        return asyncio.run(ask())

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def head(self, url):
        return self.request("HEAD", url)
