"""The page for people: what is reserved and whom to ask, in three languages."""

from vorbehalt.reservation.page.whole import LANGUAGES as LANGUAGES
from vorbehalt.reservation.page.whole import MEDIA_TYPE as MEDIA_TYPE
from vorbehalt.reservation.page.whole import content_security_policy as content_security_policy
from vorbehalt.reservation.page.whole import render as render
from vorbehalt.reservation.page.whole import static_address as static_address
