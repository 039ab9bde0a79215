"""What a compiled graph is and what runs it: reports, text, dot, and a picture that needs no program to draw it."""

from __future__ import annotations

import functools
import html
import json
from typing import Any


class Report:
    """How a compiled graph runs. `str(report)` is a table; `to_dict()` and `to_json()` are for programs."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._d = description
        self._nodes = _rows(description)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._d["name"]

    @property
    def backends(self) -> list[str]:
        """Backends in use, by group, each with its library: "onednn (oneDNN 3.2.0)"."""
        return [f"{g['backend']} ({g['library_version']})" if g["library_version"] else g["backend"] for g in self._d["groups"]]

    @property
    def fallbacks(self) -> dict[str, int]:
        """Operators not taken by the first backend, and how many nodes of each."""
        counts: dict[str, int] = {}
        for fallback in self._d["fallbacks"]:
            counts[fallback["op"]] = counts.get(fallback["op"], 0) + 1
        return counts

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """One row a node: op, outputs, operands, backend, implementation, fused_into, reason (of a fallback), source."""
        return [dict(row) for row in self._nodes]

    def to_dict(self) -> dict[str, Any]:
        """Everything, with bytes for memory."""
        groups = [{key: value for key, value in group.items() if key != "plan_json"} for group in self._d["groups"]]
        return {"name": self.name, "arguments": self._d["arguments"], "results": self._d["results"],
                "is_random": self._d["is_random"], "written_arguments": self._d["written_arguments"],
                "groups": groups, "fallbacks": self.fallbacks, "nodes": self.nodes}

    def to_json(self) -> str:
        """`to_dict()` as one line of JSON."""
        return json.dumps(self.to_dict())

    def __str__(self) -> str:
        lines = [f"{self.name}{self._d['arguments']} -> {self._d['results']}"]
        for index, (group, backend) in enumerate(zip(self._d["groups"], self.backends)):
            cached = ", from the cache" if group["cached"] else ""
            lines.append(f"group {index}: {backend}, {len(group['nodes'])} nodes, {group['retained_bytes']} bytes retained, "
                         f"{group['workspace_bytes']} bytes of workspace{cached}")
        lines += [f"node {index}: {row['op']}: {_where(row)}" for index, row in enumerate(self._nodes)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<ingot.Report of {self.name}: {', '.join(self.backends) or 'no operators'}>"


def _rows(description: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [{"op": node["op"], "outputs": [f"%{value}: {kind}" for value, kind in node["outputs"]],
             "operands": [f"%{value}" for value in node["operands"]], "backend": "", "implementation": "",
             "fused_into": None, "reason": "", "source": node["source"]} for node in description["nodes"]]
    for group in description["groups"]:
        for node in group["nodes"]:
            rows[node]["backend"] = group["backend"]
        _apply_plan(group, rows)
    for fallback in description["fallbacks"]:
        if fallback["node"] is not None:  # else it is the whole program
            rows[fallback["node"]]["reason"] = fallback["reason"]
    return rows


def _apply_plan(group: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """What the group's backend says of its nodes. A plan that is not as documented tells nothing."""
    try:
        plan = json.loads(group["plan_json"])
    except ValueError:
        return
    nodes = group["nodes"]

    def at(position: Any) -> int | None:
        return nodes[position] if isinstance(position, int) and 0 <= position < len(nodes) else None

    for step in plan if isinstance(plan, list) else []:
        node = at(step.get("node")) if isinstance(step, dict) else None
        if node is None:
            continue
        rows[node]["implementation"] = str(step.get("impl", ""))
        for fused in map(at, step.get("fused", [])):
            if fused is not None and fused != node:
                rows[fused]["fused_into"] = node


def _where(row: dict[str, Any]) -> str:
    text = row["backend"] or "no backend"
    if row["fused_into"] is not None:
        text += f", part of node {row['fused_into']}"
    elif row["implementation"]:
        text += f", {row['implementation']}"
    return f"{text}; fallback: {row['reason']}" if row["reason"] else text


# Nodes in a picture; a larger graph is cut, and says so.
MAX_DRAWN = 400

_BOX_WIDTH, _BOX_HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 190, 40, 24, 34, 16
_COLOURS = {"argument": "#dbe9f6", "result": "#dff0d8", "write-back": "#fcf3cf", "alias": "#dff0d8", "fallback": "#f8d7da"}


