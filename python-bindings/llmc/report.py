"""What compression did to a model: facts for JSON, and a page made of them.

The page is one file that loads nothing: its style, its pictures (SVG) and the
few lines that sort its tables are in it.
"""

import datetime
import hashlib
import html
import math
import pathlib
import platform

from .summary import layer_of


# facts ----------------------------------------------------------------------

def origin_of(name, originals):
    """The parameter that `name` was made of: itself, or what is left when the
    endings that passes append are taken off. None if it is new."""
    while name not in originals:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return None
    return name


def compare_params(before, after):
    """A dict for each parameter that there was, with what became of it, and for
    each new one; `before` and `after` are lists of Module.params()."""
    originals = {p["name"] for p in before}
    made = {}
    for param in after:
        name = origin_of(param["name"], originals) or param["name"]
        made.setdefault(name, []).append(_tensor(param))
    rows = [{"name": p["name"], "dtype": p["dtype"], "shape": list(p["shape"]),
             "bytes_before": p["bytes"]} for p in before]
    rows += [{"name": name, "dtype": parts[0]["dtype"],
              "shape": parts[0]["shape"], "bytes_before": 0}
             for name, parts in made.items() if name not in originals]
    for row in rows:
        row["stored"] = made.get(row["name"], [])
        row["bytes_after"] = sum(p["bytes"] for p in row["stored"])
    return rows


def _tensor(param):
    return {"name": param["name"], "dtype": param["dtype"],
            "shape": list(param["shape"]), "bytes": param["bytes"]}


def describe_text(path, text, tokens):
    """A text that figures depend on, so that it can be recognized."""
    return {"text": pathlib.Path(path).name, "tokens": tokens,
            "sha256": hashlib.sha256(text.encode()).hexdigest()}


def versions():
    """What figures were made with. Nothing in compression is random: there is
    no seed."""
    from . import _llmc
    return {"llmc": _llmc.llmc_version, "llvm": _llmc.llvm_version,
            "python": platform.python_version(), "machine": platform.machine()}


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(
        timespec="seconds")


# the page -------------------------------------------------------------------

_STYLE = """
:root { color-scheme: light dark; --page: #fcfcfb; --ink: #1d1f23;
  --dim: #62666f; --line: #dfe1e5; --card: #f3f4f6; --was: #c3cad6;
  --is: #2563c9; --bad: #b45309; }
@media (prefers-color-scheme: dark) { :root { --page: #16181c; --ink: #e8e9ec;
  --dim: #9aa0aa; --line: #33373f; --card: #1f2228; --was: #4a515e;
  --is: #6ea4ff; --bad: #f0a550; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem;
  background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
p, .dim { color: var(--dim); } p { margin: .25rem 0; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0; }
.tiles div { background: var(--card); border-radius: 8px; flex: 1 1 9rem;
  padding: .75rem 1rem; }
.tiles b { display: block; font-size: 1.35rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem;
  margin: 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .75rem .3rem 0;
  text-align: left; vertical-align: middle; }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid var(--is); }
.n { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
code { font: .85rem ui-monospace, monospace; overflow-wrap: anywhere; }
svg { display: block; } .was { fill: var(--was); } .is { fill: var(--is); }
.axis { fill: var(--dim); font-size: 11px; }
ul { margin: 0; padding-left: 1.2rem; } li { overflow-wrap: anywhere; }
"""

# Sorts a table by the column whose head is pressed, numbers by data-value; the
# last line, of sums, is in the table's foot and stays there.
_SCRIPT = """
for (const button of document.querySelectorAll("th button")) {
  button.onclick = () => {
    const head = button.parentNode, table = head.closest("table");
    const column = [...head.parentNode.children].indexOf(head);
    const down = head.getAttribute("aria-sort") !== "descending";
    for (const other of head.parentNode.children)
      other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => {
      const cell = row.children[column];
      return "value" in cell.dataset ? Number(cell.dataset.value)
                                     : cell.textContent;
    };
    const order = (a, b) => a < b ? -1 : a > b ? 1 : 0;
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => order(key(a), key(b)));
    body.append(...(down ? rows.reverse() : rows));
  };
}
"""


def _escape(value):
    return html.escape(str(value), quote=True)


def size(count):
    """A number of bytes for people."""
    for unit in ("bytes", "KB", "MB"):
        if count < 1000 or unit == "MB" and count < 10000:
            return f"{count:.4g} {unit}" if unit != "MB" else f"{count:.1f} MB"
        count /= 1000
    return f"{count:.2f} GB"


