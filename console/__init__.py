"""What technicians, managers and customers see in the browser, zh and en.

Pages are rendered on the server and read without scripts; htmx refreshes their live parts when the centre
says that something changed (`live.py`), uPlot draws the charts, nothing is fetched from another address.
Reads go through `reads.Reads`, which knows who is looking and shows a customer only its own; writes go
through `Centre.transact`. Nothing is decided here: levels, clocks and ladders are the desk's.

Way in: `console.app.mount(app, centre)`; `console.login.one_time_code(...)` makes the first login.
"""
