"""Sites whose agent is silent. The one finding that comes from absence of batches, so the pipeline asks for it.

The "device" of such a finding is SITE/agent. Whether the site is dark, the line is cut or the agent is dead
cannot be told from here; the evidence says how long ago the last batch came.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from model.finding import Change, Cleared, Evidence, Finding, Raised, Severity
from model.text import Text

KIND = "agent_silent"

ADVICE = Text(
    "Ask somebody at the site whether there is power and a network; then look at the agent's machine.",
    "先向现场确认供电和网络是否正常，再检查采集端。",
)
BACK = Text("the agent delivers again", "采集端恢复上报")


def device_of(site: str) -> str:
    """What stands for a site's agent where a device is asked for."""
    return f"{site}/agent"


def silent(last_heard: Mapping[str, int], now: int, limit_s: float, raised: Set[str]) -> list[Change]:
    """The sites that fell silent, and those that are heard again.

    `last_heard`: by site, when its last batch came, ms. `raised`: the sites whose finding stands (the caller
    keeps it: add for each Raised, remove for each Cleared). A site never heard has nothing to be silent after.
    """
    changes: list[Change] = []
    for site, heard_at in sorted(last_heard.items()):
        quiet = now - heard_at > limit_s * 1000
        if quiet and site not in raised:
            changes.append(Raised(finding=_finding(site, heard_at, now)))
        elif not quiet and site in raised:
            changes.append(Cleared(device=device_of(site), kind=KIND, index=None, at=heard_at, why=BACK))
    return changes


def _finding(site: str, heard_at: int, now: int) -> Finding:
    ago_s = (now - heard_at) / 1000
    text = Text(
        f"nothing from the agent of {site} for {ago_s:.0f} s: site dark, line cut or agent dead",
        f"站点 {site} 的采集端已 {ago_s:.0f} 秒无数据：站点断电、线路中断或采集端故障",
    )
    return Finding(
        device=device_of(site),
        kind=KIND,
        index=None,
        severity=Severity.MAJOR,
        since=heard_at,
        score=0.9,
        evidence=(Evidence(text=text, at=now),),
        advice=ADVICE,
    )
