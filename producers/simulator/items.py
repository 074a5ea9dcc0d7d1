"""Units and items of each app, tied to real course-of-study codes, with 2PL parameters."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cache
from random import Random

from lrs.kernel.curriculum import Code, Stage, curriculum
from producers.simulator import templates
from producers.simulator.apps import APPS, App, Style
from producers.simulator.templates import Context, Target

# Lessons that use a drill, by subject; 生活 and the arts hardly do.
_SUBJECTS: dict[int, dict[str, float]] = {
    grade: shares
    for grades, shares in (
        ((1, 2), {"国語": 0.45, "算数": 0.55}),
        ((3, 4), {"国語": 0.3, "算数": 0.4, "社会": 0.15, "理科": 0.15}),
        ((5, 6), {"国語": 0.25, "算数": 0.35, "社会": 0.15, "理科": 0.15, "外国語": 0.1}),
        ((7, 8, 9), {"国語": 0.2, "数学": 0.3, "社会": 0.15, "理科": 0.15, "外国語": 0.2}),
    )
    for grade in grades
}
_UNITS_A_YEAR = 8
_TITLE = 16
_ITEMS = {Style.DRILL: 8, Style.MEXCBT: 5}
_SAKOKU = "8322203231200000"  # the code that the roadmap shows as its example: 鎖国などの幕府の対外政策
_CONTENT = "3"  # position 7: 内容, as against aims and how to treat the contents
# Section numbers; circled ones became "?" in the table.
_NUMBERING = re.compile(r"^[\s\u3000]*(?:[(（]?[0-9０-９一-十ｱ-ﾝア-ンa-z]{1,2}[)）]?|[?・①-⑳])[\s\u3000]+")


@dataclass(slots=True, eq=False)
class Item:
    """One question. `a` and `b` are its discrimination and difficulty; the bytes are those of `templates`."""

    activity_id: str
    title: str
    listed: bool
    a: float
    b: float
    highest: int
    head: bytes = field(repr=False)
    right: bytes = field(repr=False)
    wrong: list[bytes] = field(repr=False)
    parts: list[bytes] = field(repr=False)
    inner: Context = field(repr=False)


@dataclass(slots=True, eq=False)
class Unit:
    """What a class works on for some weeks in one app: `place` from 0 (April) to 1 (March)."""

    app: App
    grade: int
    subject: str
    code: str
    title: str
    place: float
    assessment_id: str
    page_id: str
    items: list[Item] = field(repr=False)
    attempted: bytes = field(repr=False)
    completed: bytes = field(repr=False)
    viewed: bytes = field(repr=False)
    whole: Context = field(repr=False)
    answer: Context = field(repr=False)


def success_probability(ability: float, a: float, b: float) -> float:
    """The two-parameter logistic model."""
    return 1.0 / (1.0 + math.exp(a * (b - ability)))


def subjects_of(grade: int) -> dict[str, float]:
    """The subjects of a grade that drills are used in, with their shares."""
    return _SUBJECTS[grade]


def build_units(seed: str, unlisted: float) -> list[Unit]:
    """All units of all apps. `unlisted` is the share of items that the catalogue does not have."""
    random = Random(f"{seed}/items")  # noqa: S311 - reproducible by design
    units: list[Unit] = []
    for grade, subjects in _SUBJECTS.items():
        for subject in subjects:
            for number, code in enumerate(_codes(random, grade, subject)):
                place = (number + 0.5) / _UNITS_A_YEAR
                units.extend(_unit(random, app, grade, code, place, unlisted) for app in APPS)
    return units


@cache
def _contents() -> dict[tuple[Stage, str], list[Code]]:
    """The codes that say what is taught and have nothing below them, by stage and subject."""
    found: dict[tuple[Stage, str], list[Code]] = {}
    table = curriculum()
    for code in table.codes():
        if code.code[6] == _CONTENT and not table.children(code.code):
            found.setdefault((code.stage, code.subject), []).append(code)
    return found


def _codes(random: Random, grade: int, subject: str) -> list[Code]:
    stage = Stage.ELEMENTARY if grade <= 6 else Stage.LOWER_SECONDARY
    # 歴史 and others are bound to no grade: the school decides, here any of the three.
    fitting = [
        code
        for code in _contents()[stage, subject]
        if grade in code.grades or (stage is Stage.LOWER_SECONDARY and not code.grades)
    ]
    chosen = {code.code: code for code in random.sample(fitting, min(_UNITS_A_YEAR, len(fitting)))}
    example = curriculum().get(_SAKOKU)
    if grade == 8 and subject == "社会" and example is not None and _SAKOKU not in chosen:
        chosen.popitem()
        chosen[_SAKOKU] = example
    # The example comes first, so that the shortest demo shows it.
    return [chosen[code] for code in sorted(chosen, key=lambda code: (code != _SAKOKU, code))]


def _unit(random: Random, app: App, grade: int, code: Code, place: float, unlisted: float) -> Unit:  # noqa: PLR0913, PLR0917 - one value for each thing a unit is tied to
    title = _title(code.text)
    slug = f"{app.base}/units/{code.code}-{grade}"
    target = Target(app, code.subject, grade, code.code, title)
    whole = templates.assessment(target, slug)
    return Unit(
        app=app,
        grade=grade,
        subject=code.subject,
        code=code.code,
        title=title,
        place=place,
        assessment_id=slug,
        page_id=f"{slug}/explanation",
        items=[_item(random, target, slug, number, place, unlisted) for number in range(_ITEMS[app.style])],
        attempted=templates.verb_object("attempted", whole),
        completed=templates.verb_object("completed", whole),
        viewed=templates.verb_object("viewed", templates.page(target, f"{slug}/explanation")),
        whole=templates.context(app, slug),
        # The sample statements of MEXCBT name a parent only for the inputs of a type 2 question.
        answer=templates.context(app, slug, {"id": slug} if app.style is Style.DRILL else None),
    )


def _item(random: Random, target: Target, slug: str, number: int, place: float, unlisted: float) -> Item:  # noqa: PLR0913, PLR0917 - one value for each thing a unit is tied to
    style = target.app.style
    listed = random.random() >= unlisted
    target = target if listed else target._replace(code="")
    activity_id, title = f"{slug}/items/{number + 1}", f"問{number + 1}"
    composite = style is Style.MEXCBT and number % 2 == 1
    inputs = random.randint(2, 4) if composite else 0
    highest = inputs or random.choice((1, 5, 10))
    answer = str(random.randint(2, 99))
    if style is Style.MEXCBT and not composite:
        target_object = templates.interaction(target, activity_id, title, answer)
    else:
        target_object = templates.question(target, activity_id, title)
    return Item(
        activity_id=activity_id,
        title=f"{target.unit} {title}",
        listed=listed,
        # Around what LSAT-like sets give; material late in the year is harder, as learners are abler by then.
        a=random.lognormvariate(math.log(0.95), 0.25),
        b=random.gauss(-0.7 + 0.75 * place, 0.8),
        highest=highest,
        head=templates.verb_object("answered", target_object),
        right=templates.result(highest, highest, answer, style),
        wrong=[templates.result(random.randrange(highest), highest, f"{answer}{slip}", style) for slip in range(3)],
        parts=[_part(target, activity_id, title, which) for which in range(1, inputs + 1)],
        inner=templates.context(
            target.app,
            slug,
            {"id": activity_id, "definition": {"type": target_object["definition"]["type"]}},
        ),
    )


def _part(target: Target, activity_id: str, title: str, which: int) -> bytes:
    part = templates.interaction(target, f"{activity_id}?activity={which}", f"{title} ({which})", str(which))
    return templates.verb_object("answered", part) + templates.unscored(str(which))


def _title(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), text)
    # The tables are full of ideographic spaces; split() knows them.
    words = " ".join(_NUMBERING.sub("", first).split()) or text
    return words[:_TITLE].rstrip("，、 ")
