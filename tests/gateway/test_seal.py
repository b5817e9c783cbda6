import base64
from itertools import pairwise

import pytest

from gateway.seal import Keyring, Sealed, Unsealable

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SECRET = "sk-planted-91c2"


def test_a_key_comes_back_for_its_own_row_only() -> None:
    ring = Keyring((OLD,))
    sealed = ring.seal(SECRET, project="p1", endpoint="e1")
    assert ring.open(sealed, project="p1", endpoint="e1") == SECRET
    assert SECRET.encode() not in sealed.box and SECRET not in repr(sealed)
    for project, endpoint in (("p2", "e1"), ("p1", "e2"), ("p", "1e1"), ("p1:", "e1")):
        with pytest.raises(Unsealable):
            ring.open(sealed, project=project, endpoint=endpoint)


def test_the_same_key_is_never_sealed_alike() -> None:
    ring = Keyring((OLD,))
    assert ring.seal(SECRET, project="p", endpoint="e") != ring.seal(SECRET, project="p", endpoint="e")


def test_a_changed_byte_is_noticed() -> None:
    ring = Keyring((OLD,))
    sealed = ring.seal(SECRET, project="p", endpoint="e")
    for at in range(len(sealed.box)):
        changed = bytearray(sealed.box)
        changed[at] ^= 1
        with pytest.raises(Unsealable):
            ring.open(Sealed(sealed.key, bytes(changed)), project="p", endpoint="e")


def test_each_round_of_a_rotation_opens_what_its_neighbours_seal() -> None:
    """Processes are restarted one by one: those of two rounds run side by side, and either opens what the other has sealed."""
    rounds = [Keyring(masters) for masters in ((OLD,), (OLD, NEW), (NEW, OLD), (NEW,))]
    for one, next in pairwise(rounds):
        for sealer, opener in ((one, next), (next, one)):
            sealed = sealer.seal(SECRET, project="p", endpoint="e")
            assert opener.open(sealed, project="p", endpoint="e") == SECRET
    with pytest.raises(Unsealable):  # a new key that comes first at once
        rounds[0].open(rounds[2].seal(SECRET, project="p", endpoint="e"), project="p", endpoint="e")


def test_rotation_without_downtime() -> None:
    before, during, after = Keyring((OLD,)), Keyring((NEW, OLD)), Keyring((NEW,))
    sealed = before.seal(SECRET, project="p", endpoint="e")
    assert during.open(sealed, project="p", endpoint="e") == SECRET
    moved = during.reseal(sealed, project="p", endpoint="e")
    assert (
        after.open(moved, project="p", endpoint="e") == SECRET
        and during.reseal(moved, project="p", endpoint="e") is moved
    )
    with pytest.raises(Unsealable, match=sealed.key):
        after.open(sealed, project="p", endpoint="e")


@pytest.mark.parametrize("text", ["", "short", "c2hvcnQ=", base64.b64encode(OLD).decode() + ",x"])
def test_a_setting_that_is_no_keyring(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring.parse(text)


def test_a_setting_holds_several() -> None:
    text = ", ".join(base64.b64encode(master).decode() for master in (NEW, OLD))
    sealed = Keyring((OLD,)).seal(SECRET, project="p", endpoint="e")
    assert Keyring.parse(text).open(sealed, project="p", endpoint="e") == SECRET
