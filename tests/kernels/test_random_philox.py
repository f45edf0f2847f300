import numpy as np
import pytest

from pomdft.kernels.random_philox import philox_words, shuffled_order


@pytest.mark.parametrize(
    ("seed", "index", "stream", "purpose", "words"),
    [
        (0, 0, 0, 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            2**64 - 1,
            2**64 - 1,
            2**32 - 1,
            2**32 - 1,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            0x299F31D0A4093822,
            0x85A308D3243F6A88,
            0x13198A2E,
            0x03707344,
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_random123(seed, index, stream, purpose, words):
    index = np.array(index, np.uint64)
    assert philox_words(seed, index, stream, purpose).tolist() == list(words)


def test_words_are_uniform_and_streams_differ():
    words = philox_words(7, np.arange(50_000), 0, 1)
    counts = np.bincount((words >> 24).ravel(), minlength=256)
    expected = words.size / 256
    assert ((counts - expected) ** 2 / expected).sum() < 256 + 5 * np.sqrt(512)
    other = philox_words(7, np.arange(50_000), 1, 1)
    assert not (words == other).all(axis=1).any()


def test_shuffled_order_is_a_permutation_of_its_own():
    order = shuffled_order(3, 0, 101)
    assert sorted(order.tolist()) == list(range(101))
    assert order.tolist() != shuffled_order(3, 1, 101).tolist()
    assert order.tolist() == shuffled_order(3, 0, 101).tolist()
