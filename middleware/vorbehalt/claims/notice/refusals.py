"""What stops one letter, all of it at once, each with the line of its addressee. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from vorbehalt.claims.notice.addressees import Addressee
from vorbehalt.claims.notice.kinds import RESTS_ON, SPEAKS_OF_ARTICLE_4, WITHOUT_FACTS, Kind, refusal
from vorbehalt.claims.notice.order import Material, Order
from vorbehalt.claims.notice.traffic import Traffic
from vorbehalt.claims.register import ANSWERED, SENT, Letter, Register
from vorbehalt.errors import Problem
from vorbehalt.facts import Standing


def letter_problems(file: str, order: Order, to: Addressee, material: Material) -> Iterator[Problem]:
    """Yield why this letter cannot be written to this addressee."""

    def stop(key: str, message: str, id: str = "V134") -> Problem:
        return Problem(file, to.line, key, id, message)

    operator = material.operator(to.operator)
    if to.is_research and order.kind in SPEAKS_OF_ARTICLE_4:
        yield stop(
            "kind",
            f"{order.kind} speaks of Article 4, which is not what concerns a {to.kind} organisation"
            f" (Article 3, section 60d UrhG); allowed: {', '.join(WITHOUT_FACTS)}",
        )
    if order.kind in RESTS_ON:
        traffic = material.traffic.get(operator)
        known = "" if operator in material.names.values() else f' (the rules know no operator "{operator}")'
        if why := refusal(order.kind, None if traffic is None else traffic.ledger):
            yield stop("operator", f"{why}{known}")
        elif traffic is not None and _is_licensed(traffic, RESTS_ON[order.kind]):
            yield stop(
                "operator",
                f"{order.kind}: all requests that it would rest on fall under a permission by contract;"
                f" allowed: {', '.join(WITHOUT_FACTS)}",
            )
    if order.kind is Kind.REMINDER:
        letter, why = letter_to_remind_of(material.register, operator, to, order)
        if letter is None:
            yield stop("operator", why)


def _is_licensed(traffic: Traffic, standings: tuple[Standing, ...]) -> bool:
    licensed = sum(traffic.licensed.get(standing.value, 0) for standing in standings)
    return licensed >= traffic.ledger.total(*standings)["requested"]


def letter_to_remind_of(
    register: Register, operator: str, to: Addressee, order: Order
) -> tuple[Letter | None, str]:
    """Return the letter that a reminder is about; None, and why, if there is none to remind of."""
    mine = [one for one in register.letters if one.operator == operator and one.to in ("", to.legal_name)]
    if order.earlier:
        mine = [one for one in mine if one.id == order.earlier]
    if not mine:
        which = f"letter {order.earlier}" if order.earlier else "letter"
        return None, f"the register holds no {which} to {operator}, {to.legal_name}, to remind of"
    sent = [one for one in mine if one.is_open and one.first(SENT) is not None]
    if not sent:
        latest = mine[-1]
        why = "has not been sent" if latest.is_open else f"is {latest.state}"
        return None, f"letter {latest.id} {why}: there is nothing to remind of"
    waiting = [one for one in sent if one.last(ANSWERED) is None]
    if not waiting:
        return None, f"letter {sent[-1].id} was answered: write a new letter instead"
    dated = [(one.due, one) for one in waiting if one.due is not None]
    if not dated:
        return None, f"letter {waiting[-1].id} set no deadline that could have passed"
    passed = [one for due, one in dated if due < order.today.isoformat()]
    if not passed:
        due, last = dated[-1]
        return None, f"the deadline of letter {last.id}, {due}, has not passed"
    return passed[-1], ""
