"""The commands: arguments in, one call, exit code out."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from autograder import __version__, errors
from autograder.errors import AutograderError, UsageError, nearest

if TYPE_CHECKING:
    from autograder.verdict import Report

F = TypeVar("F", bound=Callable[..., Any])

DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="cpu",
    show_default=True,
    help="Where tensors are.",
)
JOBS = click.option(
    "--jobs", type=click.IntRange(1, 256), default=os.cpu_count() or 1, help="Suite processes."
)
JSON = click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the reports here.",
)
WORK = click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the student's files.  [default: exercises/]",
)
START = click.option(
    "--start-method",
    type=click.Choice(["fork", "spawn"]),
    default="fork" if sys.platform == "linux" else "spawn",
    show_default=True,
    help="Fork processes from a warm one, or start fresh ones.",
)


class Commands(click.Group):
    """Suggests the nearest command for a mistyped one."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None:
            hint = nearest(args[0], self.commands)
            raise UsageError(f'there is no command "{args[0]}"{hint}; see autograder --help')
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autograder")
@click.option("--debug", is_flag=True, help="Show a traceback where something goes wrong.")
def cli(debug: bool) -> None:
    """Exercises and an autograder: no submission reads a test or changes a grade."""


@cli.command()
@click.argument("what", metavar="[LECTURE[.TASK]]...", nargs=-1)
@WORK
@DEVICE
@JSON
@START
def check(
    what: tuple[str, ...], work: Path | None, device: str, json_file: Path | None, start_method: str
) -> int:
    """Run the tests of your own work. Exit code 0 if all passed, 1 if not."""
    from autograder.course import find_course
    from autograder.learn.check import check_work

    course = find_course(Path.cwd())
    device, start = _device(device, start_method)
    found = check_work(course, what, work or course.exercises, device, start)
    _write_json(json_file, found)
    return _exit_code(found)


@cli.command()
@click.argument("task")
@WORK
def hint(task: str, work: Path | None) -> None:
    """Show one more hint for a task."""
    from autograder.course import find_course
    from autograder.learn.hints import next_hint

    course = find_course(Path.cwd())
    click.echo(next_hint(*course.find_task(task), work or course.exercises))


@cli.command()
@click.argument("task")
def show(task: str) -> None:
    """The reference solution of a task."""
    from autograder.course import find_course
    from autograder.learn.hints import solution

    course = find_course(Path.cwd())
    click.echo(solution(course, *course.find_task(task)))


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("lecture")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(lecture: str, arguments: tuple[str, ...]) -> int:
    """Run a lecture's demo program with your code. Options go to it: try --help."""
    from autograder.course import find_course

    course = find_course(Path.cwd())
    folder = course.exercises / course.lecture(lecture).id
    if not (folder / "main.py").is_file():
        raise UsageError(f"{folder}: there is no main.py to run")
    return subprocess.run([sys.executable, str(folder / "main.py"), *arguments]).returncode


