"""Rewrites numbers as people's programs write them into plain decimals.

Whether `1,234` is a thousand or a little more than one is decided for a column from all of its cells, and where they
leave it open, from the other price columns, the language of the header or the delimiter; where nothing speaks, the file
is refused. A cell that is no number is handed on as it is, for the gate to report.

Belongs here: decimal and thousands signs, dollar signs (another currency is no number of ours), K and M. Does not
belong here: dates (`dates`), and whether a number is plausible.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.sources.prices.files.errors import UnreadableFileError

PRICE_COLUMNS = ("open", "high", "low", "close", "adj_close", "dividend_usd")
MISSING = frozenset({"", "-", "--", "—", "–", "n/a", "na", "#n/a", "nan", "null", "none"})

_DOMINANT = 0.9
"""The share of telling cells that decides a column in which a few cells are written the other way."""

# signs of private use stand for the units that have no letter: no file has them
_MYRIAD, _LAKH, _CRORE, _HUNDRED_MILLION = "\ue000", "\ue001", "\ue002", "\ue003"
_FACTORS = {
    "K": 10**3, _MYRIAD: 10**4, _LAKH: 10**5, "M": 10**6, _CRORE: 10**7, _HUNDRED_MILLION: 10**8, "B": 10**9,
    "T": 10**12,
}  # fmt: skip
_UNITS = "".join(_FACTORS)
_WORDS: Mapping[str, str] = {
    "K": "TSD TAUSEND THOUSAND TYS TYŚ ТЫС К BIN MILA",
    _MYRIAD: "万 萬 만",
    _LAKH: "LAKHS? LACS? LK",
    "M": "MIO MLN MN MI MILLIONS? MILLIONEN М МЛН",
    _CRORE: "CRORES? CR",
    _HUNDRED_MILLION: "亿 億 억",
    "B": "MRD MLRD MLD MD BN BLN BIO? BILLIONS? MILLIARDEN? MILLIARDS? МЛРД",
    "T": "TN TRN TRILLIONS?",
}
"""How a volume's letter is written in words, after the number; MIL, which is a thousand or a million, is none."""
PLAIN_NUMBER = r"^-?\d+(\.\d+)?$"
_WHOLE = r"^-?\d+$"
_SPACES = "\u00a0\u2009\u202f"
_APART = " '\u2019"

# after spaces, currency and apostrophes are gone: what tells that one sign is the decimal one ...
_TELLS = (
    r"^-?0?[{d}]\d|^-?0+[{d}]\d|[{d}]\d{{1,2}}{s}$|[{d}]\d{{4,}}{s}$|\d{{4,}}[{d}]\d+{s}$|{g}\d{{3}}[{d}]\d*{s}$"
    + (r"|^-?\d{{1,3}}({g}\d{{3}}){{2,}}$|[{d}]\d+{u}$|[{d}]\d+E")
)
_INDIAN = r"^-?\d{1,2}(,\d{2})+,\d{3}(\.\d*)?$"
# ... and what leaves it open
_OPEN = r"^-?[1-9]\d{{0,2}}[{d}]\d{{3}}$"


class Style(Enum):
    """Which sign parts whole numbers from fractions; the other one groups thousands."""

    POINT = "."
    COMMA = ","

    @property
    def grouping(self) -> str:
        """The sign that groups thousands."""
        return "," if self is Style.POINT else "."

    @property
    def tells(self) -> str:
        """A pattern of cells that can only be of this style."""
        tells = _TELLS.format(d=self.value, g="," if self is Style.POINT else r"\.", s=f"[{_UNITS}]?", u=f"[{_UNITS}]")
        return tells + rf"|{_INDIAN}" if self is Style.POINT else tells

    @property
    def leaves_open(self) -> str:
        """A pattern of cells in which this style's decimal sign may as well group thousands."""
        return _OPEN.format(d=self.value)


