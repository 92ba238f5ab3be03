"""The pages of a capture's account: what its ledgers tell, and the files of it."""

from collections.abc import Iterator

from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from tcaccount.summary import SEE_VERIFY, sections
from tcclient.ledger.wording import length, when
from tcserver.accounts.account import CaptureAccount, account_of, file_count, some_files
from tcserver.accounts.exports import FORMATS, TABLES, checksums, whole
from tcserver.accounts.ledgerbytes import ledger_bytes
from tcserver.accounts.models import LedgerJob, LedgerRecord
from tcserver.captures.models import CaptureRecord
from tcserver.people.askers import Forbidden, NotFound
from tcserver.website.asking import Visit, page
from tcserver.website.methods import methods_of

ON_A_PAGE = 100


@require_GET
@page
def capture_account(visit: Visit, number: int) -> HttpResponse:
    """What a capture has, what is missing from it, and why."""
    capture = visit.capture(number)
    account = account_of(capture)
    shown = {} if account is None else _shown(visit, capture, account)
    context = {"capture": capture, "account": account, **shown}
    return render(visit.request, "captureaccount.html", context)


@require_GET
@page
def account_table(visit: Visit, number: int, table: str, format: str) -> HttpResponseBase:
    """A table of the account, to be kept."""
    capture = visit.capture(number)
    write, kind = FORMATS[format]
    return _file(write(TABLES[table](capture)), f"{capture.name}.{table}.{format}", kind)


@require_GET
@page
def account_checksums(visit: Visit, number: int) -> HttpResponseBase:
    """The SHA-256 of each file, as `sha256sum --check` reads it."""
    capture = visit.capture(number)
    return _file(checksums(capture), f"{capture.name}.sha256", "text/plain; charset=utf-8")


@require_GET
@page
def account_document(visit: Visit, number: int) -> HttpResponseBase:
    """The account as one JSON object."""
    capture = visit.capture(number)
    account = account_of(capture)
    if account is None:
        raise NotFound
    return _file(iter([whole(account)]), f"{capture.name}.account.json", "application/json")


@require_GET
@page
def ledger_file(visit: Visit, number: int, ledger: int) -> HttpResponseBase:
    """The bytes of one of the ledgers, as they came."""
    capture = visit.capture(number)
    account = account_of(capture)
    found = {one.pk: one for one in account.ledgers} if account is not None else {}
    if ledger not in found:
        raise NotFound
    _must_see_all(visit, found[ledger])
    name = f"{capture.name}.{found[ledger].client.name}.{found[ledger].name}.ledger.jsonl"
    return _file(ledger_bytes(ledger, 0, found[ledger].held), name, "application/jsonl")


def _shown(visit: Visit, capture: CaptureRecord, account: CaptureAccount) -> dict[str, object]:
    """Return what the page shows of an account."""
    record = account.subject.record
    files = Paginator(range(file_count(capture)), ON_A_PAGE)
    shown = files.get_page(visit.request.GET.get("files"))
    begin = shown.start_index() - 1 if files.count else 0
    gaps = record.gaps()
    return {
        "sections": [
            (title, [text.removesuffix(SEE_VERIFY) for text in texts])
            for title, texts in sections(account.subject)
        ],
        "gaps": [
            {
                "gap": gap,
                "begin": when(gap.begin),
                "end": when(gap.end),
                "long": length(gap.seconds),
            }
            for gap in gaps[: -ON_A_PAGE - 1 : -1]
        ],
        "more_gaps": max(0, len(gaps) - ON_A_PAGE),
        "wordings": [
            {
                "wording": one,
                "begin": "" if one.begin is None else when(one.begin),
                "end": "" if one.end is None else when(one.end),
            }
            for one in record.wordings()[: -ON_A_PAGE - 1 : -1]
        ],
        "methods": methods_of(capture, account, files.count),
        "files": some_files(capture, begin, begin + ON_A_PAGE),
        "files_page": shown,
    }


def _must_see_all(visit: Visit, ledger: LedgerRecord) -> None:
    """Raise Forbidden if a ledger is also about captures that the person may not see."""
    jobs = LedgerJob.objects.filter(ledger=ledger).values("job")
    projects = CaptureRecord.objects.filter(pk__in=jobs).values_list("project", flat=True)
    if not all(visit.person.sees(project) for project in projects):
        raise Forbidden


def _file(pieces: Iterator[bytes], name: str, kind: str) -> StreamingHttpResponse:
    """Return a file that a browser keeps under this name, less what cannot be seen."""
    answer = StreamingHttpResponse(pieces, content_type=kind)
    safe = "".join(c if c.isprintable() else "_" for c in name)
    answer["Content-Disposition"] = content_disposition_header(True, safe) or ""
    return answer
