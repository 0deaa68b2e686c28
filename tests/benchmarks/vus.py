"""Volume under the precision-recall surface (VUS-PR) for labelled ranges; Paparrizos et al., PVLDB 15(11), 2022.

Labels get a buffer of up to `window` readings on both sides that falls as a square root; for each buffer length the area under
the range-based precision-recall curve is taken at 250 thresholds, and the areas are averaged. The details that the paper leaves open
are those of the published evaluation: a buffered reading counts among the positives only once it is called; recall is over the mean of
the labels with and without buffers, at most 1, times the share of ranges with a call; the area is a sum of left steps.
"""

from __future__ import annotations

import numpy as np

_THRESHOLDS = 250
_DEFAULT_WINDOW = 125


def period(values: np.ndarray) -> int:
    """Lag of the highest peak of the autocorrelation (lags 6 to 303), or 125 where it lies elsewhere or there is none."""
    values = np.asarray(values[:20_000], float) - np.mean(values[:20_000])
    size = 1 << (2 * len(values) - 1).bit_length()
    spectrum = np.fft.rfft(values, size)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum), size)[:401][3:]
    peaks = np.flatnonzero((correlation[1:-1] > correlation[:-2]) & (correlation[1:-1] > correlation[2:])) + 1
    if not len(peaks):
        return _DEFAULT_WINDOW
    best = int(peaks[np.argmax(correlation[peaks])])
    return best + 3 if 3 <= best <= 300 else _DEFAULT_WINDOW


def ranges(label: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of each run of ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (label > 0).astype(int), [0]])))
    return [(int(begin), int(end) - 1) for begin, end in zip(edges[::2], edges[1::2], strict=True)]


def vus_pr(label: np.ndarray, score: np.ndarray, window: int) -> float:
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    thresholds = ordered[np.linspace(0, len(score) - 1, _THRESHOLDS).astype(int)]
    chosen = np.searchsorted(-ordered, -thresholds, side="right")
    return float(np.mean([_area(label, score, order, thresholds, chosen, size) for size in range(window + 1)]))


def _area(
    label: np.ndarray, score: np.ndarray, order: np.ndarray, thresholds: np.ndarray, chosen: np.ndarray, size: int
) -> float:
    soft = _extended(label, size)
    hits = np.cumsum(soft[order])[chosen - 1]
    sure = np.cumsum((label > 0)[order])[chosen - 1]
    positives = (label > 0).sum() + (hits - sure) / 2
    peaks = np.array([score[begin : end + 1].max() for begin, end in buffered(label, size)])
    existence = (peaks[None, :] >= thresholds[:, None]).mean(1)
    recall = np.minimum(hits / positives, 1) * existence
    return float(np.dot(np.diff(np.concatenate([[0.0], recall])), hits / chosen))


def buffered(label: np.ndarray, size: int) -> list[tuple[int, int]]:
    """Ranges with their buffers; one where buffers share a reading, two where they only touch."""
    found: list[tuple[int, int]] = []
    for begin, end in ranges(label):
        first, last = max(0, begin - size // 2), min(len(label) - 1, end + size // 2)
        if found and first <= found[-1][1]:
            first = found.pop()[0]
        found.append((first, last))
    return found


def _extended(label: np.ndarray, size: int) -> np.ndarray:
    soft = (label > 0).astype(float)
    for begin, end in ranges(label):
        for away in range(1, size // 2 + 1):
            weight = np.sqrt(1 - away / size)
            for at in (begin - away, end + away):
                if 0 <= at < len(soft):
                    soft[at] += weight
    out: np.ndarray = np.minimum(soft, 1.0)
    return out
