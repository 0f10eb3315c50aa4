"""Arguments in, one call, exit code out."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from autograder import __version__, errors
from autograder.errors import AutograderError, UsageError, nearest

F = TypeVar("F", bound=Callable[..., Any])

DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="cpu",
    show_default=True,
    help="Where tensors live.",
)
JOBS = click.option(
    "--jobs", type=click.IntRange(1, 256), default=os.cpu_count() or 1, help="Processes at once."
)
JSON = click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Also write this."
)
WORK = click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the student's files lie.  [default: exercises/]",
)
START = click.option(
    "--start-method",
    type=click.Choice(["fork", "spawn"]),
    default="fork" if sys.platform == "linux" else "spawn",
    show_default=True,
    help="Warm processes forked, or fresh ones.",
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
    """Exercises, checked: nothing that a submission does reads a test or changes a grade."""


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
    from rich.console import Console

    from autograder import jail
    from autograder import report as reports
    from autograder.course import find_course
    from autograder.learn import checks
    from autograder.pool import Plan, Warm
    from autograder.verdict import for_student

    course = find_course(Path.cwd())
    device, start = _device(device, start_method)
    layers, console, found = jail.available(), Console(highlight=False), []
    chosen = checks.selected(course, what)
    with Warm(course, start) as warm:
        for id, tasks in chosen.items():
            lecture = course.lecture(id)
            plan = Plan(course, lecture, device, 1, layers, start, tasks, warm)
            found.append(for_student(checks.check(plan, work or course.exercises)))
            title = f"{lecture.id}  {lecture.title}"
            console.print(reports.student_text(found[-1], title), end="", soft_wrap=True)
            if not tasks:
                _picture(course, lecture, found[-1])
    _write(json_file, reports.to_json(found))
    return _exit_code(found)


@cli.command()
@click.argument("task")
@WORK
def hint(task: str, work: Path | None) -> None:
    """One hint more for a task."""
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
    """A lecture's own program, with what you wrote. Options go to it: try --help."""
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
    help="The walls to demand.",
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
    from rich.console import Console

    from autograder import batch
    from autograder import report as reports
    from autograder.course import find_course
    from autograder.pool import Plan, Warm

    course = find_course(Path.cwd())
    if whole and submissions is None and lecture is not None:
        chosen, submissions = list(course.lectures), Path(lecture)
    elif lecture is None or submissions is None or whole:
        raise UsageError("write `grade LECTURE SUBMISSIONS` or `grade --all SUBMISSIONS`")
    else:
        chosen = [course.lecture(lecture)]
    device, start = _device(device, start_method)
    layers = batch.choose_layers(isolation)
    console = Console(highlight=False)
    found = []
    with Warm(course, start) as warm:
        for one in chosen:
            if whole:
                console.print(one.title, style="bold", markup=False)
            plan = Plan(course, one, device, jobs, layers, start, warm=warm)
            found += _graded(console, plan, submissions, out)
    console.print(reports.signs_text(), style="dim")
    if whole:
        console.print(reports.totals_table(found))
        _write(out / "all.html", reports.to_html(found, course.title))
        console.print(f"The page of the course: {(out / 'all.html').resolve()}", soft_wrap=True)
    where = out if whole else out / chosen[0].id
    console.print(f"{len(found)} reports in {where}", soft_wrap=True)
    _write(json_file, reports.to_json(found))
    return errors.BROKEN if _broken(found) else errors.PASSED


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--format", "kind", default="html", show_default=True, help="html, csv, junit or json."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; else stdout.")
def report(results: Path, kind: str, out: Path | None) -> None:
    """Turn RESULTS (a folder of reports) into a page, a table or a file for another program."""
    from autograder import batch
    from autograder import report as reports

    if kind not in reports.FORMATS:
        raise UsageError(
            f'there is no format "{kind}"{nearest(kind, reports.FORMATS)}'
            f" (there are: {', '.join(reports.FORMATS)})"
        )
    found = batch.Results(results).read()
    for folder in sorted(path for path in results.glob("*/") if path.is_dir()):
        found += batch.Results(folder).read()
    if not found:
        raise UsageError(f"{results}: no reports in it; `autograder grade` writes them")
    text = reports.FORMATS[kind](found)
    if out is None:
        click.echo(text, nl=False)
    else:
        _write(out, text)
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
    from autograder.pool import Warm

    course = find_course(Path.cwd())
    if only_check:
        with Warm(course) as warm:
            wrong = [
                path
                for lecture in course.lectures
                for path in author.differences(course, lecture, warm)
            ]
        for path in wrong:
            click.echo(f"exercises/{path}: isn't what solutions/ says", err=True)
        return errors.COURSE if wrong else errors.PASSED
    result = author.write(course, force)
    for path in result.written:
        click.echo(f"wrote exercises/{path}")
    for path in result.edited:
        said = (
            "replaced, the old text kept beside it" if force else "left alone: somebody edited it"
        )
        click.echo(f"exercises/{path}: {said}", err=True)
    return errors.PASSED


