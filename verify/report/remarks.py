"""Findings for a terminal: those of one code and severity are said once."""

from __future__ import annotations

from collections.abc import Sequence

from skyassay.verify.records import Finding
from skyassay.verify.report.escape import visible

#: The order in which findings are said.
SEVERITIES = ("error", "warning", "info")
#: Words that messages must have in common to be said as one.
ENOUGH_WORDS = 3


def remarks(findings: Sequence[Finding], *, first: bool = False) -> list[str]:
    """Return what is to be said of findings, the worst first, grouped by severity and code.

    Messages that differ in one place only become one line with what stands there; of others
    each keeps its line.

    Parameters
    ----------
    findings : sequence of Finding
    first : bool
        Of messages that have nothing in common say the first, and how many others there are.
    """
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(findings, key=lambda f: SEVERITIES.index(f.severity)):
        groups.setdefault((finding.severity, finding.code), []).append(finding)
    lines = [line for group in groups.values() for line in _said(group, first=first)]
    return [visible(line) for line in lines]


def _said(group: Sequence[Finding], *, first: bool) -> list[str]:
    """Return the lines of findings of one code and severity."""
    one, number = group[0], len(group)
    hints = dict.fromkeys(f.hint for f in group)
    hint = f" ({one.hint})" if one.hint and len(hints) == 1 else ""
    head = f"{one.severity}: {number} × [{one.code}]"
    if number == 1:
        return [f"{one.severity}: {one.message}{hint} [{one.code}]{_where(one)}"]
    before, after = common([f.message for f in group])
    if len(hints) == 1 and len((before + after).split()) >= ENOUGH_WORDS:
        differing = [f.message.removeprefix(before).removesuffix(after) for f in group]
        places = list(dict.fromkeys(d + _where(f) for d, f in zip(differing, group, strict=True)))
        named = ("; " if any(" " in place for place in places) else ", ").join(places)
        return [f"{head} {before}…{after}{hint} ({named})"]
    if first:
        return [f"{head} {one.message}{_where(one)} and {number - 1} more{hint}"]
    each = [f"  {f.message}{_where(f)}" + ("" if hint else f" ({f.hint})" * bool(f.hint))
            for f in group]  # fmt: skip
    return [f"{head}{hint}:", *each]


def _where(finding: Finding) -> str:
    about = ", ".join(part for part in (finding.metric, finding.band) if part)
    return f" [{about}]" if about else ""


def common(messages: Sequence[str]) -> tuple[str, str]:
    """Return the whole words with which all messages begin and end."""
    words = [message.split(" ") for message in messages]
    begins = _alike(words)
    rest = [line[begins:] for line in words]
    ends = _alike([line[::-1] for line in rest])
    before = "".join(word + " " for word in words[0][:begins])
    after = "".join(" " + word for word in rest[0][len(rest[0]) - ends :])
    # "name: what follows" differs in the name, not in its colon.
    if after and all(m.removesuffix(after).endswith(":") for m in messages):
        after = ":" + after
    return before, after


def _alike(lines: Sequence[Sequence[str]]) -> int:
    """Return how many words all lines have alike from the first."""
    number = 0
    for words in zip(*lines, strict=False):
        if len(set(words)) > 1:
            break
        number += 1
    return number
