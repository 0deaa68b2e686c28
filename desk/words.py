"""What the desk says, in both languages: one place, so that a translator finds all of it."""

from __future__ import annotations

from alerts.types import Impact
from desk.types import ClockState, EntryKind, TicketKind, TicketState
from model.text import Text

#: Who acts when nobody does.
SELF = "roundsman"

ENTRIES: dict[EntryKind, Text] = {
    EntryKind.OPENED: Text("opened", "开单"),
    EntryKind.LEVEL: Text("level", "定级"),
    EntryKind.ACKNOWLEDGED: Text("acknowledged", "已响应"),
    EntryKind.NOTE: Text("note", "备注"),
    EntryKind.DISPATCHED: Text("dispatched", "已派出"),
    EntryKind.ONSITE: Text("on site", "到场"),
    EntryKind.INCIDENT: Text("incident changed", "事件变化"),
    EntryKind.RESTORED: Text("restored", "已恢复"),
    EntryKind.RELAPSED: Text("relapsed", "复发"),
    EntryKind.NOTIFIED: Text("notified", "已通知"),
    EntryKind.WARNED: Text("warning", "预警"),
    EntryKind.BROKEN: Text("broken", "已超时"),
    EntryKind.ESCALATED: Text("escalated", "已升级"),
    EntryKind.WARRANTY: Text("warranty", "保修"),
    EntryKind.MERGED: Text("merged", "已合并"),
    EntryKind.CONVERTED: Text("converted", "转类"),
    EntryKind.FACTS: Text("facts", "情况"),
    EntryKind.PAUSED: Text("paused", "暂停"),
    EntryKind.RESUMED: Text("resumed", "恢复计时"),
    EntryKind.MESSAGE: Text("message", "来信"),
    EntryKind.PLANNED: Text("solution proposed", "已提方案"),
    EntryKind.CONTINGENCY: Text("contingency plan", "应急方案"),
    EntryKind.REMOTE_FAILED: Text("cannot be solved remotely", "远程无法解决"),
    EntryKind.UNSOLVED_ONSITE: Text("not solved on site", "现场未解决"),
    EntryKind.DIAGNOSED: Text("diagnosed", "已定位"),
    EntryKind.PART_NEEDED: Text("part needed", "需要备件"),
    EntryKind.PART_FITTED: Text("part fitted", "备件已更换"),
    EntryKind.LENT: Text("spare machine lent", "已借备机"),
    EntryKind.VISIT: Text("visit", "上门"),
    EntryKind.FORM: Text("form", "表单"),
    EntryKind.DOCUMENT: Text("document", "文件"),
    EntryKind.CONSENT: Text("consent", "授权"),
    EntryKind.HANDOVER: Text("handed to the manufacturer", "移交厂家"),
    EntryKind.RESOLVED: Text("resolved", "已解决"),
    EntryKind.REPORTED: Text("report delivered", "已交报告"),
    EntryKind.SURVEYED: Text("survey", "回访"),
    EntryKind.DISSATISFIED: Text("customer asks for the next person", "客户要求升级"),
    EntryKind.REOPENED: Text("reopened", "重新打开"),
    EntryKind.CLOSED: Text("closed", "关单"),
}

STATES: dict[TicketState, Text] = {
    TicketState.OPEN: Text("open", "待响应"),
    TicketState.ACKNOWLEDGED: Text("acknowledged", "已响应"),
    TicketState.ONSITE: Text("on site", "已到场"),
    TicketState.RESTORED: Text("restored", "已恢复"),
    TicketState.CLOSED: Text("closed", "已关闭"),
    TicketState.MERGED: Text("merged", "已合并"),
}

KINDS: dict[TicketKind, Text] = {
    TicketKind.INCIDENT: Text("incident", "事件"),
    TicketKind.DEFECT: Text("defect", "故障"),
    TicketKind.CONSULTATION: Text("consultation", "咨询"),
    TicketKind.PLANNED: Text("planned work", "计划工作"),
}
#: What a question and a fault are, as long as nobody says more.
REQUESTED, FAULTY = Impact.REQUEST, Impact.DEGRADED

