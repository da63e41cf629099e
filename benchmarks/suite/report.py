"""Results as Markdown."""

from .comparisons import LLMC, PEERS
from .results import summarized


# The part of the machine that others may use while we measure. Contenders with
# more threads lose more to them.
QUIET = 0.05


class Notes:
    """Footnotes; the same text gets the same number."""

    def __init__(self):
        self.texts = []

    def mark(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return f"[{self.texts.index(text) + 1}]"

    def lines(self):
        return [f"[{i}] {text}" for i, text in enumerate(self.texts, 1)]


def table(header, lines, left=1):
    """A Markdown table whose columns line up; all but `left` are numbers."""
    widths = [max(len(line[i]) for line in [header, *lines])
              for i in range(len(header))]

    def text(cells):
        return "| " + " | ".join(
            cell.ljust(w) if i < left else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(cells, widths))) + " |"

    rule = "|" + "|".join(
        "-" * (w + 2) if i < left else "-" * (w + 1) + ":"
        for i, w in enumerate(widths)) + "|"
    return [text(header), rule, *map(text, lines)]


def number(value):
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _cell(row, peer, notes):
    """All contenders of a peer; the format where there are several."""
    entries = [e for e in row["entries"] if e["peer"] == peer]
    if not entries:
        return ""
    if "members" in row:
        return "" if all(
            e["median"] is not None for m in row["members"]
            for e in m["entries"] if e["peer"] == peer) \
            else notes.mark(_failures(row, peer))
    texts = []
    for entry in entries:
        text = f" {entry['format']}" if len(entries) > 1 else ""
        if entry["median"] is None:
            texts.append("-" + text + " " + notes.mark(
                f"{entry['contender']}: {entry['reason']}"))
        else:
            texts.append(number(entry["median"]) + text)
    return " / ".join(texts)


def _failures(row, peer):
    failed = [f"{m['measure']} ({e['reason']})" for m in row["members"]
              for e in m["entries"]
              if e["peer"] == peer and e["median"] is None]
    return f"{peer} does not run {', '.join(failed)}"


def main_table(rows, notes):
    peers = [p for p in PEERS if any(e["peer"] == p for r in rows
                                     for e in r["entries"])]
    header = ["workload", "unit", LLMC, *peers, "best peer", "ratio", "target",
              "met"]
    lines = []
    for row in summarized(rows):
        group = "members" in row
        lines.append([
            row["workload"], "" if group else row["unit"],
            *(_cell(row, p, notes) for p in [LLMC, *peers]),
            "" if group else row["best_peer"] or "-",
            f"{row['ratio']:.2f}" if row["ratio"] is not None else "-",
            f"{row['target']:.2f}", "yes" if row["met"] else "no"])
    return table(header, lines)


def roofline_table(rows):
    """What share of the machine each contender uses."""
    lines = []
    for row in rows:
        for e in row["entries"]:
            if "gb_per_s" in e:
                lines.append([row["workload"], e["contender"],
                              f"{e['token_bytes'] / 1e6:.0f} MB/token",
                              f"{e['gb_per_s']:.1f} GB/s",
                              f"{e.get('bandwidth_share', 0):.0%}"])
            elif "gop_per_s" in e:
                lines.append([row["workload"], e["contender"], "",
                              f"{e['gop_per_s']:.0f} GOP/s",
                              f"{e.get('fp32_share', 0):.0%}"])
    return table(["workload", "contender", "reads", "rate",
                  "of bandwidth or fp32 peak"], lines, left=2) if lines else []


def markdown(results):
    machine, limits, notes = results["machine"], results["limits"], Notes()
    lines = [
        f"{machine['processor']}, {results['threads']} of {machine['cores']} "
        f"cores, {' '.join(machine['features'])}; {results['rounds']} rounds, "
        "medians; tokens/s: more is better, ms: less is better."]
    if limits:
        lines.append(f"At most, measured between the rounds: "
                     f"{limits['read_gb_per_s']:.1f} GB/s read, "
                     f"{limits['fp32_gop_per_s']:.0f} GOP/s in fp32.")
    others = [x for row in results["rows"] for e in row["entries"]
              for x in e["others"]]
    if others:
        share = sum(others) / len(others)
        lines.append(f"Other processes used {share:.0%} of the machine on "
                     f"average, {max(others):.0%} at most."
                     + (" That is too much: measure again when it is quiet."
                        if share > QUIET else ""))
    lines += ["", *main_table(results["rows"], notes)]
    if notes.texts:
        lines += ["", *notes.lines()]
    roofline = roofline_table(results["rows"])
    if roofline:
        lines += ["", *roofline]
    steps = [[name, step["command"], f"{step['seconds']:.1f}",
              f"{step['peak_bytes'] / 1e6:.0f}"]
             for name, facts in results["preparation"].items()
             for step in facts.get("steps", [])]
    if steps:
        lines += ["", *table(["llmc made", "command", "seconds", "peak MB"],
                             steps, left=2)]
    notices = [f"{name}: {line}" for name, facts in
               results["preparation"].items()
               for line in facts.get("notices", [])]
    return "\n".join(lines + ([""] + notices if notices else [])) + "\n"
