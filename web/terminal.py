"""What the commands share on a terminal: options and progress bars."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import typer
from tqdm import tqdm

# What takes less than this needs no progress bar.
BAR_DELAY = 0.8
LocaleOption = Annotated[str | None, typer.Option(help="Language, such as en")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON")]
Item = TypeVar("Item")


def bar(steps: Iterable[int], label: str, total: int) -> Iterable[int]:
    """A progress bar with rate and time left, for what takes more than a moment."""
    steps = list(steps)
    size = steps[1] - steps[0] if len(steps) > 1 else total
    with _texts(label, total) as shown:
        for step in steps:
            yield step
            shown.update(min(size, total - step))


def each(items: Iterable[Item], label: str, unit: str) -> Iterable[Item]:
    """The items, with a progress bar that counts them."""
    shown: Iterable[Item] = tqdm(items, desc=label, unit=unit, delay=BAR_DELAY, leave=False)
    return shown


def bars(lines: Iterable[Any]) -> Any:
    """Progress bars for what another process tells as `label`, `done`, `total`; its last line."""
    shown, last = None, None
    for last in lines:
        if "total" not in last:
            continue
        if shown is None or shown.desc != last["label"]:
            if shown is not None:
                shown.close()
            shown = _texts(last["label"], last["total"])
        shown.update(last["done"] - shown.n)
    if shown is not None:
        shown.close()
    return last


def _texts(label: str, total: int) -> Any:
    return tqdm(total=total, desc=label, unit="text", delay=BAR_DELAY, leave=False)