def _number(value, text=None):
    """A cell that sorts by its number."""
    if value is None:
        return '<td class="n" data-value="-1"></td>'
    text = f"{value:.4g}" if text is None else text
    return f'<td class="n" data-value="{_escape(value)}">{_escape(text)}</td>'


def _bytes(value):
    return _number(value, size(value))


def _cell(value):
    return f"<td>{_escape(value)}</td>"


def _table(name, heads, rows, foot=""):
    """`heads` are pairs of a text and whether the column has numbers."""
    head = "".join(f'<th scope="col"{" class=n" if number else ""}>'
                   f'<button type="button">{_escape(text)}</button></th>'
                   for text, number in heads)
    return (f'<div class="wide"><table id="{name}"><thead><tr>{head}</tr>'
            "</thead><tbody>\n"
            + "\n".join(f"<tr>{row}</tr>" for row in rows)
            + f"\n</tbody>{foot}</table></div>")


def _ratio(before, after):
    return before / after if before and after else None


def _bar(before, after, most):
    """How large it was and is, of the largest there is."""
    def rect(kind, value, y):
        width = 160 * value / most if most else 0
        return (f'<rect class="{kind}" x="0" y="{y}" height="5" '
                f'width="{width:.2f}"></rect>')
    label = _escape(f"{size(before)} before, {size(after)} after")
    return (f'<td data-value="{before}"><svg width="160" height="12" '
            f'role="img" aria-label="{label}"><title>{label}</title>'
            f'{rect("was", before, 0)}{rect("is", after, 6)}</svg></td>')


def _tensors(facts):
    rows = sorted(facts["tensors"], key=lambda t: -t["bytes_before"])
    most = max([max(t["bytes_before"], t["bytes_after"]) for t in rows] or [0])
    heads = [("tensor", 0), ("type", 0), ("shape", 0), ("before", 1),
             ("after", 1), ("smaller", 1), ("stored as", 0), ("bytes", 0)]
    lines = [
        _cell(t["name"]) + _cell(t["dtype"])
        + _cell(" x ".join(map(str, t["shape"]))) + _bytes(t["bytes_before"])
        + _bytes(t["bytes_after"])
        + _number(_ratio(t["bytes_before"], t["bytes_after"]))
        + _cell(", ".join(f'{p["dtype"]} [{" x ".join(map(str, p["shape"]))}]'
                          for p in t["stored"]) or "removed")
        + _bar(t["bytes_before"], t["bytes_after"], most) for t in rows]
    before, after = facts["param_bytes_before"], facts["param_bytes_after"]
    foot = ('<tfoot><tr><th scope="row">all</th><td></td><td></td>'
            f"{_bytes(before)}{_bytes(after)}{_number(_ratio(before, after))}"
            "<td></td><td></td></tr></tfoot>")
    return _table("tensors", heads, lines, foot)


_ERRORS = ("output_error", "relative_error")


def errors_by_layer(weights):
    """The name of an error and, for each layer that weights' names speak of,
    the largest there: that of what linears compute where it is known."""
    for key in _ERRORS:
        layers = {}
        for weight in weights:
            value = weight.get(key)
            layer = layer_of(weight.get("param", ""))
            if layer is not None and isinstance(value, (int, float)) \
                    and math.isfinite(value):
                layers[layer] = max(value, layers.get(layer, 0))
        if layers:
            return key, dict(sorted(layers.items()))
    return _ERRORS[1], {}


def _chart(key, layers):
    """A bar for each layer."""
    most, step, height = max(layers.values()), 24, 140
    bars = []
    for index, (layer, value) in enumerate(layers.items()):
        tall = height * value / most if most else 0
        bars.append(
            f'<g><title>{_escape(f"layer {layer}: {value:.4g}")}</title>'
            f'<rect class="is" x="{index * step + 48}" y="{height - tall:.2f}" '
            f'width="{step - 6}" height="{tall:.2f}"></rect>'
            f'<text class="axis" text-anchor="middle" x="{index * step + 57}" '
            f'y="{height + 14}">{_escape(layer)}</text></g>')
    width = len(layers) * step + 56
    return (f'<div class="wide"><svg width="{width}" height="{height + 20}" '
            f'role="img" aria-label="{_escape(key)} of each layer">'
            f'<text class="axis" x="0" y="10">{most:.3g}</text>'
            f'<text class="axis" x="0" y="{height}">0</text>'
            + "".join(bars) + "</svg></div>")


