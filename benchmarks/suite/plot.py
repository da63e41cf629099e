"""llmc's speed over that of the best peer, as a picture. Runs in matplotlib's
environment, on its own:

    python plot.py results.json OUT.svg...
"""

import json
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402


def draw(rows, title):
    figure, axes = pyplot.subplots(
        figsize=(9, 1.4 + 0.36 * len(rows)), layout="constrained")
    places = range(len(rows))
    ratios = [row["ratio"] or 0 for row in rows]
    axes.barh(places, ratios, height=0.6, color=[
        "#2a7f62" if row["met"] else "#c8553d" for row in rows])
    axes.scatter([row["target"] for row in rows], places, marker="|", s=180,
                 color="black", zorder=3, label="target")
    for place, row in zip(places, rows):
        text = f"{row['ratio']:.2f}" if row["ratio"] is not None \
            else "not measured"
        axes.annotate(text, (row["ratio"] or 0, place), xytext=(4, 0),
                      textcoords="offset points", va="center", fontsize=8,
                      bbox={"color": "white", "pad": 0.5})
    axes.axvline(1, color="gray", linewidth=0.8)
    axes.set_yticks(places, [row["label"] for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("speed of llmc / speed of the best peer")
    axes.set_title(title, fontsize=9)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8,
                frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    return figure


def main():
    with open(sys.argv[1]) as file:
        plot = json.load(file)["plot"]
    figure = draw(plot["rows"], plot["title"])
    for path in sys.argv[2:]:
        figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
