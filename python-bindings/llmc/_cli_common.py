"""What several commands of llmc need."""

import contextlib
import json
import pathlib
import re
import shutil
import sys
import tempfile

from ._errors import Error


def note(text):
    print(f"llmc: {text}", file=sys.stderr, flush=True)


def note_all(lines):
    """One line for those that differ in names only; --json and a report have
    them all."""
    alike = {}
    for line in lines:
        alike.setdefault(re.sub("'[^']*'", "''", line), []).append(line)
    for first, *others in alike.values():
        more = f" (and {len(others)} more of this kind)" if others else ""
        note(first + more)


def finish(args, result, lines):
    """Prints the result, for a program or for a person."""
    print(json.dumps(result, indent=2) if args.json else "\n".join(lines))


def is_artifact(path):
    return (pathlib.Path(path) / "manifest.json").is_file()


def model_file(path):
    """The model that a path names: a file, or model.onnx in a folder."""
    path = pathlib.Path(path)
    if path.is_dir():
        path = path / "model.onnx"
    if not path.is_file():
        raise Error(f"there is no model or artifact '{path}'")
    return path


def load_module(path, args):
    """The model in the compiler, with the backends of --load-backend."""
    from .compiler import Module
    return Module.load(path, args.load_backend or ("cpu",))


def refuse_backends(args, paths):
    """An error where --load-backend means nothing: all is compiled."""
    if args.load_backend and all(map(is_artifact, paths)):
        raise Error("--load-backend is for models: "
                    f"'{paths[0]}' is an artifact, and compiled")


@contextlib.contextmanager
def opened(path, args, tokenizer=None):
    """The artifact at `path`, or one made for now from the model there."""
    from .artifact import Artifact
    if is_artifact(path):
        yield Artifact(path)
        return
    model = model_file(path)
    folder = tempfile.mkdtemp(prefix="llmc-")
    try:
        note(f"compiling '{model}' into a temporary artifact; `llmc compile` "
             "keeps it")
        out = pathlib.Path(folder) / "artifact"
        note_all(load_module(model, args).compile_artifact(
            out, tokenizer=tokenizer))
        yield Artifact(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def open_tokenizer(args, path):
    from .text import Tokenizer, find_tokenizer
    return Tokenizer(find_tokenizer(path, args.tokenizer))


def parse_settings(args):
    """The values that --set gives to a recipe's options."""
    settings = {}
    for text in args.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise Error(f"--set takes NAME=VALUE, not '{text}'")
        settings[name] = value
    return settings


def read_text(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Error(f"'{path}' is not UTF-8 text") from None
