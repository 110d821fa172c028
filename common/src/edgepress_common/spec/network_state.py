"""The traits of a network that later stages depend on, and their texts.

A network has a trait from the stage that adds it until a stage removes it or creates a new network. Every method
declares which traits it gives, keeps and undoes, see `edgepress_common.spec.method`.
"""

from typing import Literal

from edgepress_common.frozen import Frozen

Trait = Literal["zeros", "shared_values", "grid", "shape", "elastic"]
NetworkState = frozenset[Trait]

NEW_NETWORK: NetworkState = frozenset()


class TraitWords(Frozen):
    """How messages describe a trait.

    Attributes:
        noun: What is kept, such as "zeros kept".
        present: Statement about a network with the trait.
        lost: Why a stage that does not keep the trait would destroy it; a method can declare another reason.
        lost_accepted: Orders that work instead; ``{kind}`` is replaced by the stage that would destroy it.
        absent: Statement about a network without the trait.
        absent_accepted: What works instead of keeping the trait.
    """

    noun: str
    present: str
    lost: str
    lost_accepted: str
    absent: str
    absent_accepted: str


TRAITS: dict[Trait, TraitWords] = {
    "zeros": TraitWords(
        noun="zeros",
        present="the network's pruned weights are zero",
        lost="it would change them",
        lost_accepted="{kind} before prune",
        absent="the network has no zeros to keep",
        absent_accepted="null, or a prune stage before it, with no stage between them that removes the zeros",
    ),
    "shared_values": TraitWords(
        noun="shared values",
        present="the network's weights share values",
        lost="further training would change them to different values",
        lost_accepted="{kind} before cluster",
        absent="the network's weights do not share values",
        absent_accepted="null, or cluster before it",
    ),
    "grid": TraitWords(
        noun="int8's grid",
        present="the network's weights lie on int8's grid",
        lost="further training would move them off the grid",
        lost_accepted="quantize_aware last, or followed by distill",
        absent="the network's weights do not lie on int8's grid",
        absent_accepted="null, or quantize_aware before it",
    ),
    "shape": TraitWords(
        noun="shape",
        present="the network has other layers or channels than the model that it started from",
        lost="it would restore the shape of that model",
        lost_accepted="{kind} before the stage that changes the network's shape",
        absent="the network has the shape of the model that it started from",
        absent_accepted="null, or a stage before it that changes the network's shape",
    ),
    "elastic": TraitWords(
        noun="smaller networks within it",
        present="the network can be cut to smaller ones",
        lost="training it alone would change the weights that the smaller ones share with it",
        lost_accepted="{kind} after cut",
        absent="the network is not trained to be cut",
        absent_accepted="elastic before it",
    ),
}
