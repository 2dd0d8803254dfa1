import re

from caddy_shopping.platform.http.docs_site import errors_page
from tests.platform.http.toy import make_world


async def test_the_pages_need_nothing_from_elsewhere() -> None:
    world = make_world()
    for path, media_type in (
        ("/api/docs", "text/html"),
        ("/api/docs/app.js", "text/javascript"),
        ("/api/docs/style.css", "text/css"),
        ("/api/docs/errors", "text/html"),
    ):
        answer = await world("GET", path)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith(media_type)
        assert not re.search(rb"""(?:src|href|url|@import|fetch)\W{0,3}(?:https?:)?//""", answer.body)
        assert not re.search(rb"\son\w+=|<style|<script>", answer.body), "the policy allows nothing inline"
        for inner in re.findall(rb'(?:src|href)="(/[^"#]+)"', answer.body):
            assert (await world("GET", inner.decode())).status == 200


async def test_every_problem_points_to_a_row_of_the_page() -> None:
    problem = (await make_world()("GET", "/nowhere")).json
    page, _, anchor = problem["type"].partition("#")
    assert page == "/api/docs/errors"
    assert f'id="{anchor}"' in errors_page()


def test_texts_on_the_page_are_escaped() -> None:
    assert "<script" not in errors_page()
    assert "&#x27;" in errors_page()
