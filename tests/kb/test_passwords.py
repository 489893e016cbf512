"""Which passwords may be chosen."""

import pytest

from kb.passwords import WeakPassword, check_password, hashed, matches


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "short"),
        ("x7Kq-pw9Lm2", "short"),
        ("Password1234!", "common"),
        ("qwertyuiop12", "common"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "common"),
        ("quillhaven2026", "common"),
        ("mina@example.com", "common"),
        ("x" * 10_000, "long"),
    ],
)
def test_password_that_is_easily_guessed_is_refused(password: str, why: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        check_password(password, "Mina", "mina@example.com", "Quillhaven")
    assert (caught.value.why, caught.value.field) == (why, "password")


@pytest.mark.parametrize(
    "password",
    ["lamp and chair", "x7Kq-pw9Lm2z", "رمز عبور بلند من", "램프 의자 바다 구름 하늘"],
)
def test_long_and_unusual_one_is_taken_in_any_script(password: str) -> None:
    check_password(password, "Mina", "mina@example.com")
    assert matches(hashed(password), password)
    assert not matches(hashed(password), password + "x")
