"""Draws one level of a graph: its items in layers, and the lines between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from stretto.cli._drawing._canvas import LINE, Canvas
from stretto.cli._drawing._columns import columns
from stretto.cli._drawing._layers import Layered, Link, arrange
from stretto.cli._drawing._routes import PORT_GAP, Net, nets_of, place_ports, place_tracks, ports_needed

RAIL_GAP = 2
"""Columns from one rail to the next."""

ARROW, ARROW_IF = "▼", "▽"
"""Where a line enters, and where one does that is a condition."""


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in a layer: a box with text or with a whole level in it, or a bare word."""

    style: str
    text: str = ""
    boxed: bool = True
    inside: Canvas | None = None

    def width(self, ports: int) -> int:
        """Columns that it takes; always an odd number, so that it has a middle."""
        inside = max(self.inside.width + 2, cell_len(self.text) + 4) if self.inside else cell_len(self.text) + 2
        outer = inside + 2 if self.boxed else cell_len(self.text)
        return max(outer, 2 * PORT_GAP * (ports - 1) + 3) | 1

    @property
    def height(self) -> int:
        """Rows that it takes."""
        return (self.inside.height if self.inside else 1) + (2 if self.boxed else 0)

    def draw(self, canvas: Canvas, x: int, y: int, width: int) -> None:
        """Draw it with its left upper corner in a place."""
        if not self.boxed:
            canvas.write(x + (width - cell_len(self.text)) // 2, y, self.text, self.style)
            return
        title = f"─ {self.text} " if self.inside else ""
        canvas.write(x, y, f"╭{title}{'─' * (width - 2 - cell_len(title))}╮", self.style)
        for row in range(y + 1, y + self.height - 1):
            canvas.write(x, row, "│", self.style)
            canvas.write(x + width - 1, row, "│", self.style)
        canvas.write(x, y + self.height - 1, f"╰{'─' * (width - 2)}╯", self.style)
        if self.inside:
            canvas.paste(x + 1 + (width - 2 - self.inside.width) // 2, y + 1, self.inside)
        else:
            canvas.write(x + 1 + (width - 2 - cell_len(self.text)) // 2, y + 1, self.text, self.style)


def draw_level(items: Mapping[str, Item], links: Sequence[Link]) -> Canvas:
    """The items and the links between them."""
    return _Level(items, arrange(list(items), links)).draw()


class _Level:
    """One level while it is drawn."""

    def __init__(self, items: Mapping[str, Item], layered: Layered) -> None:
        self._items = items
        self._layered = layered
        self._nets = nets_of(layered)
        ports = ports_needed(self._nets)
        self._widths = {item: items[item].width(ports[item]) for item in items} | dict.fromkeys(layered.passing, 1)
        self._middle = self._place()
        place_ports(self._nets, self._middle)
        self._rails = self._place_rails()
        self._layer_rows, self._channel_rows = self._place_rows()
        self._canvas = Canvas()

    def _place(self) -> dict[str, int]:
        half = {item: width // 2 for item, width in self._widths.items()}
        right = dict(half)
        for net in self._nets:
            for item, label in net.labels.items():
                # The port may be anywhere; the label is short, and so is the room that this wastes.
                reach = cell_len(label) + 2 + (0 if self._alone(net, item) else half[item])
                right[item] = max(right[item], reach if label else 0)
        return columns(self._layered, half, right)

    def _alone(self, net: Net, item: str) -> bool:
        return not any(item in other.bottoms for other in self._nets if other is not net)

    def _place_rails(self) -> dict[int, int]:
        edge = max((self._middle[item] + self._widths[item] // 2 for item in self._middle), default=0)
        for net in self._nets:
            for column, item in zip(net.bottom_columns, net.bottoms, strict=True):
                edge = max(edge, column + cell_len(net.labels.get(item, "")) + 1)
        return {net.rail: edge + RAIL_GAP * (net.rail + 1) for net in self._nets if net.rail >= 0}

    def _place_rows(self) -> tuple[list[int], list[int]]:
        """First row of each layer, and of each channel, the one above the first layer included."""
        layers, channels, row = [], [], 0
        for number in range(len(self._layered.layers) + 1):
            nets = [net for net in self._nets if net.channel == number]
            channels.append(row)
            row += place_tracks(nets, self._rails) + any(net.bottoms for net in nets)
            layers.append(row)
            row += self._height(number)
        return layers, channels

    def _height(self, layer: int) -> int:
        if layer == len(self._layered.layers):
            return 0
        return max(self._items[item].height if item in self._items else 1 for item in self._layered.layers[layer])

    def draw(self) -> Canvas:
        """The drawing."""
        for layer, row in enumerate(self._layered.layers):
            for name in row:
                if name in self._items:
                    left = self._middle[name] - self._widths[name] // 2
                    self._items[name].draw(self._canvas, left, self._layer_rows[layer], self._widths[name])
        for net in self._nets:
            self._draw_net(net)
        return self._canvas

    def _draw_net(self, net: Net) -> None:
        track = self._channel_rows[net.channel] + max(net.track, 0)
        for item, column in zip(net.tops, net.top_columns, strict=True):
            self._leave(net, item, column, track)
        for item, column in zip(net.bottoms, net.bottom_columns, strict=True):
            self._enter(net, item, column, track)
        ends = [*net.top_columns, *net.bottom_columns]
        if net.rail >= 0:
            ends.append(self._rails[net.rail])
            self._draw_rail(net, track)
        self._canvas.horizontal(net.number, track, min(ends), max(ends), dashed=net.dashed)

    def _leave(self, net: Net, item: str, column: int, track: int) -> None:
        layer = net.channel - 1
        bottom = (
            self._layer_rows[layer] + (self._items[item].height if item in self._items else self._height(layer)) - 1
        )
        self._canvas.vertical(net.number, column, bottom, track, dashed=net.dashed)
        if item in self._items and self._items[item].boxed:
            self._canvas.write(column, bottom, "┬", self._items[item].style)

    def _enter(self, net: Net, item: str, column: int, track: int) -> None:
        top = self._layer_rows[net.channel]
        if item not in self._items:
            self._canvas.vertical(net.number, column, track, top + self._height(net.channel) - 1, dashed=net.dashed)
            return
        self._canvas.vertical(net.number, column, track, top - 1, dashed=net.dashed)
        self._canvas.write(column, top - 1, ARROW_IF if net.dashed else ARROW, LINE)
        if net.labels.get(item):
            self._canvas.write(column + 2, top - 1, net.labels[item], LINE)

    def _draw_rail(self, net: Net, track: int) -> None:
        """From the row of a line that leaves up to the row of the one that enters."""
        if net.tops:
            entry = next(other for other in self._nets if other.rail == net.rail and other.bottoms)
            first = self._channel_rows[entry.channel] + entry.track
            self._canvas.vertical(net.number, self._rails[net.rail], first, track, dashed=net.dashed)
