"""What stands in the tables of a page."""

from __future__ import annotations

import re


def rows_of(page):
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", row, re.DOTALL)]
        for row in rows
    ]


def columns_of(page):
    return re.findall(r'<th scope="col">([^<]*)</th>', page)
