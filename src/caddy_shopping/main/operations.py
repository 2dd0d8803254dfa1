"""Commands for the one who keeps the shop running: keys, events, doctor."""

import sys
from datetime import UTC, datetime
from uuid import UUID

import rich_click as click

from caddy_shopping.platform.security.keys import FileKeySet


@click.group()
def keys() -> None:
    """The keys that sign access tokens."""


@keys.command("list")
def list_keys() -> None:
    """Show the public keys that tokens are checked with."""
    from caddy_shopping.kernel.clock import SystemClock
    from caddy_shopping.main.ground import key_set
    from caddy_shopping.platform.settings import Settings, load

    for key in key_set(load(Settings), SystemClock()).jwks()["keys"]:
        click.echo(f"{key['kid']}  {key['alg']}")


@keys.command()
def rotate() -> None:
    """Make a new signing key. Tokens of the old one stay good until they run out."""
    key = _files().rotate()
    click.echo(f"{key.kid} is published now and signs from {key.signs_from:%Y-%m-%d %H:%M:%S} UTC.")


@keys.command()
def prune() -> None:
    """Remove keys whose last token has run out."""
    gone = _files().prune()
    click.echo("\n".join(f"Removed {kid}." for kid in gone) or "Nothing to remove.")


@click.group()
def events() -> None:
    """Events between the contexts."""


@events.command("replay")
@click.option(
    "--from", "since", required=True, metavar="TIME", help="ISO 8601 (UTC unless it says otherwise), or `beginning`."
)
@click.option("--topic", "topics", multiple=True, help="Only this topic; may be given again. [default: all]")
def replay_topics(since: str, topics: tuple[str, ...]) -> None:
    """Show past events to their consumers once more. What a consumer has had changes nothing.

    On Kafka: what the topics still have (14 days). Inside one process: what the outboxes still have (7 days).
    """
    from caddy_shopping.main.cli import run
    from caddy_shopping.main.replay import replay as replay_events

    done = run(replay_events(topics, _moment(since)))
    click.echo(
        f"{done.events:,} events: {done.handled:,} handled now, {done.known:,} known already, {done.dead:,} dead."
    )
    if done.old:
        click.echo(f"{done.old:,} older ones were left out: inboxes do not remember them any more.")


def _moment(text: str) -> datetime | None:
    if text == "beginning":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"'{text}' is neither ISO 8601 nor `beginning`.", param_hint="--from") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@events.group("dead-letters")
def dead_letters() -> None:
    """Events that a consumer could not take."""


@dead_letters.command("list")
def list_letters() -> None:
    """Show the oldest hundred of each context."""
    from caddy_shopping.main.cli import run
    from caddy_shopping.main.letters import list_all

    for letter in run(list_all()):
        event = letter.envelope
        click.echo(f"{letter.consumer}  {event.event_id}  {event.type}  {letter.attempts} tries  {letter.error}")


@dead_letters.command()
@click.argument("consumer")
@click.argument("event_id", type=click.UUID)
def show(consumer: str, event_id: UUID) -> None:
    """Show one dead letter whole (secrets masked)."""
    from caddy_shopping.main.cli import run
    from caddy_shopping.main.letters import describe

    click.echo(run(describe(consumer, event_id)))


@dead_letters.command()
@click.argument("consumer")
@click.argument("event_id", type=click.UUID)
def replay(consumer: str, event_id: UUID) -> None:
    """Give a dead letter to its consumer again, and forget it when it was taken."""
    from caddy_shopping.main.cli import run
    from caddy_shopping.main.letters import replay as replay_letter

    fresh = run(replay_letter(consumer, event_id))
    click.echo("Handled." if fresh else "It had been handled before; nothing was done twice.")


@click.command()
def doctor() -> None:
    """Check what this installation needs, and say what to do where something is wrong."""
    from rich.console import Console
    from rich.table import Table

    from caddy_shopping.main.cli import run
    from caddy_shopping.main.doctor import examine

    table = Table("", "What", "Finding", show_edge=False)
    findings = run(examine())
    for finding in findings:
        table.add_row("[green]ok[/]" if finding.good else "[red]no[/]", finding.what, finding.words)
    Console().print(table)
    if not all(finding.good for finding in findings):
        sys.exit(1)


def _files() -> FileKeySet:
    from caddy_shopping.kernel.clock import SystemClock
    from caddy_shopping.main.ground import key_set
    from caddy_shopping.platform.settings import Settings, load

    found = key_set(load(Settings), SystemClock())
    if not isinstance(found, FileKeySet):
        raise click.ClickException("With HS256 the key is SHOP_TOKEN_SECRET; there is nothing to rotate here.")
    return found
