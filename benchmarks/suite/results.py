"""From samples to rows: medians, the best peer, ratios, shares of the roofline.
"""

from .comparisons import LLMC
from .rounds import geometric_mean


def unit(measure):
    return "ms" if measure.call == "run" else "tokens/s"


def _speed(row, value):
    """Values of a row as speeds: more is better."""
    return 1 / value if row["unit"] == "ms" else value


def _entry(contender, series, measure, recipe, limits, operations):
    entry = {"contender": contender.name, "peer": contender.peer,
             "format": contender.format, "median": series.median,
             "samples": series.samples, "reason": series.reason,
             "others": series.others}
    if series.median is None:
        return entry
    if measure.call == "decode" and recipe.token_bytes:
        entry["token_bytes"] = recipe.token_bytes
        entry["gb_per_s"] = recipe.token_bytes * series.median * 1e-9
        if limits:
            entry["bandwidth_share"] = \
                entry["gb_per_s"] / limits["read_gb_per_s"]
    if measure.call == "prompt" and operations:
        entry["gop_per_s"] = operations * series.median * 1e-9
        if limits:
            entry["fp32_share"] = entry["gop_per_s"] / limits["fp32_gop_per_s"]
    return entry


def rank(row):
    """Adds the best peer and llmc's speed over its speed."""
    speeds = {LLMC: [], "peer": []}
    for entry in row["entries"]:
        if entry["median"] is not None:
            kind = LLMC if entry["peer"] == LLMC else "peer"
            speeds[kind].append((_speed(row, entry["median"]),
                                 entry["contender"]))
    best = max(speeds["peer"], default=None)
    row["best_peer"] = best[1] if best else None
    row["ratio"] = max(speeds[LLMC])[0] / best[0] \
        if best and speeds[LLMC] else None
    row["met"] = row["ratio"] is not None and row["ratio"] >= row["target"]
    return row


def rows(comparison, series, recipes, limits, operations=0):
    """A row for each measure. `series` is {(contender name, measure name):
    Series}, `recipes` {contender name: Recipe or None}, `operations` those of
    a prompt's token."""
    result = []
    for measure in comparison.measures:
        result.append(rank({
            "comparison": comparison.name, "measure": measure.name,
            "workload": f"{comparison.name}, {measure.name}",
            "group": measure.group, "unit": unit(measure),
            "target": measure.target,
            "entries": [_entry(c, series[c.name, measure.name], measure,
                               recipes.get(c.name), limits, operations)
                        for c in comparison.contenders]}))
    return result


def summarized(all_rows):
    """The rows of the table: those of a group become one, with the geometric
    mean of their ratios over the members that llmc and a peer could run."""
    result, groups = [], {}
    for row in all_rows:
        if not row["group"]:
            result.append(row)
            continue
        key = row["comparison"], row["group"]
        if key not in groups:
            groups[key] = {**row, "workload": row["comparison"], "members": []}
            result.append(groups[key])
        groups[key]["members"].append(row)
    for row in groups.values():
        members = row["members"]
        ratios = [m["ratio"] for m in members if m["ratio"] is not None]
        row["ratio"] = geometric_mean(ratios)
        row["workload"] += f", mean of {len(ratios)} of {len(members)} models"
        # A model that llmc does not run is not a model that is fast; one that
        # no peer runs has no ratio.
        row["met"] = bool(ratios) and row["ratio"] >= row["target"] and \
            all(m["ratio"] is not None for m in members if m["best_peer"])
    return result
