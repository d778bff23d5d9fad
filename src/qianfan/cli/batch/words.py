"""Times and money in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return a time in words: two units at most."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if seconds < 1:
        return "不到 1 秒"
    if days:
        return f"{days} 天 {hours} 小时"
    if hours:
        return f"{hours} 小时 {minutes} 分"
    return f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"


def yuan(amount: float) -> str:
    """Return an amount of money in words; of little money more places."""
    return f"{amount:,.2f} 元" if amount >= 1 else f"{amount:.4f} 元"