def plain_numbers(
    columns: Mapping[str, pa.Array], delimiter: str, has_decimal_comma: bool | None, typed: Collection[str] = ()
) -> dict[str, pa.Array]:
    """The columns (by our names) as plain decimals, volumes as whole numbers; null where a cell says missing.

    `delimiter` is what parts the file's cells, "" where nothing does; `typed` are the columns of which the file itself
    says that they hold numbers. Raises `UnreadableFileError` where it
    stays open which sign is the decimal one.
    """
    if delimiter == "," and all(_is_plain(cells, is_whole=name == "volume") for name, cells in columns.items()):
        return dict(columns)
    made = {name: _rewritten(columns[name], columns[name], Style.POINT, name) for name in columns if name in typed}
    bare = {name: _bare(cells) for name, cells in columns.items() if name not in made}
    prices = [name for name in bare if name in PRICE_COLUMNS]
    own = {name: _own_style(name, cells) for name, cells in bare.items()}
    of_prices = {style for name in prices if (style := own[name])}
    shared = of_prices.pop() if len(of_prices) == 1 else None
    language = None if has_decimal_comma is None else Style.COMMA if has_decimal_comma else Style.POINT
    for name, cells in bare.items():
        style = own[name] or _by_others(name, cells, shared, language, delimiter)
        made[name] = _rewritten(columns[name], cells, style, name)
    return made


def _is_plain(cells: pa.Array, *, is_whole: bool = False) -> bool:
    # one look at each cell: this is most of what reading a plain file costs
    return pc.all(pc.match_substring_regex(cells, _WHOLE if is_whole else PLAIN_NUMBER)).as_py() is not False


def _bare(cells: pa.Array) -> pa.Array:
    """The cells without currency signs, spaces at the ends and thousands grouped by spaces or apostrophes."""
    if _is_plain(cells):
        return cells
    text = pc.utf8_trim_whitespace(pc.utf8_upper(cells))
    text = pc.replace_substring_regex(text, f"[{_SPACES}]", " ")
    text = pc.replace_substring(text, "\u2212", "-")
    text = pc.replace_substring_regex(text, r"^(-?) ?(?:US ?)?\$ ?(-?)|^(-?)USD ", r"\1\2\3")
    text = pc.replace_substring_regex(text, r" ?(?:US)?(?:\$|USD)$", "")
    text = pc.replace_substring_regex(text, rf"(\d) ([{_UNITS}])$", r"\1\2")
    for letter, words in _WORDS.items():
        text = pc.replace_substring_regex(text, rf"(\d) ?(?:{words.replace(' ', '|')})\.?$", rf"\1{letter}")
    text = pc.if_else(
        pc.fill_null(pc.match_substring_regex(text, _INDIAN), False), pc.replace_substring(text, ",", ""), text
    )
    grouped = pc.match_substring_regex(text, rf"^-?\d{{1,3}}([{_APART}]\d{{3}})+([.,]\d+)?[{_UNITS}]?$")
    return pc.if_else(pc.fill_null(grouped, False), pc.replace_substring_regex(text, f"[{_APART}]", ""), text)


def _count(cells: pa.Array, pattern: str) -> int:
    found = pc.sum(pc.match_substring_regex(cells, pattern)).as_py()
    return int(found or 0)


def _own_style(name: str, cells: pa.Array) -> Style | None:
    """What the cells of a column say by themselves; None where they say nothing or are whole numbers."""
    counts = {style: _count(cells, style.tells) for style in Style}
    most = max(counts, key=lambda style: counts[style])
    total = sum(counts.values())
    if not total:
        return None
    if counts[most] < _DOMINANT * total:
        raise UnreadableFileError(
            f"{name}: some numbers have a decimal point and some a decimal comma: write all of them alike",
            _first(cells, Style.COMMA.tells),
        )
    return most


def _by_others(name: str, cells: pa.Array, shared: Style | None, language: Style | None, delimiter: str) -> Style:
    """The style of a column whose own cells leave it open."""
    is_open = {style: _count(cells, style.leaves_open) for style in Style}
    if not any(is_open.values()):
        return shared or language or Style.POINT
    if not all(is_open.values()):
        sign = Style.POINT if is_open[Style.POINT] else Style.COMMA
        known = shared or language
        # a volume is a whole number with groups: its sign is the one that the prices do not use for decimals
        if known and (name != "volume" or known is not sign):
            return known
        if not known and name != "volume" and delimiter == "," and sign is Style.POINT:
            return Style.POINT
    cell = _first(cells, Style.POINT.leaves_open) or _first(cells, Style.COMMA.leaves_open)
    raise UnreadableFileError(
        f"{name} {cell} may be a whole number with its thousands grouped or have three decimals: "
        "write numbers as 1234.5, without thousands signs",
        cell,
    )


