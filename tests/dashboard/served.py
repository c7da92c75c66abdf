"""A dashboard served by uvicorn in a thread of this process, as of the tests' moment."""

from __future__ import annotations

import threading

import uvicorn
from report_values import NOW

from memmon.clock import ManualClock
from memmon.dashboard import create_app
from memmon.dashboard.server import bind


class Served:
    """A dashboard on a port of its own, that can be stopped and started again there."""

    def __init__(self, database, **options):
        self._database, self._options, self._port = database, options, 0
        self.start()

    def start(self):
        app = create_app(self._database, clock=ManualClock(NOW), **self._options)
        self._listener = bind("127.0.0.1", self._port)
        self._port = self._listener.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()

    def stop(self):
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(timeout=20)
        self._listener.close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._port}"
