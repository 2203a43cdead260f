"""Real servers with the exported files tell, with every answer, exactly what the middleware would tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from process_support import free_port, running
from static_server_support import SERVERS, Start
from static_site_support import CONFIGS, Asked, Exported, ask_all, fetch


def differences(site: Exported, answers: list[Asked]) -> list[str]:
    return [
        f"{answer.title}: {answer.told} instead of {expected}"
        for answer in answers
        if answer.told != (expected := site.expected(answer))
    ]


@pytest.mark.parametrize("config", list(CONFIGS))
@pytest.mark.parametrize("server", SERVERS)
def test_every_answer_of_a_server_says_what_the_middleware_would_say(
    server: Start, config: str, readable: Path
) -> None:
    site, port = Exported(readable, CONFIGS[config]), free_port()
    arguments, environment = server(site, port)

    with running(arguments, port, readable, environment):
        answers = list(ask_all(port))
        documents = {path: fetch(port, Asked("GET", path, {})) for path in site.documents}

    assert {answer.status for answer in answers} == {200, 206, 304, 404}
    assert differences(site, answers) == []
    assert differences(site, list(documents.values())) == []
    for path, document in site.documents.items():
        answer = documents[path]
        assert (answer.status, answer.body) == (200, document.body)
        assert answer.value("content-type") == document.media_type
        assert [(name, answer.value(name.lower())) for name, _ in document.headers] == list(document.headers)