@cli.command()
@click.argument("lecture", required=False)
@click.argument("submissions", type=click.Path(path_type=Path), required=False)
@click.option("--all", "whole", is_flag=True, help="Every lecture; name SUBMISSIONS alone.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--isolation",
    type=click.Choice(["strong", "basic", "none"]),
    default="strong",
    show_default=True,
    help="The isolation to demand.",
)
@JOBS
@DEVICE
@JSON
@START
def grade(
    lecture: str | None,
    submissions: Path | None,
    whole: bool,
    out: Path,
    isolation: str,
    jobs: int,
    device: str,
    json_file: Path | None,
    start_method: str,
) -> int:
    """Grade a class: SUBMISSIONS has one folder, .zip, .tar.gz or .py per student.

    With --all a student's entry holds what they hand in for every lecture.
    """
    from autograder.course import find_course
    from autograder.grading.options import GradeOptions, choose_layers
    from autograder.teach.classes import grade_lectures

    course = find_course(Path.cwd())
    if whole and submissions is None and lecture is not None:
        chosen, submissions = list(course.lectures), Path(lecture)
    elif lecture is None or submissions is None or whole:
        raise UsageError("write `grade LECTURE SUBMISSIONS` or `grade --all SUBMISSIONS`")
    else:
        chosen = [course.lecture(lecture)]
    device, start = _device(device, start_method)
    options = GradeOptions(course, chosen[0], device, jobs, choose_layers(isolation), start)
    found = grade_lectures(options, chosen, submissions, out)
    _write_json(json_file, found)
    return errors.BROKEN if _broken(found) else errors.PASSED


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--format", "kind", default="html", show_default=True, help="html, csv, junit or json."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; else stdout.")
def report(results: Path, kind: str, out: Path | None) -> None:
    """Turn RESULTS (a folder of reports) into a page, a table or a file for another program."""
    from autograder.grading.results import Results, write_page
    from autograder.report import FORMATS, renderer

    if kind not in FORMATS:
        raise UsageError(
            f'there is no format "{kind}"{nearest(kind, FORMATS)} (there are: {", ".join(FORMATS)})'
        )
    folders = [results, *sorted(path for path in results.glob("*/") if path.is_dir())]
    found = [report for folder in folders for report in Results(folder).read()]
    if not found:
        raise UsageError(f"{results}: no reports in it; `autograder grade` writes them")
    text = renderer(kind)(found)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_page(out, text)
        click.echo(f"{out}: {len(found)} reports")


@cli.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
def release(out: Path) -> None:
    """Write the students' copy of the course into a new folder."""
    from autograder.course import find_course
    from autograder.teach.release import release as write_release

    written = write_release(find_course(Path.cwd()), out)
    click.echo(f"{out}: {len(written)} files, no solution among them")


@cli.command()
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 3 on a difference.")
@click.option(
    "--force", is_flag=True, help="Replace edited files too; the old text is kept beside."
)
def stubs(only_check: bool, force: bool) -> int:
    """Write exercises/ from solutions/."""
    from autograder.author import stubs as author
    from autograder.course import find_course

    course = find_course(Path.cwd())
    if only_check:
        wrong = [path for one in course.lectures for path in author.differences(course, one)]
        for path in wrong:
            click.echo(f"exercises/{path}: is out of date; run `autograder stubs`", err=True)
        return errors.COURSE if wrong else errors.PASSED
    result = author.write(course, force)
    for path in result.written:
        click.echo(f"wrote exercises/{path}")
    for path in result.removed:
        click.echo(f"removed exercises/{path}")
    kept = "replaced; the old text is kept beside it" if force else "not replaced: it was edited"
    for path in result.edited:
        click.echo(f"exercises/{path}: {kept}", err=True)
    return errors.PASSED


@cli.command()
@click.argument("lectures", nargs=-1)
@JOBS
@DEVICE
@START
def verify(lectures: tuple[str, ...], jobs: int, device: str, start_method: str) -> int:
    """Let the course verify itself: references, stubs, mistakes. Exit 3 if one is wrong."""
    from autograder.author.verify import verify_lectures
    from autograder.course import find_course
    from autograder.grading.options import GradeOptions
    from autograder.sandbox import machine

    course = find_course(Path.cwd())
    device, start = _device(device, start_method)
    chosen = [course.lecture(name) for name in lectures] or list(course.lectures)
    options = GradeOptions(course, chosen[0], device, jobs, machine.available(), start)
    return errors.COURSE if verify_lectures(options, chosen) else errors.PASSED