CLOCK_STATES: dict[ClockState, Text] = {
    ClockState.RUNNING: Text("running", "计时中"),
    ClockState.PAUSED: Text("paused", "暂停"),
    ClockState.STOPPED: Text("stopped", "停止"),
    ClockState.BROKEN: Text("broken", "超时"),
    ClockState.UNTIMED: Text("no number", "无时限"),
}

IMPACTS: dict[Impact, Text] = {
    Impact.OUTAGE: Text("outage", "断电"),
    Impact.UNPROTECTED: Text("unprotected", "失去保护"),
    Impact.DEGRADED: Text("degraded", "降级运行"),
    Impact.ADVISORY: Text("advisory", "提示"),
    Impact.REQUEST: Text("request", "请求"),
}

ITEMS: dict[str, Text] = {
    "host": Text("UPS host", "UPS 主机"),
    "battery": Text("battery", "电池"),
    "software": Text("own software", "自有软件"),
    "third_party_software": Text("third-party software", "第三方软件"),
    "device": Text("device", "设备"),
}

LEVEL_UP = Text("level {old} → {new}: impact rose to {impact}", "级别 {old} → {new}：影响升至{impact}")
LEVEL_BY_HAND = Text("level {old} → {new}", "级别 {old} → {new}")
JOINED = Text("{n} more joined: {why}", "又有 {n} 项加入：{why}")
IMPACT_NOW = Text("impact is now {impact}", "影响现为{impact}")
TAKEN_OVER = Text("a later cause took this over: {title}", "后来的原因并入本单：{title}")
RESTORED_PROVEN = Text("runs normally: readings show it", "已恢复正常：由遥测证明")
RELAPSED_AGAIN = Text("it is back: {title}", "故障复发：{title}")
RELAPSED_STILL = Text("not restored after all: the incident goes on", "并未恢复：事件仍在继续")
REOPENED_BY_INCIDENT = Text("opened again: {title}", "重新打开：{title}")
OTHER_CAUSE = Text(
    "another cause on the same equipment ({theirs}, this is {mine}): mending one does not mend the other",
    "同一设备上的另一原因（{theirs}，本单为 {mine}）：修好其一并不解决另一",
)
OTHER_PLACE = Text(
    "the same kind of cause at another place ({theirs}, this is {mine}), and nothing shows that one brought the other",
    "同类原因但位置不同（{theirs}，本单为 {mine}），且无证据表明相互引起",
)
NO_SUCH_KIND = Text("expected one of {options}, got `{kind}`", "应为 {options} 之一，实为“{kind}”")
NO_TITLE = Text("expected what the caller said in a few words, got nothing", "应写明来电内容，实为空")
NO_SUCH_SITE = Text(
    "expected a listed site ({options}), got `{site}`; fix: import it with `roundsman inventory import`",
    "应为台账中的站点（{options}），实为“{site}”；改法：用 `roundsman inventory import` 导入",
)
NO_SUCH_DEVICE = Text(
    "expected a device of that site ({options}), got `{device}`; fix: name the site alone if it is not listed",
    "应为该站点的设备（{options}），实为“{device}”；改法：设备未登记时只写站点",
)
NO_SUCH_IMPACT = Text("expected one of {options}, got `{impact}`", "应为 {options} 之一，实为“{impact}”")
INTAKE = Text(
    "ask the caller for {fields} ({policy} wants it of a defect); fix: give it, or say that it is not known",
    "请向来电人询问 {fields}（{policy} 对故障报修的要求）；改法：填写，或注明不详",
)
TO_ASK = Text("still to be asked: {fields}", "尚待询问：{fields}")
NO_CONTRACT = Text(
    "{customer} has no contract in force: decide whether the work is charged",
    "{customer} 没有有效合同：请决定是否收费",
)
MERGED_INTO = Text("same cause as {into}, which was opened earlier", "与更早的 {into} 同因")
CLOCK_BEHIND = Text(
    "entry #{seq} is dated {ahead} s ahead of the desk's clock: time is counted up to it; check the clocks",
    "第 {seq} 条的时间比系统时钟超前 {ahead} 秒：计时算至该时刻；请检查时钟",
)
BEFORE_OPENING = Text(
    "entry #{seq} is dated before the opening: it counts at the opening",
    "第 {seq} 条的时间早于开单：按开单时刻计",
)
UNKNOWN_LEVEL = Text(
    "entry #{seq} names level `{level}`, which {policy} does not have: nothing is promised for it; fix: re-grade",
    "第 {seq} 条的级别“{level}”不在 {policy} 中：该级别没有任何承诺；改法：重新定级",
)
WARNED = Text("{clock}: its time is nearly over, due {due}", "{clock}：即将到期，{due} 到期")
CANNOT_KEEP = Text(
    "{clock}: due {due}, cannot be kept: {why}; {when}", "{clock}：{due} 到期，已无法按时：{why}；{when}"
)
LEAVES = Text("nearest suitable engineer to leave is {name}", "最早可出发的合适工程师是{name}")
ARRIVES = Text("nearest suitable engineer is {name}", "最近的合适工程师是{name}")
NOBODY = Text("no suitable engineer is listed", "没有登记合适的工程师")
NOBODY_OF = Text("no engineer of {grade} is listed", "没有登记{grade}的工程师")
PART_COMES = Text("part {part} is there at {at}", "备件 {part} 于 {at} 到")
AT_EARLIEST = Text("at the earliest {at}", "最早 {at}")
NEVER = Text("nobody can go as things are", "目前无人可去")
BROKEN = Text("{clock}: was due {due}", "{clock}：应于 {due} 完成")
ESCALATED = Text("call {to}: {why}", "请联系{to}：{why}")
ESCALATED_AGAIN = Text(" (again, {n})", "（再次，第 {n} 次）")
ESCALATED_ALSO = Text("; tell {also} too", "；同时通知{also}")
WITH_HANDOVER = Text("; with a hand-over pack for the manufacturer", "；附移交厂家资料")
DELIVERED = Text("entry {seq} reached {connector}", "第 {seq} 条已送达 {connector}")
NO_POLICY = Text(
    "the contract names policy `{policy}`, which is not here or has errors: `default` is used",
    "合同所列政策“{policy}”不存在或有错误：采用默认政策",
)

