"""Other programs at the centre's door: what Telegraf and InfluxDB clients write, what Prometheus reads.

line_protocol   one line of InfluxDB's line protocol (pure)
mapping         the file that says which field of which measurement is which point (pure)
door            /api/v2/write, /write: lines become a batch like any agent's, and go the same one path
metrics         /metrics of the centre
"""
