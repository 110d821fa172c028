"""Specs as they arrive: what is read, and what is refused before it does harm."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgepress_api.web.bodies import Format, RawSpec, parse_body, parse_spec
from edgepress_api.web.plain_yaml import MalformedBodyError
from edgepress_common.errors import InvalidSpecError

LAUGHS = "\n".join(f"k{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 10))


def parse(text: str | bytes, format_: Format = "YAML") -> object:
    """Return the value that a body represents."""
    content = text.encode() if isinstance(text, str) else text
    return parse_body(RawSpec(content, format_))


def test_json_and_yaml_stand_for_the_same() -> None:
    """Either may be sent."""
    expected = {"name": "x", "training": {"epochs": 3, "learning_rate": 0.001}, "pipelines": [{"stages": []}]}
    assert parse('{"name":"x","training":{"epochs":3,"learning_rate":0.001},"pipelines":[{"stages":[]}]}', "JSON") == (
        expected
    )
    assert parse("name: x\ntraining: {epochs: 3, learning_rate: 0.001}\npipelines:\n- stages: []\n") == expected


def test_yaml_merges_the_keys_of_an_alias() -> None:
    """Pipelines can share settings."""
    assert parse("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}") == {"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 2}}


def test_yaml_keeps_dates_as_text_and_aliases_as_copies() -> None:
    """A job may be called by its date, and say a thing once."""
    assert parse("name: 2026-01-05\na: &a {x: 1}\nb: *a") == {"name": "2026-01-05", "a": {"x": 1}, "b": {"x": 1}}


def test_yaml_keeps_what_older_versions_take_for_hours_as_text() -> None:
    """A pattern of zeros need not be quoted; numbers are numbers."""
    assert parse("pattern: 2:4\nb: 12:16\nc: 1:30.5") == {"pattern": "2:4", "b": "12:16", "c": "1:30.5"}
    assert parse("a: -12\nb: 0.5\nc: 0x10\nd: 1.0e-3") == {"a": -12, "b": 0.5, "c": 16, "d": 0.001}


def test_a_digest_that_begins_like_a_number_is_text() -> None:
    """One SHA-256 in fifteen does: decimal digits, an e, a decimal digit."""
    digest = "2e47da5bd0af52266059208a1f3044da701549450ac6599c5b63fa275a3b25eb"
    assert parse(f"a: {digest}\nb: 1e-3\nc: 12E4") == {"a": digest, "b": 0.001, "c": 120000.0}


def test_a_byte_order_mark_is_passed_over() -> None:
    """Some editors write one."""
    assert parse("\ufeff{}", "JSON") == {}


@pytest.mark.parametrize(
    ("text", "format_", "said"),
    [
        ('{"a": 1, "a": 2}', "JSON", "'a' is given twice"),
        ("a: 1\nb: {c: 1, c: 2}", "YAML", "'c' is given twice, again in line 2"),
        ("{", "JSON", "not JSON: Expecting property name"),
        ("a: [1", "YAML", "not YAML: did not find expected ',' or ']'"),
        ("", "JSON", "the body is empty"),
        (" \n", "YAML", "the body is empty"),
        (b"\xff", "JSON", "byte 0 is not UTF-8"),
        ('{"a": NaN}', "JSON", "not JSON: NaN"),
        ('{"a": [1, 1e999]}', "JSON", "a[1] is inf"),
        ("a: .inf", "YAML", "a is inf"),
        ('{"a": {"b": "x\\u0000"}}', "JSON", "a.b has a character that can't be stored"),
        ('{"a": "\\ud800"}', "JSON", "a has a character that can't be stored"),
        ("1: 2", "YAML", "has the key 1"),
        ("a: !!python/object:os.system x", "YAML", "has the tag"),
        ("a: !!binary aGk=", "YAML", "has the tag"),
        ("a: &a [*a]", "YAML", "*a in line 1 does not refer to a complete value"),
        ("a: *b", "YAML", "*b in line 1 does not refer to a complete value"),
        ("--- 1\n--- 2", "YAML", "not YAML: but found another document"),
        ("x: &a {p: 1}\ny: &a {<<: *a}", "YAML", "not YAML: second occurrence in line 2"),
        (f"{'[' * 40}{']' * 40}", "JSON", "nested more than 32 deep"),
        (f"{'[' * 100_000}", "JSON", "nested more than 32 deep"),
        ("[" * 500_000, "YAML", "nested more than 32 deep"),
        ("- " * 100_000, "YAML", "nested more than 32 deep"),
        (f"k0: &a0 x\n{LAUGHS}", "YAML", "stands for more than 100000 values"),
    ],
)
def test_what_can_not_be_read_is_refused(text: str | bytes, format_: Format, said: str) -> None:
    """The error comes at once, with the position or the reason."""
    start = time.perf_counter()
    with pytest.raises(MalformedBodyError, match=r".*") as raised:
        parse(text, format_)
    assert said in str(raised.value)
    assert time.perf_counter() - start < 5


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=st.text(max_size=60) | st.text(alphabet="a1:-[]{},&*!|>?'\"#% \n\t.", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the parser fail in a way that is not foreseen."""
    for format_ in ("JSON", "YAML"):
        try:
            parse(text.encode(errors="surrogatepass"), format_)
        except MalformedBodyError:
            continue


@pytest.mark.parametrize(
    "number", ["0x" + "f" * 5000, "0" + "7" * 6000, "0b" + "1" * 20_000, "-0x" + "f" * 5000, "9" * 5000]
)
def test_numbers_that_python_cannot_write_are_text(number: str) -> None:
    """Which no field for a number accepts; as a spec it is refused as such."""
    assert parse(f"seed: {number}") == {"seed": number}
    with pytest.raises(InvalidSpecError):
        parse_spec(RawSpec(f"name: x\ntraining: {{epochs: {number}}}".encode(), "YAML"))


def test_an_integer_of_thousands_of_digits_is_refused_at_its_field() -> None:
    """In JSON as in YAML."""
    with pytest.raises(InvalidSpecError) as caught:
        parse_spec(RawSpec(json.dumps({"name": "x", "seeds": "N"}).replace('"N"', "9" * 5000).encode(), "JSON"))
    assert "seeds" in {problem.field for problem in caught.value.problems}