@cli.command()
@click.argument("names", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="List the data sets; fetch nothing.")
def data(names: tuple[str, ...], only_list: bool) -> None:
    """Fetch the full data sets (all, or those named) and check them."""
    from rich.progress import DownloadColumn, Progress, TextColumn

    from autograder.course import find_course
    from autograder.learn import data as sets

    course = find_course(Path.cwd())
    for file in sets.chosen(course, names):
        state = sets.state(course, file)
        if only_list or state == "here":
            click.echo(f"{file.name:<22} {file.bytes:>10,} bytes  {state:<9} {file.what}")
            continue
        columns = (TextColumn("{task.description}"), DownloadColumn())
        with Progress(*columns, transient=True, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task(file.name, total=file.bytes)
            path = sets.fetch(course, file, functools.partial(bar.advance, task))
        click.echo(f"{path}: fetched and checked")


@cli.command()
def doctor() -> int:
    """Show what works on this machine. Exit code 4 if submissions can't be isolated."""
    from rich.console import Console
    from rich.text import Text

    from autograder.teach.doctor import examine

    console = Console(highlight=False)
    findings = list(examine())
    for finding in findings:
        line = Text("✓ " if finding.good else "✗ ", style="green" if finding.good else "red")
        console.print(
            line.append(f"{finding.name:<12} {finding.text}", style="default"), soft_wrap=True
        )
    isolated = all(finding.good for finding in findings if finding.name == "isolation")
    return errors.PASSED if isolated else errors.MACHINE


@cli.command()
@click.option("--out", default="results/demo", show_default=True, type=click.Path(path_type=Path))
@JOBS
def demo(out: Path, jobs: int) -> int:
    """Grade the sample classes of the course, print their tables, write their pages."""
    from autograder.course import find_course
    from autograder.teach.classes import grade_samples

    found = grade_samples(find_course(Path.cwd()), out, jobs)
    return errors.BROKEN if _broken(found) else errors.PASSED


def _device(device: str, start_method: str) -> tuple[str, str]:
    """(device, start method): CUDA does not survive a fork, so it needs fresh processes."""
    if device == "auto":
        nvidia = Path("/dev/nvidia0").exists()
        device = "cuda" if nvidia else "mps" if sys.platform == "darwin" else "cpu"
    return device, "spawn" if device != "cpu" else start_method


def _write_json(file: Path | None, found: list[Report]) -> None:
    from autograder.grading.results import write_page
    from autograder.report.plain import to_json

    if file is not None:
        write_page(file, to_json(found))


def _broken(found: list[Report]) -> bool:
    return any(task.outcome == "broken" for report in found for task in report.tasks)


def _exit_code(found: list[Report]) -> int:
    if _broken(found):
        return errors.BROKEN
    right = all(
        task.outcome in ("passed", "skipped") or task.bonus for r in found for task in r.tasks
    )
    return errors.PASSED if right and not any(r.problem for r in found) else errors.WRONG


class Stopped(BaseException):
    """A signal asks us to end; its number. What is open is closed on the way out."""


def _stop(number: int, _: object) -> None:
    raise Stopped(number)


def main() -> None:
    """The command `autograder`."""
    debug = "--debug" in sys.argv[1:2]
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup wants us to go on
            signal.signal(number, _stop)
    try:
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(errors.USAGE)
    except AutograderError as error:
        if debug:
            raise
        click.echo(f"autograder: {error}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort, Stopped) as stop:
        with contextlib.suppress(OSError):  # the terminal may be gone
            click.echo("autograder: interrupted; what was finished is written", err=True)
        sys.exit(128 + (stop.args[0] if isinstance(stop, Stopped) else signal.SIGINT))
    except BrokenPipeError:
        sys.exit(errors.PASSED)
    except OSError as error:
        if debug:
            raise
        click.echo(f"autograder: {error.filename or 'the system'}: {error.strerror}", err=True)
        sys.exit(errors.MACHINE)
    except Exception as error:
        if debug:
            raise
        click.echo(
            f"autograder: our own fault: {type(error).__name__}: {error};"
            " call `autograder --debug …` again and report what it prints",
            err=True,
        )
        sys.exit(errors.BROKEN)


if __name__ == "__main__":
    main()
