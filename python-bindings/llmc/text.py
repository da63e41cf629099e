"""Text for language models: tokenizers, chat templates, incremental output."""

import json
import pathlib

from ._errors import Error


def find_tokenizer(model, explicit=None):
    """The tokenizer.json of a model: the given one, or that in the artifact
    or beside the model."""
    if explicit:
        path = pathlib.Path(explicit)
        if path.is_dir():
            path = path / "tokenizer.json"
    else:
        path = pathlib.Path(model)
        path = (path if path.is_dir() else path.parent) / "tokenizer.json"
    if not path.is_file():
        raise Error(f"there is no tokenizer at '{path}'; name one with "
                    "--tokenizer")
    return path


class Tokenizer:
    """A tokenizer.json and what lies beside it."""

    def __init__(self, path):
        try:
            import tokenizers
        except ImportError:
            raise Error("text needs the Python package tokenizers") from None
        self.path = pathlib.Path(path)
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as problem:  # the package raises nothing narrower
            raise Error(f"'{path}' is not a tokenizer: {problem}") from None
        # Truncation and padding are for fixed-size batches.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def encode(self, text):
        """The tokens of the text alone, without any that mark its ends."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def encode_prompt(self, text):
        """The tokens of a text that a model continues: with those that the
        model expects at its beginning."""
        encoding = self._tokenizer.encode(text, add_special_tokens=True)
        ids, special = encoding.ids, encoding.special_tokens_mask
        # A token that ends the text would end the answer as well.
        plain = len(self.encode(text))
        while len(ids) > plain and special and special[len(ids) - 1]:
            ids = ids[:-1]
        return ids

    def ends(self):
        """The tokens that the model expects before and behind a text."""
        encoding = self._tokenizer.encode("a", add_special_tokens=True)
        plain = [i for i, special in enumerate(encoding.special_tokens_mask)
                 if not special]
        return encoding.ids[:plain[0]], encoding.ids[plain[-1] + 1:]

    def decode(self, tokens):
        return self._tokenizer.decode(tokens, skip_special_tokens=True)

    def config(self):
        """The values beside the tokenizer: tokenizer_config.json over
        config.json, either of which may be missing."""
        values = {}
        for name in ("config.json", "tokenizer_config.json"):
            file = self.path.with_name(name)
            if file.is_file():
                try:
                    values.update(json.loads(file.read_text()))
                except ValueError as problem:
                    raise Error(f"'{file}' is not JSON: {problem}") from None
        return values

    def chat_prompt(self, message, metadata=None):
        """The text that asks `message` of a chat model."""
        config = {**(metadata or {}), **self.config()}
        template = config.get("chat_template")
        if not template:
            raise Error("the model has no chat template: --chat needs a "
                        f"'chat_template' in '{self.path.parent}'")
        try:
            from jinja2 import TemplateError
            from jinja2.sandbox import ImmutableSandboxedEnvironment
        except ImportError:
            raise Error("--chat needs the Python package Jinja2") from None

        def raise_exception(text):
            raise TemplateError(text)

        environment = ImmutableSandboxedEnvironment(trim_blocks=True,
                                                    lstrip_blocks=True)
        environment.globals["raise_exception"] = raise_exception
        try:
            return environment.from_string(template).render(
                messages=[{"role": "user", "content": message}],
                add_generation_prompt=True,
                **{key: _token_text(config.get(key))
                   for key in ("bos_token", "eos_token")})
        except TemplateError as problem:
            raise Error(f"the chat template fails: {problem}") from None


def _token_text(token):
    """Configurations write a token as text or as {"content": text}."""
    if isinstance(token, dict):
        return token.get("content", "")
    return token or ""


class TextStream:
    """Turns tokens into text as they come. A character may take several."""

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer
        self._tokens = []
        # Tokens [begin, written) are text already; new ones are decoded
        # together with them, since a first token may lose its space.
        self._begin = self._written = 0

    def add(self, token):
        """What the token adds to the text, perhaps nothing yet."""
        self._tokens.append(token)
        text = self._pending()
        if not text or text.endswith("\ufffd"):
            return ""
        self._begin, self._written = self._written, len(self._tokens)
        return text

    def finish(self):
        """What is left, should the text end within a character."""
        return self._pending()

    def _pending(self):
        decode = self._tokenizer.decode
        old = decode(self._tokens[self._begin:self._written])
        return decode(self._tokens[self._begin:])[len(old):]
