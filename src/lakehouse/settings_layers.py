"""Where settings come from: files and environment variables, how they merge, and what to say when one is wrong.

What the settings are stands in `lakehouse.settings`; this module is told the model and knows none of its keys. Its
messages name keys, files and variables, never a value.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource
from pydantic_settings import SettingsError as UnreadableVariable

from lakehouse.errors import SettingsError

ENV_PREFIX = "LAKEHOUSE_"
ENV_DELIMITER = "__"
BASE_FILE = "base.toml"


@dataclass(frozen=True)
class Layer:
    """Settings of one source.

    Attributes:
        origin: what an error calls the source; empty for environment variables, which have a name each.
        values: nested settings, not checked yet.
    """

    origin: str
    values: Mapping[str, object]

    def depth(self, path: tuple[str, ...]) -> int:
        """How many leading parts of `path` this layer sets."""
        values: object = self.values
        for position, part in enumerate(path):
            if not isinstance(values, Mapping) or part not in values:
                return position
            values = values[part]
        return len(path)

    def place(self, path: tuple[str, ...]) -> str:
        """The file, or the variable that sets `path`."""
        return self.origin or "environment variable " + ENV_PREFIX + ENV_DELIMITER.join(path).upper()


def conf_folder(given: Path | None, required: bool) -> Path | None:
    """Folder of `base.toml`: the one given, else of LAKEHOUSE_CONF_DIR, else `conf` here, else `conf` of this checkout.

    Raises:
        SettingsError: the folder given has no `base.toml`, or none was found and one is `required`.
    """
    from_variable = os.environ.get(f"{ENV_PREFIX}CONF_DIR")
    named = given or (Path(from_variable) if from_variable else None)
    if named is not None and not (named / BASE_FILE).is_file():
        raise SettingsError(
            f"{named}: no {BASE_FILE} in it; give the folder of the settings (--conf-dir or {ENV_PREFIX}CONF_DIR)"
        )
    candidates = [named] if named else [Path("conf"), Path(__file__).resolve().parents[2] / "conf"]
    found = next((folder for folder in candidates if (folder / BASE_FILE).is_file()), None)
    if found is None and required:
        raise SettingsError(
            f"no conf/{BASE_FILE} in the working directory; start in the project's folder, set {ENV_PREFIX}CONF_DIR, "
            "or give one file with --config"
        )
    return found


def environment_file(name: str, folder: Path) -> Path:
    """The file of the environment `name`; raises SettingsError, nearest name first, when there is none."""
    valid = sorted(file.stem for file in folder.glob("*.toml") if file.name != BASE_FILE)
    if name not in valid:
        raise SettingsError(f"no environment {name}; {folder} has {', '.join(nearest_first(name, valid)) or 'none'}")
    return folder / f"{name}.toml"


def file_layer(file: Path) -> Layer:
    """Read one TOML file; raises SettingsError with file, and line where TOML is broken."""
    try:
        with file.open("rb") as opened:
            return Layer(str(file), tomllib.load(opened))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror}); give the path of a TOML file") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: expected UTF-8 text; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None


def environment_layer(model: type[BaseSettings], sections: Sequence[str]) -> Layer:
    """Read the variables `LAKEHOUSE_<SECTION>__<KEY>`; lists and tables as JSON.

    Only names with `__` are settings: others with our prefix may be a secret or a switch, and are left alone.

    Raises:
        SettingsError: no such section, or a list that is not JSON.
    """
    for variable in sorted(os.environ):
        section, nested, _ = variable.upper().removeprefix(ENV_PREFIX).partition(ENV_DELIMITER)
        if variable.upper().startswith(ENV_PREFIX) and nested and section.lower() not in sections:
            known = ", ".join(f"{ENV_PREFIX}{name.upper()}__..." for name in nearest_first(section.lower(), sections))
            raise SettingsError(f"environment variable {variable}: no such setting; expected {known}")
    try:
        values = EnvSettingsSource(model)()
    except UnreadableVariable as error:
        raise SettingsError(f"environment variables {ENV_PREFIX}...: {error}; write lists and tables as JSON") from None
    return Layer("", {name: value for name, value in values.items() if name in sections})


def merge(layers: Sequence[Layer]) -> dict[str, object]:
    """Merge layers, strongest first: tables key by key, all else replaced."""
    merged: dict[str, object] = {}
    for layer in reversed(layers):
        merged = _merge_tables(merged, layer.values)
    return merged


def explain(error: ValidationError, layers: Sequence[Layer], chosen: Layer, model: type[BaseModel]) -> str:
    """One line for each problem: its place, the dotted key, what was expected.

    Args:
        error: what validation found.
        layers: strongest first; the first that holds most of a key's path is its place.
        chosen: the place of what no layer holds.
        model: names the keys that would have been valid.
    """
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in problem["loc"])
        key = ".".join(path)
        depths = [layer.depth(path) for layer in layers]
        place = (layers[depths.index(max(depths))] if any(depths) else chosen).place(path)
        if problem["type"] == "extra_forbidden":
            expected = ", ".join(nearest_first(path[-1], _keys_of(model, path[:-1])))
            lines.append(f"{place}: unknown key {key}; expected {expected}")
        elif problem["type"] == "missing":
            lines.append(f"{place}: {key} is missing; add it")
        else:
            lines.append(f"{place}: {f'{key}: ' if key else ''}{problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


def nearest_first(name: str, valid: Sequence[str]) -> list[str]:
    """`valid`, the more alike to `name` the earlier."""
    return sorted(valid, key=lambda other: -difflib.SequenceMatcher(None, name, other).ratio())


def _merge_tables(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge_tables(under, value)
        else:
            merged[key] = value
    return merged


def _keys_of(model: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    """Keys that the table at `path` may have. A part of the path below a dictionary is a free name."""
    annotation: object = model
    for part in path:
        if get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[part].annotation
    return sorted(annotation.model_fields) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
