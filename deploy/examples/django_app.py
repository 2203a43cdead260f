"""A Django site with its reservation: uvicorn django_app:application"""

from __future__ import annotations

from pathlib import Path

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from vorbehalt import VorbehaltMiddleware

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="example", DEBUG=False)  # noqa: S106
    django.setup()


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page")


urlpatterns = [path("", home)]
application = VorbehaltMiddleware(get_asgi_application(), config=Path(__file__).with_name("vorbehalt.toml"))
app = application
