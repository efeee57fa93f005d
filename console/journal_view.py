"""What a journal came to, for people and for programs."""

from collections import Counter
from typing import Any

import click

from console.collection.words import plain
from console.journal_decisions import decision_lines, decisions_document
from console.journal_words import block_words, contracts, money
from mesh.types import dollars
from trader.domain.state import Books
from trader.journal.reading import End
from trader.journal.replaying import Replayed


def end_document(journal_id: str, end: End) -> dict[str, Any]:
    """Return how far a journal reaches."""
    return {
        "journal_id": journal_id,
        "mode": end.mode,
        "last_sequence": end.sequence,
        "last_digest": end.digest.hex(),
    }


def replay_document(found: Replayed) -> dict[str, Any]:
    """Return a summary; money in dollars as exact text."""
    books = found.books
    total = books.total
    return {
        "journal_id": books.journal_id,
        "mode": books.mode,
        "entries": books.sequence,
        "books_digest": found.digest,
        "orders": _states(books),
        "fills": len(books.fills),
        "trades": len(books.trades),
        "positions": [
            {
                "position_id": position.position_id,
                "ticker": position.market.ticker,
                "side": position.side.value,
                "contracts": position.count / 100,
                "cost_dollars": dollars(position.cost),
                "exit": None if position.exit is None else position.exit.kind,
            }
            for position in books.positions.values()
        ],
        "gross_dollars": dollars(total.gross),
        "fees_dollars": dollars(total.fees),
        "net_dollars": dollars(total.net),
        "decisions": decisions_document(found.decisions),
        "blocks": [{"block_id": name, "kind": block.kind, "why": block.why} for name, block in books.blocks.items()],
    }


def show_replay(found: Replayed) -> None:
    """Print a summary."""
    books = found.books
    total = books.total
    states = ", ".join(f"{count} {state}" for state, count in _states(books).items())
    click.echo(f"{books.sequence} entries, each follows from those before; folded twice to the same books")
    click.echo(f"journal    {books.journal_id}, {books.mode or 'never started'}")
    click.echo(f"orders     {len(books.orders)}{f' ({states})' if states else ''}, {len(books.fills)} fills")
    click.echo(f"positions  {len(books.positions)} open, {len(books.trades)} closed")
    for position in books.positions.values():
        held = f"{contracts(position.count)} {position.side.value.upper()}, cost {money(position.cost)}"
        click.echo(f"           {position.market.ticker}: {held}")
    click.echo(f"net        {money(total.net)} ({money(total.gross)} before fees of {money(total.fees)})")
    click.echo(f"blocks     {block_words(list(books.blocks.values())) or 'none'}")
    click.echo(f"books      {found.digest}")
    for number, line in enumerate(decision_lines(found.decisions)):
        click.echo(f"{'' if number else 'decisions':<10} {plain(line)}")


def _states(books: Books) -> dict[str, int]:
    return dict(sorted(Counter(order.state.value for order in books.orders.values()).items()))
