"""How each language writes units, currencies, ranges, small numbers, yes and no."""

import re

# The first names the unit that facts are compared in, the second how many of them it is.
UNITS = {
    "second": ("minutes", "1/60"),
    "minute": ("minutes", "1"),
    "hour": ("minutes", "60"),
    "day": ("days", "1"),
    "week": ("days", "7"),
    "month": ("months", "1"),
    "year": ("months", "12"),
    "workday": ("working days", "1"),
}
# Longer wordings come first: what stands first in an alternation wins.
UNIT_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "workday": r"(?:working|business|work)[ -]?days?\b",
        "second": r"sec(?:ond)?s?\b",
        "minute": r"min(?:ute)?s?\b",
        "hour": r"h(?:ou)?rs?\b|h\b",
        "day": r"(?:calendar )?days?\b",
        "week": r"weeks?\b",
        "month": r"months?\b",
        "year": r"years?\b",
    },
    "zh": {
        "workday": r"个?工作日",
        "second": r"秒",
        "minute": r"分钟",
        "hour": r"个?小时|个?钟头",
        "day": r"天|日(?!期)|个?自然日",
        "week": r"个?星期|周(?![一二三四五六日末])|个?礼拜",
        "month": r"个月",
        "year": r"年",
    },
    "ko": {
        "workday": r"영업일|근무일",
        "second": r"초",
        "minute": r"분",
        "hour": r"시간",
        "week": r"주(?!문|소|년)일?",
        "month": r"개월|달",
        "day": r"일",
        "year": r"년|주년",
    },
    "fa": {
        "workday": r"روز(?:های|هٔ)?\s?\u200c?کاری",
        "second": r"ثانیه",
        "minute": r"دقیقه",
        "hour": r"ساعت",
        "day": r"روز",
        "week": r"هفته",
        "month": r"ماه",
        "year": r"سال",
    },
    "it": {
        "workday": r"giorn[oi] (?:lavorativ|feriali?)[oi]?\b",
        "second": r"second[oi]\b",
        "minute": r"minut[oi]\b|min\b",
        "hour": r"or[ae]\b|h\b",
        "day": r"giorn(?:o|i|ate?)\b|gg\b",
        "week": r"settiman[ae]\b",
        "month": r"mes[ei]\b",
        "year": r"ann[oi]\b",
    },
}
# What makes the days that follow it working days.
WORKDAYS_BEFORE = {"ko": r"(?:영업일|근무일|평일) 기준(?:으로)?[^.,\d]{0,6}(?:\d+\s?[~–-]\s?)?$"}
DAY_OF_MONTH_BEFORE = {"fa": r"روز\s$"}
CURRENCIES = {
    "EUR": r"€|EUR\b|euros?\b|欧元|유로|یورو",
    "GBP": r"£|GBP\b|pounds?\b(?! of\b)|sterlin[ae]\b|英镑|파운드|پوند",
    "USD": r"US\$|\$|USD\b|dollars?\b|dollar[oi]\b|美元|달러|دلار",
    "CHF": r"CHF\b|francs?\b|franch[io]\b|瑞士法郎|프랑|فرانک",
    "JPY": r"JPY\b|日元|엔(?!진)",
    "CNY": r"CNY\b|RMB\b|人民币|元(?!素)|위안",
    "KRW": r"₩|KRW\b|韩元|원(?=[^가-힣]|짜리|이상|이하|까지|부터|을|은|의|에|$)",
    "IRR": r"IRR\b|ریال",
    "IRT": r"تومان",
}
PERCENT = r"%|per ?cent\b|per cento\b|퍼센트|프로(?![가-힣])|درصد"
RANGES = {
    "en": r"to|or|and|until|[–—~-]",
    "zh": r"至|到|或者?|和|、|[–—~～-]",
    "ko": r"에서|부터|또는|이나|나|과|와|,|[–—~～-]",
    "fa": r"تا|یا|و|،|[–—~-]",
    "it": r"a|ai|al|o|e|fino a|[–—~-]",
}
# What may stand between a number and its unit.
BETWEEN = {
    "en": r"[\s-]*(?:(?:more|further|full|whole|other|extra|consecutive|additional)\s+)?",
    "zh": r"\s*(?:整|多)?",
    "ko": r"\s*",
    "fa": r"[\s\u200c]*",
    "it": r"\s*",
}
THOUSANDS = {
    "en": {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000},
    "zh": {"万": 10_000, "百万": 1_000_000, "亿": 100_000_000},
    "ko": {"만": 10_000, "천": 1_000, "억": 100_000_000},
    "fa": {"هزار": 1_000, "میلیون": 1_000_000, "میلیارد": 1_000_000_000},
    "it": {"mila": 1_000, "milioni": 1_000_000, "milione": 1_000_000, "miliardi": 1_000_000_000},
}
WORDS: dict[str, dict[str, int]] = {
    "en": {
        "one": 1, "an": 1, "a": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
        "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
        "fourteen": 14, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
        "sixty": 60, "ninety": 90, "both": 2, "twice": 2,
    },
    "it": {
        "uno": 1, "una": 1, "un": 1, "due": 2, "tre": 3, "quattro": 4, "cinque": 5, "sei": 6,
        "sette": 7, "otto": 8, "nove": 9, "dieci": 10, "undici": 11, "dodici": 12,
        "quattordici": 14, "quindici": 15, "venti": 20, "trenta": 30, "quaranta": 40,
        "cinquanta": 50, "sessanta": 60, "novanta": 90, "cento": 100,
    },
    "fa": {
        "یک": 1, "دو": 2, "سه": 3, "چهار": 4, "پنج": 5, "شش": 6, "هفت": 7, "هشت": 8, "نه": 9,
        "ده": 10, "یازده": 11, "دوازده": 12, "چهارده": 14, "پانزده": 15, "بیست": 20, "سی": 30,
        "چهل": 40, "پنجاه": 50, "شصت": 60, "نود": 90, "صد": 100,
    },
    "ko": {
        "한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8,
        "아홉": 9, "열두": 12, "열": 10, "스무": 20, "서른": 30,
    },
    "zh": {},
}  # fmt: skip
CHINESE_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
CHINESE_TENS = {"十": 10, "百": 100, "千": 1_000}
# Where a number word alone is more often something else: you are, no, give, a.
WITH_UNIT_ONLY = {
    "en": {"a", "an", "one"},
    "it": {"sei", "un", "una", "uno", "cento"},
    "fa": {"نه", "ده", "یک", "سی", "صد", "هفت"},
    "ko": set(),
    "zh": set(),
}
COUNTERS = {
    "zh": r"[个件次张种步家国部项位条份款台本笔期类档]",
    "ko": r"\s?(?:개|번(?!째)|가지|곳|장|명|대|배|차례|나라|단계|부분|군데|쪽|분(?!의))",
}
# Whole expressions: the unit, and how many.
EXPRESSIONS: dict[str, dict[str, tuple[str, int]]] = {
    "en": {r"half an hour|half-hour": ("minute", 30), r"fortnight": ("day", 14)},
    "it": {r"mezz[’']ora": ("minute", 30), r"quindicina di giorni": ("day", 15)},
    "zh": {r"半个?小时": ("minute", 30), r"半年": ("month", 6), r"半个?月": ("day", 15)},
    "ko": {
        r"반 ?시간": ("minute", 30),
        r"하루": ("day", 1),
        r"이틀": ("day", 2),
        r"사흘": ("day", 3),
        r"나흘": ("day", 4),
        r"일주일": ("week", 1),
        r"열흘": ("day", 10),
        r"보름": ("day", 15),
        r"반년": ("month", 6),
    },
    "fa": {r"نیم[\s\u200c]?ساعت": ("minute", 30), r"نیم[\s\u200c]?روز": ("hour", 12)},
}
# Written alone these are other words as well.
NOT_ONLY_MONTHS = frozenset({"march", "may", "مه", "می"})
# Hours of the day; `h` the hour, `m` the minutes, what stands before or after says which half.
TIMES = {
    "en": r"(?P<h>\d{1,2})(?:[:.](?P<m>\d{2}))?\s?(?P<half>[ap]\.?m\b\.?)"
    r"|(?P<h2>\d{1,2}) o[’']clock",
    "zh": r"(?P<half>上午|下午|早上|晚上|中午|凌晨)?\s?(?P<h>\d{1,2})[点點时]"
    r"(?P<m>\d{1,2}(?=分)|半)?分?",
    "ko": r"(?P<half>오전|오후|아침|저녁|밤)?\s?(?P<h>\d{1,2})시(?!간)"
    r"(?:\s?(?P<m>\d{1,2}(?=분)|반)분?)?",
    "fa": r"ساعت\s(?P<h>\d{1,2})(?::(?P<m>\d{2}))?"
    r"(?:\s(?P<half>صبح|عصر|شب|بعدازظهر|بعد از ظهر))?(?![\d٫.])",
    "it": r"(?:\b(?:alle|dalle|le|ore)(?: ore)? )(?P<h>\d{1,2})(?:[.:](?P<m>\d{2}))?"
    r"(?![\d,%])(?! (?:€|euro|or[ae]|minut|giorn))",
}
LATER_HALF = frozenset(
    {"pm", "下午", "晚上", "오후", "저녁", "밤", "عصر", "شب", "بعدازظهر", "بعد از ظهر"}
)
YES = {
    "en": r"yes\b",
    "zh": r"是的?(?=[，。,!！\s]|$)|可以|能(?=[，。,\s]|$)|会(?=[，。,\s]|$)|有(?=[，。,\s]|$)",
    "ko": r"네(?=[,.\s!]|$)|예(?=[,.\s!]|$)|가능",
    "fa": r"بله|بلی|آری",
    "it": r"s[ìi]\b",
}
NO = {
    "en": r"no\b(?! (?:matter|later|more))|not possible\b",
    "zh": r"不(?=[，。,\s行]|$)|不可以|不能|不会|不是|没有|否",
    "ko": r"아니[요오]|아뇨|불가|안 ?됩니다",
    "fa": r"خیر|نه(?=[،,.\s]|$)",
    "it": r"no\b",
}


def chinese_number(text: str) -> int:
    """The value of a number in Chinese characters below ten thousand, such as 二十四."""
    total, digit = 0, 0
    for c in text:
        if c in CHINESE_TENS:
            total += (digit or 1) * CHINESE_TENS[c]
            digit = 0
        else:
            digit = CHINESE_DIGITS[c]
    return total + digit


def alternatives(words: dict[str, str]) -> str:
    """One pattern with a group for each name."""
    return "|".join(f"(?P<{name}>{pattern})" for name, pattern in words.items())


def either(words: list[str]) -> str:
    """A pattern for any of these words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda w: (-len(w), w)))
