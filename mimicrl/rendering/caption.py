"""Write lines of text onto the lower edge of a picture."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_BAR_RGBA = (20, 24, 31, 170)
_TEXT_RGBA = (255, 255, 255, 255)


def write(frame: np.ndarray, lines: tuple[str, ...]) -> np.ndarray:
    """Return the picture with lines of text on a dark bar at its lower edge, in the largest type that fits its width.

    Args:
        frame: uint8, shape ``(height, width, 3)``.
        lines: The text; without any the picture is returned unchanged.
    """
    if not any(lines):
        return frame
    height, width = frame.shape[:2]
    font = _font(max(8, min(height // 26, _fitting(lines, width - width // 20))))
    step = round(1.45 * font.size)
    bar = step * len(lines) + step // 2
    picture = Image.fromarray(frame)
    shade = Image.new("RGBA", (width, bar), _BAR_RGBA)
    draw = ImageDraw.Draw(shade)
    for number, line in enumerate(lines):
        draw.text((width // 40, step // 4 + number * step), line, font=font, fill=_TEXT_RGBA)
    picture.paste(shade.convert("RGB"), (0, height - bar), shade.getchannel("A"))
    return np.asarray(picture)


def _fitting(lines: tuple[str, ...], width: int) -> int:
    """Return the size of type at which the longest line is as wide as `width`."""
    sample = 40
    longest = max(_font(sample).getlength(line) for line in lines)
    return int(sample * width / max(longest, 1.0))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels bring FreeType, and with it this typeface
    return font
