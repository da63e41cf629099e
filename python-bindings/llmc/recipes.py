"""Recipes: pass pipelines in YAML files, those shipped and others."""

import pathlib

from ._errors import Error

FOLDER = pathlib.Path(__file__).parent / "recipes"

# What a recipe calls the file of samples that llmc-calibrate reads.
SAMPLES = "samples"


def names():
    """The recipes that are shipped."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def find(recipe):
    """The file that `recipe` names: a path, or the name of one shipped."""
    path = pathlib.Path(recipe)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise Error(f"there is no recipe '{path}'")
        return path
    path = FOLDER / f"{recipe}.yaml"
    if str(recipe) not in names():
        raise Error(f"there is no recipe '{recipe}'; `llmc recipes` lists "
                    "those there are, and a file is named .yaml")
    return path


class Recipe:
    """A recipe's description and options: a dict of what each is unless set,
    None where it has to be set."""

    def __init__(self, recipe):
        from . import _llmc
        self.path = find(recipe)
        self.description, options = _llmc.read_recipe(str(self.path))
        self.options = dict(options)

    @property
    def name(self):
        return self.path.stem

    @property
    def needs_samples(self):
        return SAMPLES in self.options

    def pipeline(self, settings=None):
        """The text of the pass pipeline with these values of options."""
        from . import _llmc
        return _llmc.make_pipeline(
            str(self.path),
            [(name, str(value)) for name, value in (settings or {}).items()])