class GraphPicture:
    """A compiled graph to look at: `text`, `dot` (Graphviz's language), `svg`; notebooks show the picture."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._d = description

    @property
    def text(self) -> str:
        """The graph in ingot's text form, one line a node."""
        return self._d["text"]

    @property
    def dot(self) -> str:
        """The graph for Graphviz."""
        return self._d["dot"]

    @functools.cached_property
    def svg(self) -> str:
        """The graph as a picture: one box a node, in layers, arrows from operands to users."""
        return _draw(self._d)

    def _repr_html_(self) -> str:
        return f'<div style="overflow:auto;max-height:40em">{self.svg}</div>'

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<ingot.GraphPicture of {self._d['name']}: {len(self._d['nodes'])} nodes>"


def _boxes(description: dict[str, Any]) -> list[dict[str, Any]]:
    """What is drawn, in topological order: arguments, nodes, outputs; constants are part of their users."""
    boxes: list[dict[str, Any]] = []
    for entry in description["inputs"]:
        if entry["role"] != "constant":
            boxes.append({"title": entry["name"] or f"{entry['role']} {entry['index']}", "detail": entry["type"],
                          "colour": _COLOURS["argument"], "defines": [entry["value"]], "uses": []})
    for node, row in list(zip(description["nodes"], _rows(description)))[:MAX_DRAWN]:
        boxes.append({"title": node["op"], "detail": ", ".join(kind for _, kind in node["outputs"]),
                      "hint": f"{_where(row)} {node['source']}".strip(),
                      "colour": _COLOURS["fallback"] if row["reason"] else "#f4f4f4",
                      "defines": [value for value, _ in node["outputs"]], "uses": node["operands"]})
    for entry in description["outputs"]:
        boxes.append({"title": f"{entry['role']} {entry['index']}", "detail": "", "colour": _COLOURS.get(entry["role"], "#eeeeee"),
                      "defines": [], "uses": [entry["value"]]})
    return boxes


def _place(boxes: list[dict[str, Any]]) -> None:
    """Sets "layer" and "x": a box stands below all that it uses, near the middle of them."""
    maker = {value: box for box in boxes for value in box["defines"]}
    rows: dict[int, list[dict[str, Any]]] = {}
    for box in boxes:
        above = [maker[value] for value in box["uses"] if value in maker]
        box["above"] = above
        box["layer"] = 1 + max((other["layer"] for other in above), default=-1)
        wish = sum(other["x"] for other in above) / len(above) if above else 0
        row = rows.setdefault(box["layer"], [])
        box["x"] = max(wish, row[-1]["x"] + _BOX_WIDTH + _GAP_X if row else wish)
        row.append(box)


def _draw(description: dict[str, Any]) -> str:
    boxes = _boxes(description)
    _place(boxes)
    for box in boxes:
        box["x"] += _MARGIN
        box["y"] = _MARGIN + box["layer"] * (_BOX_HEIGHT + _GAP_Y)
    width = max((box["x"] for box in boxes), default=0) + _BOX_WIDTH + _MARGIN
    height = max((box["y"] for box in boxes), default=0) + _BOX_HEIGHT + _MARGIN
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height + 20:.0f}" '
             'font-family="sans-serif" font-size="11"><defs><marker id="ingot-arrow" viewBox="0 0 8 8" refX="8" refY="4" '
             'markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8z" fill="#777"/></marker></defs>']
    for box in boxes:
        for other in box["above"]:
            parts.append(f'<line x1="{other["x"] + _BOX_WIDTH / 2:.0f}" y1="{other["y"] + _BOX_HEIGHT:.0f}" '
                         f'x2="{box["x"] + _BOX_WIDTH / 2:.0f}" y2="{box["y"]:.0f}" stroke="#777" '
                         'marker-end="url(#ingot-arrow)"/>')
    for box in boxes:
        middle = box["x"] + _BOX_WIDTH / 2
        parts.append(f'<g><title>{html.escape(box.get("hint", ""))}</title>'
                     f'<rect x="{box["x"]:.0f}" y="{box["y"]:.0f}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="4" '
                     f'fill="{box["colour"]}" stroke="#999"/>'
                     f'<text x="{middle:.0f}" y="{box["y"] + 17:.0f}" text-anchor="middle">{html.escape(_short(box["title"]))}</text>'
                     f'<text x="{middle:.0f}" y="{box["y"] + 32:.0f}" text-anchor="middle" fill="#555">'
                     f'{html.escape(_short(box["detail"]))}</text></g>')
    left_out = len(description["nodes"]) - MAX_DRAWN
    if left_out > 0:
        parts.append(f'<text x="{_MARGIN}" y="{height + 12:.0f}">{left_out} more nodes are not drawn</text>')
    return "".join(parts) + "</svg>"


def _short(text: str, limit: int = 30) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
