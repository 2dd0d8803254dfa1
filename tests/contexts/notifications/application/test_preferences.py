import pytest

from caddy_shopping.contexts.notifications.application.set_preferences import SetPreferences
from caddy_shopping.contexts.notifications.domain.errors import SecurityMailRequired
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.contracts.users import PasswordResetRequested
from caddy_shopping.kernel.actor import ANONYMOUS, Actor
from caddy_shopping.kernel.errors import Unauthenticated
from tests.contexts.notifications.support import ADDRESS, Office, customer, paid, placed


async def choose(office: Office, actor: Actor, email: dict[MailKind, bool]) -> None:
    await office.bench.kit.run(office.use_cases.set_preferences, SetPreferences(actor=actor, email=email))


async def test_everything_is_on_until_it_is_switched_off(office: Office) -> None:
    actor = customer()
    before = await office.use_cases.queries.preferences(actor)
    assert before.email == dict.fromkeys(MailKind, True)
    await choose(office, actor, {MailKind.ORDER_PAID: False, MailKind.WELCOME: True})
    after = await office.use_cases.queries.preferences(actor)
    assert [kind for kind, on in after.email.items() if not on] == [MailKind.ORDER_PAID]
    await choose(office, actor, {})
    assert (await office.use_cases.queries.preferences(actor)).email == before.email


async def test_a_kind_that_is_off_is_not_mailed_but_told_in_the_shop(office: Office) -> None:
    actor = customer()
    await choose(office, actor, {MailKind.ORDER_PAID: False})
    await office.hear(paid(user_id=actor.id))
    assert await office.rows("emails") == []
    assert len(await office.rows("notifications")) == 1
    # Neither the person's other kinds nor other people's mails are touched.
    await office.hear(placed(office.clock, user_id=actor.id))
    await office.hear(paid())
    assert [row.template for row in await office.rows("emails")] == [MailKind.ORDER_PLACED, MailKind.ORDER_PAID]


@pytest.mark.parametrize("kind", [MailKind.CONFIRM, MailKind.RESET])
async def test_security_mails_cannot_be_switched_off(office: Office, kind: MailKind) -> None:
    actor = customer(language="zh")
    with pytest.raises(SecurityMailRequired) as refusal:
        await choose(office, actor, {MailKind.ORDER_PAID: False, kind: False})
    assert [(each.pointer, each.code) for each in refusal.value.details] == [
        (f"/email/{kind}", "SECURITY_MAIL_REQUIRED")
    ]
    assert "不能关闭" in refusal.value.details[0].message
    assert await office.rows("mutes") == []
    await choose(office, actor, {kind: True})


async def test_security_mails_go_out_even_where_a_row_says_otherwise(office: Office) -> None:
    actor = customer()
    async with office.use_cases.set_preferences.uow() as tx:
        await tx.mutes.replace(actor.user_id, frozenset({MailKind.RESET}))
    event = PasswordResetRequested(user_id=actor.user_id, email=ADDRESS, name="Ada", language="en", token="t")
    await office.hear(event)
    assert len(await office.rows("emails")) == 1


async def test_nobody_has_no_preferences(office: Office) -> None:
    with pytest.raises(Unauthenticated):
        await choose(office, ANONYMOUS, {})
    with pytest.raises(Unauthenticated):
        await office.use_cases.queries.preferences(ANONYMOUS)
