"""Fails when an op or a pass of llmc has no lit test of its own.

    llvm-tblgen --dump-json ... Families.td > ops.json
    llmc-opt --help > help.txt
    python coverage.py --ops ops.json --help-text help.txt --tests test

* Every op of the dialect occurs in a round trip, test/IR/FAMILY-ops.mlir, with each of its optional attributes, and
  when it has optional operands with none and with all of them.
* Every pass and pipeline in llmc-opt's help has a test of its name, FOLDER/NAME.mlir, that runs it.
"""
import argparse, json, pathlib, re, sys


# resize takes either scales or sizes.
OPERAND_COUNTS = {"resize": {2, 3}}


def code(path):
    """The file without its comments."""
    return re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)


def find_ops(records):
    """Mnemonic -> (optional attributes, numbers of operands to be seen or None) of each op of the dialect."""
    ops = {}
    for name in records["!instanceof"]["Op"]:
        record = records[name]
        if record["opDialect"]["def"] != "LLMC_Dialect":
            continue
        optional, least, extra, variadic = set(), 0, 0, False
        for argument, label in record["arguments"]["args"]:
            constraint = argument["def"]
            classes = records[constraint]["!superclasses"]
            if "OptionalAttr" in classes or "DefaultValuedAttr" in classes or constraint == "UnitAttr":
                optional.add(label)
            elif "TypeConstraint" in classes:
                variadic |= "Variadic" in classes
                extra += "Optional" in classes
                least += "Optional" not in classes
        ops[record["opName"]] = optional, OPERAND_COUNTS.get(
            record["opName"], None if variadic or not extra else {least, least + extra})
    return ops


def check_ops(ops, folder):
    """Lines that say what is in no round trip."""
    where = f"is in no round trip, {folder.name}/*-ops.mlir"
    text = "\n".join(code(path) for path in sorted(folder.glob("*-ops.mlir")))
    # From one op to the next, its attributes and types are there.
    uses = re.split(r"(?=\bllmc\.\w+)", text)
    for mnemonic, (attributes, counts) in sorted(ops.items()):
        own = [use for use in uses if re.match(rf"llmc\.{mnemonic}\b", use)]
        if not own:
            yield f"op llmc.{mnemonic} {where}"
            continue
        have = {len(re.findall("%", re.split(r" \{|\s:\s", use, maxsplit=1)[0])) for use in own}
        for count in sorted((counts or set()) - have):
            yield f"llmc.{mnemonic} with {count} operands {where}"
        for attribute in sorted(attributes):
            if not any(re.search(rf"\b{attribute}\b", use) for use in own):
                yield f"attribute {attribute} of llmc.{mnemonic} {where}"


def check_passes(names, tests):
    """Lines that say which pass has no test of its name that runs it."""
    for name in names:
        files = list(tests.glob(f"*/{name.removeprefix('llmc-')}.mlir"))
        runs = [line for path in files for line in path.read_text().splitlines() if "RUN:" in line]
        if not any(re.search(rf"\b{name}(?![\w-])", line) for line in runs):
            yield f"pass {name} has no test */{name.removeprefix('llmc-')}.mlir that runs it"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ops", type=pathlib.Path, required=True)
    parser.add_argument("--help-text", type=pathlib.Path, required=True)
    parser.add_argument("--tests", type=pathlib.Path, required=True)
    args = parser.parse_args()
    ops = find_ops(json.loads(args.ops.read_text()))
    passes = re.findall(r"^  --(llmc-[\w-]+)", args.help_text.read_text(), flags=re.MULTILINE)
    missing = [*check_ops(ops, args.tests / "IR"), *check_passes(passes, args.tests)]
    print("\n".join(missing + [f"{len(ops)} ops, {len(passes)} passes, {len(missing)} without tests"]))
    return 1 if missing or len(ops) < 100 or len(passes) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
