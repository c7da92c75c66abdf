"""Flask's development server: the reloader and the server are processes of one program, and change places with each reload."""

from __future__ import annotations

import pytest
from host_page import command, lay
from server_kit import Host, assert_as_without, both, figure_of, needs

pytestmark = pytest.mark.programs


def change_program(host):
    host.wait_for_recorded(2)
    count = host.out.count("Debugger is active")
    file = host.folder / "pages.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    host.wait_for(lambda: host.out.count("Debugger is active") == count + 1, "reload")
    host.ask()


def test_a_reload_begins_a_run(tmp_path, figures):
    """The reloader and each server that it starts have a run of their own; a server that is replaced ends as exit."""
    needs("flask")

    def run(folder, is_recorded):
        lay(folder, "pages.py")
        words = [*command("flask"), "--host", "unix://SOCKET"]
        # The reloader that looks at files by itself: the other asks the kernel to watch every installed package.
        host = Host(folder, words, is_recorded=is_recorded, HOST_WITHOUT="watchdog")
        host.ask()
        change_program(host)
        host.measure(2, recorded_count=2)
        return host.end()

    found, plain = both(tmp_path, run)
    figures("flask run --debug", figure_of(found, plain))
    assert_as_without(found, plain, recorded_count=2)
    assert found.ends[:2] == ["exit"] * 2
    assert len(found.ends) == 3
