from datetime import timedelta

import pytest

from caddy_shopping.contexts.notifications.domain.email import MAX_ATTEMPTS, Outcome, next_attempt
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from tests.contexts.notifications.support import a_mail
from tests.support.clock import FakeClock


@pytest.mark.parametrize(
    ("attempts", "longest"),
    [(1, timedelta(seconds=30)), (2, timedelta(seconds=90)), (4, timedelta(seconds=810)), (8, timedelta(hours=6))],
)
def test_pauses_grow_to_six_hours_with_up_to_half_taken_off(
    clock: FakeClock, attempts: int, longest: timedelta
) -> None:
    pauses = {next_attempt(attempts, clock.now()) - clock.now() for _ in range(200)}
    assert longest / 2 <= min(pauses) < longest * 0.6
    assert longest * 0.9 < max(pauses) <= longest


def test_a_message_id_is_derived_from_the_mail(clock: FakeClock) -> None:
    mail = a_mail(clock)
    assert mail.message_id == f"<{mail.id}@shop.example>"


def test_only_security_mails_always_go_out() -> None:
    assert [kind for kind in MailKind if kind.always] == [MailKind.CONFIRM, MailKind.RESET]


def test_a_mail_is_given_up_at_the_last_attempt_or_when_refused_for_good(clock: FakeClock) -> None:
    mail = a_mail(clock)
    object.__setattr__(mail, "attempts", MAX_ATTEMPTS - 1)
    assert not Outcome(mail, "450 later").final
    assert Outcome(mail, "550 never", permanent=True).final
    object.__setattr__(mail, "attempts", MAX_ATTEMPTS)
    assert Outcome(mail, "450 later").final
