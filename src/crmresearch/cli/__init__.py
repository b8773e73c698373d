"""The command ``crmresearch``: reads the command line, calls one function, prints what came of it."""

from __future__ import annotations

import signal
import sys
import traceback

import typer

from crmresearch.cli.cases import check, new, simulate, studies
from crmresearch.cli.editions import compare, publish, trace
from crmresearch.cli.merging import identity, unmerge
from crmresearch.cli.options import sentence
from crmresearch.cli.project import lab, reproduce
from crmresearch.cli.runs import run

app = typer.Typer(
    help="Customer research in notebooks: from a company's raw files to a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    *(run, compare, trace, publish),
    *(check, new, identity, unmerge, simulate, studies),
    *(reproduce, lab),
):
    app.command()(_command)


def main() -> None:
    """Run the command line; end the process with its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What was finished is kept for the next run.", err=True)
        code = 1
    except Exception as error:
        if "--debug" in sys.argv:
            traceback.print_exc()
        if hasattr(error, "format_message"):  # typer's own: a misspelt option, a missing argument
            if message := error.format_message():
                typer.echo(f"{message.rstrip('.')}. See `crmresearch --help`.", err=True)
        else:
            typer.echo(sentence(error), err=True)
        code = getattr(error, "exit_code", 1)
    sys.exit(code)
