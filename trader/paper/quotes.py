"""The newest books, and how long ago each was known to be so."""

from collections.abc import Iterable
from dataclasses import dataclass

from mesh.kalshi.book import Book


@dataclass(slots=True)
class _Seen:
    book: Book
    confirmed: float


class Quotes:
    """Books by market; one that may have changed without our knowledge is forgotten."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def came(self, book: Book, seconds: float) -> None:
        """Take in a book that is known to be so at a monotonic second."""
        self._seen[book.ticker] = _Seen(book, seconds)

    def confirmed(self, tickers: Iterable[str], seconds: float) -> None:
        """Note that books are still so."""
        for ticker in tickers:
            if ticker in self._seen:
                self._seen[ticker].confirmed = seconds

    def lost(self, tickers: Iterable[str] | None) -> None:
        """Forget books that may have changed; None is all."""
        for ticker in tuple(self._seen) if tickers is None else tickers:
            self._seen.pop(ticker, None)

    def drop(self, before: float) -> None:
        """Forget books that were not known to be so since a monotonic second: markets come and go by the thousand."""
        self._seen = {ticker: seen for ticker, seen in self._seen.items() if seen.confirmed >= before}

    def since(self, ticker: str, seconds: float) -> Book | None:
        """Return a book that was known to be so at this monotonic second or later."""
        seen = self._seen.get(ticker)
        return seen.book if seen is not None and seen.confirmed >= seconds else None
