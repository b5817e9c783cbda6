"""Passages of each kind of writing, whose tokens an endpoint counts: what its tokenizer makes of a kind. Most are the first article of the Universal
Declaration of Human Rights (1948) in the languages of that kind."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from spec.makeup import KINDS, Kind, amounts

PASSAGES: Mapping[Kind, str] = {
    "prose": (
        "The company published its annual report on Tuesday, and most of it is about how the service did last year. "
        "Support now answers within a day, although some customers still complain about late deliveries, unclear invoices and a website that nobody likes. "
        "The film that it paid for was charming in places, but too long, and its ending was a disappointment. "
        "Why did they change the price again? Critics doubt whether the new plan will really help people who depend on a reliable connection every day."
    ),
    "latin": (
        "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Tous les êtres humains naissent libres et égaux en dignité et en droits. "
        "Todos los seres humanos nacen libres e iguales. Wszyscy ludzie rodzą się wolni i równi pod względem swej godności. "
        "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Tất cả mọi người sinh ra đều được tự do."
    ),
    "digits": (
        "1948 12 10 48.2166 217 0045 3.14159265 1200 65536 7 99 2026 11 26 16 58 03 512 1024 88172645463325252 0.25 406 19 8080"
    ),
    "symbols": (
        '{"id": [1, {"ok": true, "at": null}], "x_y": "<b>a</b>"}\n    if (a[i] != b[j]) { return f(x) + g(-y); }  // a/b\n'
        '\tfor k, v in d.items():\n        s += "%s=%d\\n" % (k, v)\n'
    ),
    "cyrillic": (
        "Все люди рождаются свободными и равными в своём достоинстве и правах. "
        "Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства. "
        "Всі люди народжуються вільними і рівними у своїй гідності та правах."
    ),
    "arabic": (
        "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا بروح الإخاء. "
        "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند."
    ),
    "alphabets": (
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι. כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. "
        "Բոլոր մարդիկ ծնվում են ազատ ու հավասար. ყველა ადამიანი იბადება თავისუფალი და თანასწორი."
    ),
    "abugidas": (
        "सभी मनुष्यों को गौरव और अधिकारों के मामले में समानता प्राप्त है। সমস্ত মানুষ স্বাধীনভাবে জন্মগ্রহণ করে। "
        "மனிதர்கள் அனைவரும் பிறக்கின்றனர். మానవులెల్లరును స్వతంత్రులును. มนุษย์ทั้งหลายเกิดมามีอิสระ"
    ),
    "han": (
        "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。"
        "人人有资格享有本宣言所载的一切权利和自由。人人生而自由，在尊嚴和權利上一律平等。"
    ),
    "kana": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
    "hangul": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
}  # fmt: skip
PROSE = PASSAGES["prose"]
HELD = {kind: amounts([PASSAGES[kind]]) for kind in KINDS}
"""How much of each kind a passage holds."""
ORDER: tuple[Kind, ...] = (
    "prose",
    "symbols",
    "latin",
    *(kind for kind in KINDS if kind not in ("prose", "symbols", "latin")),
)
"""In which a kind's rate is found: few passages are of one kind alone, and what is found first weighs least on others."""
SWEEPS = 8
"""Until no rate changes any more."""
USUAL: Mapping[str, float] = {
    "prose": 0.25, "latin": 0.37, "digits": 0.8, "symbols": 0.75, "cyrillic": 0.25, "arabic": 0.4, "alphabets": 0.5, "abugidas": 0.4,
    "han": 0.3, "kana": 0.3, "hangul": 0.35,
}  # fmt: skip
"""Of an endpoint that was not asked, or does not say: about what the tokenizers of 2023 make of them."""
DEAREST = 8.0
"""Tokens of a byte, or of a symbol, that are believed."""


def rates(tokens: Mapping[str, float]) -> Mapping[str, float]:
    """Tokens of a byte of each kind, of a symbol a piece, from those of passages without what is around a prompt. {}: what was counted makes no sense.

    They solve the equations of all passages, one rate after the other (Gauss and Seidel). Of a kind whose passage was not counted it is the usual one.
    """
    return _rates(tuple(sorted(tokens.items())))


@cache
def _rates(tokens: tuple[tuple[str, float], ...]) -> Mapping[str, float]:
    counted, found = dict(tokens), dict(USUAL)
    for _ in range(SWEEPS):
        for kind in (kind for kind in ORDER if kind in counted):
            others = sum(amount * found[other] for other, amount in HELD[kind].items() if other != kind)
            found[kind] = max(0.0, (counted[kind] - others) / HELD[kind][kind])
    believed = any(found[kind] for kind in counted) and max(found.values()) <= DEAREST
    return MappingProxyType(found if believed else {})
