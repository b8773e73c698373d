"""Runs the studies of cases: lock, clean, plan, execute, publish."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.metadata
import platform
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crmresearch import __version__
from crmresearch.case import DECISIONS_FILE, Case, Project, load_case
from crmresearch.errors import CrmresearchError, StorageError
from crmresearch.running.editions import (
    Edition,
    Staging,
    clear_staging,
    count_refusals,
    edition_name,
    editions,
    seal_study,
    sealed_studies,
)
from crmresearch.running.execution import Job
from crmresearch.running.kernels import MEMORY_VARIABLE, Kernels
from crmresearch.running.keys import file_digest, intake_key, software_key, source_key
from crmresearch.running.layout import (
    Render,
    check_formats,
    layout_of,
    render_report,
    render_report_index,
    write_reports,
)
from crmresearch.running.locks import case_lock
from crmresearch.running.notebooks import StudyNotebook, find_studies
from crmresearch.running.outcomes import CaseOutcome, Status
from crmresearch.running.plan import TRADITIONAL, Choice, Request, check_request, choose, keyed, known_case_names
from crmresearch.running.pool import run_jobs, warm_up
from crmresearch.running.progress import Console
from crmresearch.running.sentinel import PROCESSED_VARIABLE

if TYPE_CHECKING:  # pandas is slow to load, and a run that finds nothing to do needs none
    import pandas as pd

DEFAULT_TIMEOUT_SECONDS = 1800.0
_NAMED_VERSIONS = ("pandas", "numpy", "scipy", "statsmodels", "scikit-learn", "duckdb", "ibis-framework", "papermill")


class Processed(Protocol):
    """What the runner asks of the processed tables of a case."""

    @property
    def folder(self) -> Path:
        """Folder named by the digest of its content."""

    @property
    def tables(self) -> Iterable[str]:
        """Names of the tables."""

    @property
    def ledger(self) -> pd.DataFrame:
        """Rows and amounts of each raw file."""

    @property
    def quarantine(self) -> pd.DataFrame:
        """Rows and values set aside."""

    @property
    def log(self) -> pd.DataFrame:
        """Normalisations and warnings."""

    def path(self, table: str) -> Path:
        """Parquet file of a table."""


Intake = Callable[[Project, Case, str], Processed]
"""Gives the processed tables of a case; the text is the digest they are known by, or empty."""


def run(
    project: Project,
    request: Request,
    *,
    at_once: int = 2,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    memory_bytes: int | None = None,
    kernels: Callable[[], contextlib.AbstractContextManager[Kernels]] = Kernels,
    console: Console | None = None,
    intake: Intake | None = None,
    render: Render | None = None,
    render_index: Callable[[Path], Path] | None = None,
) -> list[CaseOutcome]:
    """Run studies and publish an edition per case; work whose inputs have not changed is not redone.

    Parameters
    ----------
    request : Request
    at_once : int
        Studies computed at a time.
    timeout : float
        Seconds of wall clock a study may take.
    memory_bytes : int | None
        Address space a kernel may use; needs forked kernels.
    kernels : callable
        Makes the context in which kernels can be had; called only if something is to be computed.
    intake, render, render_index : callable
        Cleaning and report pages; by default those of the package.

    Returns
    -------
    list of CaseOutcome
        One per case, in order. A case that cannot be run has its ``error`` set.

    Raises
    ------
    UsageError
        A case, study or parameter that does not exist, or is badly typed.
    """
    console = console or Console()
    notebooks = find_studies(project)
    names = known_case_names(project, request.cases)
    check_request(request, notebooks)
    check_formats(request)
    software = software_key(project)
    with contextlib.ExitStack() as stack:
        source = _Lazily(stack, kernels)
        works: dict[str, _Work] = {}
        outcomes = {name: CaseOutcome(name) for name in names}
        for name, outcome in outcomes.items():
            with _keep_error(outcome):
                stack.enter_context(case_lock(project, name))
                case = load_case(project, name)
                case = case.as_recorded() if request.unmerged else case
                work = _Work(project, case, request, software, outcome)
                work.prepare(notebooks, intake or _clean, source.get, console)
                works[name] = work
        jobs = [job for work in works.values() for job in work.jobs(source, memory_bytes)]
        console.plan(len(jobs))
        stack.callback(console.close)
        publish = (render or render_report, render_index or render_report_index)
        for name, work in works.items():
            if not work.waiting:
                with _keep_error(outcomes[name]):
                    work.publish(*publish)
        for ended in run_jobs(jobs, at_once=at_once, timeout=timeout, progress=console):
            work = works[ended.job.case]
            with _keep_error(work.outcome):
                work.note(ended.job, ended.why, ended.seconds)
                if not work.waiting:
                    work.publish(*publish)
    return list(outcomes.values())


class _Lazily:
    """The run's kernels, started by whoever first knows that they will be needed."""

    def __init__(
        self, stack: contextlib.ExitStack, make: Callable[[], contextlib.AbstractContextManager[Kernels]]
    ) -> None:
        self._stack, self._make, self._made = stack, make, None

    def get(self) -> Kernels:
        if self._made is None:
            self._made = self._stack.enter_context(self._make())
            warm_up()
        return self._made


