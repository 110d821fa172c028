"""Stages that hypothesis puts together: of every kind, with what matters to their order varied."""

from hypothesis import strategies as st

from edgepress_common.spec import (
    ClusterStage,
    ConstantSchedule,
    DistillStage,
    FactorizeStage,
    LayerSelection,
    PatternSchedule,
    PolynomialSchedule,
    PruneChannelsStage,
    PruneStage,
    QuantizeAwareStage,
    Stage,
    TrainStage,
)

_LAYERS = st.sampled_from([LayerSelection(), LayerSelection(exclude=("first", "last"))])
_SPARSITIES = st.sampled_from([0.5, 0.8])
_SCHEDULES = st.one_of(
    st.builds(ConstantSchedule, final_sparsity=_SPARSITIES),
    st.builds(PolynomialSchedule, final_sparsity=_SPARSITIES),
    st.just(PatternSchedule()),
)
_CHOICES = st.sampled_from([None, True, False])

STAGES: st.SearchStrategy[Stage] = st.one_of(
    st.just(TrainStage()),
    st.builds(PruneChannelsStage, layers=_LAYERS),
    st.builds(PruneStage, layers=_LAYERS, schedule=_SCHEDULES),
    st.builds(
        ClusterStage,
        layers=_LAYERS,
        clusters=st.sampled_from([16, 32]),
        per_channel=st.booleans(),
        preserve_sparsity=_CHOICES,
    ),
    st.builds(
        ClusterStage, layers=_LAYERS, clusters=st.sampled_from([16, 32]), block=st.sampled_from(["kernel", "1x4"])
    ),
    st.builds(ClusterStage, clusters=st.sampled_from([16, 32]), centroids=st.just("hashed")),
    st.builds(QuantizeAwareStage, preserve_sparsity=_CHOICES, preserve_clusters=_CHOICES),
    st.just(DistillStage()),
    st.just(FactorizeStage()),
)