WARRANTY_IN = Text("in warranty until {until} ({term}, {source})", "保修期内，至 {until}（{term}，{source}）")
WARRANTY_OUT = Text("out of warranty since {until} ({term}, {source})", "已过保，自 {until} 起（{term}，{source}）")
WARRANTY_NO_CLASS = Text(
    "undefined, ask: the contract has no class for {what}", "未定义，须询问：合同中没有“{what}”的等级"
)
WARRANTY_NOT_BEGUN = Text(
    "undefined, ask: the term begins only on {since}",
    "未定义，须询问：保修自 {since} 起才开始",
)
WARRANTY_NO_DATE = Text("undefined, ask: the date of installation is not known", "未定义，须询问：安装日期不详")

FACTS: dict[str, Text] = {
    "local": Text("a local office is near", "本地有机构"),
    "kva": Text("rating (kVA)", "容量（kVA）"),
    "contract": Text("has a contract", "有合同"),
    "in_warranty": Text("in warranty", "保修期内"),
    "hardware": Text("hardware", "硬件故障"),
    "spares_on_site": Text("spare parts on site", "现场有备件"),
    "remote_solvable": Text("can be solved remotely", "可远程解决"),
    "cause_known": Text("cause known", "原因已知"),
    "non_stop": Text("slow, but runs", "非停机"),
    "disaster": Text("disaster", "重大灾害"),
    "customer_request": Text("the customer asks for it", "客户要求"),
}
YES, NO, UNKNOWN = Text("yes", "是"), Text("no", "否"), Text("not known", "不详")
#: What an opening entry may know, in the order in which it is told.
CASE: dict[str, Text] = {
    "why": Text("why one case", "归为一单的原因"),
    "likely_cause": Text("likely cause", "可能原因"),
    "first_steps": Text("first steps", "首要措施"),
    "similar_why": Text("similar cases", "相似案例"),
    "apart_why": Text("kept apart from", "未并入"),
}
PROOFS: dict[str, Text] = {
    "telemetry": Text("proven by readings", "由遥测证明"),
    "person": Text("not proven by readings", "未由遥测证明"),
}
UNPROVEN = Text("(not yet proven by readings)", "（尚未由遥测证明）")
NOT_BY_PEOPLE = Text(
    "expected one of {options}, got `{kind}`: the desk writes that itself",
    "应为 {options} 之一，实为“{kind}”：该项由系统自行记录",
)
ENDED = Text(
    "{ticket} is {state}: what happened before it ended can still be written down (with its time), also notes,"
    " documents, reports and surveys; fix: reopen it, or open a new one",
    "{ticket} 已{state}：仍可补记结束前发生的事（注明时间），以及备注、文件、报告和回访；改法：重新打开或另开新单",
)
ENDED_MERGED = Text(
    "{ticket} is {state}: only notes and documents can be added; write to the ticket that it went into",
    "{ticket} 已{state}：只能添加备注和文件；请写入合并到的工单",
)
NOT_CLOSED = Text(
    "expected a closed ticket to reopen, {ticket} is {state}", "只能重新打开已关闭的工单，{ticket} 为 {state}"
)
TOO_LATE = Text(
    "{ticket} can be reopened only within {window} of its closing ({policy}); fix: open a new ticket",
    "{ticket} 只能在关闭后 {window} 内重新打开（{policy}）；改法：另开新单",
)
SAY_WHY = Text("`{kind}` says nothing without one of: {keys}", "“{kind}”至少应填写其一：{keys}")
LACKING = Text("`{kind}` needs {keys}", "“{kind}”需要 {keys}")
OUR_KEYS = Text("the desk writes {keys} itself; fix: leave it out", "{keys} 由系统自行记录；改法：去掉")
NO_PAUSE = Text(
    "policy {policy} lets no clock wait: nothing was paused; fix: write a note, or ask for another contract",
    "政策 {policy} 不允许任何时限暂停：未暂停；改法：写备注，或修订合同",
)
WAITS_ALREADY = Text("it waits since #{seq} ({who})", "自第 {seq} 条（{who}）起已在等待")
WAITS_NOT = Text("{ticket} does not wait: there is nothing to resume", "{ticket} 未暂停：无需恢复计时")
PAUSES = Text("waiting; does not count: {clocks}", "等待中；暂不计时：{clocks}")
NOT_CONVERTIBLE = Text(
    "{ticket} is of kind {kind}: only a defect and a consultation turn into each other",
    "{ticket} 属于 {kind}：只有故障与咨询可以互转",
)
CONVERTED = Text("{old} → {new}", "{old} → {new}")
NO_SUCH_FACT = Text("expected one or more of {options}, got `{name}`", "应为 {options} 中的一项或多项，实为“{name}”")
NO_NUMBER = Text(
    "{name}: expected a number above 0 or unknown, got `{value}`", "{name}：应为大于 0 的数或 unknown，实为“{value}”"
)
NO_FLAG = Text("{name}: expected yes, no or unknown, got `{value}`", "{name}：应为 yes、no 或 unknown，实为“{value}”")
WHICH = Text("{key}: expected one of {options}, got `{got}`", "{key}：应为 {options} 之一，实为“{got}”")
MERGED_BY_HAND = Text("merged into {into}", "并入 {into}")
IN_FUTURE = Text(
    "expected a time up to now ({now}), got {at}: check the clock of the device you write from",
    "时间不得晚于现在（{now}），实为 {at}：请检查填写设备的时钟",
)
BEFORE_OPENED = Text(
    "expected a time since the ticket was opened ({opened}), got {at}; fix: give the time when it happened, or open "
    "the ticket with `--at` of the call",
    "时间不得早于开单（{opened}），实为 {at}；改法：填写实际发生时间，或以来电时间（--at）开单",
)
NOT_RESTORED = Text(
    "expected a restored ticket that is not restored after all, {ticket} is {state}",
    "应为已恢复而实际未恢复的工单，{ticket} 为 {state}",
)
BEFORE_RESTORED = Text(
    "expected a time since it was restored ({restored}), got {at}; fix: give the time at which it was seen to be out again",
    "时间不得早于恢复（{restored}），实为 {at}；改法：填写再次发现故障的时间",
)
NO_SUCH_LEVEL = Text(
    "policy {policy} has the levels {options}, got `{level}`", "政策 {policy} 的级别为 {options}，实为“{level}”"
)