@contextlib.contextmanager
def _keep_error(outcome: CaseOutcome):
    try:
        yield
    except CrmresearchError as error:
        outcome.error = error
    except OSError as error:
        outcome.error = StorageError(
            error.strerror or str(error),
            where=str(error.filename or outcome.case),
            repair="Free some space, or give yourself the right to write there; published editions are untouched.",
        )


class _Work:
    """One case under way."""

    def __init__(self, project: Project, case: Case, request: Request, software: str, outcome: CaseOutcome) -> None:
        self.project, self.case, self.request = project, case, request
        self.software, self.outcome = software, outcome
        self.waiting: dict[str, tuple[str, dict[str, Any]]] = {}
        self.studies: dict[str, dict[str, Any]] = {}
        self.staging: Staging | None = None

    def prepare(
        self, notebooks: Mapping[str, StudyNotebook], intake: Intake, wake: Callable[[], object], console: Console
    ) -> None:
        """Find out what is to be done; clean the raw files where that may be anything."""
        declared = sorted({source.table for source in self.case.file.files})
        if all(self._obstacles(choose(self.case, notebooks, self.request, declared))):
            return
        self.published = editions(self.project, self.case.name)
        self.newest = next((e for e in self.published if e.unmerged == self.case.unmerged), None)
        self.layout = layout_of(self.case, self.request)
        key = intake_key(self.case, self.software)
        known = next((e.content["intake"] for e in self.published if e.content["intake"]["key"] == key), None)
        self.intake = known or self._take_in(key, "", intake, wake, console)
        self._choose(notebooks)
        if self._is_published():
            self.outcome.edition = self.newest.folder
            for name in self.keys:
                refused = self.newest.content["studies"][name]["refused"]
                self.outcome.statuses[name] = Status("reused", refused=refused)
            clear_staging(self.project, self.case.name)
            return
        sealed = sealed_studies(self.project, self.case.name, self.published)
        self.staging = Staging(self.project, self.case.name)
        for name, (content_key, parameters) in self.keys.items():
            if content_key in sealed:
                self._is_done(name, "reused", self.staging.take(name, sealed[content_key]))
            else:
                self.waiting[name] = (content_key, parameters)
        self.staging.clear_others()
        if self.waiting and known:
            self.intake = self._take_in(key, known["processed"], intake, wake, console)

    def _take_in(
        self, key: str, known: str, intake: Intake, wake: Callable[[], object], console: Console
    ) -> dict[str, Any]:
        wake()
        if not known:
            console.say(f"{self.case.name}: cleaning the raw files")
        from crmresearch.reporting.edition import quality_of

        processed = intake(self.project, self.case, known)
        return {
            "key": key,
            "processed": processed.folder.name,
            "tables": sorted(processed.tables),
            "last_day": "" if self.case.file.as_of else _last_day(processed),
            "settings": self._settings(),
            "unmerged": self.case.unmerged,
            "quality": quality_of(processed.ledger, processed.quarantine, processed.log),
        }

    def _settings(self) -> dict[str, str]:
        """Digest of what decides, beside the raw files, what the tables are."""
        paths = [self.case.folder / name for name in ("case.yaml", DECISIONS_FILE)]
        return {path.name: file_digest(path) for path in paths if path.is_file()}

    def _choose(self, notebooks: Mapping[str, StudyNotebook]) -> None:
        declared = self.request.as_of or self.case.file.as_of
        self.as_of = declared.isoformat() if declared else self.intake["last_day"]
        self.notebooks = notebooks
        languages = self.request.languages
        self.choices: list[Choice] = choose(self.case, notebooks, self.request, self.intake["tables"])
        self.keys = keyed(
            self.choices,
            self.case,
            as_of=self.as_of,
            language=TRADITIONAL if TRADITIONAL in languages else languages[0],
            processed=self.intake["processed"],
            software=self.software,
        )
        self._obstacles(self.choices)

    def _obstacles(self, choices: list[Choice]) -> list[bool]:
        """Note which studies cannot run."""
        for choice in choices:
            if choice.obstacle:
                self.outcome.statuses[choice.study.name] = Status("not run", choice.obstacle.en, choice.wanted)
        return [bool(choice.obstacle) for choice in choices]

    def _is_published(self) -> bool:
        """Whether the newest edition already is what this run would make."""
        keys = {name: key for name, (key, _) in self.keys.items()}
        return self.newest is not None and self._same(self.newest, keys)

    def jobs(self, kernels: _Lazily, memory_bytes: int | None) -> list[Job]:
        """What is to be executed."""
        if not self.waiting or self.staging is None:
            return []
        environment = {**kernels.get().environment, "CRMRESEARCH_HOME": str(self.project.root)}
        environment[PROCESSED_VARIABLE] = self.intake["processed"]
        if memory_bytes:
            environment[MEMORY_VARIABLE] = str(memory_bytes)
        return [
            Job(self.case.name, name, self.notebooks[name].path, self.staging.study(name), parameters, environment)
            for name, (_, parameters) in self.waiting.items()
        ]

    def note(self, job: Job, why: str, seconds: float) -> None:
        """Take in how a job ended."""
        key, parameters = self.waiting.pop(job.study)
        assert self.staging is not None
        if why:
            self.staging.drop(job.study)
            self.outcome.statuses[job.study] = Status("failed", why)
        else:
            content = {"key": key, "parameters": parameters, "seconds": round(seconds, 3)}
            content["refused"] = count_refusals(job.folder)
            self._is_done(job.study, "done", seal_study(job.folder, content))

    def _is_done(self, name: str, state: str, content: dict[str, Any]) -> None:
        self.studies[name] = {k: content[k] for k in ("key", "parameters", "seconds", "refused")}
        self.outcome.statuses[name] = Status(state, refused=content["refused"])

    def publish(self, render: Render, render_index: Callable[[Path], Path]) -> None:
        """Publish what is done, unless the newest edition already says the same."""
        if self.staging is None:
            return
        newest = self.newest
        keys = {name: study["key"] for name, study in self.studies.items()}
        if keys and not (newest and self._same(newest, keys)):
            number = self.published[0].number + 1 if self.published else 1
            self.layout.copy_to(self.staging.folder)
            self.staging.write(self._content(number))
            self.outcome.unwritten = write_reports(self.staging.folder, self.request, render, self.layout.problem)
            self.staging.write(self._content(number))
            if newest and self._same(newest, keys, written=self.staging.files()):
                self.outcome.edition = newest.folder  # what could not be written then cannot be written now
            else:
                self.outcome.edition = self.staging.publish(self._name(number))
                self.outcome.fresh = True
        elif newest:
            self.outcome.edition = newest.folder
        self.staging.clear()
        render_index(self.project.reports)

    def _same(self, newest: Edition, keys: dict[str, str], written: set[str] | None = None) -> bool:
        """Whether an edition has these results in this layout, and every file asked for (or those written)."""
        pages = {f"report.{language}.{form}" for language in self.request.languages for form in self.request.formats}
        if self.layout.problem and written is None:
            return False  # what is wrong is said again
        same = newest.content["as_of"] == self.as_of and newest.keys == keys
        same = same and newest.content.get("layout", {}) == self.layout.content
        same = same and all(newest.content["files"].get(name) == sha for name, sha in self.layout.digests.items())
        pages = pages if written is None else {name for name in written if name.startswith("report.")}
        return same and pages <= newest.content["files"].keys() and not newest.damage()

    def _name(self, number: int) -> str:
        return edition_name(self.as_of, number, self.case.unmerged)

    def _content(self, number: int) -> dict[str, Any]:
        studies = {
            choice.study.name: {
                "title": choice.study.title.model_dump(),
                "needs": list(choice.study.needs),
                "status": self.outcome.statuses[choice.study.name].state,
                "why": choice.obstacle.model_dump()
                if choice.obstacle
                else self.outcome.statuses[choice.study.name].why,
                "wanted": choice.wanted,
                **self.studies.get(choice.study.name, {}),
            }
            for choice in self.choices
        }
        from crmresearch.reporting.edition import case_facts

        return case_facts(self.case) | {
            "schema": 1,
            "edition": self._name(number),
            "as_of": self.as_of,
            "number": number,
            "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "intake": self.intake,
            "inputs": {s.file: source_key(self.case, s) for s in self.case.file.files},
            "software": {"key": self.software, "crmresearch": __version__, "python": platform.python_version()}
            | {name: importlib.metadata.version(name) for name in _NAMED_VERSIONS},
            "studies": studies,
            "languages": list(self.request.languages),
            "formats": list(self.request.formats),
            "layout": self.layout.content,
            "rerun": self.request.command(self.case.name),
        }


def _last_day(processed: Processed) -> str:
    """Last day of the orders, as text; empty where the case has none."""
    if "orders" not in processed.tables:
        return ""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    last = pc.max(pq.read_table(processed.path("orders"), columns=["date"])["date"]).as_py()
    return last.isoformat() if last else ""


def _clean(project: Project, case: Case, known: str) -> Processed:
    from crmresearch.cleaning import clean_case
    from crmresearch.cleaning.processed import open_processed

    if known:
        with contextlib.suppress(CrmresearchError):
            return open_processed(project, case.name, known)
    return clean_case(project, case)
