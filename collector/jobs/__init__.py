"""Work that nobody waits for: back-tests over history, the nightly snapshot, models that are trained offline.

What decides here is pure (`backtest`, `scoring`, `learning`); the shells open history and the database. Nothing of it holds up a batch.
"""