def _first(cells: pa.Array, pattern: str) -> str:
    found = cells.filter(pc.fill_null(pc.match_substring_regex(cells, pattern), False))
    return str(found[0].as_py()) if len(found) else ""


def _rewritten(cells: pa.Array, bare: pa.Array, style: Style, name: str) -> pa.Array:
    """The cells as plain decimals; those that are none stay as they are."""
    is_whole = name == "volume"
    plain = _WHOLE if is_whole or style is Style.COMMA else PLAIN_NUMBER
    odd = pc.fill_null(pc.invert(pc.match_substring_regex(bare, plain)), False)
    if not pc.any(odd).as_py():
        return bare
    has_slips = is_whole and _has_slips(bare, style)
    has_fractions = is_whole and _count(bare, rf"{re.escape(style.value)}(\d{{1,2}}|\d{{4,}})$") > 0

    @cache
    def read(cell: str, text: str) -> str | None:
        if is_whole and not has_fractions and _TWO_SIGNS.fullmatch(text):
            return f"{cell} (thousands grouped by two signs)"
        if has_slips and text[-1:].isdigit() and _FRACTION[style].search(text):
            return f"{cell} (a fraction among whole numbers)"
        return _plain(cell, text, style, is_whole=is_whole)

    pairs = zip(pc.filter(cells, odd).to_pylist(), pc.filter(bare, odd).to_pylist(), strict=True)
    return pc.replace_with_mask(bare, odd, pa.array([read(cell, text) for cell, text in pairs], pa.string()))


def _has_slips(volumes: pa.Array, style: Style) -> bool:
    """Whether fractions are so few among whole numbers that they are slips of a sign."""
    fractions = _count(volumes, rf"^-?\d+{re.escape(style.value)}0*[1-9]\d*$")
    return 0 < fractions < (1 - _DOMINANT) * len(volumes)


_TWO_SIGNS = re.compile(r"-?\d{1,3}(?:,\d{3})+\.\d{3}|-?\d{1,3}(?:\.\d{3})+,\d{3}")
_FRACTION = {style: re.compile(rf"\d{re.escape(style.value)}0*[1-9]\d*") for style in Style}
_NUMBER = {
    style: re.compile(
        rf"(-?)(\d+|\d{{1,3}}(?:{re.escape(style.grouping)}\d{{3}})+)?(?:{re.escape(style.value)}(\d*))?(E[+-]?\d{{1,3}})?([{_UNITS}]?)"
    )
    for style in Style
}


def _plain(cell: str, text: str, style: Style, *, is_whole: bool) -> str | None:
    """A cell, bare of all dressing `text`, as a plain decimal.

    None where it says missing, the cell itself where it is no number of the style.
    """
    text = text.strip().upper()
    if text.lower() in MISSING:
        return None
    match = _NUMBER[style].fullmatch(text)
    if not match or not (match[2] or match[3]) or (match[5] and not is_whole):
        # a number of the other style would pass for one of this style further on
        return (
            f"{cell} (decimal {'comma' if style is Style.POINT else 'point'})"
            if re.fullmatch(PLAIN_NUMBER, text)
            else cell
        )
    sign, whole, fraction, power, unit = match.groups()
    digits = f"{sign}{(whole or '0').replace(style.grouping, '')}" + (f".{fraction}" if fraction else "")
    if is_whole:
        try:
            value = Decimal(digits + (power or "")) * _FACTORS.get(unit, 1)
            return str(int(value.to_integral_value())) if value < 10**18 else cell
        except InvalidOperation:
            return cell
    return format(Decimal(digits + power), "f") if power else digits
