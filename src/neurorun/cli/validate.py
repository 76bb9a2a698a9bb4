"""`neurorun validate` and `neurorun schema`."""

from pathlib import Path

import click

from neurorun.cli.options import ANY_PATH, overrides_option


@click.command()
@click.argument("config", type=ANY_PATH)
@overrides_option
def validate(config: Path, overrides: tuple[str, ...]) -> None:
    """Check CONFIG and print the resolved plan: what would be done, with every setting.

    Exit code 2 if the configuration is wrong.
    """
    from neurorun.experiment import load_experiment, resolved_plan

    click.echo(resolved_plan(load_experiment(config, overrides)))


@click.command()
@click.option("--task", default="seizure_detection", show_default=True, help="Which task.")
def schema(task: str) -> None:
    """Print the JSON Schema of the configuration.

    Editors complete and check a YAML file whose first line is
    "# yaml-language-server: $schema=schema.json".
    """
    from neurorun.core import to_json
    from neurorun.experiment import experiment_model

    click.echo(to_json(experiment_model(task).model_json_schema(), indent=2))
