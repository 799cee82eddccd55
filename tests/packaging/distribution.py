"""What `uv build` makes of the checkout, and what the wheel says of itself."""

import tarfile
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from zipfile import Path as ZipPath
from zipfile import ZipFile


@dataclass(frozen=True, slots=True)
class Built:
    """An sdist, and the wheel that was built from it."""

    wheel: Path
    sdist: Path

    @property
    def metadata(self) -> Distribution:
        """What the wheel says of itself."""
        (info,) = [entry for entry in ZipPath(self.wheel).iterdir() if entry.name.endswith(".dist-info")]
        return PathDistribution(info)

    def files(self) -> set[str]:
        """The files of the wheel, without what it says of itself."""
        with ZipFile(self.wheel) as wheel:
            return {name for name in wheel.namelist() if ".dist-info/" not in name}

    def sources(self) -> set[str]:
        """The files of the sdist."""
        with tarfile.open(self.sdist) as sdist:
            return {name.partition("/")[2] for name in sdist.getnames()}

    def modules(self, *parts: str) -> list[str]:
        """The names of all modules below these parts of the namespace, without programs and what `init` copies."""
        kept = [name for name in sorted(self.files()) if name.endswith(".py") and "/_template/" not in name]
        files = [name.removesuffix(".py") for name in kept]
        names = [name.removesuffix("/__init__").replace("/", ".") for name in files if not name.endswith("/__main__")]
        return [name for name in names if not parts or name.split(".")[1] in parts]

    def requirements(self, extra: str = "") -> list[str]:
        """What the wheel needs, or what one of its extras adds."""
        wanted = [line.partition(";") for line in self.metadata.requires or []]
        marker = f"extra == '{extra}'" if extra else ""
        return [need.strip() for need, _, condition in wanted if condition.strip() == marker]
