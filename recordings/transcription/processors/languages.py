"""What services call languages, as the codes that are stored: ISO 639-1 where there is one."""

import re

# Whisper's, with the names that its own tokenizer has, which services that run it answer with:
# https://github.com/openai/whisper/blob/main/whisper/tokenizer.py
_OF_WHISPER = """
af afrikaans, am amharic, ar arabic, as assamese, az azerbaijani, ba bashkir, be belarusian, bg bulgarian, bn bengali,
bo tibetan, br breton, bs bosnian, ca catalan, cs czech, cy welsh, da danish, de german, el greek, en english,
es spanish, et estonian, eu basque, fa persian, fi finnish, fo faroese, fr french, gl galician, gu gujarati, ha hausa,
haw hawaiian, he hebrew, hi hindi, hr croatian, ht haitian creole, hu hungarian, hy armenian, id indonesian,
is icelandic, it italian, ja japanese, jw javanese, ka georgian, kk kazakh, km khmer, kn kannada, ko korean, la latin,
lb luxembourgish, ln lingala, lo lao, lt lithuanian, lv latvian, mg malagasy, mi maori, mk macedonian, ml malayalam,
mn mongolian, mr marathi, ms malay, mt maltese, my myanmar, ne nepali, nl dutch, nn nynorsk, no norwegian, oc occitan,
pa punjabi, pl polish, ps pashto, pt portuguese, ro romanian, ru russian, sa sanskrit, sd sindhi, si sinhala,
sk slovak, sl slovenian, sn shona, so somali, sq albanian, sr serbian, su sundanese, sv swedish, sw swahili, ta tamil,
te telugu, tg tajik, th thai, tk turkmen, tl tagalog, tr turkish, tt tatar, uk ukrainian, ur urdu, uz uzbek,
vi vietnamese, yi yiddish, yo yoruba, yue cantonese, zh chinese
"""
_OTHER_NAMES = """
my burmese, ca valencian, nl flemish, ht haitian, lb letzeburgesch, ps pushto, pa panjabi, ro moldavian, ro moldovan,
si sinhalese, es castilian, zh mandarin, nb bokmal, nb bokmål, ga irish, eo esperanto, fil filipino
"""
_NO_LANGUAGE = {"und", "mul", "mis", "zxx"}
_OLDER = {"jw": "jv", "iw": "he", "in": "id", "ji": "yi"}
_NEWEST = {"yue"}  # which only the largest model knows
_TAG = re.compile(r"([a-z]{2,3})([-_][a-z0-9]{1,8})*", re.IGNORECASE)


def _entries(text: str) -> list[tuple[str, str]]:
    return [(code, name) for code, name in (entry.strip().split(maxsplit=1) for entry in text.split(","))]


_CODES = {name: code for code, name in _entries(_OF_WHISPER) + _entries(_OTHER_NAMES)}
# What every multilingual model of Whisper understands: code -> name.
LANGUAGES = {_OLDER.get(code, code): name.title() for code, name in _entries(_OF_WHISPER) if code not in _NEWEST}


def language_code(language: str) -> str:
    """From a name in English or a tag of BCP 47, of which only the language counts; "" for what says no language."""
    known = language.strip().lower()
    code = _CODES.get(known, "")
    if not code and (tag := _TAG.fullmatch(known)):
        code = "" if tag[1] in _NO_LANGUAGE else tag[1]
    return _OLDER.get(code, code)


def language_name(code: str) -> str:
    """In English; the code itself where it is not known."""
    return LANGUAGES.get(code, code)


def as_whisper_knows_it(code: str) -> str:
    """Its code is older for some; "" for what it does not know."""
    return {"jv": "jw"}.get(code, code) if code in LANGUAGES else ""