@cli.command()
@click.argument("lectures", nargs=-1)
@JOBS
@DEVICE
@START
def verify(lectures: tuple[str, ...], jobs: int, device: str, start_method: str) -> int:
    """The course checks itself: references, stubs, mistakes, exercises/. Exit 3 if one is wrong."""
    from autograder import jail
    from autograder.author.verify import verify as verify_lecture
    from autograder.course import find_course
    from autograder.pool import Plan, Warm

    course = find_course(Path.cwd())
    device, start = _device(device, start_method)
    chosen = [course.lecture(name) for name in lectures] or list(course.lectures)
    faults = 0
    with Warm(course, start) as warm:
        for lecture in chosen:
            plan = Plan(course, lecture, device, jobs, jail.available(), start, warm=warm)
            result = verify_lecture(course, lecture, plan, warm)
            for fault in result.faults:
                click.echo(f"{lecture.id}: {fault}", err=True)
            share = 100 * result.named / result.mistakes if result.mistakes else 100
            click.echo(
                f"{lecture.id}: {len(lecture.tasks)} tasks, {result.tests} tests;"
                f" {result.named} of {result.mistakes} mistakes fail where they should and are"
                f" named ({share:.0f} %); {len(result.faults)} faults"
            )
            faults += len(result.faults)
    return errors.COURSE if faults else errors.PASSED


@cli.command()
@click.argument("names", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Say what there is; fetch nothing.")
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
    """What works on this machine. Exit code 4 if submissions can't be held."""
    from rich.console import Console
    from rich.text import Text

    from autograder.doctor import examine

    console = Console(highlight=False)
    findings = list(examine())
    for finding in findings:
        line = Text("✓ " if finding.good else "✗ ", style="green" if finding.good else "red")
        console.print(
            line.append(f"{finding.name:<12} {finding.says}", style="default"), soft_wrap=True
        )
    isolated = all(finding.good for finding in findings if finding.name == "isolation")
    return errors.PASSED if isolated else errors.MACHINE


@cli.command()
@click.option("--out", default="results/demo", show_default=True, type=click.Path(path_type=Path))
@JOBS
def demo(out: Path, jobs: int) -> int:
    """Grade the sample class that ships, print its table, write its page."""
    from rich.console import Console

    from autograder import jail
    from autograder import report as reports
    from autograder.course import find_course
    from autograder.pool import Plan, Warm

    course = find_course(Path.cwd())
    samples = course.root / "data" / "sample_class"
    classes = [lecture for lecture in course.lectures if (samples / lecture.id).is_dir()]
    if not classes:
        raise UsageError(f"{samples}: this course ships no sample class")
    console = Console(highlight=False)
    broken = False
    with Warm(course) as warm:
        for lecture in classes:
            plan = Plan(course, lecture, jobs=jobs, layers=jail.available(), warm=warm)
            for old in (out / lecture.id).glob("*.json"):  # a demonstration grades anew
                old.unlink()
            found = _graded(console, plan, samples / lecture.id, out)
            page = out / f"{lecture.id}.html"
            _write(page, reports.to_html(found, f"{lecture.title}: the sample class"))
            console.print(reports.signs_text(), style="dim")
            console.print(f"The page of the class: {page.resolve()}", soft_wrap=True)
            broken |= _broken(found)
    return errors.BROKEN if broken else errors.PASSED


def _graded(console: Any, plan: Any, submissions: Path, out: Path) -> Any:
    """The reports of a class, whose table is printed."""
    from autograder.report import class_table
    from autograder.teach.classes import grade_class, progress

    found = progress(grade_class(plan, submissions, out))
    console.print(class_table(found))
    return found


def _device(device: str, start_method: str) -> tuple[str, str]:
    """The device meant, and how to start: CUDA can't be forked, so it spawns."""
    if device == "auto":
        nvidia = Path("/dev/nvidia0").exists()
        device = "cuda" if nvidia else "mps" if sys.platform == "darwin" else "cpu"
    return device, "spawn" if device != "cpu" else start_method


def _write(file: Path | None, text: str) -> None:
    from autograder.batch import write_whole

    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text.encode())
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}") from None


def _picture(course: Any, lecture: Any, report: Any) -> None:
    """Draw the lecture's graph, if it has one; a verdict doesn't hang on its picture."""
    from autograder.learn.graph import draw

    try:
        picture = draw(course, lecture, report)
    except OSError as error:
        click.echo(f"the picture of the graph can't be written: {error}", err=True)
        return
    if picture is not None:
        click.echo(f"\nThe lecture's graph, each task in the colour of its verdict: {picture}")


def _broken(found: Any) -> bool:
    return any(task.outcome == "broken" for report in found for task in report.tasks)


def _exit_code(found: Any) -> int:
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
