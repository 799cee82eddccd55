"""`stretto completion SHELL`."""

from typing import Annotated, Literal

from cyclopts import Parameter

from stretto.cli._options import PRINTING, Printing


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell to complete for.")],
    /,
    *,
    printing: Printing = PRINTING,
) -> None:
    """Print a completion script for bash, zsh or fish.

    For this session: `source <(stretto completion bash)`. For good, put the script where your shell looks:
    ~/.local/share/bash-completion/completions/stretto, a folder of zsh's fpath as _stretto, or
    ~/.config/fish/completions/stretto.fish.
    """
    from stretto.cli._app import build  # noqa: PLC0415 - It is above the commands; this one is about all of them.

    script = build().generate_completion(prog_name="stretto", shell=shell)
    out = printing.output()
    out.document({"shell": shell, "script": script})
    out.raw(script)
