"""Files of shell assignments are read as a shell reads them."""

import pytest

from console.installing.envfile import EnvFileError, parse


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("  export A=b  ", "b"),
        ("A = b", "b"),
        ("A=", ""),
        ("A=''", ""),
        ("A=b # why", "b"),
        ("A= # why", ""),
        ("A=b#c", "b#c"),
        ("A=two words", "two words"),
        ("A='two words # $H'  # why", "two words # $H"),
        ('A="two words # here"', "two words # here"),
        (r'A="\"\$H\" $H \n"', r'"$H" /home/ada \n'),
        ("A=$H/x", "/home/ada/x"),
        ("A=${H}x", "/home/adax"),
        (r"A=two\ \$words", "two $words"),
        ("A=b\r", "b"),
        ("\ufeffA=b", "b"),
        ("# A=c\n\nA=x\nA=b", "b"),
    ],
)
def test_a_value_is_what_a_shell_would_take_it_for(line: str, value: str) -> None:
    assert parse(line, {"H": "/home/ada"}) == {"A": value}


def test_a_value_may_name_one_before_it() -> None:
    assert parse("DIR=/keys\nA=$DIR/k", {"DIR": "/elsewhere"})["A"] == "/keys/k"


@pytest.mark.parametrize("line", ["A", "export A", "9A=b", "A='b", 'A="b', "A='b'c", "A=b'c'", "-----BEGIN KEY-----"])
def test_what_is_no_assignment_is_refused_by_its_line(line: str) -> None:
    with pytest.raises(EnvFileError, match=r"^line 2: is not NAME=value"):
        parse(f"B=secret\n{line}", {})


def test_a_variable_that_is_not_set_is_refused_by_its_name() -> None:
    with pytest.raises(EnvFileError, match=r"^line 1: names \$word"):
        parse('A="pass$word"', {})
