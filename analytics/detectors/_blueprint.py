"""One sentence: what is wrong when this finding stands. Sees: the points, the limits, for how long.

When it does not work: which devices lack the points, which faults look the same. This text becomes the
detector's chapter in docs/detectors.md, so write it for a technician.

To copy: 1. copy this file to `analytics/detectors/NAME.py`; 2. put your condition; 3. add its line to `DETECTORS` in
`__init__.py`; 4. add the kind to `alerts/kinds.py`; 5. add a story to `tests/analytics/`; 6. run
`pytest tests/contracts/test_detectors.py`; 7. make docs/detectors.md again (the command is in `analytics/chapters.py`); 8. commit.
When witnesses are not enough (several points must be followed together), write a class with `fresh` and `step`:
`port_down.py` is the shortest.
"""

from __future__ import annotations

from analytics.condition import Condition, flag
from model.finding import Severity
from model.text import Text

BLUEPRINT = Condition(
    kind="blueprint",
    witnesses=(flag("alarm.fuse_failure", Text("the UPS reports a blown fuse", "UPS 报告熔断器故障"), Severity.MAJOR),),
    advice=Text("Check the fuse, and why it blew.", "检查熔断器及其熔断原因。"),
)
