"""Which metrics an evaluation declares."""

import pytest

from neurorun.evaluation import EvaluationConfig, metric_declarations

pytestmark = pytest.mark.unit


def test_the_usual_rates_give_the_usual_names():
    names = [metric.name for metric in metric_declarations(EvaluationConfig())]
    assert [name for name in names if name.startswith("sensitivity_at")] == [
        "sensitivity_at_10fa",
        "sensitivity_at_5fa",
        "sensitivity_at_2_5fa",
        "sensitivity_at_1fa",
    ]
    assert {"taes", "auroc", "sensitivity", "specificity", "false_alarms_per_24h"} <= set(names)
    assert len(set(names)) == len(names)


def test_a_rate_is_the_same_metric_however_it_is_written():
    written = [EvaluationConfig.model_validate({"fa_rates": rates}) for rates in ([10], [10.0])]
    assert metric_declarations(written[0]) == metric_declarations(written[1])


def test_metrics_are_declared_in_one_order_with_their_method():
    config = EvaluationConfig(metrics=("auroc", "taes"), fa_rates=(2.5,))
    declared = metric_declarations(config)
    assert [metric.name for metric in declared] == [
        "taes",
        "auroc",
        "sensitivity_at_2_5fa",
        "false_alarms_per_24h_at_2_5fa",
    ]
    assert "taes-overlap (neurorun 1)" in declared[0].definition
    assert "overlap (NEDC EEG Eval 6.0.0" in declared[2].definition
    assert [metric.better for metric in declared] == ["higher", "higher", "higher", "lower"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metrics": ["aurocc"]}, r"metrics lists 'aurocc'\. Did you mean 'auroc'\? Known:"),
        (
            {"metrics": ["sensitivity_at_10fa"]},
            r"metrics lists 'sensitivity_at_10fa'; .* List the rate there",
        ),
        ({"fa_rates": [10, 5, 10.0]}, r"fa_rates lists 10 twice; list every rate once"),
        ({"fa_rates": [0]}, r"greater than 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        EvaluationConfig.model_validate(settings)