# Keys of a weight's entry that the table of weights has columns for.
_COLUMNS = ("bytes_before", "bytes_after", "largest_error", *_ERRORS)


def _weights(weights):
    heads = [("weight", 0), ("pass", 0)] + [
        (key.replace("_", " "), 1) for key in _COLUMNS] + [("more", 0)]
    lines = []
    for weight in weights:
        cells = _cell(weight.get("param", "")) + _cell(weight["pass"])
        for key in _COLUMNS:
            value = weight.get(key)
            if not isinstance(value, (int, float)):
                value = None
            cells += (_bytes(value) if key.startswith("bytes") and
                      value is not None else _number(value))
        more = {k: v for k, v in weight.items()
                if k not in ("param", "pass", *_COLUMNS)}
        lines.append(cells + _cell(", ".join(f"{k} {v}"
                                             for k, v in more.items())))
    return _table("weights", heads, lines)


def _tiles(facts):
    before, after = facts["param_bytes_before"], facts["param_bytes_after"]
    tiles = [("parameters before", size(before)),
             ("parameters after", size(after)),
             ("file", size(facts["file_bytes"]))]
    if after:
        tiles.insert(2, ("times smaller", f"{before / after:.2f}"))
    if "evaluation" in facts:
        small = facts["evaluation"]["models"][-1]
        tiles.append(("perplexity, relative", f"{small['ratio']:.4f}"))
    return "".join(f"<div><b>{_escape(value)}</b>"
                   f'<span class="dim">{_escape(name)}</span></div>'
                   for name, value in tiles)


def _plain(value):
    """A dict or list in a line."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    return str(value)


# What has a place of its own on the page.
_SHOWN = ("tensors", "weights", "notices", "evaluation", "model", "output",
          "pipeline")


def _evaluation(evaluation):
    heads = [("model", 0), ("perplexity", 1), ("relative", 1), ("weights", 1),
             ("tokens/s", 1)]
    lines = [_cell(m["model"]) + _number(m["perplexity"], f"{m['perplexity']:.4f}")
             + _number(m["ratio"], f"{m['ratio']:.4f}")
             + _bytes(m["weight_bytes"])
             + _number(m["tokens_per_second"], f"{m['tokens_per_second']:.1f}")
             for m in evaluation["models"]]
    return (_table("perplexity", heads, lines)
            + f"<p>{_escape(_plain(evaluation['protocol']))}</p>")


def make_page(facts):
    """The page, as text."""
    def section(title, body):
        return f"<section><h2>{_escape(title)}</h2>{body}</section>\n"

    how = "".join(f"<dt>{_escape(key.replace('_', ' '))}</dt>"
                  f"<dd>{_escape(_plain(value))}</dd>"
                  for key, value in facts.items() if key not in _SHOWN)
    if "pipeline" in facts:
        how += ("<dt>pipeline</dt><dd><code>"
                f"{_escape(facts['pipeline'])}</code></dd>")
    body = section("How it was made", f"<dl>{how}</dl>")
    if "evaluation" in facts:
        body += section("Perplexity", _evaluation(facts["evaluation"]))
    if facts["notices"]:
        body += section("Left as it is, and what else there is to say",
                        "<ul>" + "".join(f"<li>{_escape(line)}</li>"
                                         for line in facts["notices"])
                        + "</ul>")
    key, layers = errors_by_layer(facts["weights"])
    if layers:
        body += section(f"Largest {key.replace('_', ' ')} of each layer",
                        _chart(key, layers))
    body += section("Bytes of each tensor", _tensors(facts))
    if facts["weights"]:
        body += section("What passes did", _weights(facts["weights"]))
    title = _escape(pathlib.Path(facts["output"]).name)
    policy = ("default-src 'none'; style-src 'unsafe-inline'; "
              "script-src 'unsafe-inline'")
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{title}</title><style>{_STYLE}</style></head><body>\n"
            f"<header><h1>{title}</h1><p>{_escape(facts['model'])} &rarr; "
            f"{_escape(facts['output'])}</p></header>\n"
            f'<div class="tiles">{_tiles(facts)}</div>\n{body}'
            f"<script>{_SCRIPT}</script></body></html>\n")
