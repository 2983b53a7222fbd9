"""How Qualys says things: XML with a document type from elsewhere, errors in it."""

from html import escape

from ..message import Answer

_PLATFORM = "https://qualysapi.qualys.com"
_EVALUATION = "<!-- This report was generated with an evaluation version of Qualys //--> \n"
_STATUS = {2000: 401, 1920: 409, 1960: 409, 1965: 409, 2001: 200, 999: 500, 2014: 409}


class Refusal(Exception):
    """An error of the API: CODE and TEXT."""

    def __init__(self, code, text, items=(), headers=None, status=None):
        super().__init__(text)
        self.code = code
        self.text = text
        self.items = items
        self.headers = headers or {}
        self.status = status or _STATUS.get(code, 400)


def tag(name, *content):
    """An element; texts are escaped, elements are not."""
    inner = "".join(item if isinstance(item, Markup) else escape(str(item), quote=False)
                    for item in content)
    return Markup(f"<{name}>{inner}</{name}>" if inner else f"<{name} />")


class Markup(str):
    """Text that is XML already."""


def join(elements):
    return Markup("".join(elements))


def optional(name, value):
    return tag(name, value) if value not in (None, "") else Markup()


def cdata(name, text, pad=True):
    """As the real service writes it: on lines of its own."""
    inside = str(text).replace("]]>", "]]]]><![CDATA[>")
    space = "\n            " if pad else ""
    return Markup(f"<{name}>{space}<![CDATA[{inside}]]>{space}</{name}>")


def document(settings, root, dtd, *content):
    """The whole text. `no_prolog` and `evaluation` are settings."""
    prolog = "" if settings["no_prolog"] else '<?xml version="1.0" encoding="UTF-8" ?>\n'
    comment = _EVALUATION if settings["evaluation"] else ""
    return (f'{prolog}<!DOCTYPE {root} SYSTEM "{_PLATFORM}{dtd}">\n{comment}'
            f"{tag(root, *content)}\n{comment}")


def xml(settings, root, dtd, *content):
    return Answer(200, document(settings, root, dtd, *content), "application/xml")


def simple_return(service, text, items=(), code=None, status=200, headers=None,
                  content_type="application/xml"):
    """What most actions answer, and every error."""
    response = [tag("DATETIME", service.clock.text())]
    if code is not None:
        response.append(tag("CODE", code))
    response.append(tag("TEXT", text))
    if items:
        response.append(tag("ITEM_LIST", *(tag("ITEM", tag("KEY", key), tag("VALUE", value))
                                           for key, value in items)))
    settings = dict(service.settings, evaluation=False)
    if status == 400:
        settings["no_prolog"] = True  # so do recorded refusals begin
    return Answer(status, document(settings, "SIMPLE_RETURN", "/api/2.0/simple_return.dtd",
                                   tag("RESPONSE", *response)), content_type, headers)


def refused(service, refusal):
    content_type = "text/xml;charset=UTF-8" if refusal.code == 2001 else "application/xml"
    return simple_return(service, refusal.text, refusal.items, refusal.code, refusal.status,
                         refusal.headers, content_type)


def only(parameters, known):
    """Refuses what the action does not know."""
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise Refusal(1901, f"Unrecognized parameter(s): {', '.join(unknown)}")


def need(parameters, *names):
    missing = [name for name in names if not parameters.get(name)]
    if missing:
        raise Refusal(1903, f"Missing required parameter(s): {', '.join(missing)}")


def one_of(parameters, *names, required=True):
    """The one of `names` that is given."""
    given = [name for name in names if parameters.get(name)]
    if len(given) > 1:
        raise Refusal(1904, f"Please specify only one of these parameters: {', '.join(given)}")
    if not given and required:
        raise Refusal(1903, f"Missing required parameter(s): {' or '.join(names)}")
    return given[0] if given else None


def invalid(name, value, why):
    return Refusal(1905, f"parameter {name} has invalid value: {value} ({why})")


def integers(name, text):
    """Ids and ranges of ids: (first, last) of each."""
    ranges = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()) or int(first) == 0:
            raise invalid(name, text, f"neither a positive integer nor a range: {part.strip()}")
        ranges.append((int(first), int(last or first)))
    return ranges


def within(number, ranges):
    return any(first <= number <= last for first, last in ranges)
