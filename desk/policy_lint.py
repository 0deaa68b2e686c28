"""What a policy's own fields contradict or leave out, found by rule; and its prose notes, printed as published.

Pure: a policy in, findings out, each with the line of its field in the file. A finding is no error: the policy works,
the strictest number binds; but a manager has to know it before it goes live. Nothing is inferred from prose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from desk import policy_lint_promises as promises
from desk import policy_lint_rest as rest
from desk.policy import Policy
from desk.policy_look import Look, Said
from model.problem import Lines
from model.text import Language, Text


class PolicyFinding(msgspec.Struct, frozen=True, kw_only=True):
    """`rule` names what was looked for, `note` is prose; `line` is that of the field in the file, 1-based."""

    file: str
    line: int
    key: str
    rule: str
    text: Text

    def render(self, language: Language) -> str:
        """FILE:LINE: KEY: RULE: sentence."""
        return f"{self.file}:{self.line}: {self.key}: {self.rule}: {self.text[language]}"


NOTE = "note"
#: Every rule by its name, which is part of the interface: docs/policies.md explains each.
RULES: dict[str, Callable[[Look], Iterable[Said]]] = {
    "severity-inversion": promises.inversion,
    "equal-times": promises.equal_times,
    "two-values": promises.two_values,
    "no-first-response": promises.no_response,
    "no-restore-or-resolve": promises.no_restore,
    "no-onsite": promises.no_onsite,
    "departure-without-arrival": promises.departure_only,
    "arrival-before-departure": promises.arrival_before_departure,
    "arrival-or-departure": rest.arrival_or_departure,
    "branch-without-promise": promises.branch_missing,
    "spare-slower-than-restore": promises.spare_slower,
    "contingency-after-breach": promises.contingency_late,
    "no-time-ladder": rest.no_ladder,
    "ladder-ends": rest.ladder_ends,
    "ladder-out-of-order": rest.ladder_order,
    "customer-ladder-ends": rest.customers_ladder_ends,
    "battery-without-class": rest.battery_gap,
    "battery-in-two-classes": rest.battery_twice,
    "no-warranty": rest.no_warranty,
    "report-without-deadline": rest.report_deadline,
    "duty-without-period": rest.duty_period,
    "two-cadences": rest.two_cadences,
    "check-without-items": rest.no_items,
    "no-survey": rest.no_survey,
    "second-scale": rest.second_scale,
    "impact-without-level": rest.no_level,
}
#: What is found from `decided`: values that this house chose where the text is silent.
OPEN_RULES = ("clock-without-calendar", "start-undefined", "overdue-undefined")


def findings(policy: Policy, file: str, wrong: Iterable[str] = ()) -> list[PolicyFinding]:
    """Everything found by rule, then the notes; each part in the order of the file.

    `wrong` are the keys of a file's errors (desk.policy_file.remains): no finding comes from what stands there.
    """
    look, lines = Look(policy, wrong), Lines(policy.body)
    said = [(rule, found) for rule, look_for in RULES.items() for found in look_for(look)]
    said += rest.left_open(look)
    made = [_finding(file, lines, rule, key, text) for rule, (key, text) in said if not look.wrong(key)]
    notes = [
        _finding(file, lines, NOTE, f"note.{n}", Text(f"{x.text.en} ({x.source})", f"{x.text.zh}（{x.source}）"))
        for n, x in enumerate(policy.notes)
        if not look.wrong(f"note.{n}")
    ]
    return [*sorted(made, key=lambda f: (f.line, f.rule)), *notes]


def _finding(file: str, lines: Lines, rule: str, key: str, text: Text) -> PolicyFinding:
    line = lines.of(key) or lines.of(f"{key}.0") or 1
    return PolicyFinding(file=file, line=line, key=key, rule=rule, text=text)
