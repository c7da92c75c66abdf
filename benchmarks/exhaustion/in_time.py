"""How long before the limit growth is told: `python -m benchmarks.exhaustion.in_time` prints the table of the docs."""

from __future__ import annotations

from benchmarks.exhaustion.simulated import NOISES, SHAPES, Leak, first_told

STARTS_MB = (50.0, 150.0, 300.0, 400.0, 500.0, 600.0, 800.0)
INTERVALS_MINUTES = {"5 min": 5.0, "1 min": 1.0, "10 s": 1 / 6}
EVALUATION_SEED = 900_000
"""The rules were tuned on seeds below."""


def minutes_before(leak: Leak) -> float:
    """Return how long before the limit it is first told; 0: never."""
    told = first_told(leak.readings(), leak.limit_mb, every_minutes=leak.every_minutes)
    return 0.0 if told is None else leak.dead_minutes - told[0]


def cell(start_mb: float, every_minutes: float, count: int) -> str:
    """Return the share told 30 minutes before, and the median of how long before."""
    before = sorted(
        minutes_before(
            Leak(
                start_mb=start_mb,
                every_minutes=every_minutes,
                noise=NOISES[seed % 5],
                noise_mb=(3.0, 8.0, 15.0)[seed % 3],
                shape=SHAPES[seed // 5 % 3],
                seed=EVALUATION_SEED + seed,
            )
        )
        for seed in range(count)
    )
    return f"{sum(one >= 30.0 for one in before) / count:.1%} ({before[count // 2]:.0f} min)"


def main() -> None:
    """Print the table."""
    print("| starts at |", " | ".join(INTERVALS_MINUTES), "|")
    for start_mb in STARTS_MB:
        row = [cell(start_mb, every, 300 if every > 1 else 60) for every in INTERVALS_MINUTES.values()]
        print(f"| {start_mb:g} MB |", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
