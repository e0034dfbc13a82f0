"""Print what compare has measured as Markdown: medians, and how often kindred's time fits into the scripts'."""
import json
import statistics
import sys

scripts, kindred = {}, {}
for line in open(sys.argv[1]):
    name, rest = line.split(" ", 1)
    if rest.startswith("{"):
        scripts.setdefault(name, []).append(json.loads(rest))
    else:
        began, ended = map(float, rest.split())
        kindred.setdefault(name, []).append(ended - began)
median = statistics.median


def row(what, imports, load, work):
    cells = ["" if s is None else f"{s:.2f}" for s in (imports, load, work, sum(s or 0 for s in (imports, load, work)))]
    print(f"| {what} | {' | '.join(cells)} |")


def part(name, what):
    return median(run[what] for run in scripts[name])


print(f"{int(sys.argv[2]):,} customers, seconds, medians of {len(kindred['cached'])}:\n")
print("| | imports | load | the rest | all |\n| --- | --: | --: | --: | --: |")
for name, what in ("pandas_sklearn", "pandas with scikit-learn, as most people write it"), ("polars_expert", "polars codes, one fit on a sample, tables: an expert's"):
    if name in scripts:
        row(what, *(part(name, p) for p in ("imports", "load", "work")))
cached, refresh = median(kindred["cached"]), median(kindred["refresh"])
row("kindred: load the CSV into Kafka, expand", None, sum(kindred["profiles"] + kindred["segment"]), sum(kindred["first"]))
row("kindred: expand, customers cached", None, None, cached)
row("kindred: refresh, nothing changed", None, None, refresh)
work = part("polars_expert", "work")
load, imports = part("polars_expert", "load"), part("polars_expert", "imports")
print(f"\nThe expert's script takes {work / cached:.1f} times as long as a cached expansion without its imports and its load, "
      f"{(work + load) / cached:.1f} times with its load, {(work + load + imports) / cached:.1f} times with both.")
